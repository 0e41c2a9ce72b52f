/* Names: making, linking, renaming, removing, listing, walking about. */
#include <linux/fs.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "fsops.h"

static void op_mkdir(struct op *o)
{
	const char *path;
	mode_t mode;

	o->makes_directory = true;
	path = arg_path(o, AT_FDCWD);
	mode = arg_mode(o);

#ifdef SYS_mkdir
	result(o, syscall(SYS_mkdir, path, mode));
#else
	result(o, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
#endif
}

static void op_mkdirat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path;

	o->makes_directory = true;
	path = arg_path(o, dir);
	result(o, syscall(SYS_mkdirat, dir, path, arg_mode(o)));
}

static void op_rmdir(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);

#ifdef SYS_rmdir
	result(o, syscall(SYS_rmdir, path));
#else
	result(o, syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
#endif
}

static void op_unlink(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);

#ifdef SYS_unlink
	result(o, syscall(SYS_unlink, path));
#else
	result(o, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
#endif
}

static void op_unlinkat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	int flags = (int)arg_number(o, "flags", one_in(o, 3) ? AT_REMOVEDIR : one_in(o, 40) ? 0x4000 : 0);

	result(o, syscall(SYS_unlinkat, dir, path, flags));
}

/*
 * Not onto a directory that is not empty, without FEATURE_LOWER: overlayfs refuses it after it changed the times of
 * what is above. true: left out, and said.
 */
