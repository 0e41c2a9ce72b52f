/*
 * What guests do with open descriptors: they read, write and close without us, and the host object behind the
 * descriptor tells an inotify descriptor of ours. A thread passes that on to the puppets, and each call that makes an
 * event of its own passes on first what came before it.
 *
 * For each description that was given out the puppets' files are open too, in the same mode: its end closes them,
 * which is the event that Linux gives. A name that is removed meanwhile is thereby still the name of the events, but
 * with IN_EXCL_UNLINK.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "base/thread.h"
#include "kernel/vfs/vfs_private.h"

enum { HELD_MAX = 1024, HEARD = IN_ACCESS | IN_MODIFY | IN_CLOSE };

/* The puppets' side of one open file description. */
struct held {
	struct held *next;
	int fd[2];		/* the entry's, its own; -1: nobody watches there */
	bool writes;
};

/* A host object that guests have open. */
struct source {
	struct source *next;	/* with the same hash of wd */
	int wd;
	struct dentry *dentry;	/* a reference; what it is open as */
	struct held *held;	/* the latest first */
	bool lasting;		/* it was open before: how often is not known */
	/*
	 * Of a lasting one that is a regular file: open for reading as long as it is heard, so that whether others have
	 * it open can be asked without opening and closing it, of which inotify makes one event with what guests do.
	 * Owned; -1: none.
	 */
	int look;
};

/* ---- held descriptors ---- */

static void held_destroy(struct watches *ws, struct held *h)
{
	for (int i = 0; i < 2; i++) {
		if (h->fd[i] >= 0) {
			(void)close(h->fd[i]);
			ws->held--;
		}
	}
	free(h);
}

static int hold_at(struct watches *ws, const char *path, bool directory, bool writes)
{
	int fd = mirror_open(path, directory, writes);
	if (fd < 0)
		return -1;
	ws->held++;
	return fd;
}

/* IN_OPEN. NULL: nothing is held. */
static struct held *held_create(struct watches *ws, const struct watch_places *p, bool writes)
{
	struct held *h = malloc(sizeof(*h));
	if (!h)
		return NULL;
	*h = (struct held){.fd = {-1, -1}, .writes = writes};
	if (p->named)
		h->fd[0] = hold_at(ws, p->named_path, p->directory, writes);
	if (p->self)
		h->fd[1] = hold_at(ws, p->self_path, p->directory, writes);
	return h;
}

static void held_add(struct source *s, struct held *h)
{
	if (!h)
		return;
	h->next = s->held;
	s->held = h;
}

/* ---- the table ---- */

static struct source **bucket_of(struct watches *ws, int wd)
{
	return &ws->sources[wd & (WATCH_BUCKETS - 1)];
}

static struct source *find(struct watches *ws, int wd)
{
	struct source *s = *bucket_of(ws, wd);
	while (s && s->wd != wd)
		s = s->next;
	return s;
}

static void forget(struct vfs *v, struct source *s)
{
	struct watches *ws = &v->watches;
	struct source **at = bucket_of(ws, s->wd);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	(void)inotify_rm_watch(ws->inotify_fd, s->wd);
	while (s->held) {
		struct held *h = s->held;
		s->held = h->next;
		held_destroy(ws, h);
	}
	if (s->look >= 0) {
		(void)close(s->look);
		ws->held--;
	}
	dentry_put(v, s->dentry);
	free(s);
}

/* A filesystem that takes unused files apart shall not do it to this one, which is being listened to. */
static void keep_backing(const struct inode *inode)
{
	int fd;
	if (inode->ops->host && inode->ops->host((struct inode *)inode, &fd) == 0)
		(void)close(fd);
}

static void put(struct watches *ws, struct source *s, int wd)
{
	struct source **bucket = bucket_of(ws, wd);
	s->wd = wd;
	s->next = *bucket;
	*bucket = s;
}

