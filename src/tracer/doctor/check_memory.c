/* The ways into another process's memory and descriptors. */
#include "tracer/doctor/checks.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const char secret[] = "trapline doctor";

static pid_t start_idle_child(void)
{
	pid_t pid = attempt_fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	return pid < 0 ? -errno : pid;
}

static long try_process_vm_readv(void *ctx UNUSED)
{
	char copy[sizeof(secret)];
	struct iovec local = { copy, sizeof(copy) }, remote = { (void *)(uintptr_t)secret, sizeof(secret) };
	pid_t pid = start_idle_child();

	if (pid < 0)
		return pid;
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0)
		return -errno;
	return memcmp(copy, secret, sizeof(copy)) ? -EPROTO : 0;
}

void check_process_vm_readv(struct finding *f)
{
	(void)finding_try(f, try_process_vm_readv);
}

void check_proc(struct finding *f)
{
	char self[16] = "";
	char want[16];

	(void)snprintf(want, sizeof(want), "%d", getpid());
	if (readlink("/proc/self", self, sizeof(self) - 1) < 0) {
		f->error = -errno;
		finding_set(f, FINDING_NO, "not mounted");
	} else if (strcmp(self, want) != 0) {
		finding_set(f, FINDING_NO, "of another one: %s for %s", self, want);
	} else {
		finding_set(f, FINDING_OK, "mounted");
	}
}

static long try_proc_mem(void *ctx UNUSED)
{
	char copy[sizeof(secret)], path[32];
	pid_t pid = start_idle_child();
	int fd;

	if (pid < 0)
		return pid;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, copy, sizeof(copy), (off_t)(uintptr_t)secret) < 0)
		return -errno;
	if (pwrite(fd, copy, sizeof(copy), (off_t)(uintptr_t)secret) < 0)
		return -errno;
	return memcmp(copy, secret, sizeof(copy)) ? -EPROTO : 0;
}

void check_proc_mem(struct finding *f)
{
	(void)finding_try(f, try_proc_mem);
}

static long try_pidfd_getfd(void *ctx UNUSED)
{
	pid_t pid = start_idle_child();
	long pidfd;

	if (pid < 0)
		return pid;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0) < 0)
		return errno == EBADF ? 0 : -errno;	/* allowed, only stderr is closed */
	return 0;
}

void check_pidfd_getfd(struct finding *f)
{
	(void)finding_try(f, try_pidfd_getfd);
}
