/*
 * POSIX ACLs (acl(5), fs/posix_acl.c of Linux): what they mean where a filesystem only keeps them (SUPER_KEEPS_ACLS),
 * and for permission checks also where the host has them. On the way in and out they are attributes in the format of
 * system.posix_acl_access and system.posix_acl_default.
 */
#ifndef TRAPLINE_KERNEL_VFS_ACL_H
#define TRAPLINE_KERNEL_VFS_ACL_H

#include "kernel/vfs/vfs_private.h"

enum acl_kind { ACL_ACCESS, ACL_DEFAULT };

/* What the ACL of somebody else's object says to c: 0, -EACCES; 1: there is none, so that the mode decides. */
int acl_permission(const struct cred *c, struct inode *inode, const struct owner *o, int mask);

/*
 * setxattr of an ACL (size 0: none any more). The caller may change it. The mode follows an access ACL; one that is no
 * more than a mode is not kept.
 */
MUST_CHECK int acl_set(const struct walk_env *env, struct inode *inode, enum acl_kind kind, const void *value, size_t size);
/* Is it an ACL at all (size 0: it is)? Linux asks that before it asks who the caller is. */
MUST_CHECK int acl_check(const void *value, size_t size);
/* After chmod: an access ACL follows the mode. */
MUST_CHECK int acl_chmod(struct inode *inode, mode_t mode);

/* What a new object has of its directory's default ACL. */
struct acl_birth {
	struct acl *access, *of_dir;	/* owned; NULL: none */
};
/*
 * How->mode, to which the umask was not applied yet, becomes that of a new object in dir: less the umask, or what the
 * directory's default ACL leaves of it.
 */
MUST_CHECK int acl_inherit(const struct walk_env *env, struct inode *dir, struct vfs_create *how, struct acl_birth *ret);
/* Give the object its ACLs. */
MUST_CHECK int acl_bear(const struct acl_birth *b, struct inode *inode);
void acl_birth_finish(struct acl_birth *b);
#define AUTO_ACL_BIRTH CLEANUP(acl_birth_finish)

#endif
