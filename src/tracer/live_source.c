#include "tracer/live_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracer/live_pid.h"
#include "tracer/live_socket.h"
#include "tracer/memory.h"

static struct live_source *self(struct decode_source *src)
{
	return (struct live_source *)src;
}

static int live_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	return memory_read(self(src)->tid, addr, buf, len);
}

static ssize_t live_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	return memory_read_string(self(src)->tid, addr, buf, max, ret_complete);
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

static const struct decode_source_ops live_ops = {
	.read = live_read,
	.read_string = live_read_string,
	.fd_path = live_fd_path,
	.fd_socket = live_fd_socket,
	.pid_note = live_pid_note_of,
};

void live_source_init(struct live_source *s, pid_t tid, pid_t tgid)
{
	*s = (struct live_source){.base.ops = &live_ops, .tid = tid, .tgid = tgid};
}
