/* The other two ways into an x86-64 kernel. A filter that forgets them has a hole, so it matters whether they exist. */
#include "tracer/doctor/checks.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define X32_SYSCALL_BIT 0x40000000L
#define I386_BASE 0x08048000u
#define I386_STATUS 42

static bool is_x86_64(struct finding *f)
{
	struct utsname u;

	if (uname(&u) == 0 && !strcmp(u.machine, "x86_64"))
		return true;
	finding_set(f, FINDING_NA, "only x86-64 has it");
	return false;
}

/* A whole i386 program: exit(42) by int 0x80. */
struct i386_program {
	Elf32_Ehdr head;
	Elf32_Phdr segment;
	unsigned char code[12];
};

static const struct i386_program exit_42 = {
	.head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = I386_BASE + offsetof(struct i386_program, code),
		.e_phoff = offsetof(struct i386_program, segment),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	},
	.segment = {
		.p_type = PT_LOAD,
		.p_vaddr = I386_BASE,
		.p_filesz = sizeof(struct i386_program),
		.p_memsz = sizeof(struct i386_program),
		.p_flags = PF_R | PF_X,
		.p_align = 4096,
	},
	/* mov eax, 1; mov ebx, 42; int 0x80 */
	.code = { 0xb8, 1, 0, 0, 0, 0xbb, I386_STATUS, 0, 0, 0, 0xcd, 0x80 },
};

static int exec_i386(void)
{
	char name[] = "i386";
	char *const argv[] = { name, NULL }, *const envp[] = { NULL };
	int fd = memfd_create("i386", MFD_CLOEXEC);

	if (fd < 0)
		return errno;
	if (write(fd, &exit_42, sizeof(exit_42)) != (ssize_t)sizeof(exit_42))
		return EIO;
	(void)fexecve(fd, argv, envp);
	return errno;
}

/* The errno of a failed exec comes back in the exit status, above 100 to be told from the program's own. */
static long try_i386(void *ctx UNUSED)
{
	pid_t pid = attempt_fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(100 + exec_i386());
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (!WIFEXITED(status))
		return -EPERM;	/* killed by an outer filter that does not want such calls */
	return WEXITSTATUS(status) == I386_STATUS ? 0 : 100 - WEXITSTATUS(status);
}

void check_i386(struct finding *f)
{
	if (!is_x86_64(f))
		return;
	if (finding_try(f, try_i386) >= 0)
		finding_set(f, FINDING_INFO, "32-bit programs run; their calls are recognised by audit arch");
	else
		finding_set(f, FINDING_INFO, "cannot be made here (%s)", f->error == -ENOEXEC ? "ENOEXEC" : "refused");
}

static long try_x32(void *ctx UNUSED)
{
	return syscall(SYS_getpid | X32_SYSCALL_BIT) < 0 ? -errno : 0;
}

void check_x32(struct finding *f)
{
	if (!is_x86_64(f))
		return;
	if (finding_try(f, try_x32) >= 0)
		finding_set(f, FINDING_INFO, "x32 calls run; recognised by bit 30 of the number");
	else
		finding_set(f, FINDING_INFO, "not in this kernel (%s)", f->error == -ENOSYS ? "ENOSYS" : "refused");
}
