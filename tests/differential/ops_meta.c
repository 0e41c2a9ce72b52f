/* Attributes: stat in all its forms, modes, owners, times, extended attributes. */
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <utime.h>

#include "fsops.h"

static void op_stat(struct op *o)
{
	struct stat st;
	const char *path = arg_path(o, AT_FDCWD);
	void *at = arg_buffer(o, &st);
	bool link = one_in(o, 2);

#ifdef SYS_stat
	if (result(o, syscall(link ? SYS_lstat : SYS_stat, path, at)) == 0)
#else
	if (result(o, syscall(SYS_newfstatat, AT_FDCWD, path, at, link ? AT_SYMLINK_NOFOLLOW : 0)) == 0)
#endif
		say_stat(o, &st);
}

static void op_fstat(struct op *o)
{
	struct stat st;
	int fd = arg_fd(o);

	if (result(o, syscall(SYS_fstat, fd, arg_buffer(o, &st))) == 0)
		say_stat(o, &st);
}

static const unsigned at_flags[] = {AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH};

static void op_fstatat(struct op *o)
{
	struct stat st;
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	unsigned flags = arg_flags(o, "flags", at_flags, 2, 3);

	if (one_in(o, 50))
		flags |= (unsigned)arg_number(o, "more", 0x800000);
	if (result(o, syscall(SYS_newfstatat, dir, path, &st, flags)) == 0)
		say_stat(o, &st);
}

static void say_statx(struct op *o, const struct statx *x)
{
	struct stat st = {
		.st_ino = x->stx_ino,
		.st_mode = x->stx_mode,
		.st_nlink = x->stx_nlink,
		.st_uid = x->stx_uid,
		.st_gid = x->stx_gid,
		.st_size = (off_t)x->stx_size,
		.st_blocks = (blkcnt_t)x->stx_blocks,
		.st_blksize = x->stx_blksize,
		.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
		.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.st_atim = {x->stx_atime.tv_sec, x->stx_atime.tv_nsec},
		.st_mtim = {x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec},
	};

	say(o, " ~mask:%#x ~attr:%#llx", x->stx_mask & 0x7ff, (unsigned long long)x->stx_attributes);
	say_stat(o, &st);
}

static void op_statx(struct op *o)
{
	static const unsigned more[] = {AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC,
					AT_NO_AUTOMOUNT};
	struct statx x;
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	unsigned flags = arg_flags(o, "flags", more, 5, 4);
	static const unsigned masks[] = {STATX_BASIC_STATS, STATX_BASIC_STATS, 0, STATX_SIZE, STATX_MODE, 0xfff, STATX_BTIME, 0x7fffffff};
	unsigned mask = one_in(o, 30) ? 0x80000000 : masks[draw(o, 8)];

	memset(&x, 0, sizeof(x));
	if (result(o, syscall(SYS_statx, dir, path, flags, mask, arg_buffer(o, &x))) == 0)
		say_statx(o, &x);
}

static void op_access(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);

	long mode = arg_number(o, "mode", one_in(o, 20) ? 9 : draw(o, 8));

#ifdef SYS_access
	if (one_in(o, 2)) {
		result(o, syscall(SYS_access, path, mode));
		return;
	}
#endif
	result(o, syscall(SYS_faccessat, AT_FDCWD, path, mode));
}

static void op_faccessat2(struct op *o)
{
	static const unsigned more[] = {AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_EACCESS};
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	long mode = arg_number(o, "mode", draw(o, 8));

	result(o, syscall(SYS_faccessat2, dir, path, mode, arg_flags(o, "flags", more, 3, 3)));
}

static void op_chmod(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	mode_t mode = arg_mode(o);

#ifdef SYS_chmod
	result(o, syscall(SYS_chmod, path, mode));
#else
	result(o, syscall(SYS_fchmodat, AT_FDCWD, path, mode));
#endif
}

static void op_fchmod(struct op *o)
{
	int fd = arg_fd(o);

	result(o, syscall(SYS_fchmod, fd, arg_mode(o)));
}

static void op_fchmodat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	mode_t mode = arg_mode(o);

	if (one_in(o, 2))
		result(o, syscall(SYS_fchmodat, dir, path, mode));
	else
		result(o, syscall(452, dir, path, mode, arg_flags(o, "flags", at_flags, 2, 3)));	/* fchmodat2 */
}

static long arg_id(struct op *o)
{
	static const int ids[] = {0, 0, 1000, 1001, -1, -1, 65534};

	return arg_number(o, "id", ids[draw(o, 7)]);
}

static void op_chown(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	long uid = arg_id(o), gid = arg_id(o);

#ifdef SYS_chown
	result(o, syscall(one_in(o, 3) ? SYS_lchown : SYS_chown, path, uid, gid));
#else
	result(o, syscall(SYS_fchownat, AT_FDCWD, path, uid, gid, 0));
#endif
}

