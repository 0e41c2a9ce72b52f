/*
 * Scratch directories: what a guest's descriptor of a virtual directory stands on. Each is made, opened and removed at
 * once, so nothing stays behind and nothing is ever in it; it lives on behind its descriptors.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/tmp_dir.h"
#include "kernel/vfs/vfs_private.h"

enum { NAMES_TRIED = 1000 };

int scratch_init(struct scratch *s, const char *place)
{
	s->dir_fd = -1;
	s->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
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
		/*
		 * Of the permissions ours alone count: a task with other ids may have to open anew what we opened for
		 * it.
		 */
		if (mkdirat(dir_fd, name, 0755) == 0) {
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

/*
 * Directories are listed with 63-bit cursors, which ext4 has no offsets for in a directory that was removed; tmpfs has.
 */
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
	const char *const places[] = {s->place, tmp_dir_asked(), "/dev/shm", "/tmp", "/var/tmp"};
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

int scratch_place(struct vfs *v)
{
	struct scratch *s = &v->scratch;
	(void)pthread_mutex_lock(&s->lock);
	int err = s->dir_fd < 0 ? find_place(s) : 0;
	int fd = err ? err : fcntl(s->dir_fd, F_DUPFD_CLOEXEC, 0);
	(void)pthread_mutex_unlock(&s->lock);
	return fd == -1 ? -ENFILE : fd;
}

/* Failures of the host that the guest's call has no errno for. */
static int host_failure(int err)
{
	return err == -ENOMEM || err == -ENOSPC ? -ENOMEM : -ENFILE;
}

/* IN_OPEN is asked for so that two ends of one directory are seldom merged into one event. -1: it cannot be watched. */
static int watch(struct scratch *s, int dir_fd)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	return s->inotify_fd < 0 ? -1 : inotify_add_watch(s->inotify_fd, path, IN_CLOSE | IN_OPEN);
}

/* Whose it is matters to the host for fcntl(2) with O_NOATIME alone, which guests call without us. */
static void give(int base, const struct inode *inode, const struct owner *o)
{
	if (fchownat(base, "", o->uid, o->gid, AT_EMPTY_PATH) < 0)
		log_debug("the scratch directory of %llu stays ours: %s", (unsigned long long)inode->ino, strerror(errno));
}

void scratch_chowned(struct vfs *v, struct inode *inode)
{
	struct registry *r = &v->registry;
	struct owner o;
	if (inode->type != S_IFDIR || inode_owner(inode, &o) < 0)
		return;
	(void)pthread_mutex_lock(&r->lock);
	for (struct registry_entry *e = NULL; (e = registry_next_of_inode_locked(r, e, inode));) {
		if (e->kind == BACKING_SCRATCH)
			give(e->fd, inode, &o);
	}
	(void)pthread_mutex_unlock(&r->lock);
}

/* 1: there are many. */
static int make_for(struct vfs *v, const struct path *p, const struct owner *o)
{
	AUTO_CLOSE int base = make_locked(&v->scratch);
	if (base < 0)
		return host_failure(base);
	if (o->uid != geteuid())
		give(base, path_inode(p), o);
	int watched = watch(&v->scratch, base);
	int err = registry_add_scratch(v, base, watched, p);
	if (err >= 0)
		base = -1;
	return err;
}

int scratch_open(struct vfs *v, const struct path *p, int flags)
{
	struct scratch *s = &v->scratch;
	int fd = registry_reopen_scratch(v, p, flags);
	if (fd != -ENOENT)
		return fd;
	struct owner o;
	int made = 0;
	if (inode_owner(path_inode(p), &o) < 0)
		o.uid = geteuid();	/* it is gone; what it was can be opened still */
	(void)pthread_mutex_lock(&s->lock);
	fd = registry_reopen_scratch(v, p, flags);
	if (fd == -ENOENT) {
		made = make_for(v, p, &o);
		fd = made < 0 ? made : registry_reopen_scratch(v, p, flags);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (made > 0)
		registry_trim(v);
	return fd;
}

/* Events were lost: what was open then is never known to be closed. */
static void distrust_all(struct registry *r)
{
	for (struct registry_entry *e = r->all.after; e != &r->all; e = e->after)
		e->watched = false;
}

static void note(struct registry *r, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		distrust_all(r);
	struct registry_entry *e = event->mask & IN_CLOSE ? registry_find_watch_locked(r, event->wd) : NULL;
	if (e)
		e->open_count -= e->open_count > 0;
}

void scratch_note_closed(struct vfs *v)
{
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t n;
	if (v->scratch.inotify_fd < 0)
		return;
	while ((n = read(v->scratch.inotify_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);
			note(&v->registry, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}
