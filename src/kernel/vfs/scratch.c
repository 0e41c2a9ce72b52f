/*
 * Scratch directories: what a guest's descriptor of a virtual directory stands on. Each is made, opened and removed at
 * once, so nothing stays behind and nothing is ever in it; it lives on behind its descriptors.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/vfs/vfs_private.h"

enum { NAMES_TRIED = 1000 };

int scratch_init(struct scratch *s, const char *place)
{
	const char *tmp = place ? place : getenv("TMPDIR");
	s->dir_fd = s->inotify_fd = -1;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->place = strdup(tmp && *tmp ? tmp : "/tmp");
	return s->place ? 0 : -ENOMEM;
}

void scratch_finish(struct scratch *s)
{
	if (!s->place)
		return;
	if (s->dir_fd >= 0)
		(void)close(s->dir_fd);
	if (s->inotify_fd >= 0)
		(void)close(s->inotify_fd);
	free(s->place);
	(void)pthread_mutex_destroy(&s->lock);
}

/* scratch.lock held. The new directory, which exists no more: O_PATH. */
static int make_locked(struct scratch *s)
{
	if (s->dir_fd < 0)
		s->dir_fd = open(s->place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return -errno;
	for (int i = 0; i < NAMES_TRIED; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), ".trapline-%d-%u", getpid(), s->serial++);
		if (mkdirat(s->dir_fd, name, 0700) == 0) {
			int fd = openat(s->dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			int err = errno;
			(void)unlinkat(s->dir_fd, name, AT_REMOVEDIR);
			return fd < 0 ? -err : fd;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* Failures of the host that the guest's call has no errno for. */
static int host_failure(int err)
{
	return err == -ENOMEM || err == -ENOSPC ? -ENOMEM : -ENFILE;
}

int scratch_open(struct vfs *v, const struct path *p, int flags)
{
	struct scratch *s = &v->scratch;
	int fd = registry_reopen_scratch(v, p, flags);
	if (fd != -ENOENT)
		return fd;
	(void)pthread_mutex_lock(&s->lock);
	fd = registry_reopen_scratch(v, p, flags);
	if (fd == -ENOENT) {
		int base = make_locked(s);
		int err = base < 0 ? host_failure(base) : registry_add(v, base, p, BACKING_SCRATCH);
		if (err && base >= 0)
			(void)close(base);
		fd = err ? err : registry_reopen_scratch(v, p, flags);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return fd;
}
