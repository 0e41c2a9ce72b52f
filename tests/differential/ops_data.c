/* Bytes: reading, writing, sizes, holes, maps, copies. */
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "fsops.h"

enum { DATA_BYTES = 12288 };

/* What operation writes is told by its index. */
static void fill(struct op *o, unsigned char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (unsigned char)(o->index * 31 + i * 7 + 1);
}

static void got(struct op *o, long n, const void *buf)
{
	if (n > 0)
		say_hash(o, buf, (size_t)n);
}

static void op_read(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);
	void *at = arg_buffer(o, buf);
	long r = result(o, syscall(SYS_read, fd, at, n));

	if (at == buf)
		got(o, r, buf);
}

static void op_pread(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);
	int64_t at = arg_offset(o);

	got(o, result(o, syscall(SYS_pread64, fd, buf, n, at)), buf);
}

static void op_write(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);

	fill(o, buf, n);
	result(o, syscall(SYS_write, fd, arg_buffer(o, buf), n));
}

static void op_pwrite(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);
	int64_t at = arg_offset(o);

	if (!(o->sh->features & FEATURE_FAILED_WRITES) && !is_root(o) && at > 1LL << 40) {
		say(o, ") left out");
		return;
	}
	fill(o, buf, n);
	result(o, syscall(SYS_pwrite64, fd, buf, n, at));
}

/* Not RWF_NOWAIT: whether a call would wait is chance. */
static unsigned arg_rwf(struct op *o)
{
	static const unsigned flags[] = {0, RWF_APPEND, RWF_APPEND, 0x20 /* RWF_NOAPPEND */, RWF_APPEND | 0x20, RWF_DSYNC, RWF_SYNC, 0x1000};
	unsigned f = flags[draw(o, 8)];

	/* overlayfs appends all the same */
	if (!(o->sh->features & FEATURE_LOWER))
		f &= ~0x20u;
	return (unsigned)arg_number(o, "rwf", o->sh->features & FEATURE_SYNC ? f : f & ~(unsigned)(RWF_DSYNC | RWF_SYNC));
}

static void op_writev(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);
	struct iovec v[2] = {{buf, n / 2}, {buf + n / 2, n - n / 2}};

	fill(o, buf, n);
	if (one_in(o, 2))
		result(o, syscall(SYS_writev, fd, v, 2));
	else if (one_in(o, 3))
		result(o, syscall(SYS_pwritev, fd, v, 2, (long)draw(o, 9000), 0L));
	else
		result(o, syscall(SYS_pwritev2, fd, v, 2, one_in(o, 2) ? -1L : (long)draw(o, 9000), 0L, arg_rwf(o)));
}

static void op_readv(struct op *o)
{
	static unsigned char buf[DATA_BYTES];
	int fd = arg_fd(o);
	size_t n = arg_size(o);
	struct iovec v[2] = {{buf, n / 3}, {buf + n / 3, n - n / 3}};

	if (one_in(o, 2))
		got(o, result(o, syscall(SYS_readv, fd, v, 2)), buf);
	else if (one_in(o, 2))
		got(o, result(o, syscall(SYS_preadv, fd, v, 2, (long)draw(o, 5000), 0L)), buf);
	else
		got(o, result(o, syscall(SYS_preadv2, fd, v, 2, one_in(o, 2) ? -1L : (long)draw(o, 5000), 0L, arg_rwf(o))), buf);
}

