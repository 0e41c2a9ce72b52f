#include "tracer/guest_fds.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tracer/proc_status.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL	/* Linux 6.9 */
#endif

void guest_fds_init(struct guest_fds *g)
{
	*g = (struct guest_fds){0};
	for (size_t i = 0; i < GUEST_FDS_SLOTS; i++)
		(void)pthread_mutex_init(&g->slots[i].lock, NULL);
}

static void drop(struct guest_fds_slot *slot)
{
	if (slot->tid)
		(void)close(slot->pidfd);
	if (slot->tid && slot->dir >= 0)
		(void)close(slot->dir);
	slot->tid = 0;
}

void guest_fds_finish(struct guest_fds *g)
{
	for (size_t i = 0; i < GUEST_FDS_SLOTS; i++) {
		drop(&g->slots[i]);
		(void)pthread_mutex_destroy(&g->slots[i].lock);
	}
}

static struct guest_fds_slot *slot_of(struct guest_fds *g, pid_t tid)
{
	return &g->slots[(size_t)(unsigned)tid % GUEST_FDS_SLOTS];
}

static int open_task(struct guest_fds *g, pid_t tid)
{
	int fd = -1;
	if (!atomic_load(&g->no_threads)) {
		fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
		if (fd < 0 && errno == EINVAL)
			atomic_store(&g->no_threads, true);
	}
	if (atomic_load(&g->no_threads)) {
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

/* What the slot had was another task's. */
static int take_slot(struct guest_fds *g, struct guest_fds_slot *slot, pid_t tid)
{
	drop(slot);
	int pidfd = open_task(g, tid);
	if (pidfd < 0)
		return pidfd == -EMFILE ? -ENFILE : pidfd;
	slot->tid = tid;
	slot->pidfd = pidfd;
	slot->dir = -1;
	return 0;
}

static int get(struct guest_fds *g, struct guest_fds_slot *slot, pid_t tid, int fd)
{
	if (slot->tid == tid) {
		int got = duplicate(slot->pidfd, fd);
		if (got != -ESRCH)
			return got;
		/* The number may be another task's by now. */
	}
	int r = take_slot(g, slot, tid);
	return r < 0 ? r : duplicate(slot->pidfd, fd);
}

int guest_fds_get(struct guest_fds *g, pid_t tid, int fd, int *ret)
{
	struct guest_fds_slot *slot = slot_of(g, tid);
	(void)pthread_mutex_lock(&slot->lock);
	int got = get(g, slot, tid, fd);
	(void)pthread_mutex_unlock(&slot->lock);
	if (got < 0)
		return got;
	*ret = got;
	return 0;
}

/* As a directory of procfs knows its task as a pidfd does: when that is no more, its size is -ENOENT. */
static int64_t size_of_dir(int dir)
{
	struct stat st;
	return fstat(dir, &st) < 0 ? -errno : (int64_t)st.st_size;
}

static int64_t count(struct guest_fds *g, struct guest_fds_slot *slot, pid_t tid)
{
	char path[64];
	if (slot->tid == tid && slot->dir >= 0) {
		int64_t n = size_of_dir(slot->dir);
		if (n >= 0)
			return n;
	}
	int r = take_slot(g, slot, tid);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)tid);
	slot->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return slot->dir < 0 ? -errno : size_of_dir(slot->dir);
}

int64_t guest_fds_count(struct guest_fds *g, pid_t tid)
{
	struct guest_fds_slot *slot = slot_of(g, tid);
	(void)pthread_mutex_lock(&slot->lock);
	int64_t n = count(g, slot, tid);
	(void)pthread_mutex_unlock(&slot->lock);
	return n;
}

void guest_fds_ended(struct guest_fds *g, pid_t tid)
{
	struct guest_fds_slot *slot = slot_of(g, tid);
	(void)pthread_mutex_lock(&slot->lock);
	if (slot->tid == tid)
		drop(slot);
	(void)pthread_mutex_unlock(&slot->lock);
}