static bool onto_full(struct op *o, int dir, const char *path, unsigned flags)
{
	struct privileges own;
	char buf[1024];
	long n, fd;

	if (o->sh->features & FEATURE_LOWER || flags)
		return false;
	become_root(&own);
	fd = syscall(SYS_openat, dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	n = fd < 0 ? 0 : syscall(SYS_getdents64, fd, buf, sizeof(buf));
	become_again(&own);
	if (fd >= 0)
		syscall(SYS_close, fd);
	if (n > 48)	/* "." and ".." */
		say(o, ") onto a full one");
	return n > 48;
}

static void op_rename(struct op *o)
{
	const char *from = arg_path(o, AT_FDCWD), *to = arg_path(o, AT_FDCWD);

	if (onto_full(o, AT_FDCWD, to, 0))
		return;
#ifdef SYS_rename
	result(o, syscall(SYS_rename, from, to));
#else
	result(o, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
#endif
}

static void op_renameat2(struct op *o)
{
	static const int flags[] = {0,
				    RENAME_NOREPLACE,
				    RENAME_NOREPLACE,
				    RENAME_EXCHANGE,
				    RENAME_EXCHANGE,
				    RENAME_EXCHANGE,
				    RENAME_NOREPLACE | RENAME_EXCHANGE,
				    0x80,
				    RENAME_WHITEOUT};
	int from_dir = arg_dirfd(o);
	const char *from = arg_path(o, from_dir);
	int to_dir = arg_dirfd(o);
	const char *to = arg_path(o, to_dir);
	unsigned how = (unsigned)arg_number(o, "flags", flags[draw(o, o->sh->features & FEATURE_DEVICES ? 9 : 8)]);

	if (!onto_full(o, to_dir, to, how))
		result(o, syscall(SYS_renameat2, from_dir, from, to_dir, to, how));
}

static void op_renameat(struct op *o)
{
	int from_dir = arg_dirfd(o);
	const char *from = arg_path(o, from_dir);
	int to_dir = arg_dirfd(o);
	const char *to = arg_path(o, to_dir);

	if (onto_full(o, to_dir, to, 0))
		return;
#ifdef SYS_renameat
	result(o, syscall(SYS_renameat, from_dir, from, to_dir, to));
#else
	result(o, syscall(SYS_renameat2, from_dir, from, to_dir, to, 0));
#endif
}

static void op_link(struct op *o)
{
	const char *from = arg_path(o, AT_FDCWD), *to = arg_path(o, AT_FDCWD);

#ifdef SYS_link
	result(o, syscall(SYS_link, from, to));
#else
	result(o, syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
#endif
}

static void op_linkat(struct op *o)
{
	static const unsigned bits[] = {AT_SYMLINK_FOLLOW, AT_EMPTY_PATH};
	int from_dir = arg_dirfd(o);
	const char *from = arg_path(o, from_dir);
	int to_dir = arg_dirfd(o);
	const char *to = arg_path(o, to_dir);

	/* AT_EMPTY_PATH asks who opened the descriptor, which no one but the kernel knows: by root only */
	result(o, syscall(SYS_linkat, from_dir, from, to_dir, to, arg_flags(o, "flags", bits, is_root(o) ? 2 : 1, 3)));
}

static void op_symlink(struct op *o)
{
	const char *target = arg_target(o), *path = arg_path(o, AT_FDCWD);

#ifdef SYS_symlink
	result(o, syscall(SYS_symlink, target, path));
#else
	result(o, syscall(SYS_symlinkat, target, AT_FDCWD, path));
#endif
}

static void op_symlinkat(struct op *o)
{
	const char *target = arg_target(o);
	int dir = arg_dirfd(o);

	result(o, syscall(SYS_symlinkat, target, dir, arg_path(o, dir)));
}

static void op_readlink(struct op *o)
{
	char buf[5000];
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	size_t n = (size_t)arg_number(o, "n", one_in(o, 4) ? draw(o, 5) : sizeof(buf));
	long r;

	if (!(o->sh->features & FEATURE_LINK_TEXT) && path == o->paths[0] && strstr(path, "/proc/")) {
		say(o, ") left out");
		return;
	}
	r = syscall(SYS_readlinkat, dir, path, buf, n);
	/* the number in a name that never was is chance, and so is its length */
	if (r > 0 && memmem(buf, (size_t)r, "/#", 2))
		say(o, ") = some");
	else
		result(o, r);
	if (r > 0)
		say_link(o, buf, (size_t)r);
}

/* What /proc says a descriptor is. */
static void op_readlink_fd(struct op *o)
{
	char path[64], buf[5000];
	int fd = arg_fd(o);
	long r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = syscall(SYS_readlinkat, AT_FDCWD, path, buf, sizeof(buf));
	if (r < 0)
		result(o, r);
	else
		say_link(o, buf, (size_t)r);
}

static void op_mknod(struct op *o)
{
	static const mode_t types[] = {S_IFIFO, S_IFIFO, S_IFSOCK, S_IFREG, 0, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK};
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	mode_t type = types[draw(o, o->sh->features & FEATURE_DEVICES ? 9 : 7)];

	arg_number(o, "type", type >> 12);
	result(o, syscall(SYS_mknodat, dir, path, type | arg_mode(o),
			  type == S_IFCHR   ? makedev(1, 3)
			  : type == S_IFBLK ? makedev(120, 9)
					    : 0));
}

static void op_old_mknod(struct op *o)
{
	static const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFREG, 0, S_IFDIR, S_IFCHR};
	const char *path = arg_path(o, AT_FDCWD);
	mode_t type = types[draw(o, o->sh->features & FEATURE_DEVICES ? 6 : 5)];
	dev_t dev = type == S_IFCHR ? makedev(1, 3) : 0;

	arg_number(o, "type", type >> 12);
#ifdef SYS_mknod
	result(o, syscall(SYS_mknod, path, type | arg_mode(o), dev));
#else
	result(o, syscall(SYS_mknodat, AT_FDCWD, path, type | arg_mode(o), dev));
#endif
}

static void op_getdents(struct op *o)
{
	int fd = arg_fd(o);
	char small[16];
	bool old_call = one_in(o, 5);
	long r;

	syscall(SYS_lseek, fd, 0, SEEK_SET);
	r = result(o, syscall(SYS_getdents64, fd, small, sizeof(small)));	/* no room for one entry */
	if (r < 0 && errno == EINVAL)
		list_directory(o, fd, old_call);
}

/*
 * Where the entry behind number skip is, and then the rest is the same as before. The buffer has room for one entry or
 * few.
 */
static void op_seekdir(struct op *o)
{
	struct { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[256]; } e;
	int fd = arg_fd(o);
	unsigned skip = (unsigned)arg_number(o, "skip", draw(o, 6)), count = 0;
	size_t room = (size_t)arg_number(o, "room", 280 + draw(o, 300));
	char buf[600];
	uint64_t rest[2] = {0, 0};
	int64_t to = 0;
	long n = 0;

	syscall(SYS_lseek, fd, 0, SEEK_SET);
	for (int pass = 0; pass < 2; pass++) {
		for (; (n = syscall(SYS_getdents64, fd, buf, room)) > 0;) {
			for (long at = 0; at < n; at += e.len) {
				memcpy(&e, buf + at, 19);
				if (pass == 0 && count++ == skip)
					to = e.off;
				else if (pass || count > skip)
					rest[pass] += hash_bytes(e.type, buf + at + 19, strlen(buf + at + 19));
			}
		}
		if (n < 0 || (pass == 0 && count <= skip))
			break;
		if (pass == 0 && syscall(SYS_lseek, fd, to, SEEK_SET) != to)
			say(o, " lost");
	}
	result(o, n);
	say(o, " %u entries%s", count, rest[0] == rest[1] ? "" : count <= skip ? "" : " not the same");
	syscall(SYS_lseek, fd, 0, SEEK_SET);
}

static void op_list(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	long fd = result(o, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));

	if (fd < 0)
		return;
	/* who runs and what is open differ */
	if (strstr(path, "proc"))
		say(o, " not listed");
	else
		list_directory(o, (int)fd, false);
	syscall(SYS_close, fd);
}

static void op_chdir(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);

	result(o, syscall(SYS_chdir, path));
}

