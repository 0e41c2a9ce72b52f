#include "tracer/policy/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tracer/proc_status.h"

enum { LINKS_MAX = 40 };

struct walk {
	const struct resolver *r;
	char *out;			/* resolved so far: "" or "/a/b" */
	size_t len;
	char rest[RESOLVE_PATH_MAX];	/* not resolved yet */
	unsigned links;
	bool plain;			/* no component is a link: the kernel said so */
	bool missing;			/* what is resolved so far does not exist: nothing below is a link */
};

/* The same directory of the same mount: a mount is in one mount namespace only. */
static bool same_directory(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_mnt_id == b->stx_mnt_id && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor && a->stx_mask & b->stx_mask & STATX_MNT_ID;
}

bool resolver_has_our_root(pid_t tid)
{
	char root[64];
	struct statx theirs, ours;
	(void)snprintf(root, sizeof(root), "/proc/%d/root", tid);
	return statx(AT_FDCWD, root, 0, STATX_INO | STATX_MNT_ID, &theirs) == 0 &&
	       statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &ours) == 0 && same_directory(&theirs, &ours);
}

static char *read_prefix(const char *root)
{
	char text[PATH_MAX];
	ssize_t n = readlink(root, text, sizeof(text) - 1);
	return n > 1 && text[0] == '/' ? strndup(text, (size_t)n) : NULL;
}

const char *resolver_guest_path(const struct resolver *r, const char *path)
{
	size_t len = r->prefix ? strlen(r->prefix) : 0;
	if (strncmp(path, r->prefix ? r->prefix : "", len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len : "/";
}

void resolver_init(struct resolver *r, pid_t tid, pid_t *tgid, bool our_root)
{
	char path[64];
	*r = (struct resolver){.tid = tid, .tgid = tgid, .root = AT_FDCWD};
	if (our_root || resolver_has_our_root(tid))
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", tid);
	r->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->root < 0)
		r->root = AT_FDCWD;
	else
		r->prefix = read_prefix(path);
}

void resolver_finish(struct resolver *r)
{
	if (r->root >= 0)
		(void)close(r->root);
	r->root = AT_FDCWD;
	free(r->prefix);
	r->prefix = NULL;
}

int resolver_base(const struct resolver *r, int fd, char *buf, size_t size)
{
	char path[64];
	if (fd == AT_FDCWD)
		(void)snprintf(path, sizeof(path), "/proc/%d/cwd", r->tid);
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", r->tid, fd);
	ssize_t n = readlink(path, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/* Put text before what is left to resolve. */
static int push_front(struct walk *w, const char *text, size_t len)
{
	size_t left = strlen(w->rest);
	if (len + 1 + left + 1 > sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + len + 1, w->rest, left + 1);
	memcpy(w->rest, text, len);
	w->rest[len] = '/';
	return 0;
}

static int append(struct walk *w, const char *name, size_t len)
{
	if (w->len + 1 + len + 1 > RESOLVE_PATH_MAX)
		return -ENAMETOOLONG;
	w->out[w->len++] = '/';
	memcpy(w->out + w->len, name, len);
	w->len += len;
	w->out[w->len] = '\0';
	return 0;
}

static void drop_last(struct walk *w)
{
	while (w->len && w->out[--w->len] != '/')
		;
	w->out[w->len] = '\0';
}

/* An absolute path as the *at calls want it with the root's descriptor. */
static const char *below_root(const struct resolver *r, const char *path)
{
	return r->root >= 0 ? path + 1 : path;
}

/* Where the link that was just appended leads. /proc/self is whoever looks: here, not us but the guest. */
static ssize_t read_link(const struct walk *w, char *target, size_t size)
{
	bool self = strcmp(w->out, "/proc/self") == 0;
	if (self || strcmp(w->out, "/proc/thread-self") == 0) {
		if (!*w->r->tgid)
			*w->r->tgid = proc_status_pid(w->r->tid, "Tgid");
		return self ? snprintf(target, size, "%d", *w->r->tgid)
			    : snprintf(target, size, "%d/task/%d", *w->r->tgid, w->r->tid);
	}
	ssize_t n = readlinkat(w->r->root, below_root(w->r, w->out), target, size);
	return n < 0 ? -errno : n;
}

/* A link of /proc/PID/fd that leads to no path. */
static bool leads_nowhere(const struct walk *w, const char *target, size_t len)
{
	return strncmp(w->out, "/proc/", 6) == 0 && target[0] != '/' && memmem(target, len, ":[", 2);
}

static int follow_link(struct walk *w)
{
	char target[PATH_MAX];
	ssize_t n = read_link(w, target, sizeof(target));
	w->missing = n == -ENOENT;
	if (n <= 0 || leads_nowhere(w, target, (size_t)n))
		return 0;	/* no link, not there, or not readable: it stays as it is written */
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (target[0] == '/')
		w->len = 0;
	else
		drop_last(w);
	w->out[w->len] = '\0';
	return push_front(w, target, (size_t)n);
}

static int step(struct walk *w, bool follow_last)
{
	char name[NAME_MAX + 1];
	size_t skip = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + skip, "/");
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, w->rest + skip, len);
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	if (len == 0 || (len == 1 && name[0] == '.'))
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		drop_last(w);
		w->missing = false;
		return 0;
	}
	int r = append(w, name, len);
	bool last = !*w->rest; /* "link/" follows, as the kernel does */
	return r < 0 || (last && !follow_last) || w->plain || w->missing ? r : follow_link(w);
}

