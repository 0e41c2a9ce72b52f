#include "tracer/event_memory.h"
#include "tracer/memory.h"
#include "tracer/notify/notify_private.h"

#include <sys/ioctl.h>

int notified_still_waits(const struct notified_event *ev)
{
	uint64_t id = ev->id;
	return ioctl(ev->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -ESRCH : 0;
}

static int guest_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	int r = event_read(ev, from, to, len);
	int alive = notified_still_waits((struct notified_event *)ev);
	return alive < 0 ? alive : r;
}

static int guest_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	/* Before the write: a dead caller's tid must not be written to. The task waits for us, so it stays itself. */
	int alive = notified_still_waits((struct notified_event *)ev);
	return alive < 0 ? alive : memory_write(ev->tid, to.addr, from, len);
}

static ssize_t guest_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	ssize_t n = event_read_string(ev, from, to, size);
	int alive = notified_still_waits((struct notified_event *)ev);
	return alive < 0 ? alive : n;
}

static int guest_get_fd(struct call_event *ev, int guest_fd, int *ret_fd)
{
	struct notified_event *e = (struct notified_event *)ev;
	int fd;
	int r = guest_fds_get(&e->notify->session->guest_fds, ev->tid, guest_fd, &fd);
	if (r < 0)
		return r;
	r = notified_still_waits(e);
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

const struct guest_ops notified_guest_ops = {
	.read = guest_read,
	.write = guest_write,
	.read_string = guest_read_string,
	.get_fd = guest_get_fd,
};