static void op_fchdir(struct op *o)
{
	int fd = arg_fd(o);

	result(o, syscall(SYS_fchdir, fd));
}

/* Home, so that a sequence does not end in a removed directory. */
static void op_chdir_root(struct op *o)
{
	result(o, syscall(SYS_fchdir, FD_ROOT));
}

static void op_getcwd(struct op *o)
{
	char buf[5000];
	size_t n = (size_t)arg_number(o, "n", one_in(o, 4) ? draw(o, 12) : sizeof(buf));
	long r = result(o, syscall(SYS_getcwd, arg_buffer(o, buf), n));

	if (r > 0) {
		say(o, " ");
		say_bytes(o, buf, (size_t)r - 1);
	}
}

static void op_umask(struct op *o)
{
	static const mode_t masks[] = {022, 0, 077, 027, 0777};

	result(o, syscall(SYS_umask, arg_number(o, "mask", masks[draw(o, 5)])));
}

const struct operation name_operations[] = {
	{"mkdir", 25, op_mkdir, 0, false},
	{"mkdirat", 25, op_mkdirat, 0, false},
	{"rmdir", 12, op_rmdir, 0, false},
	{"unlink", 18, op_unlink, 0, false},
	{"unlinkat", 18, op_unlinkat, 0, false},
	{"rename", 25, op_rename, 0, false},
	{"renameat", 10, op_renameat, 0, false},
	{"renameat2", 25, op_renameat2, 0, false},
	{"link", 15, op_link, 0, false},
	{"linkat", 20, op_linkat, 0, false},
	{"symlink", 15, op_symlink, 0, false},
	{"symlinkat", 10, op_symlinkat, 0, false},
	{"readlinkat", 12, op_readlink, 0, false},
	{"readlink_fd", 12, op_readlink_fd, FEATURE_LINK_TEXT, false},
	{"mknodat", 14, op_mknod, 0, false},
	{"mknod", 5, op_old_mknod, 0, false},
	{"seekdir", 8, op_seekdir, 0, false},
	{"getdents", 12, op_getdents, 0, false},
	{"list", 8, op_list, 0, false},
	{"chdir", 14, op_chdir, 0, false},
	{"fchdir", 6, op_fchdir, 0, false},
	{"chdir_root", 8, op_chdir_root, 0, false},
	{"getcwd", 10, op_getcwd, 0, false},
	{"umask", 4, op_umask, 0, false},
	{NULL, 0, NULL, 0, false},
};
