/*
 * fsops: a seeded random sequence of file calls from four workers that take turns, and a log that is the same on every
 * kernel that does the same.
 *
 * What an operation does depends on the seed and its index alone, never on what earlier ones drew: so any subset of a
 * sequence can be run again, which is how a failing one is shrunk (run.py). An operation draws its arguments, which
 * writes them to the log at once, makes the raw call, and logs the result, the errno and what the call gave back.
 */
#ifndef TRAPLINE_TESTS_FSOPS_H
#define TRAPLINE_TESTS_FSOPS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	WORKERS = 4,   /* a process; one forked; a thread of that one; one that shares its cwd with the first */
	TABLES = 3,    /* descriptor tables among them */
	SLOTS = 10,    /* descriptors that operations name, in each table */
	FD_ROOT = 100, /* "/" opened at the start */
	FD_PIPES = 110,
	LINE_MAX_BYTES = 65536,
	PATH_BYTES = 8192,
};

enum features {
	FEATURE_DEVICES = 1,	/* mknod of devices, RENAME_WHITEOUT */
	FEATURE_IDS = 2,	/* changes of the effective ids */
	FEATURE_SYNC = 4,
	FEATURE_PATH = 8,	/* O_PATH */
	FEATURE_INOTIFY = 16,
	FEATURE_LOWER = 64,	/* files of a lower layer that are read while they are copied up */
	FEATURE_LONG_LISTS = 32,	/* lists of attribute names: what room they need */
	FEATURE_LINK_TEXT = 128,	/* what /proc/self/fd/N reads as */
	FEATURE_FAILED_WRITES = 256,	/* fallocate and offsets that a filesystem refuses, by others than root */
	FEATURE_CAPS = 512,		/* some capabilities only, other groups, for one operation */
};

/* Shared by all workers; only the one whose turn it is touches it. */
struct shared {
	uint64_t seed;
	unsigned features;
	unsigned count;			/* operations to run */
	const uint32_t *indices;	/* which; NULL: 0 to count - 1 */
	dev_t dev_root, dev_second;	/* of "/" and "/m" */
	ino_t ino_root;
	pid_t pids[WORKERS];
	int slots[TABLES][SLOTS];	/* descriptor or -1 */
	struct { dev_t dev; ino_t ino; mode_t mode; } opened[TABLES][SLOTS];	/* what it was when it was opened */
};

/* The change times of a path or descriptor and of its parent around one operation. */
struct watch {
	bool wanted, armed;
	int dirfd;
	bool is_fd;
	char path[PATH_BYTES], parent[PATH_BYTES];
	struct stat self, above;
	bool have_self, have_above;
};

struct op {
	uint64_t rng;
	unsigned index;
	int worker;
	struct shared *sh;
	int *slots;			/* of the worker's table */
	int table;
	char *line;
	size_t len;
	bool drawn;			/* an argument was written: a comma comes before the next */
	struct watch watch;
	char paths[2][PATH_BYTES];
	unsigned next_path;
	bool makes_directory;		/* the path is for a new one */
	bool weak;			/* with other ids or fewer capabilities than the worker's */
};

/* ---- fsops_draw.c ---- */
uint32_t draw(struct op *o, uint32_t below);
bool one_in(struct op *o, uint32_t n);
uint64_t mix(uint64_t x);
void *bad_pointer(struct op *o);	/* an address that faults, drawn */
/* Each draws an argument and logs it. */
const char *arg_path(struct op *o, int dirfd);	/* dirfd: what the call resolves it from */
const char *arg_target(struct op *o);	/* of a symbolic link */
int arg_dirfd(struct op *o);
int arg_fd(struct op *o);		/* a descriptor of a slot, or a bad one */
int arg_slot(struct op *o);		/* where a new descriptor goes */
mode_t arg_mode(struct op *o);
int64_t arg_offset(struct op *o);
size_t arg_size(struct op *o);
unsigned arg_flags(struct op *o, const char *what, const unsigned *bits, size_t count, uint32_t rarity);
long arg_number(struct op *o, const char *what, long value);
const char *arg_xattr(struct op *o);
void *arg_buffer(struct op *o, void *good);	/* good, or rarely a bad pointer */

/* ---- fsops_log.c ---- */
__attribute__((format(printf, 2, 3))) void say(struct op *o, const char *fmt, ...);
void say_bytes(struct op *o, const void *bytes, size_t len);	/* quoted, runs shortened */
void say_path(struct op *o, const char *path);		/* process ids as names */
void say_link(struct op *o, const char *text, size_t len);	/* what a link reads as */
void say_stat(struct op *o, const struct stat *st);
void say_flags(struct op *o, int fd);
void say_hash(struct op *o, const void *bytes, size_t len);
long result(struct op *o, long r);	/* of syscall(): logs it, with the errno; returns it */
const char *error_name(int code);
void flush_line(struct op *o);
uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len);
void watch_start(struct op *o, int dirfd, const char *path);	/* path NULL: the descriptor itself */
void watch_end(struct op *o);
void new_fd(struct op *o, int slot, long fd);	/* the slot's old descriptor is closed */

/* ---- fsops_audit.c ---- */
void audit(struct op *o);		/* the whole tree, sorted, and every open descriptor */
void list_directory(struct op *o, int fd, bool old_call);

/* ---- the operations ---- */
struct operation {
	const char *name;
	unsigned weight;
	void (*run)(struct op *o);
	unsigned feature;		/* 0 or the feature that it needs */
	bool alone;			/* changes who asks: not within one that does */
};
extern const struct operation open_operations[], data_operations[], meta_operations[], name_operations[],
	other_operations[], cred_operations[];

/* ---- ops_cred.c ---- */
struct privileges {
	long fsuid;
	struct __user_cap_data_struct caps[2];
};
/* For what is no operation: as root, and back. */
void become_root(struct privileges *old);
void become_again(const struct privileges *old);
bool is_root(const struct op *o);	/* with all that root may */

/* ---- fsops.c ---- */
void run_inner(struct op *o);		/* another operation, drawn, as a part of this one */

/*
 * Each call from a place of its own, as a C library's wrappers make them: such a place is what the stub patches, and
 * syscall(2) is one place for all.
 */
#if defined(FSOPS_OWN_SITES) && defined(__x86_64__)
static inline long with_errno(long r)
{
	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}

#define OWN_SITE(nr, a, b, c, d, e, f, ...) __extension__({ \
	long a_ = (long)(a), b_ = (long)(b), c_ = (long)(c), d_ = (long)(d), e_ = (long)(e), f_ = (long)(f), r_; \
	register long r10_ __asm__("r10") = d_; \
	register long r8_ __asm__("r8") = e_; \
	register long r9_ __asm__("r9") = f_; \
	__asm__ volatile("movl %1, %%eax\n\tsyscall" : "=&a"(r_) : "i"(nr), "D"(a_), "S"(b_), "d"(c_), "r"(r10_), "r"(r8_), \
			 "r"(r9_) : "rcx", "r11", "memory"); \
	with_errno(r_); \
})
#define syscall(nr, ...) __builtin_choose_expr(__builtin_constant_p(nr), \
	OWN_SITE(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0), (syscall)(nr, ##__VA_ARGS__))
#endif

#endif
