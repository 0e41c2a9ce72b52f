/*
 * What file calls cost a guest: natively, on each of trapline's filesystems, and beside the floor of the mechanism: a
 * bare loop that receives a notification and answers it with a descriptor (opens), or after one read of guest memory
 * (names); for calls that the host carries out, a seccomp filter of one instruction that lets all pass. And beside the
 * least that such a loop can do with the call: it takes the name, asks the host or opens, and hands over what came of
 * it, with no thought.
 */
#ifndef TRAPLINE_BENCH_FILES_H
#define TRAPLINE_BENCH_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

enum files_op {
	FILES_READ, FILES_WRITE, FILES_READ_SMALL, FILES_WRITE_SMALL, FILES_LSEEK, FILES_MMAP, FILES_FSTAT, FILES_FSTAT_LIBC,
	FILES_OPEN_CLOSE, FILES_STAT, FILES_STAT_DEEP, FILES_ACCESS, FILES_READLINK, FILES_LIST, FILES_CREATE_UNLINK, FILES_MKDIR_RMDIR, FILES_RENAME, FILES_OPS,
};

/* FILES_BY_STUB: as FILES_ON_HOST, of a program that the loader has loaded, so that calls may go without a stop. */
enum files_way {
	FILES_NATIVE, FILES_ON_HOST, FILES_ON_TMPFS, FILES_ON_OVERLAY, FILES_BY_STUB, FILES_FLOOR, FILES_LEAST, FILES_WAYS
};

const char *files_op_name(enum files_op op);
const char *files_way_name(enum files_way way);
/* What op can be measured against. FLOOR_STAT and FLOOR_OPEN are FILES_LEAST. */
enum files_floor { FLOOR_NONE, FLOOR_FILTER, FLOOR_READ, FLOOR_INSTALL, FLOOR_STAT, FLOOR_OPEN };
/* FLOOR_NONE: this way does not have it. For FILES_FLOOR and FILES_LEAST. */
enum files_floor files_op_floor(enum files_op op, enum files_way way);

struct files_bench {
	uint64_t calls;		/* operations measured each time */
	unsigned rounds;	/* the median of so many runs counts */
	bool pinned;		/* guest and supervisor on one core */
};

/* Nanoseconds of one operation; 0: this way does not have it (floors), or it failed (a message was written). */
struct files_row {
	double ns[FILES_WAYS];
};

/*
 * Runs "SELF bench files-guest" and "SELF run ... -- SELF bench files-guest". 0, or a negative errno of making its
 * directory.
 */
MUST_CHECK int files_bench_run(const struct files_bench *b, struct files_row rows[FILES_OPS]);
/*
 * Operations a second of two threads together over those of one thread, for opening files: natively, with trapline, and
 * behind the bare loop of FILES_LEAST, of which there are as many as threads. All 0 on failure.
 */
struct files_scaling {
	double native, here, least;
};
MUST_CHECK int files_bench_scaling(const struct files_bench *b, struct files_scaling *ret);

/*
 * The guest: sets up op in dir, runs it, prints picoseconds for one. way: FILES_NATIVE, or behind which loop. Threads:
 * 1 or 2.
 */
MUST_CHECK int files_guest_run(enum files_op op, uint64_t calls, const char *dir, enum files_way way, unsigned threads);

/*
 * files_floor.c: from now on this thread's calls of nr, and those of threads that it starts, are answered by so many
 * bare loops in processes of their own, or with FLOOR_FILTER all calls pass a filter.
 */
MUST_CHECK int files_floor_start(enum files_floor kind, int nr, int source_fd, unsigned loops);

#endif
