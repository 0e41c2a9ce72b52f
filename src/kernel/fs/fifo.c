/* Fifos of ours: of tmpfs, and those of an overlay's lower layers. */
#include "kernel/fs/fifo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tmp_dir.h"
#include "kernel/fs/proc_fd.h"

static int host_error(void)
{
	return errno == EMFILE ? -ENFILE : -errno;
}

static int make_in(const char *dir)
{
	AUTO_FREE char *path = NULL;
	if (asprintf(&path, "%s/fifo", dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (mkfifo(path, 0666) < 0)
		return host_error();
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? host_error() : fd;
	(void)unlink(path);
	return r;
}

int fifo_create(void)
{
	AUTO_FREE char *dir = NULL;
	if (asprintf(&dir, "%s/trapline-fifo-XXXXXX", tmp_dir()) < 0) {
		dir = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(dir))
		return host_error();
	int r = make_in(dir);
	(void)rmdir(dir);
	return r;
}

bool fifo_open_waits(int flags)
{
	return !(flags & (O_PATH | O_NONBLOCK)) && (flags & O_ACCMODE) != O_RDWR;
}

int fifo_open(int fd, int flags, struct vfs_opened *ret)
{
	bool waits = fifo_open_waits(flags);
	int r = proc_fd_reopen(fd, waits ? O_PATH : flags);
	if (r < 0)
		return r;
	*ret = (struct vfs_opened){.fd = r, .blocks = waits, .flags = flags};
	return 0;
}
