#include "tracer/event_memory.h"
#include "tracer/memory.h"
#include "tracer/notify/notify_private.h"

#include <fcntl.h>
#include <sys/ioctl.h>

/* No task's number is given to another within this time: all others have to be given first. */
enum { SURE_NS = 1000000 };

int notified_still_waits(struct notified_event *ev)
{
	uint64_t id = ev->id;
	const uint64_t begun = now_ns();
	if (ioctl(ev->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return -ESRCH;
	ev->valid_ns = begun;
	return 0;
}

/*
 * Is tid the caller's still, or nobody's? A check (receiving the call is the first) may be this old: whoever checks
 * right before the use is no surer, since the task may die in between.
 */
static int is_callers(struct notified_event *ev)
{
	return ev->valid_ns && now_ns() - ev->valid_ns < SURE_NS ? 0 : notified_still_waits(ev);
}

/*
 * An open of what is there. If the caller died, and what was read was another's, the descriptor cannot be installed,
 * and nothing was done.
 */
static bool changes_nothing(const struct call_event *ev)
{
	uint64_t flags = ev->args[ev->id == CALL_open ? 1 : 2];
	return (ev->id == CALL_open || ev->id == CALL_openat) && !(flags & (O_CREAT | O_TRUNC | O_TMPFILE));
}

static int guest_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	int r = event_read(ev, from, to, len);
	int alive = is_callers((struct notified_event *)ev);
	return alive < 0 ? alive : r;
}

static int guest_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	/* Before the write: a dead caller's tid must not be written to. The task waits for us, so it stays itself. */
	int alive = is_callers((struct notified_event *)ev);
	return alive < 0 ? alive : memory_write(ev->tid, to.addr, from, len);
}

static ssize_t guest_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	ssize_t n = event_read_string(ev, from, to, size);
	if (changes_nothing(ev))
		return n;
	int alive = is_callers((struct notified_event *)ev);
	return alive < 0 ? alive : n;
}

static int guest_get_fd(struct call_event *ev, int guest_fd, int *ret_fd)
{
	struct notified_event *e = (struct notified_event *)ev;
	int fd;
	int r = guest_fds_get(&e->notify->session->guest_fds, ev->tid, guest_fd, &fd);
	if (r < 0)
		return r;
	r = is_callers(e);
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int64_t guest_count_fds(struct call_event *ev)
{
	struct notified_event *e = (struct notified_event *)ev;
	return guest_fds_count(&e->notify->session->guest_fds, ev->tid);
}

const struct guest_ops notified_guest_ops = {
	.read = guest_read,
	.write = guest_write,
	.read_string = guest_read_string,
	.get_fd = guest_get_fd,
	.count_fds = guest_count_fds,
};
