#include "tracer/live_source.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/live_pid.h"
#include "tracer/live_socket.h"
#include "tracer/memory.h"

static struct live_source *self(struct decode_source *src)
{
	return (struct live_source *)src;
}

/* The bytes from addr on, and in *ret_len how many; NULL if there are none. */
static const char *late_bytes(const struct live_late *late, uint64_t addr, size_t *ret_len)
{
	if (addr < late->addr || addr - late->addr >= late->len)
		return NULL;
	*ret_len = late->len - (size_t)(addr - late->addr);
	return (const char *)late->bytes + (addr - late->addr);
}

static int live_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	size_t have;
	const char *bytes = late_bytes(&self(src)->late, addr, &have);
	if (!bytes || have < len)
		return memory_read(self(src)->tid, addr, buf, len);
	memcpy(buf, bytes, len);
	return 0;
}

static ssize_t live_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	size_t have;
	const char *bytes = late_bytes(&self(src)->late, addr, &have);
	size_t len = bytes ? strnlen(bytes, have < max ? have : max) : 0;
	if (!bytes || (len == have && have < max))
		return memory_read_string(self(src)->tid, addr, buf, max, ret_complete);
	memcpy(buf, bytes, len);
	*ret_complete = len < have && len < max;
	return (ssize_t)len;
}

static ssize_t live_fd_path(struct decode_source *src, int fd, char *buf, size_t size)
{
	char link[64];
	if (fd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", self(src)->tid);
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", self(src)->tid, fd);
	ssize_t n = readlink(link, buf, size);
	return n < 0 ? -errno : n;
}

static ssize_t live_fd_socket(struct decode_source *src, int fd, char *buf, size_t size)
{
	return live_descriptor(self(src)->tid, self(src)->tgid, fd, buf, size);
}

static int live_pid_note_of(struct decode_source *src, pid_t pid, struct pid_note *ret)
{
	return live_pid_note(self(src)->tid, pid, ret);
}

/* Only the namespace that trapline is in can be asked without entering another. */
static bool shares_network(pid_t tid)
{
	struct stat here, there;
	char ns[64];
	(void)snprintf(ns, sizeof(ns), "/proc/%d/ns/net", tid);
	return stat("/proc/thread-self/ns/net", &here) == 0 && stat(ns, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

static ssize_t live_interface_name(struct decode_source *src, uint32_t index, char *buf, size_t size)
{
	struct ifreq request = {.ifr_ifindex = (int)index};
	if (!shares_network(self(src)->tid))
		return -EXDEV;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int err = ioctl(fd, SIOCGIFNAME, &request) < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	size_t len = strnlen(request.ifr_name, sizeof(request.ifr_name));
	if (len > size)
		return -ENAMETOOLONG;
	memcpy(buf, request.ifr_name, len);
	return (ssize_t)len;
}

static const struct decode_source_ops live_ops = {
	.read = live_read,
	.read_string = live_read_string,
	.fd_path = live_fd_path,
	.fd_socket = live_fd_socket,
	.pid_note = live_pid_note_of,
	.interface_name = live_interface_name,
};

void live_source_init(struct live_source *s, pid_t tid, pid_t tgid)
{
	*s = (struct live_source){.base.ops = &live_ops, .tid = tid, .tgid = tgid};
}
