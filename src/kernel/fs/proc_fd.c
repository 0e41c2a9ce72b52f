#include "kernel/fs/proc_fd.h"

#include <fcntl.h>

const char *proc_fd_path(int fd, char *buf)
{
	(void)snprintf(buf, PROC_FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return buf;
}

int proc_fd_reopen_at(int self_fds, int fd, int flags)
{
	char path[PROC_FD_PATH_MAX];
	const char *name = proc_fd_path(fd, path);
	if (self_fds >= 0)
		name += sizeof("/proc/self/fd/") - 1;
	int r = openat(self_fds, name, (flags & ~(O_NOFOLLOW | O_CREAT | O_EXCL)) | O_CLOEXEC | O_NOCTTY);
	if (r >= 0)
		return r;
	return errno == EMFILE ? -ENFILE : -errno;
}

int proc_fd_reopen(int fd, int flags)
{
	return proc_fd_reopen_at(-1, fd, flags);
}
