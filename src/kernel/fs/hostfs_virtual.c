/*
 * hostfs with virtual_attrs: owner, mode and type that guests set and the host was not told, as fakeroot(1) does it.
 * Files of the supervisor's own user and group seem to belong to root. What was set is kept by host object in a table,
 * and with .xattrs also in user.containers.override_stat as containers/storage and fuse-overlayfs have it:
 * UID:GID:MODE[:TYPE], MODE octal, TYPE one of file dir symlink pipe socket char-MAJOR-MINOR block-MAJOR-MINOR.
 * Symbolic links and special files cannot have such an attribute (xattr(7)): theirs are kept for the session.
 */
#include "kernel/fs/hostfs_private.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	OVERRIDE_BUCKETS_MIN = 64,
	OVERRIDE_VALUE_MAX = 128,
	XATTR_PATH_SIZE = PROC_FD_PATH_SIZE + VFS_NAME_MAX + 2,
};

mode_t hostfs_host_mode(const struct hostfs *fs, mode_t mode)
{
	if (!fs->options.virtual_attrs || S_ISLNK(mode))
		return mode;
	return mode | (S_ISDIR(mode) ? 0700 : 0600);
}

/* ---- the table; lock is held ---- */

static struct hostfs_override **bucket(struct hostfs *fs, const struct hostfs_id *id)
{
	return &fs->overrides[hostfs_id_hash(id) & (fs->override_buckets - 1)];
}

static struct hostfs_override **find(struct hostfs *fs, const struct hostfs_id *id)
{
	if (fs->override_count == 0)
		return NULL;
	for (struct hostfs_override **p = bucket(fs, id); *p; p = &(*p)->next) {
		if (hostfs_id_equal(&(*p)->id, id))
			return p;
	}
	return NULL;
}

static void forget(struct hostfs *fs, const struct hostfs_id *id)
{
	struct hostfs_override **p = find(fs, id);
	if (!p)
		return;
	struct hostfs_override *o = *p;
	*p = o->next;
	free(o);
	fs->override_count--;
}

static int grow(struct hostfs *fs)
{
	size_t old_buckets = fs->override_buckets;
	size_t buckets = old_buckets ? old_buckets * 2 : OVERRIDE_BUCKETS_MIN;
	struct hostfs_override **old = fs->overrides;
	struct hostfs_override **bigger = calloc(buckets, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	fs->overrides = bigger;
	fs->override_buckets = buckets;
	for (size_t i = 0; i < old_buckets; i++) {
		while (old[i]) {
			struct hostfs_override *o = old[i];
			struct hostfs_override **p = bucket(fs, &o->id);

			old[i] = o->next;
			o->next = *p;
			*p = o;
		}
	}
	free(old);
	return 0;
}

static int remember(struct hostfs *fs, const struct hostfs_override *want)
{
	struct hostfs_override **p = find(fs, &want->id);
	struct hostfs_override *o = p ? *p : malloc(sizeof(*o));

	if (!o || (fs->override_count >= fs->override_buckets && grow(fs) < 0 && fs->override_buckets == 0)) {
		if (!p)
			free(o);
		return -ENOMEM;
	}
	struct hostfs_override *next = p ? o->next : NULL;
	*o = *want;
	o->next = next;
	if (!p) {
		p = bucket(fs, &o->id);
		o->next = *p;
		*p = o;
		fs->override_count++;
	}
	return 0;
}

/* ---- extended attributes ---- */

/* For calls that do not follow the last component; with an empty name for those that do (the link is magic). */
static const char *xattr_path(int fd, const char *name, char buf[XATTR_PATH_SIZE])
{
	(void)snprintf(buf, XATTR_PATH_SIZE, name[0] ? "/proc/self/fd/%d/%s" : "/proc/self/fd/%d", fd, name);
	return buf;
}

static bool holds_xattrs(const struct hostfs *fs, mode_t host_mode)
{
	return fs->options.xattrs && (S_ISREG(host_mode) || S_ISDIR(host_mode));
}

static bool parse_device(const char *s, const char *kind, dev_t *ret)
{
	unsigned major, minor;
	size_t len = strlen(kind);
	int end = 0;

	if (strncmp(s, kind, len) != 0 || sscanf(s + len, "-%u-%u%n", &major, &minor, &end) != 2 || s[len + (size_t)end])
		return false;
	*ret = makedev(major, minor);
	return true;
}

/* 0: not a word of the format. */
static mode_t parse_type(const char *s, dev_t *ret_rdev)
{
	static const struct {
		const char *word;
		mode_t type;
	} words[] = {
		{"file", S_IFREG}, {"dir", S_IFDIR}, {"symlink", S_IFLNK}, {"pipe", S_IFIFO}, {"socket", S_IFSOCK},
	};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(s, words[i].word) == 0)
			return words[i].type;
	}
	if (parse_device(s, "char", ret_rdev))
		return S_IFCHR;
	return parse_device(s, "block", ret_rdev) ? S_IFBLK : 0;
}