/* Open what path names, if that is possible without following a link on the way. */
static int open_plain(const struct resolver *r, const char *path, bool follow)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
		.resolve = RESOLVE_NO_SYMLINKS | (r->root >= 0 ? RESOLVE_IN_ROOT : 0),
	};
	long fd = syscall(SYS_openat2, r->root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/*
 * Whether no component is a link, asked in one call for all of them (Linux 5.6) where the walk asks for each; of what
 * does not exist, the directory is asked about.
 */
static bool is_plain(const struct resolver *r, char *path, bool follow)
{
	int fd = open_plain(r, path, follow);
	char *slash = fd == -ENOENT ? strrchr(path, '/') : NULL;
	if (slash && slash != path && slash[1]) {
		*slash = '\0';
		fd = open_plain(r, path, true);
		*slash = '/';
	}
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static ssize_t walk_path(const struct resolver *r, const char *base, const char *path, bool follow, char *buf)
{
	struct walk w = {.r = r, .out = buf};
	buf[0] = '\0';
	int n = snprintf(w.rest, sizeof(w.rest), "%s/%s", path[0] == '/' ? "" : base, path);
	if (n < 0 || (size_t)n >= sizeof(w.rest))
		return -ENAMETOOLONG;
	if (!*path)
		w.rest[strlen(w.rest) - 1] = '\0';
	w.plain = w.rest[0] == '/' && is_plain(r, w.rest, follow);
	while (*w.rest) {
		int err = step(&w, follow);
		if (err < 0)
			return err;
	}
	if (!w.len)
		buf[w.len++] = '/';
	buf[w.len] = '\0';
	return (ssize_t)w.len;
}

/* The guest's "/a" is the supervisor's "PREFIX/a". */
static ssize_t add_prefix(const struct resolver *r, char *buf, size_t len)
{
	size_t n = strlen(r->prefix);
	if (len == 1)
		len = 0;	/* "/" */
	if (n + len + 1 > RESOLVE_PATH_MAX)
		return -ENAMETOOLONG;
	memmove(buf + n, buf, len);
	memcpy(buf, r->prefix, n);
	buf[n + len] = '\0';
	return (ssize_t)(n + len);
}

ssize_t resolver_path(const struct resolver *r, const char *base, const char *path, bool follow, char *buf)
{
	const struct resolver ours = {.tid = r->tid, .tgid = r->tgid, .root = AT_FDCWD};
	if (!r->prefix)
		return walk_path(r, base, path, follow, buf);
	const char *inside = path[0] == '/' ? "" : resolver_guest_path(r, base);
	/* A working directory or descriptor may lie outside of the root. */
	if (!inside)
		return walk_path(&ours, base, path, follow, buf);
	ssize_t n = walk_path(r, strcmp(inside, "/") == 0 ? "" : inside, path, follow, buf);
	return n < 0 ? n : add_prefix(r, buf, (size_t)n);
}
