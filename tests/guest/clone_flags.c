/* clone with the flag sets that glibc, Go and others use: the child runs, is what it should be, and is reaped. */
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#include "guest.h"

#define STACK (64 * 1024)

static char *stack;
static atomic_int cleared, done;

static int exits_seven(void *arg)
{
	(void)arg;
	return 7;
}

static int marks_done(void *arg)
{
	(void)arg;
	atomic_store(&done, (int)syscall(SYS_gettid));
	return 0;
}

static pid_t start(int (*fn)(void *), int flags, pid_t *ptid, pid_t *ctid)
{
	pid_t pid = clone(fn, stack + STACK, flags, NULL, ptid, NULL, ctid);

	CHECK(pid > 0);
	return pid;
}

/* What glibc's fork uses, and the variants of it. */
static void processes(void)
{
	static const int sets[] = {
		SIGCHLD, 0, SIGUSR1, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VFORK | SIGCHLD, CLONE_FILES | SIGCHLD,
		CLONE_FS | SIGCHLD, CLONE_SIGHAND | CLONE_VM | SIGCHLD, CLONE_SYSVSEM | SIGCHLD, CLONE_IO | SIGCHLD,
		CLONE_FILES | CLONE_FS | CLONE_IO | CLONE_SYSVSEM | SIGCHLD,
	};

	guest_handle(SIGUSR1, SIG_IGN, 0);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		guest_wait_exit(start(exits_seven, sets[i], NULL, NULL), 7);
}

static void child_tids(void)
{
	pid_t *ids = guest_shared(2 * sizeof(*ids));
	pid_t pid;

	ids[0] = -1;
	ids[1] = -1;
	pid = start(exits_seven, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, &ids[0], &ids[1]);
	CHECK_EQ(ids[0], pid);
	guest_wait_exit(pid, 7);
	CHECK_EQ(ids[1], pid);		/* not cleared: nobody shares the memory map */
}

static void pidfd(void)
{
	int fd = -1;
	struct pollfd p = {.events = POLLIN};
	pid_t pid = start(exits_seven, CLONE_PIDFD | SIGCHLD, &fd, NULL);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	p.fd = fd;
	CHECK_EQ(poll(&p, 1, 10000), 1);
	guest_wait_exit(pid, 7);
	close(fd);
}

/* CLONE_PARENT: the grandchild is our child. */
static void sibling(void)
{
	pid_t *made = guest_shared(sizeof(*made));
	pid_t child = guest_fork();

	if (child == 0) {
		*made = start(exits_seven, CLONE_PARENT | SIGCHLD, NULL, NULL);
		_exit(0);
	}
	guest_wait_exit(child, 0);
	guest_wait_exit(*made, 7);
}

/* Threads: Go's set, and Go's or glibc's with the TID words. */
static void threads(void)
{
	static const int go = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
	pid_t ptid = -1, tid;

	for (int i = 0; i < 20; i++) {
		atomic_store(&done, 0);
		atomic_store(&cleared, 1);
		tid = start(marks_done, go | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, &ptid, (pid_t *)&cleared);
		CHECK_EQ(ptid, tid);
		while (atomic_load(&cleared))
			syscall(SYS_futex, &cleared, FUTEX_WAIT, 1, NULL, NULL, 0);
		CHECK_EQ(atomic_load(&done), tid);
		CHECK_EQ(waitpid(tid, NULL, __WALL | WNOHANG), -1);
	}
}

int main(void)
{
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	CHECK(stack != MAP_FAILED);
	processes();
	child_tids();
	pidfd();
	sibling();
	threads();
	return 0;
}