static bool parse_value(const char *value, mode_t host_mode, struct hostfs_override *ret)
{
	unsigned uid, gid, mode;
	int end = 0;

	if (sscanf(value, "%u:%u:%o%n", &uid, &gid, &mode, &end) != 3)
		return false;
	ret->uid = uid;
	ret->gid = gid;
	ret->mode = (host_mode & S_IFMT) | (mode & 07777);
	ret->parts = OVERRIDE_OWNER | OVERRIDE_MODE;
	if (value[end] != ':')
		return value[end] == '\0';
	mode_t type = parse_type(value + end + 1, &ret->rdev);
	if (type == 0)
		return false;
	/* Only a regular file stands for something else: what a link or a directory does is the host's. */
	if (S_ISREG(host_mode) && type != S_IFREG && type != S_IFDIR && type != S_IFLNK) {
		ret->mode = type | (mode & 07777);
		ret->parts |= OVERRIDE_TYPE;
	}
	return true;
}

/* 1: there is one. An error: whether there is could not be read. */
static int read_override(int fd, const char *name, mode_t host_mode, struct hostfs_override *ret)
{
	char path[XATTR_PATH_SIZE], value[OVERRIDE_VALUE_MAX];
	ssize_t n;

	(void)xattr_path(fd, name, path);
	if (name[0])
		n = lgetxattr(path, HOSTFS_OVERRIDE_XATTR, value, sizeof(value) - 1);
	else
		n = getxattr(path, HOSTFS_OVERRIDE_XATTR, value, sizeof(value) - 1);
	/* ERANGE: longer than any of ours. What is gone has none. */
	static const int none[] = {ENODATA, EOPNOTSUPP, EPERM, EACCES, ERANGE, ENOENT, ENOTDIR, ELOOP};
	for (size_t i = 0; n < 0 && i < ARRAY_SIZE(none); i++) {
		if (errno == none[i])
			return 0;
	}
	if (n <= 0)
		return n < 0 ? hostfs_errno() : 0;
	value[n] = '\0';
	return parse_value(value, host_mode, ret);
}

static void format_value(const struct hostfs_override *o, char buf[OVERRIDE_VALUE_MAX])
{
	int n = snprintf(buf, OVERRIDE_VALUE_MAX, "%u:%u:0%o", o->uid, o->gid, o->mode & 07777);

	if (o->parts & OVERRIDE_TYPE)
		(void)snprintf(buf + n, OVERRIDE_VALUE_MAX - (size_t)n, ":%s-%u-%u", S_ISBLK(o->mode) ? "block" : "char",
			       major(o->rdev), minor(o->rdev));
}

static bool keeps_none(void)
{
	return errno == EOPNOTSUPP || errno == EPERM || errno == EACCES;
}

static int write_override(int fd, const char *name, const struct hostfs_override *o)
{
	char path[XATTR_PATH_SIZE], value[OVERRIDE_VALUE_MAX];
	int r;

	(void)xattr_path(fd, name, path);
	if (o->parts == 0) {
		r = name[0] ? lremovexattr(path, HOSTFS_OVERRIDE_XATTR) : removexattr(path, HOSTFS_OVERRIDE_XATTR);
		return r < 0 && errno != ENODATA && !keeps_none() ? hostfs_errno() : 0;
	}
	format_value(o, value);
	if (name[0])
		r = lsetxattr(path, HOSTFS_OVERRIDE_XATTR, value, strlen(value), 0);
	else
		r = setxattr(path, HOSTFS_OVERRIDE_XATTR, value, strlen(value), 0);
	/* Where the host keeps none, it is remembered as long as we run. */
	return r < 0 && !keeps_none() ? hostfs_errno() : 0;
}

/* ---- as the rest of hostfs uses it ---- */

/* Whose files the supervisor's own seem to be. */
static void apply_identity(const struct hostfs *fs, struct statx *stx)
{
	if (stx->stx_uid == fs->uid)
		stx->stx_uid = fs->options.own_uid;
	if (stx->stx_gid == fs->gid)
		stx->stx_gid = fs->options.own_gid;
}

void hostfs_virtual_apply(struct hostfs *fs, struct statx *stx)
{
	struct hostfs_id id;

	if (!fs->options.virtual_attrs)
		return;
	apply_identity(fs, stx);
	hostfs_id_of(stx, &id);
	(void)pthread_mutex_lock(&fs->lock);
	struct hostfs_override **p = find(fs, &id);
	const struct hostfs_override *o = p ? *p : NULL;
	if (o && (o->parts & OVERRIDE_OWNER)) {
		stx->stx_uid = o->uid;
		stx->stx_gid = o->gid;
	}
	if (o && (o->parts & OVERRIDE_MODE))
		stx->stx_mode = (uint16_t)((stx->stx_mode & S_IFMT) | (o->mode & 07777));
	if (o && (o->parts & OVERRIDE_TYPE)) {
		stx->stx_mode = (uint16_t)o->mode;
		stx->stx_rdev_major = major(o->rdev);
		stx->stx_rdev_minor = minor(o->rdev);
	}
	(void)pthread_mutex_unlock(&fs->lock);
}

