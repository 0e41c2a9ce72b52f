/*
 * New threads find their registers as clone(2) leaves them, while the thread group's leader is in calls whose arguments
 * trapline changes. (A child that stopped before its maker's event was once given the changed arguments of the leader.)
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHILDREN = 300, STACK = 65536 };

static atomic_bool done;

#ifdef __x86_64__
static volatile int wrong;
static char stack[STACK] __attribute__((aligned(16)));
static _Atomic int child;

static long make_thread(void)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			   CLONE_CHILD_CLEARTID;
	register long r10 __asm__("r10") = (long)&child;
	register long r8 __asm__("r8") = 0;
	long ret;
	child = 1;
	/* In the child rsi still is what was given as the stack, and so is rsp. */
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "cmp %%rsp, %%rsi\n\t"
			 "je 2f\n\t"
			 "movl $1, %[wrong]\n"
			 "2:\n\t"
			 "mov $60, %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret), [wrong] "+m"(wrong)
			 : "0"(SYS_clone), "D"(flags), "S"(stack + STACK), "d"(0), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static void *make_threads(void *unused)
{
	for (int i = 0; i < CHILDREN && !wrong; i++) {
		if (make_thread() < 0)
			wrong = 2;
		while (child && wrong != 2)
			(void)syscall(SYS_futex, &child, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
	done = 1;
	return unused;
}
#else
static const int wrong;

static void *make_threads(void *unused)
{
	done = 1;
	return unused;
}
#endif

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, make_threads, NULL) != 0)
		return 2;
	while (!done) {
		int fd = open("/dev/null", O_RDONLY);
		if (fd >= 0)
			(void)close(fd);
	}
	(void)pthread_join(thread, NULL);
	printf("wrong %d\n", wrong);
	return wrong;
}
