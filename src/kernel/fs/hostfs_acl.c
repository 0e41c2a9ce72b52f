/*
 * hostfs with virtual_attrs: POSIX ACLs that guests set. The host is not told, since it would give its own users rights
 * by them. They are kept by host object in a table; with .xattrs, where the object can have such attributes, as
 * user.trapline.posix_acl_access and _default instead. An empty one says that the host's own is gone.
 */
#include "kernel/fs/hostfs_private.h"

#include <linux/limits.h>
#include <sys/xattr.h>

enum { BUCKETS = 256, BYTES_MAX = 64 << 20 };

struct hostfs_acl {
	struct hostfs_acl *next;
	struct hostfs_id id;
	bool of_default;
	size_t size;
	char value[];
};

static const char *const host_names[] = {"system.posix_acl_access", "system.posix_acl_default"};
static const char *const own_names[] = {"user.trapline.posix_acl_access", "user.trapline.posix_acl_default"};

bool hostfs_acl_is_own(const char *name)
{
	return strcmp(name, own_names[0]) == 0 || strcmp(name, own_names[1]) == 0;
}

/* ---- the table; lock is held ---- */

static struct hostfs_acl **place(struct hostfs *fs, const struct hostfs_id *id, bool of_default)
{
	struct hostfs_acl **at = &fs->acls[hostfs_id_hash(id) % BUCKETS];
	while (*at && !((*at)->of_default == of_default && hostfs_id_equal(&(*at)->id, id)))
		at = &(*at)->next;
	return at;
}

static void drop(struct hostfs *fs, struct hostfs_acl **at)
{
	struct hostfs_acl *a = *at;
	if (!a)
		return;
	*at = a->next;
	fs->acl_bytes -= sizeof(*a) + a->size;
	free(a);
}

static int put(struct hostfs *fs, struct hostfs_acl *fresh)
{
	if (!fs->acls)
		fs->acls = calloc(BUCKETS, sizeof(struct hostfs_acl *));
	if (!fs->acls)
		return -ENOMEM;
	if (fs->acl_bytes + sizeof(*fresh) + fresh->size > BYTES_MAX)
		return -ENOSPC;
	struct hostfs_acl **at = place(fs, &fresh->id, fresh->of_default);
	drop(fs, at);
	fresh->next = *at;
	*at = fresh;
	fs->acl_bytes += sizeof(*fresh) + fresh->size;
	return 0;
}

static int remember(struct hostfs *fs, const struct hostfs_id *id, bool of_default, const void *value, size_t size)
{
	struct hostfs_acl *fresh = malloc(sizeof(*fresh) + size);
	if (!fresh)
		return -ENOMEM;
	*fresh = (struct hostfs_acl){.id = *id, .of_default = of_default, .size = size};
	if (size)
		memcpy(fresh->value, value, size);
	(void)pthread_mutex_lock(&fs->lock);
	int r = put(fs, fresh);
	(void)pthread_mutex_unlock(&fs->lock);
	if (r < 0)
		free(fresh);
	return r;
}

/* As getxattr; 0: kept as none; -ENODATA: not kept. */
static ssize_t recall(struct hostfs *fs, const struct hostfs_id *id, bool of_default, void *value, size_t size)
{
	ssize_t n = -ENODATA;
	(void)pthread_mutex_lock(&fs->lock);
	const struct hostfs_acl *a = fs->acls ? *place(fs, id, of_default) : NULL;
	if (a)
		n = size && size < a->size ? -ERANGE : (ssize_t)a->size;
	if (n > 0 && size)
		memcpy(value, a->value, (size_t)n);
	(void)pthread_mutex_unlock(&fs->lock);
	return n;
}

void hostfs_acl_forget(struct hostfs *fs, const struct hostfs_id *id)
{
	(void)pthread_mutex_lock(&fs->lock);
	for (int of_default = 0; fs->acls && of_default < 2; of_default++)
		drop(fs, place(fs, id, of_default));
	(void)pthread_mutex_unlock(&fs->lock);
}

void hostfs_acl_finish(struct hostfs *fs)
{
	for (size_t i = 0; fs->acls && i < BUCKETS; i++) {
		while (fs->acls[i])
			drop(fs, &fs->acls[i]);
	}
	free(fs->acls);
}

/* ---- as the rest of hostfs uses it ---- */

static bool in_xattrs(const struct hostfs *fs, const struct inode *inode)
{
	return fs->options.xattrs && (inode->type == S_IFREG || inode->type == S_IFDIR);
}

ssize_t hostfs_acl_kept(struct inode *inode, bool of_default, void *value, size_t size)
{
	struct hostfs *fs = hostfs_of(inode);
	if (!in_xattrs(fs, inode))
		return recall(fs, &hostfs_inode(inode)->id, of_default, value, size);
	return hostfs_host_getxattr(inode, own_names[of_default], value, size);
}

ssize_t hostfs_acl_get(struct inode *inode, bool of_default, void *value, size_t size)
{
	ssize_t n = hostfs_acl_kept(inode, of_default, value, size);
	if (n == 0)
		return -ENODATA;
	if (n != -ENODATA && n != -EOPNOTSUPP)
		return n;
	n = hostfs_host_getxattr(inode, host_names[of_default], value, size);
	return n == -EOPNOTSUPP && inode->type != S_IFLNK ? -ENODATA : n;
}

int hostfs_acl_set(struct inode *inode, bool of_default, const void *value, size_t size)
{
	struct hostfs *fs = hostfs_of(inode);
	if (inode->type == S_IFLNK)
		return -EOPNOTSUPP;
	if (!in_xattrs(fs, inode))
		return remember(fs, &hostfs_inode(inode)->id, of_default, value, size);
	return hostfs_host_setxattr(inode, own_names[of_default], value, size, 0);
}

int hostfs_acl_remove(struct inode *inode, bool of_default)
{
	if (hostfs_acl_get(inode, of_default, NULL, 0) < 0)
		return -ENODATA;
	return hostfs_acl_set(inode, of_default, NULL, 0);
}

ssize_t hostfs_acl(struct inode *inode, bool of_default, void *value, size_t size)
{
	if (!hostfs_of(inode)->options.virtual_attrs)
		return hostfs_host_getxattr(inode, host_names[of_default], value, size);
	ssize_t n = hostfs_acl_kept(inode, of_default, value, size);
	return n ? n : -ENODATA;
}
