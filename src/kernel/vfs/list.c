/*
 * getdents64(2): ".", "..", what the filesystem lists, then what is made up for mounts. The cursor is the offset of the
 * descriptor, so that lseek, telldir and a duplicate in another process do what they do natively.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/vfs/vfs_private.h"

/*
 * Cursors of made-up entries. Not at the end of all numbers, since ext4 as the place of scratch directories seeks in
 * them no further than in files (2^42 with blocks of 1 KiB). Filesystems that count their entries do not get here, and
 * hashes as ext4 gives them fall on these few with a chance of 2^-51.
 */
static const uint64_t ghost_cursor = 0xff00000000u;
enum { GHOSTS_MAX = 0xffe };

/* struct linux_dirent64 */
struct record {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct listing {
	struct dir_reader reader;
	const struct ghost_list *ghosts;
	char *buf;
	size_t size, used;
	bool full;
};

static bool put_record(struct listing *l, const char *name, size_t len, uint64_t ino, unsigned char type, uint64_t next)
{
	size_t reclen = (offsetof(struct record, name) + len + 1 + 7) & ~(size_t)7;
	if (reclen > l->size - l->used) {
		l->full = true;
		return false;
	}
	struct record *r = (struct record *)(void *)(l->buf + l->used);
	memset(r, 0, reclen);
	r->ino = ino;
	r->off = (int64_t)next;
	r->reclen = (uint16_t)reclen;
	r->type = type;
	memcpy(r->name, name, len);
	l->used += reclen;
	l->reader.cursor = next;
	return true;
}

static bool hidden_by_ghost(const struct listing *l, const char *name, size_t len)
{
	for (size_t i = 0; i < l->ghosts->count; i++) {
		const struct dentry_name *n = dentry_name(l->ghosts->ghost[i]);
		if (n->len == len && memcmp(n->text, name, len) == 0)
			return true;
	}
	return false;
}

static bool emit(struct dir_reader *reader, const char *name, size_t len, uint64_t ino, unsigned char type,
		 uint64_t next)
{
	struct listing *l = (struct listing *)reader;
	if (hidden_by_ghost(l, name, len)) {
		reader->cursor = next;
		return true;
	}
	return put_record(l, name, len, ino, type, next);
}

static uint64_t parent_ino(const struct path *p)
{
	struct path at = *p;
	while (at.dentry == at.mount->root && at.mount->parent)
		at = (struct path){.mount = at.mount->parent, .dentry = at.mount->point};
	vfs_read_lock();
	const struct dentry *parent = dentry_name(at.dentry)->parent;
	uint64_t ino = parent ? parent->inode->ino : at.dentry->inode->ino;
	vfs_read_unlock();
	return ino;
}

static void list_ghosts(struct listing *l)
{
	uint64_t i = l->reader.cursor >= ghost_cursor && l->reader.cursor <= ghost_cursor + GHOSTS_MAX
			     ? l->reader.cursor - ghost_cursor : 0;
	for (; i < l->ghosts->count && i < GHOSTS_MAX; i++) {
		const struct dentry *d = l->ghosts->ghost[i];
		const struct dentry_name *n = dentry_name(d);
		if (!put_record(l, n->text, n->len, d->inode->ino, (unsigned char)IFTODT(d->inode->type),
				ghost_cursor + i + 1))
			return;
	}
}

static int list_all(struct listing *l, const struct path *p)
{
	struct inode *dir = path_inode(p);
	struct dir_reader *r = &l->reader;
	int err = 0;
	if (r->cursor == 0 && !put_record(l, ".", 1, dir->ino, DT_DIR, 1))
		return 0;
	if (r->cursor == 1 && !put_record(l, "..", 2, parent_ino(p), DT_DIR, 2))
		return 0;
	if (r->cursor < ghost_cursor || r->cursor > ghost_cursor + GHOSTS_MAX) {
		(void)pthread_rwlock_rdlock(&dir->lock);
		err = dir->ops->iterate ? dir->ops->iterate(dir, r) : -ENOTDIR;
		(void)pthread_rwlock_unlock(&dir->lock);
	}
	if (!err && !l->full)
		list_ghosts(l);
	return err;
}

ssize_t vfs_getdents64(const struct walk_env *env, const struct path *p, int fd, void *buf, size_t size)
{
	enum backing kind;
	struct path known;
	struct ghost_list ghosts;
	if (path_inode(p)->type != S_IFDIR)
		return -ENOTDIR;
	if (registry_find(env->vfs, fd, &known, &kind) == 0) {
		path_put(&known);
		if (kind == BACKING_HOST_DIR) {
			ssize_t n = syscall(SYS_getdents64, fd, buf, size);
			return n < 0 ? -errno : n;
		}
	}
	if (dentry_flags(p->dentry) & DENTRY_REMOVED)
		return -ENOENT;
	off_t at = lseek(fd, 0, SEEK_CUR);
	if (at < 0)
		return -errno;
	int err = ghost_list_init(env->vfs, p->dentry, &ghosts);
	if (err)
		return err;
	struct listing l = {
		.reader = {.cursor = (uint64_t)at, .quiet = fcntl(fd, F_GETFL) & O_NOATIME, .emit = emit},
		.ghosts = &ghosts,
		.buf = buf,
		.size = size,
	};
	err = list_all(&l, p);
	ghost_list_finish(env->vfs, &ghosts);
	if (l.used == 0 && (err || l.full))
		return err ? err : -EINVAL;
	watch_listed(env->vfs, p->dentry);
	if ((off_t)l.reader.cursor != at && lseek(fd, (off_t)l.reader.cursor, SEEK_SET) < 0)
		return -errno;
	return (ssize_t)l.used;
}
