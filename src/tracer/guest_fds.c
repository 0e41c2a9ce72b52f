#include "tracer/guest_fds.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "tracer/proc_status.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL	/* Linux 6.9 */
#endif

void guest_fds_init(struct guest_fds *g)
{
	*g = (struct guest_fds){0};
	(void)pthread_mutex_init(&g->lock, NULL);
}

static void drop(struct guest_fds *g, size_t slot)
{
	if (g->slots[slot].tid)
		(void)close(g->slots[slot].pidfd);
	g->slots[slot].tid = 0;
}

void guest_fds_finish(struct guest_fds *g)
{
	for (size_t i = 0; i < GUEST_FDS_SLOTS; i++)
		drop(g, i);
	(void)pthread_mutex_destroy(&g->lock);
}

static int open_task(struct guest_fds *g, pid_t tid)
{
	int fd = -1;
	if (!g->no_threads) {
		fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
		g->no_threads = fd < 0 && errno == EINVAL;
	}
	if (g->no_threads) {
		pid_t tgid = proc_status_pid(tid, "Tgid");
		fd = tgid ? (int)syscall(SYS_pidfd_open, tgid, 0) : -1;
		if (!tgid)
			return -ESRCH;
	}
	return fd < 0 ? -errno : fd;
}

/* Errors of ours are told from the guest's: pidfd_getfd(2) has EBADF for both, but ours is a pidfd that we hold. */
static int duplicate(int pidfd, int fd)
{
	int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (got >= 0)
		return got;
	return errno == EMFILE || errno == ENFILE ? -ENFILE : -errno;
}

static int get(struct guest_fds *g, pid_t tid, int fd)
{
	size_t slot = (size_t)(unsigned)tid % GUEST_FDS_SLOTS;
	if (g->slots[slot].tid == tid) {
		int got = duplicate(g->slots[slot].pidfd, fd);
		if (got != -ESRCH)
			return got;
		/* The number may be another task's by now. */
	}
	drop(g, slot);
	int pidfd = open_task(g, tid);
	if (pidfd < 0)
		return pidfd == -EMFILE ? -ENFILE : pidfd;
	g->slots[slot].tid = tid;
	g->slots[slot].pidfd = pidfd;
	return duplicate(pidfd, fd);
}

int guest_fds_get(struct guest_fds *g, pid_t tid, int fd, int *ret)
{
	(void)pthread_mutex_lock(&g->lock);
	int got = get(g, tid, fd);
	(void)pthread_mutex_unlock(&g->lock);
	if (got < 0)
		return got;
	*ret = got;
	return 0;
}

void guest_fds_ended(struct guest_fds *g, pid_t tid)
{
	size_t slot = (size_t)(unsigned)tid % GUEST_FDS_SLOTS;
	(void)pthread_mutex_lock(&g->lock);
	if (g->slots[slot].tid == tid)
		drop(g, slot);
	(void)pthread_mutex_unlock(&g->lock);
}