/* Hear of the object behind fd, which stands for d. */
static struct source *hear(struct vfs *v, int fd, struct dentry *d)
{
	struct watches *ws = &v->watches;
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int wd = inotify_add_watch(ws->inotify_fd, path, HEARD);
	struct source *s = wd < 0 ? NULL : find(ws, wd);
	if (!s && wd >= 0) {
		s = calloc(1, sizeof(*s));
		if (!s) {
			(void)inotify_rm_watch(ws->inotify_fd, wd);
			return NULL;
		}
		s->look = -1;
		put(ws, s, wd);
		keep_backing(d->inode);
	}
	if (s && s->dentry != d) {
		dentry_ref(d);
		dentry_put(v, s->dentry);
		s->dentry = d;
	}
	return s;
}

bool watch_is_heard(struct vfs *v, const struct inode *inode)
{
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (const struct source *s = v->watches.sources[i]; s; s = s->next) {
			if (s->dentry->inode == inode && s->held && !s->lasting)
				return true;
		}
	}
	return false;
}

bool watch_hears(struct vfs *v, const struct inode *inode)
{
	bool hears = false;
	if (!watches_any(v))
		return false;
	(void)pthread_mutex_lock(&v->watches.lock);
	for (size_t i = 0; i < WATCH_BUCKETS && !hears; i++) {
		for (const struct source *s = v->watches.sources[i]; s && !hears; s = s->next)
			hears = s->dentry->inode == inode;
	}
	(void)pthread_mutex_unlock(&v->watches.lock);
	return hears;
}

/* A write lease is given where nobody else has it open (fcntl(2)). Neither is an event. */
static bool others_have(int look)
{
	if (fcntl(look, F_SETSIG, SIGCHLD) < 0 || fcntl(look, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN || errno == EBUSY;
	(void)fcntl(look, F_SETLEASE, F_UNLCK);
	return false;
}

bool watch_is_open(struct vfs *v, struct inode *inode)
{
	bool asked = false;
	for (size_t i = 0; i < WATCH_BUCKETS && inode->type == S_IFREG; i++) {
		for (const struct source *s = v->watches.sources[i]; s; s = s->next) {
			if (s->dentry->inode != inode || s->look < 0)
				continue;
			if (others_have(s->look))
				return true;
			asked = true;
		}
	}
	return !asked && registry_is_open(v, inode);
}

void watch_forget_sources(struct vfs *v)
{
	struct watch_places places;
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct source *s = v->watches.sources[i], *next; s; s = next) {
			next = s->next;
			if (!watch_places_of(v, s->dentry, &places))
				forget(v, s);
		}
	}
}

/* ---- passing on ---- */

/* The description that an event is likely to come from. */
static struct held *pick(const struct source *s, bool writes)
{
	struct held *h = s->held;
	while (h && h->writes != writes)
		h = h->next;
	return h;
}

/* One that was open before there was a watch: it is opened for the event's sake. */
static void at_places(struct vfs *v, const struct source *s, bool writes, void (*act)(int fd, bool directory))
{
	struct watch_places p;
	if (!watch_places_of(v, s->dentry, &p))
		return;
	const char *paths[2] = {p.named ? p.named_path : NULL, p.self ? p.self_path : NULL};
	for (int i = 0; i < 2; i++) {
		int fd = paths[i] ? mirror_open(paths[i], p.directory, writes) : -1;
		if (fd >= 0 && act)
			act(fd, p.directory);
		if (fd >= 0)
			(void)close(fd);
	}
}

static void accessed(struct vfs *v, const struct source *s)
{
	bool directory = dentry_is_dir(s->dentry);
	const struct held *h = pick(s, false);
	h = h ? h : s->held;
	if (!h)
		at_places(v, s, false, mirror_access_fd);
	for (int i = 0; h && i < 2; i++)
		mirror_access_fd(h->fd[i], directory);
}

static void modified(struct vfs *v, const struct source *s)
{
	struct watch_places p;
	const struct held *h = pick(s, true);
	for (int i = 0; h && i < 2; i++)
		mirror_modify_fd(h->fd[i]);
	if (h || !watch_places_of(v, s->dentry, &p))
		return;
	if (p.named)
		mirror_modify(p.named_path);
	if (p.self)
		mirror_modify(p.self_path);
}

