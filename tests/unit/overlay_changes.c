#include "overlay_changes.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int overlay_open_file(const struct walk_env *env, const char *path, int flags, mode_t mode)
{
	struct vfs_opened opened = {.fd = -1};
	int r = vfs_open(env, NULL, path, &(struct vfs_open_how){.flags = flags, .mode = mode}, &opened, NULL);
	if (r < 0 && opened.fd >= 0)
		(void)close(opened.fd);
	return r < 0 ? r : opened.fd;
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int write_and_close(int fd, const char *text)
{
	if (fd < 0)
		return fd;
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	return 0;
}

static int native_write(const struct sides *side, const struct change *c)
{
	int fd = openat(side->native, c->path, c->flags, 0640);
	return write_and_close(fd < 0 ? -errno : fd, c->text);
}

static int overlay_write(const struct sides *side, const struct change *c)
{
	return write_and_close(overlay_open_file(side->env, c->path, c->flags, 0640), c->text);
}

static int native_mkdir(const struct sides *side, const struct change *c)
{
	return result(mkdirat(side->native, c->path, 0751));
}

static int overlay_mkdir(const struct sides *side, const struct change *c)
{
	return vfs_mkdir(side->env, NULL, c->path, 0751);
}

static int native_symlink(const struct sides *side, const struct change *c)
{
	return result(symlinkat("nowhere", side->native, c->path));
}

static int overlay_symlink(const struct sides *side, const struct change *c)
{
	return vfs_symlink(side->env, "nowhere", NULL, c->path);
}

static int native_mkfifo(const struct sides *side, const struct change *c)
{
	return result(mkfifoat(side->native, c->path, 0604));
}

static int overlay_mkfifo(const struct sides *side, const struct change *c)
{
	return vfs_mknod(side->env, NULL, c->path, S_IFIFO | 0604, 0);
}

static int native_unlink(const struct sides *side, const struct change *c)
{
	return result(unlinkat(side->native, c->path, 0));
}

static int overlay_unlink(const struct sides *side, const struct change *c)
{
	return vfs_unlink(side->env, NULL, c->path, false);
}

static int native_rmdir(const struct sides *side, const struct change *c)
{
	return result(unlinkat(side->native, c->path, AT_REMOVEDIR));
}

static int overlay_rmdir(const struct sides *side, const struct change *c)
{
	return vfs_unlink(side->env, NULL, c->path, true);
}

static int native_rename(const struct sides *side, const struct change *c)
{
	return result(renameat2(side->native, c->path, side->native, c->to, c->mode));
}

static int overlay_rename(const struct sides *side, const struct change *c)
{
	return vfs_rename(side->env, NULL, c->path, NULL, c->to, c->mode);
}

static int native_link(const struct sides *side, const struct change *c)
{
	return result(linkat(side->native, c->path, side->native, c->to, 0));
}

static int overlay_link(const struct sides *side, const struct change *c)
{
	return vfs_link(side->env, NULL, c->path, 0, NULL, c->to);
}

static int native_chmod(const struct sides *side, const struct change *c)
{
	return result(fchmodat(side->native, c->path, 0700 | (c->mode & 077), 0));
}

static int overlay_chmod(const struct sides *side, const struct change *c)
{
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0700 | (c->mode & 077)};
	struct path p;
	int r = vfs_walk(side->env, NULL, c->path, WALK_FOLLOW, &p);
	if (r == 0) {
		r = vfs_setattr(side->env, &p, &attr);
		path_put(&p);
	}
	return r;
}

const struct kind change_kinds[CHANGE_KINDS] = {
	{"write", false, false, native_write, overlay_write},
	{"write", false, false, native_write, overlay_write},
	{"write", false, false, native_write, overlay_write},
	{"mkdir", false, false, native_mkdir, overlay_mkdir},
	{"mkdir", false, false, native_mkdir, overlay_mkdir},
	{"symlink", false, false, native_symlink, overlay_symlink},
	{"mkfifo", false, false, native_mkfifo, overlay_mkfifo},
	{"unlink", false, false, native_unlink, overlay_unlink},
	{"rmdir", false, false, native_rmdir, overlay_rmdir},
	{"rename", true, false, native_rename, overlay_rename},
	{"rename", true, false, native_rename, overlay_rename},
	{"rename", true, false, native_rename, overlay_rename},
	{"link", false, true, native_link, overlay_link},
	{"chmod", false, false, native_chmod, overlay_chmod},
};