int hostfs_virtual_load(struct hostfs *fs, const struct statx *host, int fd, const char *name)
{
	struct hostfs_override o = {0};

	if (!fs->options.virtual_attrs || !holds_xattrs(fs, host->stx_mode))
		return 0;
	hostfs_id_of(host, &o.id);
	(void)pthread_mutex_lock(&fs->lock);
	bool known = find(fs, &o.id);
	(void)pthread_mutex_unlock(&fs->lock);
	int r = known ? 0 : read_override(fd, name, host->stx_mode, &o);
	if (r <= 0)
		return r;
	(void)pthread_mutex_lock(&fs->lock);
	(void)remember(fs, &o);		/* without memory the host's own attributes are seen */
	(void)pthread_mutex_unlock(&fs->lock);
	return 0;
}

int hostfs_virtual_set(struct hostfs *fs, const struct statx *host, const struct hostfs_override *want, int fd,
		       const char *name)
{
	struct hostfs_override o = *want;
	struct statx shown = *host;

	apply_identity(fs, &shown);
	hostfs_id_of(host, &o.id);
	o.next = NULL;
	o.parts = 0;
	if (o.uid != shown.stx_uid || o.gid != shown.stx_gid)
		o.parts |= OVERRIDE_OWNER;
	if (!S_ISLNK(host->stx_mode) && (o.mode & 07777) != (host->stx_mode & 07777))
		o.parts |= OVERRIDE_MODE;
	if ((o.mode & S_IFMT) != (host->stx_mode & S_IFMT))
		o.parts |= OVERRIDE_TYPE;
	(void)pthread_mutex_lock(&fs->lock);
	bool known = find(fs, &o.id);
	(void)pthread_mutex_unlock(&fs->lock);
	int r = 0;
	if ((known || o.parts) && holds_xattrs(fs, host->stx_mode))
		r = write_override(fd, name, &o);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&fs->lock);
	if (o.parts)
		r = remember(fs, &o);
	else
		forget(fs, &o.id);
	(void)pthread_mutex_unlock(&fs->lock);
	return r;
}

static int open_up(const struct hostfs_at *at)
{
	struct hostfs *fs = hostfs_of(&at->hi->inode);
	struct statx host, shown;
	int r = hostfs_at_stat(at, &host);
	if (r < 0)
		return r;
	shown = host;
	hostfs_virtual_apply(fs, &shown);
	const struct hostfs_override want = {
		.uid = shown.stx_uid, .gid = shown.stx_gid, .mode = shown.stx_mode,
		.rdev = makedev(shown.stx_rdev_major, shown.stx_rdev_minor),
	};
	r = hostfs_chmod(at, hostfs_host_mode(fs, host.stx_mode));
	if (r == 0)
		r = hostfs_at_stat(at, &host);
	return r < 0 ? r : hostfs_virtual_set(fs, &host, &want, at->fd, at->name);
}

bool hostfs_virtual_open_up(struct hostfs_inode *hi)
{
	struct hostfs_at at;

	if (!atomic_load(&hi->closed) || hostfs_at_begin(hi, &at) < 0)
		return false;
	int r = open_up(&at);
	if (r == 0)
		atomic_store(&hi->closed, false);
	hostfs_at_end(&at);
	return r == 0;
}

void hostfs_virtual_forget(struct hostfs *fs, const struct hostfs_id *id)
{
	(void)pthread_mutex_lock(&fs->lock);
	forget(fs, id);
	(void)pthread_mutex_unlock(&fs->lock);
	hostfs_acl_forget(fs, id);
}

mode_t hostfs_virtual_type(struct hostfs *fs, const struct hostfs_id *dir, uint64_t ino, mode_t type, int fd,
			   const char *name)
{
	const struct hostfs_id id = {.dev_major = dir->dev_major, .dev_minor = dir->dev_minor, .ino = ino};
	struct hostfs_override *o = NULL, from_host = {0};

	(void)pthread_mutex_lock(&fs->lock);
	/* A listing has no birth times. */
	for (o = fs->override_count ? *bucket(fs, &id) : NULL; o; o = o->next) {
		if (o->id.ino == ino && o->id.dev_major == id.dev_major && o->id.dev_minor == id.dev_minor)
			break;
	}
	if (o && (o->parts & OVERRIDE_TYPE))
		type = o->mode & S_IFMT;
	(void)pthread_mutex_unlock(&fs->lock);
	if (!o && fs->options.xattrs && read_override(fd, name, type, &from_host) > 0)
		type = from_host.mode & S_IFMT;
	return type;
}

void hostfs_virtual_finish(struct hostfs *fs)
{
	for (size_t i = 0; i < fs->override_buckets; i++) {
		while (fs->overrides[i]) {
			struct hostfs_override *o = fs->overrides[i];
			fs->overrides[i] = o->next;
			free(o);
		}
	}
	free(fs->overrides);
	hostfs_acl_finish(fs);
}
