/* A filesystem in memory for the tests of the VFS: it does what it is told, and counts how often it is asked. */
#ifndef TRAPLINE_TESTS_VFS_TESTFS_H
#define TRAPLINE_TESTS_VFS_TESTFS_H

#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

/* What a test may do behind the VFS's back, as the host does behind hostfs's. Paths are absolute, without links. */
struct super *testfs_create(unsigned flags);
void testfs_mkdir(struct super *sb, const char *path, mode_t mode, uid_t uid, gid_t gid);
void testfs_file(struct super *sb, const char *path, mode_t mode, uid_t uid, gid_t gid);
void testfs_node(struct super *sb, const char *path, mode_t mode);	/* with type */
void testfs_symlink(struct super *sb, const char *path, const char *target);
/* A magic link that leads to path in the tree of v. */
void testfs_magic(struct super *sb, const char *path, struct vfs *v, const char *to);
void testfs_remove(struct super *sb, const char *path);
/* Each answer waits until no thread is in a read-side section. */
void testfs_wait_for_readers(struct super *sb);
/* Whatever the filesystem is asked about names fails with -error; 0: no more. */
void testfs_fail(struct super *sb, int error);
void testfs_move(struct super *sb, const char *from, const char *to);
unsigned testfs_lookups(const struct super *sb);
unsigned testfs_checks(const struct super *sb);	/* how often a name was checked */
unsigned testfs_alive(const struct super *sb);	/* inodes that are not destroyed */

/* A VFS with one test filesystem on "/", and somebody who walks in it. */
struct world {
	struct vfs *v;
	struct super *sb;		/* borrowed */
	struct walk_env env;
	struct cred *cred;		/* owned; env.cred */
};

void world_init(struct world *w, unsigned super_flags, size_t dentries_max);
void world_become(struct world *w, uid_t uid, gid_t gid);
void world_finish(struct world *w);
struct super *world_mount(struct world *w, const char *target, unsigned super_flags, unsigned mount_flags);

/* The walk's result: 0 or an errno; the name of what it came to is in the world afterwards. */
int world_walk(struct world *w, const char *base, const char *name, unsigned flags, char *ret_name, size_t size);
int world_open(struct world *w, const char *name, int flags, mode_t mode);	/* an fd or an errno */
bool world_has(struct world *w, const char *name);

#endif
