#include "tracer/policy/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { LINKS_MAX = 40 };

struct walk {
	const struct resolver *r;
	char *out;			/* resolved so far: "" or "/a/b" */
	size_t len;
	char rest[RESOLVE_PATH_MAX];	/* not resolved yet */
	unsigned links;
};

void resolver_init(struct resolver *r, pid_t tid, pid_t tgid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/root", tid);
	*r = (struct resolver){.tid = tid, .tgid = tgid, .root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	if (r->root < 0)
		r->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void resolver_finish(struct resolver *r)
{
	if (r->root >= 0)
		(void)close(r->root);
	r->root = -1;
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

/* Where the link that was just appended leads. /proc/self is whoever looks: here, not us but the guest. */
static ssize_t read_link(const struct walk *w, char *target, size_t size)
{
	if (strcmp(w->out, "/proc/self") == 0)
		return snprintf(target, size, "%d", w->r->tgid);
	if (strcmp(w->out, "/proc/thread-self") == 0)
		return snprintf(target, size, "%d/task/%d", w->r->tgid, w->r->tid);
	ssize_t n = readlinkat(w->r->root, w->out + 1, target, size);
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
		return 0;
	}
	int r = append(w, name, len);
	bool last = !*w->rest; /* "link/" follows, as the kernel does */
	return r < 0 || (last && !follow_last) ? r : follow_link(w);
}

ssize_t resolver_path(const struct resolver *r, const char *base, const char *path, bool follow, char *buf)
{
	struct walk w = {.r = r, .out = buf};
	buf[0] = '\0';
	int n = snprintf(w.rest, sizeof(w.rest), "%s/%s", path[0] == '/' ? "" : base, path);
	if (n < 0 || (size_t)n >= sizeof(w.rest))
		return -ENAMETOOLONG;
	if (!*path)
		w.rest[strlen(w.rest) - 1] = '\0';
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