/* Was it the last one, of something that has no name any more? */
static void settle(struct vfs *v, struct dentry *d)
{
	struct watched *w = watched_find(v, d->inode);
	if (w)
		watched_settle(v, w);
}

/*
 * Of what was open before there was a watch it is not known how often: something without a name is asked for, since
 * what is held for its sake would keep the puppet of its directory.
 */
static bool is_over(struct vfs *v, const struct source *s)
{
	struct inode *inode = s->dentry->inode;
	if (!s->lasting)
		return !s->held;
	if (!(dentry_flags(s->dentry) & DENTRY_REMOVED) || !watch_has_no_name(inode))
		return false;
	return s->look >= 0 ? !others_have(s->look) : !registry_is_open(v, inode);
}

/* The end of the object itself comes before that of its directory, which it kept. */
static void release_selves(struct watches *ws, struct source *s)
{
	for (struct held *h = s->held; h; h = h->next) {
		if (h->fd[1] < 0)
			continue;
		(void)close(h->fd[1]);
		h->fd[1] = -1;
		ws->held--;
	}
}

static void closed(struct vfs *v, struct source *s, bool writes)
{
	struct held **at = &s->held;
	while (*at && (*at)->writes != writes)
		at = &(*at)->next;
	struct held *h = *at;
	if (h) {
		*at = h->next;
		held_destroy(&v->watches, h);
	} else {
		at_places(v, s, writes, NULL);
	}
	struct dentry *d = s->dentry;
	dentry_ref(d);
	bool over = is_over(v, s);
	settle(v, d);
	if (over) {
		release_selves(&v->watches, s);
		forget(v, s);
	}
	dentry_put(v, d);
}

static void pass_on(struct vfs *v, const struct inotify_event *e, const struct inode *without)
{
	struct source *s = find(&v->watches, e->wd);
	if (!s)
		return;
	if (e->mask & IN_IGNORED) {
		forget(v, s);
		return;
	}
	v->watches.events++;
	if (e->mask & IN_ACCESS)
		accessed(v, s);
	if (e->mask & IN_MODIFY && s->dentry->inode != without)
		modified(v, s);
	if (e->mask & IN_CLOSE)
		closed(v, s, e->mask & IN_CLOSE_WRITE);
}

