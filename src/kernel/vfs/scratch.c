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
	s->dir_fd = s->inotify_fd = -1;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->place = strdup(place ? place : "");
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

/* A directory that exists no more: O_PATH. */
static int make_in(struct scratch *s, int dir_fd)
{
	for (int i = 0; i < NAMES_TRIED; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), ".trapline-%d-%u", getpid(), s->serial++);
		if (mkdirat(dir_fd, name, 0700) == 0) {
			int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			int err = errno;
			(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
			return fd < 0 ? -err : fd;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* Directories are listed with 63-bit cursors, which ext4 has no offsets for in a directory that was removed; tmpfs has. */
static bool seeks_anywhere(int dir_fd)
{
	AUTO_CLOSE int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && lseek(fd, INT64_MAX, SEEK_SET) == INT64_MAX;
}

/* Is place usable? Then it is the place if it is the first, or better than what was found before. */
static int try_place(struct scratch *s, const char *place, bool *good)
{
	AUTO_CLOSE int dir = place && *place ? open(place, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return place && *place ? -errno : -ENOENT;
	AUTO_CLOSE int made = make_in(s, dir);
	if (made < 0)
		return made;
	*good = seeks_anywhere(made);
	if (s->dir_fd < 0 || *good) {
		if (s->dir_fd >= 0)
			(void)close(s->dir_fd);
		s->dir_fd = dir;
		dir = -1;
	}
	return 0;
}

/* scratch.lock held. */
static int find_place(struct scratch *s)
{
	const char *const places[] = {s->place, getenv("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"};
	bool good = false;
	int err = 0;
	for (size_t i = 0; i < ARRAY_SIZE(places) && !good; i++) {
		int r = try_place(s, places[i], &good);
		if (r && r != -ENOENT)
			err = r;
	}
	return s->dir_fd >= 0 ? 0 : err ? err : -ENOENT;
}

/* scratch.lock held. */
static int make_locked(struct scratch *s)
{
	int err = s->dir_fd < 0 ? find_place(s) : 0;
	return err ? err : make_in(s, s->dir_fd);
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