static void op_lseek(struct op *o)
{
	static const int whence[] = {SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 9};
	int fd = arg_fd(o);
	int64_t at = arg_offset(o);
	int from = (int)arg_number(o, "whence", whence[draw(o, 7)]);
	struct stat st;

	/* where a directory's listing may go on is the filesystem's own business */
	if (syscall(SYS_fstat, fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		say(o, ") a directory");
		return;
	}
	result(o, syscall(SYS_lseek, fd, at, from));
}

static void op_truncate(struct op *o)
{
	const char *path = arg_path(o, AT_FDCWD);

	result(o, syscall(SYS_truncate, path, arg_offset(o)));
}

static void op_ftruncate(struct op *o)
{
	int fd = arg_fd(o);

	result(o, syscall(SYS_ftruncate, fd, arg_offset(o)));
}

static void op_fallocate(struct op *o)
{
	static const int modes[] = {0,
				    FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_COLLAPSE_RANGE,
				    FALLOC_FL_INSERT_RANGE,
				    0x4000,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_UNSHARE_RANGE};
	int fd = arg_fd(o);
	bool all = o->sh->features & FEATURE_FAILED_WRITES || is_root(o);
	int mode = (int)arg_number(o, "mode", modes[draw(o, all ? 10 : 4)]);
	int64_t at = arg_offset(o);

	/* overlayfs takes suid and sgid away before the layer below says that this is too far */
	if (!all && at > 1LL << 40) {
		say(o, ") left out");
		return;
	}
	result(o,
	       syscall(SYS_fallocate, fd, mode, at, arg_number(o, "len", one_in(o, 20) ? -1 : (long)draw(o, 20000))));
}

static void op_mmap(struct op *o)
{
	int fd = arg_fd(o);
	bool shared = one_in(o, 2), writes = one_in(o, 2);
	size_t at = draw(o, 4096);
	struct stat st;
	unsigned char *p;

	say(o, ", %s%s, at %zu", shared ? "shared" : "private", writes ? " writable" : "", at);
	p = mmap(NULL, 4096, writes ? PROT_READ | PROT_WRITE : PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	result(o, p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	if (syscall(SYS_fstat, fd, &st) == 0 && st.st_size > (off_t)at) {
		say_hash(o, p, at + 1);
		if (writes) {
			p[at] = (unsigned char)o->index;
			say(o, " wrote");
			if (shared && one_in(o, 3))
				result(o, syscall(SYS_msync, p, 4096, MS_ASYNC));
		}
	}
	munmap(p, 4096);
}

static void op_copy_file_range(struct op *o)
{
	int from = arg_fd(o), to = arg_fd(o);
	int64_t at = draw(o, 8000), into = draw(o, 8000);
	bool positions = one_in(o, 2);
	size_t n = arg_size(o);

	arg_number(o, "from", positions ? at : -1);
	arg_number(o, "into", positions ? into : -1);
	result(o, syscall(SYS_copy_file_range, from, positions ? &at : NULL, to, positions ? &into : NULL, n,
			  arg_number(o, "flags", one_in(o, 30))));
	if (positions)
		say(o, " at %lld and %lld", (long long)at, (long long)into);
}

static void op_sendfile(struct op *o)
{
	int to = arg_fd(o), from = arg_fd(o);
	struct stat st;

	/* EINVAL, but the directory counts as read: of the guest's directories that is seen by the host alone */
	if (syscall(SYS_fstat, from, &st) == 0 && S_ISDIR(st.st_mode)) {
		say(o, ") a directory");
		return;
	}
	off_t at = draw(o, 6000);
	bool position = one_in(o, 2);

	result(o, syscall(SYS_sendfile, to, from, position ? &at : NULL, arg_size(o)));
	if (position)
		say(o, " at %lld", (long long)at);
}

static void op_sync(struct op *o)
{
	int fd = arg_fd(o);

	switch (draw(o, 4)) {
	case 0:
		result(o, syscall(SYS_fsync, fd));
		break;
	case 1:
		result(o, syscall(SYS_fdatasync, fd));
		break;
	case 2:
		result(o, syscall(SYS_sync_file_range, fd, 0, 4096, 2));
		break;
	default:
		result(o, syscall(SYS_syncfs, fd));
	}
}

static void op_advise(struct op *o)
{
	int fd = arg_fd(o);

	if (one_in(o, 2))
		result(o, syscall(SYS_fadvise64, fd, 0, 4096, one_in(o, 5) ? 77 : (int)draw(o, 6)));
	else
		result(o, syscall(SYS_readahead, fd, 0, 4096));
}

/* A read, a write and a read of what both made. */
static void op_splice(struct op *o)
{
	int from = arg_fd(o), to = arg_fd(o), pipes[2];
	int64_t at = draw(o, 5000), into = draw(o, 5000);
	long n;

	if (pipe(pipes) < 0) {
		say(o, ") = %s", error_name(errno));
		return;
	}
	n = result(o, syscall(SYS_splice, from, one_in(o, 3) ? &at : NULL, pipes[1], NULL, 4000, SPLICE_F_NONBLOCK));
	if (n > 0)
		result(o, syscall(SYS_splice, pipes[0], NULL, to, one_in(o, 3) ? &into : NULL, n, SPLICE_F_NONBLOCK));
	say(o, " at %lld and %lld", (long long)at, (long long)into);
	syscall(SYS_close, pipes[0]);
	syscall(SYS_close, pipes[1]);
}

const struct operation data_operations[] = {
	{"read", 20, op_read, 0, false},
	{"pread", 10, op_pread, 0, false},
	{"write", 25, op_write, 0, false},
	{"pwrite", 20, op_pwrite, 0, false},
	{"writev", 10, op_writev, 0, false},
	{"readv", 8, op_readv, 0, false},
	{"lseek", 12, op_lseek, 0, false},
	{"truncate", 16, op_truncate, 0, false},
	{"ftruncate", 12, op_ftruncate, 0, false},
	{"fallocate", 12, op_fallocate, 0, false},
	{"mmap", 12, op_mmap, 0, false},
	{"copy_file_range", 8, op_copy_file_range, 0, false},
	{"sendfile", 5, op_sendfile, 0, false},
	{"splice", 4, op_splice, 0, false},
	{"sync", 4, op_sync, FEATURE_SYNC, false},
	{"advise", 4, op_advise, 0, false},
	{NULL, 0, NULL, 0, false},
};