void watch_drain(struct vfs *v, const struct inode *without)
{
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t n;
	if (v->watches.inotify_fd < 0)
		return;
	while ((n = read(v->watches.inotify_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);
			pass_on(v, e, without);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

/* ---- opens ---- */

/* Of devices the whole host would be heard. */
static bool is_ours(const struct inode *inode)
{
	return inode->type == S_IFREG || inode->type == S_IFDIR || inode->type == S_IFIFO;
}

static void opened_locked(struct vfs *v, const struct path *p, int flags, int fd)
{
	struct watches *ws = &v->watches;
	struct watch_places places;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	watch_drain(v, flags & O_TRUNC ? path_inode(p) : NULL);
	if (!watch_places_of(v, p->dentry, &places))
		return;
	ws->events++;
	bool room = ws->held < HELD_MAX;
	struct source *s = is_ours(path_inode(p)) && room ? hear(v, fd, p->dentry) : NULL;
	struct held *h = held_create(ws, &places, writes);
	if (!h)
		return;
	if (flags & O_TRUNC && path_inode(p)->type == S_IFREG) {
		mirror_modify_fd(h->fd[0]);
		mirror_modify_fd(h->fd[1]);
	}
	if (s)
		held_add(s, h);
	else
		held_destroy(ws, h);
}

void watch_opened(struct vfs *v, const struct path *p, int flags, const struct vfs_opened *opened)
{
	if (!watches_any(v) || flags & O_PATH)
		return;
	(void)pthread_mutex_lock(&v->watches.lock);
	opened_locked(v, p, flags, opened->fd);
	(void)pthread_mutex_unlock(&v->watches.lock);
}

static struct source *find_of(struct watches *ws, const struct dentry *d)
{
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct source *s = ws->sources[i]; s; s = s->next) {
			if (s->dentry == d)
				return s;
		}
	}
	return NULL;
}

void watch_listed(struct vfs *v, struct dentry *d)
{
	struct watches *ws = &v->watches;
	if (!watches_any(v))
		return;
	(void)pthread_mutex_lock(&ws->lock);
	watch_drain(v, NULL);
	const struct source *s = find_of(ws, d);
	if (s)
		accessed(v, s);
	(void)pthread_mutex_unlock(&ws->lock);
}

static void complete(struct watches *ws, struct held *h, const struct watch_places *p)
{
	if (p->named && h->fd[0] < 0)
		h->fd[0] = hold_at(ws, p->named_path, p->directory, h->writes);
	if (p->self && h->fd[1] < 0)
		h->fd[1] = hold_at(ws, p->self_path, p->directory, h->writes);
}

static int open_look(struct watches *ws, int fd)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int look = open(path, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (look < 0)
		look = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ws->held += look >= 0;
	return look;
}

/* Nobody watches yet: these make no events. With them the first that is closed in each mode makes no IN_OPEN. */
static void hear_one(struct vfs *v, struct registry_opened *o)
{
	struct watches *ws = &v->watches;
	struct watch_places places;
	if (!is_ours(path_inode(&o->path)) || ws->held >= HELD_MAX || !watch_places_of(v, o->path.dentry, &places))
		return;
	/* If it was heard of for the other watch's sake, its descriptions are known. */
	struct source *s = find_of(ws, o->path.dentry);
	for (struct held *h = s ? s->held : NULL; h; h = h->next)
		complete(ws, h, &places);
	if (s || registry_opened_backing(o) < 0)
		return;
	s = hear(v, o->fd, o->path.dentry);
	if (!s)
		return;
	/* That it is opened is not among what is heard. */
	if (!s->lasting && !s->held && path_inode(&o->path)->type == S_IFREG)
		s->look = open_look(ws, o->fd);
	s->lasting = true;
	held_add(s, held_create(ws, &places, false));
	if (!places.directory)
		held_add(s, held_create(ws, &places, true));
}

void watch_hear_opened(struct vfs *v, struct inode *inode)
{
	struct registry_opened *list = NULL;
	ssize_t count = registry_list_opened(v, inode, &list);
	for (ssize_t i = 0; i < count; i++) {
		hear_one(v, &list[i]);
		registry_opened_finish(&list[i]);
	}
	free(list);
}

/* ---- the thread ---- */

static void *listen_to(void *arg)
{
	struct vfs *v = arg;
	struct watches *ws = &v->watches;
	struct pollfd p[] = {{.fd = ws->inotify_fd, .events = POLLIN}, {.fd = ws->wake_fd, .events = POLLIN}};
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		eventfd_t ignored;
		if (p[1].revents)
			(void)eventfd_read(ws->wake_fd, &ignored);
		if (atomic_load(&ws->stopping))
			break;
		(void)pthread_mutex_lock(&ws->lock);
		watch_drain(v, NULL);
		(void)pthread_mutex_unlock(&ws->lock);
		watch_sweep(v);
	}
	return NULL;
}

int watch_sources_begin(struct vfs *v)
{
	struct watches *ws = &v->watches;
	if (ws->running)
		return 0;
	if (ws->inotify_fd < 0)
		ws->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (ws->wake_fd < 0)
		ws->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ws->inotify_fd < 0 || ws->wake_fd < 0)
		return -errno;
	int err = thread_start_deaf(&ws->thread, listen_to, v);
	ws->running = !err;
	return err;
}

void vfs_end_watches(struct vfs *v)
{
	struct watches *ws = &v->watches;
	if (!ws->running)
		return;
	atomic_store(&ws->stopping, true);
	(void)eventfd_write(ws->wake_fd, 1);
	(void)pthread_join(ws->thread, NULL);
	ws->running = false;
}

void watch_sources_finish(struct vfs *v)
{
	struct watches *ws = &v->watches;
	vfs_end_watches(v);
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		while (ws->sources[i])
			forget(v, ws->sources[i]);
	}
	if (ws->inotify_fd >= 0)
		(void)close(ws->inotify_fd);
	if (ws->wake_fd >= 0)
		(void)close(ws->wake_fd);
}