static void op_fchown(struct op *o)
{
	int fd = arg_fd(o);
	long uid = arg_id(o), gid = arg_id(o);

	result(o, syscall(SYS_fchown, fd, uid, gid));
}

static void op_fchownat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	long uid = arg_id(o), gid = arg_id(o);

	result(o, syscall(SYS_fchownat, dir, path, uid, gid, arg_flags(o, "flags", at_flags, 2, 3)));
}

static void draw_times(struct op *o, struct timespec ts[2])
{
	for (int i = 0; i < 2; i++) {
		uint32_t n = draw(o, 12);

		ts[i] = (struct timespec){.tv_sec = draw(o, 900000000), .tv_nsec = draw(o, 1000000000)};
		if (n == 0)
			ts[i].tv_nsec = UTIME_NOW;
		else if (n < 3)
			ts[i].tv_nsec = UTIME_OMIT;
		else if (n == 3 && one_in(o, 5))
			ts[i].tv_nsec = 1000000000;
		say(o, ", %lld.%09ld", (long long)ts[i].tv_sec, ts[i].tv_nsec);
	}
}

static void op_utimensat(struct op *o)
{
	struct timespec ts[2];
	int dir = arg_dirfd(o);
	bool no_path = one_in(o, 5);
	const char *path = no_path ? NULL : arg_path(o, dir);
	void *at = ts;

	if (one_in(o, 6)) {
		at = NULL;
		say(o, ", now");
	} else {
		draw_times(o, ts);
		at = arg_buffer(o, ts);
	}
	result(o, syscall(SYS_utimensat, dir, path, at, arg_flags(o, "flags", at_flags, 2, 4)));
}

static void op_utime(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	struct timespec ts[2];

	draw_times(o, ts);
#ifdef SYS_utime
	struct utimbuf old = {ts[0].tv_sec, ts[1].tv_sec};
	struct timeval tv[2] = {{ts[0].tv_sec, ts[0].tv_nsec / 1000}, {ts[1].tv_sec, ts[1].tv_nsec / 1000}};

	if (one_in(o, 2))
		result(o, syscall(SYS_utime, path, one_in(o, 5) ? NULL : &old));
	else
		result(o, syscall(one_in(o, 2) ? SYS_utimes : SYS_futimesat, path, tv));
#else
	result(o, syscall(SYS_utimensat, AT_FDCWD, path, ts, 0));
#endif
}

/* ---- extended attributes: of a path, of a link itself, of a descriptor ---- */

static long by_kind(struct op *o, const long calls[3], const void **ret_object)
{
	uint32_t kind = draw(o, 3);

	*ret_object = kind == 2 ? (const void *)(intptr_t)arg_fd(o) : arg_path(o, AT_FDCWD);
	return calls[kind];
}

static void op_setxattr(struct op *o)
{
	static const long calls[] = {SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr};
	char value[2000];
	const void *object;
	long nr = by_kind(o, calls, &object);
	const char *name = arg_xattr(o);
	/* overlayfs has attributes of its own in the block of the layer below, and it gets full the sooner */
	unsigned large = o->sh->features & FEATURE_LONG_LISTS ? 2000 : 300;
	size_t n = (size_t)arg_number(o, "n", one_in(o, 30) ? large : draw(o, 100));

	memset(value, (int)('A' + o->index % 26), sizeof(value));
	result(o, syscall(nr, object, name, arg_buffer(o, value), n,
			  arg_number(o, "flags", one_in(o, 2) ? 0 : draw(o, 4))));
}

static void op_getxattr(struct op *o)
{
	static const long calls[] = {SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr};
	char value[4096];
	const void *object;
	long nr = by_kind(o, calls, &object), r;
	const char *name = arg_xattr(o);
	size_t n = (size_t)arg_number(o, "n", one_in(o, 3) ? draw(o, 20) : sizeof(value));

	r = result(o, syscall(nr, object, name, value, n));
	if (r > 0 && n > 0)
		say_hash(o, value, (size_t)r);
}

static void op_listxattr(struct op *o)
{
	static const long calls[] = {SYS_listxattr, SYS_llistxattr, SYS_flistxattr};
	char list[4096];
	const void *object;
	long nr = by_kind(o, calls, &object);
	bool room = !(o->sh->features & FEATURE_LONG_LISTS) || !one_in(o, 3);
	size_t n = (size_t)arg_number(o, "n", room ? sizeof(list) : draw(o, 10));
	long r = result(o, syscall(nr, object, list, n));
	uint64_t sum = 0;

	if (r > 0 && n > 0) {
		for (long at = 0; at < r; at += (long)strlen(list + at) + 1)
			sum += hash_bytes(7, list + at, strlen(list + at));
		say(o, " names=%llx", (unsigned long long)sum);
	}
}

