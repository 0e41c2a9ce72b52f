/* Opening, duplicating, closing. */
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fsops.h"

enum { KERNEL_LARGEFILE = 0100000 };	/* 0 to glibc where every file may be large */

/* Always O_NONBLOCK: a fifo without a peer must not stop the sequence. */
static int draw_open_flags(struct op *o)
{
	static const struct { int flag; uint32_t rarity; } often[] = {
		{O_EXCL, 12}, {O_TRUNC, 8}, {O_APPEND, 8}, {O_DIRECTORY, 9}, {O_NOFOLLOW, 12}, {O_PATH, 12},
		{O_CLOEXEC, 8}, {O_NOATIME, 40}, {O_TMPFILE, 25},
	};
	int flags = O_NONBLOCK | (int)draw(o, 3);

	if (draw(o, 5) < 3)
		flags |= O_CREAT;
	if (one_in(o, 60))
		flags |= O_ACCMODE;
	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
		if (one_in(o, often[i].rarity))
			flags |= often[i].flag;
	}
	if (!(o->sh->features & FEATURE_PATH))
		flags &= ~O_PATH;
	if (one_in(o, 40))
		flags |= one_in(o, 2) ? O_NOCTTY : KERNEL_LARGEFILE;
	if (o->sh->features & FEATURE_SYNC && one_in(o, 60))
		flags |= one_in(o, 2) ? O_SYNC : O_DSYNC;
	return flags;
}

/*
 * Without FEATURE_LOWER what is not opened for writing is copied up first, and what is no file in any case: overlayfs
 * opens a fifo of a lower layer where it is, and goes on to say how many links that has.
 */
static void copy_up(struct op *o, int dir, const char *path, int flags)
{
	struct privileges own;
	bool writes = !(flags & O_PATH) && ((flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR);

	struct stat st;

	if (o->sh->features & FEATURE_LOWER)
		return;
	become_root(&own);
	if (!writes || (syscall(SYS_newfstatat, dir, path, &st, 0) == 0 && !S_ISREG(st.st_mode)))
		syscall(SYS_fchownat, dir, path, -1, -1, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
	become_again(&own);
}

static void say_open_flags(struct op *o, int flags)
{
	static const struct { int flag; const char *name;
	} names[] = {
		{O_CREAT, "CREAT"},	{O_EXCL, "EXCL"},	  {O_TRUNC, "TRUNC"},
		{O_APPEND, "APPEND"},	{O_NOFOLLOW, "NOFOLLOW"}, {O_PATH, "PATH"},
		{O_CLOEXEC, "CLOEXEC"}, {O_NOATIME, "NOATIME"},	  {O_SYNC, "SYNC"},
		{O_DSYNC, "DSYNC"},	{O_NOCTTY, "NOCTTY"},	  {KERNEL_LARGEFILE, "LARGEFILE"},
	};
	static const char *const modes[] = {"RDONLY", "WRONLY", "RDWR", "ACCMODE"};

	say(o, ", %s", modes[flags & O_ACCMODE]);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & names[i].flag) == names[i].flag)
			say(o, "|%s", names[i].name);
	}
	if ((flags & O_TMPFILE) == O_TMPFILE)
		say(o, "|TMPFILE");
	else if (flags & O_DIRECTORY)
		say(o, "|DIRECTORY");
}

/* What was opened: its kind and the flags the kernel keeps. */
static void opened(struct op *o, long fd)
{
	struct stat st;
	int slot = arg_slot(o);

	if (fd < 0)
		return;
	if (syscall(SYS_fstat, fd, &st) == 0)
		say_stat(o, &st);
	say_flags(o, (int)fd);
	say(o, " fd=%ld", syscall(SYS_fcntl, fd, F_GETFD));
	new_fd(o, slot, fd);
}

static void op_open(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	int flags = draw_open_flags(o);
	mode_t mode;

	say_open_flags(o, flags);
	mode = arg_mode(o);
	copy_up(o, AT_FDCWD, path, flags);
#ifdef SYS_open
	opened(o, result(o, syscall(SYS_open, path, flags, mode)));
#else
	opened(o, result(o, syscall(SYS_openat, AT_FDCWD, path, flags, mode)));
#endif
}

static void op_openat(struct op *o)
{
	int dir = arg_dirfd(o);
	const char *path = arg_path(o, dir);
	int flags = draw_open_flags(o);
	mode_t mode;

	say_open_flags(o, flags);
	mode = arg_mode(o);
	copy_up(o, dir, path, flags);
	opened(o, result(o, syscall(SYS_openat, dir, path, flags, mode)));
}

static void op_openat2(struct op *o)
{
	static const unsigned resolve[] = {RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH,
					   RESOLVE_IN_ROOT};
	struct open_how how = {0};
	size_t size = sizeof(how);
	const char *path;
	int dir;

	dir = arg_dirfd(o);
	path = arg_path(o, dir);
	how.flags = (uint64_t)draw_open_flags(o);
	say_open_flags(o, (int)how.flags);
	if ((how.flags & (O_CREAT | 020000000)) || one_in(o, 20))
		how.mode = arg_mode(o);
	how.resolve = arg_flags(o, "resolve", resolve, 5, 5);
	copy_up(o, dir, path, (int)how.flags);
	if (one_in(o, 50)) {
		how.flags |= 1ULL << 40;
		say(o, "|unknown");
	}
	if (one_in(o, 50))
		size = (size_t)arg_number(o, "size", (long)draw(o, 24));
	opened(o, result(o, syscall(SYS_openat2, dir, path, arg_buffer(o, &how), size)));
}

