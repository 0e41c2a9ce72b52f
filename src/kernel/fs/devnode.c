#include "kernel/fs/devnode.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "kernel/fs/proc_fd.h"

/* Numbers of Documentation/admin-guide/devices.txt. */
const struct devnode devnodes[] = {
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
	{"ptmx", 5, 2},
};
const size_t devnode_count = ARRAY_SIZE(devnodes);

/* Only if the host's node is the device: its /dev may be anything. */
static int open_host_node(const struct devnode *d, int flags)
{
	char path[32];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/dev/%s", d->name);
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : -ENXIO;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(d->major, d->minor))
		return -ENXIO;
	return proc_fd_reopen(fd, flags & ~O_TRUNC);
}

int devnode_open(mode_t type, dev_t rdev, int flags, struct vfs_opened *ret)
{
	for (size_t i = 0; type == S_IFCHR && i < devnode_count; i++) {
		const struct devnode *d = &devnodes[i];
		if (rdev != makedev(d->major, d->minor))
			continue;
		int fd = open_host_node(d, flags);
		if (fd < 0)
			return fd;
		*ret = (struct vfs_opened){.fd = fd, .flags = flags};
		return 0;
	}
	return -ENXIO;
}