static void op_removexattr(struct op *o)
{
	static const long calls[] = {SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr};
	const void *object;
	long nr = by_kind(o, calls, &object);

	result(o, syscall(nr, object, arg_xattr(o)));
}

/* ---- the same below a directory (Linux 6.13; the numbers are those of every architecture) ---- */

enum { NR_SETXATTRAT = 463, NR_GETXATTRAT = 464, NR_LISTXATTRAT = 465, NR_REMOVEXATTRAT = 466 };

struct xattr_arguments {
	uint64_t value;
	uint32_t size, flags;
};

static void op_setxattrat(struct op *o)
{
	char value[100];
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	unsigned flags = arg_flags(o, "at", at_flags, 2, 3);
	const char *name = arg_xattr(o);
	struct xattr_arguments a = {.value = (uintptr_t)value, .size = draw(o, 100), .flags = one_in(o, 2) ? 0 : draw(o, 4)};
	size_t size = one_in(o, 20) ? draw(o, 40) : sizeof(a);

	memset(value, (int)('a' + o->index % 26), sizeof(value));
	say(o, ", n=%u flags=%u size=%zu", a.size, a.flags, size);
	if (one_in(o, 30))
		flags |= (unsigned)arg_number(o, "more", 0x800000);
	result(o, syscall(NR_SETXATTRAT, dir, path, flags, name, arg_buffer(o, &a), size));
}

static void op_getxattrat(struct op *o)
{
	char value[4096];
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	unsigned flags = arg_flags(o, "at", at_flags, 2, 3);
	const char *name = arg_xattr(o);
	struct xattr_arguments a = {.value = (uintptr_t)value, .size = one_in(o, 3) ? draw(o, 20) : sizeof(value), .flags = one_in(o, 20)};
	long r;

	say(o, ", n=%u flags=%u", a.size, a.flags);
	r = result(o, syscall(NR_GETXATTRAT, dir, path, flags, name, arg_buffer(o, &a), sizeof(a)));
	if (r > 0 && a.size > 0)
		say_hash(o, value, (size_t)r);
}

static void op_listxattrat(struct op *o)
{
	char list[4096];
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);

	result(o, syscall(NR_LISTXATTRAT, dir, path, arg_flags(o, "at", at_flags, 2, 3), arg_buffer(o, list), sizeof(list)));
}

static void op_removexattrat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	unsigned flags = arg_flags(o, "at", at_flags, 2, 3);

	result(o, syscall(NR_REMOVEXATTRAT, dir, path, flags, arg_xattr(o)));
}

static void op_statfs(struct op *o)
{
	struct statfs s;
	bool fd = one_in(o, 2);
	long r = fd ? syscall(SYS_fstatfs, arg_fd(o), &s) : syscall(SYS_statfs, arg_path(o, AT_FDCWD), &s);

	if (result(o, r) == 0)
		say(o, " ~fstype:%#lx namelen=%ld ~bsize:%ld ~flags:%#lx", (long)s.f_type, (long)s.f_namelen,
		    (long)s.f_bsize, (long)s.f_flags);
}

const struct operation meta_operations[] = {
	{"stat", 25, op_stat, 0, false},
	{"fstat", 15, op_fstat, 0, false},
	{"newfstatat", 20, op_fstatat, 0, false},
	{"statx", 15, op_statx, 0, false},
	{"access", 10, op_access, 0, false},
	{"faccessat2", 10, op_faccessat2, 0, false},
	{"chmod", 10, op_chmod, 0, false},
	{"fchmod", 8, op_fchmod, 0, false},
	{"fchmodat", 10, op_fchmodat, 0, false},
	{"chown", 8, op_chown, 0, false},
	{"fchown", 6, op_fchown, 0, false},
	{"fchownat", 8, op_fchownat, 0, false},
	{"utimensat", 15, op_utimensat, 0, false},
	{"utime", 8, op_utime, 0, false},
	{"setxattr", 15, op_setxattr, 0, false},
	{"getxattr", 12, op_getxattr, 0, false},
	{"listxattr", 8, op_listxattr, 0, false},
	{"removexattr", 6, op_removexattr, 0, false},
	{"setxattrat", 8, op_setxattrat, 0, false},
	{"getxattrat", 6, op_getxattrat, 0, false},
	{"listxattrat", 4, op_listxattrat, 0, false},
	{"removexattrat", 3, op_removexattrat, 0, false},
	{"statfs", 6, op_statfs, 0, false},
	{NULL, 0, NULL, 0, false},
};
