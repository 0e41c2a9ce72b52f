/*
 * /dev/tty is the terminal of who opens it, and it is we who open for a guest: right as long as the guest's is ours. A
 * task with a terminal of its own (a login, a terminal multiplexer) gets that one by its own name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "kernel/vfs/vfs_private.h"

enum { TTY_MAJOR = 4, FIRST_SERIAL = 64, PTS_MAJOR = 136, PTS_MAJOR_LAST = 143 };

/* tty_nr of proc_pid_stat(5); 0: none. */
static unsigned terminal_of(pid_t tid)
{
	char path[64];
	char line[1024];
	unsigned number = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (len <= 0)
		return 0;
	line[len] = '\0';
	const char *rest = strrchr(line, ')');	/* the name before it may hold anything */
	if (!rest || sscanf(rest, ") %*c %*d %*d %*d %u", &number) != 1)
		return 0;
	return number;
}

/* new_encode_dev of Linux. */
static dev_t device_of(unsigned number)
{
	return makedev(number >> 8 & 0xfff, (number & 0xff) | (number >> 12 & 0xfff00));
}

static int name_of(dev_t dev, char *buf, size_t size)
{
	unsigned first = major(dev);
	if (first >= PTS_MAJOR && first <= PTS_MAJOR_LAST)
		return snprintf(buf, size, "/dev/pts/%u", (first - PTS_MAJOR) * 256 + minor(dev));
	if (first != TTY_MAJOR)
		return -ENXIO;
	if (minor(dev) < FIRST_SERIAL)
		return snprintf(buf, size, "/dev/tty%u", minor(dev));
	return snprintf(buf, size, "/dev/ttyS%u", minor(dev) - FIRST_SERIAL);
}

static bool is_dev_tty(struct inode *inode)
{
	struct statx stx;
	return inode->type == S_IFCHR && inode->ops->getattr(inode, &stx) == 0 && stx.stx_rdev_major == 5 &&
	       stx.stx_rdev_minor == 0;
}

int tty_open_own(const struct walk_env *env, struct inode *inode, int flags, struct vfs_opened *ret)
{
	char name[32];
	struct stat st;
	if (!env->tid || !is_dev_tty(inode))
		return 1;
	unsigned number = terminal_of(env->tid);
	if (!number)
		return -ENXIO;
	if (number == terminal_of(getpid()))
		return 1;
	int r = name_of(device_of(number), name, sizeof(name));
	if (r < 0)
		return r;
	int fd = open(name, flags | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : -errno;
	/* The host's /dev may have another terminal by this name. */
	if (fstat(fd, &st) < 0 || st.st_rdev != device_of(number)) {
		(void)close(fd);
		return -ENXIO;
	}
	*ret = (struct vfs_opened){.fd = fd, .flags = flags};
	return 0;
}