static void op_creat(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);
	mode_t mode = arg_mode(o);

	/* as open: creat itself would wait for a reader of a fifo */
	opened(o, result(o, syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_NONBLOCK, mode)));
}

/* Reopening by the descriptor's own name. */
static void op_reopen(struct op *o)
{
	char path[64];
	int fd = arg_fd(o), flags = draw_open_flags(o);

	snprintf(path, sizeof(path), "/proc/%s/fd/%d", one_in(o, 3) ? "thread-self" : "self", fd);
	say_open_flags(o, flags);
	opened(o, result(o, syscall(SYS_openat, AT_FDCWD, path, flags, 0600)));
}

static void op_tmpfile(struct op *o)
{
	char path[64];
	int dir = arg_dirfd(o);
	const char *at = arg_path(o, dir);
	int flags = O_TMPFILE | (int)(1 + draw(o, 2)) | (one_in(o, 6) ? O_EXCL : 0);
	mode_t mode = arg_mode(o);
	long fd;

	say_open_flags(o, flags);
	fd = result(o, syscall(SYS_openat, dir, at, flags, mode));
	if (fd >= 0) {
		const char *name;

		o->drawn = false;
		say(o, " linkat(");
		name = arg_path(o, AT_FDCWD);
		snprintf(path, sizeof(path), "/proc/self/fd/%ld", fd);
		if (one_in(o, 3))
			result(o, syscall(SYS_linkat, fd, "", AT_FDCWD, name, AT_EMPTY_PATH));
		else
			result(o, syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	}
	opened(o, fd);
}

static void op_close(struct op *o)
{
	int slot = (int)draw(o, SLOTS);

	say(o, "s%d:%d", slot, o->slots[slot]);
	result(o, syscall(SYS_close, o->slots[slot]));
	o->slots[slot] = -1;
}

static void op_dup(struct op *o)
{
	int fd = arg_fd(o);
	long r = result(o, syscall(SYS_dup, fd));

	new_fd(o, arg_slot(o), r);
}

static void op_fcntl_dup(struct op *o)
{
	int fd = arg_fd(o);
	long r = result(o, syscall(SYS_fcntl, fd, one_in(o, 2) ? F_DUPFD : F_DUPFD_CLOEXEC, 20));

	new_fd(o, arg_slot(o), r);
}

static void op_dup3(struct op *o)
{
	int fd = arg_fd(o), slot = arg_slot(o);

	say(o, ", to s%d:%d", slot, o->slots[slot]);
	if (o->slots[slot] < 0)
		say(o, ") skipped");
	else
		result(o, syscall(SYS_dup3, fd, o->slots[slot], one_in(o, 2) ? O_CLOEXEC : 0));
}

/* No descriptor left: an open fails before or after it created, as Linux has it. */
static void op_open_full(struct op *o)
{
	struct rlimit full, old;
	const char *path = arg_path(o, AT_FDCWD);
	int flags = draw_open_flags(o);
	long low = syscall(SYS_fcntl, FD_ROOT, F_DUPFD, 0), fd;

	/* Where nothing would be made, ours reads the links on the way before it sees that no descriptor is left. */
	if (!(flags & (O_CREAT | O_TRUNC)))
		flags |= O_NOFOLLOW;
	say_open_flags(o, flags);
	if (low < 0)
		return;
	syscall(SYS_close, low);
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &old);
	full = (struct rlimit){.rlim_cur = (rlim_t)low, .rlim_max = old.rlim_max};
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &full, NULL);
	fd = syscall(SYS_openat, AT_FDCWD, path, flags, 0644);
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &old, NULL);
	result(o, fd);
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static void op_close_range(struct op *o)
{
	int slot = (int)draw(o, SLOTS);

	say(o, "s%d:%d", slot, o->slots[slot]);
	if (o->slots[slot] < 0) {
		say(o, ") skipped");
		return;
	}
	result(o, syscall(SYS_close_range, o->slots[slot], o->slots[slot], 0));
	o->slots[slot] = -1;
}

const struct operation open_operations[] = {
	{"open", 40, op_open, 0, false},
	{"openat", 60, op_openat, 0, false},
	{"openat2", 25, op_openat2, 0, false},
	{"creat", 10, op_creat, 0, false},
	{"reopen", 12, op_reopen, 0, false},
	{"tmpfile", 12, op_tmpfile, 0, false},
	{"close", 20, op_close, 0, false},
	{"close_range", 4, op_close_range, 0, false},
	{"dup", 6, op_dup, 0, false},
	{"fcntl_dup", 4, op_fcntl_dup, 0, false},
	{"dup3", 5, op_dup3, 0, false},
	{"open_full", 6, op_open_full, 0, false},
	{NULL, 0, NULL, 0, false},
};
