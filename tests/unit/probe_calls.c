/*
 * Enters every call number of an ABI and carries none of them out: what a tracer shows of them is then its table.
 * probe_calls x86_64|i386|x32: exits with 0, or 77 where the machine cannot.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIMIT 560
#define MARK 0x7472	/* the last argument of the exit that is let through */

#ifdef __x86_64__
static void enter_i386(long nr)
{
	long ret = nr;

	__asm__ volatile("int $0x80" : "+a"(ret)
			 : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L) : "memory", "cc", "r8", "r9", "r10", "r11");
}

static void enter_x86_64(long nr)
{
	(void)syscall(nr, 0L, 0L, 0L, 0L, 0L, 0L);
}

static int refuse_all(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 77;
	return 0;
}

static void enter(const char *abi, long nr)
{
	if (!strcmp(abi, "i386"))
		enter_i386(nr);
	else if (!strcmp(abi, "x32"))
		enter_x86_64(nr | 0x40000000);
	else if (nr != 335 && nr != 336)	/* uretprobe and uprobe raise SIGILL before any filter runs */
		enter_x86_64(nr);
}

int main(int argc, char **argv)
{
	int r = argc == 2 ? refuse_all() : 2;

	for (long nr = 0; !r && nr < LIMIT; nr++)
		enter(argv[1], nr);
	/* MARK & 0xff is the status: the caller looks for it to know that all numbers were tried. */
	(void)syscall(SYS_exit_group, r ? r : MARK);
	return r;
}
#else
int main(void)
{
	return 77;
}
#endif
