/*
 * The host side of watches. Failures are a matter of the host's (no space for a name): the event is lost then, and
 * nothing else.
 */
#include "kernel/vfs/watch_mirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"

#define PREFIX ".trapline-watch-"

static const char limbo[] = "limbo";	/* where entries come from and go to that nobody watches */

void mirror_init(struct mirror *m)
{
	*m = (struct mirror){.fd = -1, .place = -1};
}

/* ---- the session's directory ---- */

/* All that is in the directory behind fd, at most two levels of it. Takes over fd. */
static void empty(int fd, int depth)
{
	DIR *d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    unlinkat(dirfd(d), e->d_name, 0) == 0)
			continue;
		int below = -1;
		if (depth > 0)
			below = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			empty(below, depth - 1);
		(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
}

/* Who lives holds a lock. */
static void remove_stale(int place, const char *name)
{
	int fd = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return;
	}
	empty(fd, 2);
	(void)unlinkat(place, name, AT_REMOVEDIR);
}

static void sweep(int place)
{
	int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d));) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0)
			remove_stale(place, e->d_name);
	}
	(void)closedir(d);
}

static int make_directory(struct mirror *m, unsigned number)
{
	(void)snprintf(m->name, sizeof(m->name), PREFIX "%d-%u", (int)getpid(), number);
	if (mkdirat(m->place, m->name, 0700) < 0)
		return -errno;
	m->fd = openat(m->place, m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->fd < 0 || flock(m->fd, LOCK_EX | LOCK_NB) < 0 || mkdirat(m->fd, limbo, 0700) < 0)
		return -errno;
	return 0;
}

int mirror_begin(struct mirror *m, int place)
{
	m->place = fcntl(place, F_DUPFD_CLOEXEC, 0);
	if (m->place < 0)
		return -errno;
	sweep(place);
	int r = -EEXIST;
	/* A name may be taken; and between the making and the locking somebody may have swept it away. */
	for (unsigned i = 0; i < 1000 && (r == -EEXIST || r == -ENOENT || r == -EWOULDBLOCK); i++) {
		if (m->fd >= 0)
			(void)close(m->fd);
		m->fd = -1;
		r = make_directory(m, i);
	}
	if (r < 0)
		mirror_finish(m);
	return r;
}

void mirror_finish(struct mirror *m)
{
	if (m->fd >= 0) {
		empty(m->fd, 2);
		(void)unlinkat(m->place, m->name, AT_REMOVEDIR);
	}
	if (m->place >= 0)
		(void)close(m->place);
	mirror_init(m);
}

/* ---- puppets ---- */

void puppet_path(const struct mirror *m, const struct puppet *p, char path[MIRROR_PATH_MAX])
{
	if (p->pin >= 0)
		(void)snprintf(path, MIRROR_PATH_MAX, "/proc/self/fd/%d", p->pin);
	else
		(void)snprintf(path, MIRROR_PATH_MAX, "/proc/self/fd/%d/%u%s", m->fd, p->id, p->moved ? "m" : "");
}

void puppet_entry_path(const struct mirror *m, const struct puppet *p, const char *name, char path[MIRROR_PATH_MAX])
{
	char dir[64];
	(void)snprintf(dir, sizeof(dir), "/proc/self/fd/%d/%u%s", m->fd, p->id, p->moved ? "m" : "");
	(void)snprintf(path, MIRROR_PATH_MAX, "%s/%s", dir, name);
}

static void limbo_path(const struct mirror *m, char path[MIRROR_PATH_MAX])
{
	(void)snprintf(path, MIRROR_PATH_MAX, "/proc/self/fd/%d/%s/x", m->fd, limbo);
}

/* One byte, so that it can be read. */
static int make_file(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	return fd < 0 || ftruncate(fd, 1) < 0 ? -errno : 0;
}

int puppet_create(struct mirror *m, bool directory, struct puppet *ret)
{
	char path[MIRROR_PATH_MAX];
	struct puppet p = {.id = ++m->next_id, .directory = directory, .pin = -1};
	puppet_path(m, &p, path);
	int r = directory ? mkdir(path, 0700) < 0 ? -errno : 0 : make_file(path);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}

void puppet_unlink(struct mirror *m, struct puppet *p)
{
	char path[MIRROR_PATH_MAX];
	if (p->pin >= 0)
		return;
	puppet_path(m, p, path);
	int pin = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (p->directory && rmdir(path) < 0) {
		int below = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below >= 0)
			empty(below, 0);
		(void)rmdir(path);
	} else if (!p->directory) {
		(void)unlink(path);
	}
	p->pin = pin;
}

void puppet_destroy(struct mirror *m, struct puppet *p)
{
	puppet_unlink(m, p);
	if (p->pin >= 0)
		(void)close(p->pin);
	p->pin = -1;
}

void puppet_move(struct mirror *m, struct puppet *p)
{
	char from[MIRROR_PATH_MAX];
	char to[MIRROR_PATH_MAX];
	struct puppet moved = *p;
	if (p->pin >= 0)
		return;
	moved.moved = !p->moved;
	puppet_path(m, p, from);
	puppet_path(m, &moved, to);
	if (rename(from, to) == 0)
		*p = moved;
}

/* ---- entries ---- */

/* With no other event than IN_CREATE: a file is made elsewhere, and gets its name when it is ready. */
static int make_entry(const struct mirror *m, const char *path, bool directory)
{
	char made[MIRROR_PATH_MAX];
	if (directory)
		return mkdir(path, 0700) < 0 ? -errno : 0;
	limbo_path(m, made);
	int r = make_file(made);
	if (r == 0 && link(made, path) < 0)
		r = -errno;
	(void)unlink(made);
	return r;
}

int puppet_add_entry(struct mirror *m, const struct puppet *dir, const char *name, bool directory)
{
	char path[MIRROR_PATH_MAX];
	if (dir->pin >= 0)
		return 0;
	puppet_entry_path(m, dir, name, path);
	return make_entry(m, path, directory);
}

static void remove_at(const char *path, bool directory)
{
	if ((directory ? rmdir(path) : unlink(path)) < 0)
		log_debug("no event: %s: %s", path, strerror(errno));
}

void puppet_remove_entry(struct mirror *m, const struct puppet *dir, const char *name, bool directory)
{
	char path[MIRROR_PATH_MAX];
	puppet_entry_path(m, dir, name, path);
	remove_at(path, directory);
}

void puppet_move_entry(struct mirror *m, const struct puppet *from, const char *from_name, const struct puppet *to,
		       const char *to_name, bool directory)
{
	char old[MIRROR_PATH_MAX];
	char new[MIRROR_PATH_MAX];
	bool arrives = !from || from->pin >= 0;
	if (arrives)
		limbo_path(m, old);
	else
		puppet_entry_path(m, from, from_name, old);
	if (to && to->pin < 0)
		puppet_entry_path(m, to, to_name, new);
	else
		limbo_path(m, new);
	if (arrives && (directory ? mkdir(old, 0700) < 0 : make_file(old) < 0))
		return;
	if (rename(old, new) < 0)
		log_debug("no event: %s: %s", new, strerror(errno));
	limbo_path(m, new);
	(void)(directory ? rmdir(new) : unlink(new));
}

void puppet_exchange(struct mirror *m, const struct puppet *a, const char *a_name, const struct puppet *b,
		     const char *b_name)
{
	char one[MIRROR_PATH_MAX];
	char other[MIRROR_PATH_MAX];
	puppet_entry_path(m, a, a_name, one);
	puppet_entry_path(m, b, b_name, other);
	if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
		log_debug("no event: %s: %s", one, strerror(errno));
}

/* ---- what is done to either ---- */

void mirror_attrib(const char *path)
{
	(void)chmod(path, 0700);
}

void mirror_modify(const char *path)
{
	(void)truncate(path, 1);
}

void mirror_times(const char *path, const struct timespec times[2])
{
	(void)utimensat(AT_FDCWD, path, times, 0);
}

int mirror_open(const char *path, bool directory, bool writes)
{
	int flags = directory ? O_RDONLY | O_DIRECTORY : writes ? O_RDWR : O_RDONLY;
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void mirror_access_fd(int fd, bool directory)
{
	char buf[512];
	if (fd < 0)
		return;
	if (!directory)
		(void)!pread(fd, buf, 1, 0);
	else if (lseek(fd, 0, SEEK_SET) == 0)
		(void)!syscall(SYS_getdents64, fd, buf, sizeof(buf));
}

void mirror_modify_fd(int fd)
{
	if (fd >= 0)
		(void)!ftruncate(fd, 1);
}
