/*
 * The inside of the stub's side in the supervisor.
 *
 *   spaces.c  address spaces with the loader in them, and which tasks run there
 *   sites.c   call sites: counted, patched
 *   serve.c   the thread that answers what comes by the lines
 *   fault.c   faults of the stub
 */
#ifndef TRAPLINE_TRACER_STUB_PRIVATE_H
#define TRAPLINE_TRACER_STUB_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "tracer/loader/line.h"
#include "tracer/session_private.h"
#include "tracer/stub/stub.h"

enum {
	STUB_BUCKETS = 256,
	STUB_LINES_MAX = 32,		/* processes with one at a time */
	STUB_CALLS_TO_PATCH = 8,	/* from one site */
};

struct stub_site {
	uint64_t ip;		/* behind the call's instruction */
	uint32_t calls;		/* UINT32_MAX: patched, or not to be */
};

/* An address space: of one process. */
struct stub_space {
	unsigned refs;
	pid_t tgid;
	uint64_t base;			/* of the loader's image */
	bool shared;			/* another process runs in it */
	uint64_t control;		/* struct stub_control in it; 0: none */
	struct stub_site sites[STUB_SITES];
	unsigned site_count;
	_Atomic unsigned trampolines;	/* changed by who answers its only thread */
	struct line *line;		/* mapped here; owned; NULL: none */
	_Atomic bool ended;
};

struct stub_member {
	struct stub_member *next;
	pid_t tid;
	bool lent;			/* of another process, which has the memory lent (vfork) */
	struct stub_space *space;	/* a reference */
};

struct stub {
	struct session *session;
	pthread_mutex_t lock;
	struct stub_member *members[STUB_BUCKETS];	/* lock */
	struct stub_space *lines[STUB_LINES_MAX];	/* lock; references */
	_Atomic unsigned changes;			/* of .lines */
	_Atomic bool barred;
	bool always;			/* session_options.stub */

	/* serve.c */
	pthread_t thread;
	bool runs;			/* lock */
	_Atomic bool ends;
	_Atomic uint32_t wanted;	/* a futex: 1: serve */
	_Atomic unsigned patience;	/* so many calls that came by notification wake the thread up */
	unsigned streak;		/* lock; such calls, one soon after the other ... */
	uint64_t streak_ns;		/* lock; ... when the last came */
};

/* spaces.c: the lock is held for these. */
struct stub_space *stub_space_of(struct stub *st, pid_t tid, bool or_lent);
/* What is left when nobody refers to it. */
void stub_space_put(struct stub_space *space);

/* sites.c */
/* The call's instruction, behind which ev->ip is, becomes a jump. The caller waits, and is alone in its space. */
MUST_CHECK int stub_patch(struct stub_space *space, const struct call_event *ev);
/* Which argument is a path; -1: none. false: the call does not go through lines. */
bool stub_takes(enum call_id id, int *ret_path_arg);
/* Into the stub's room in the process of tid. */
MUST_CHECK int stub_write_room(pid_t tid, uint64_t addr, const void *from, size_t len);

/* serve.c */
/* The lock is held. */
MUST_CHECK int stub_thread_start(struct stub *st);
void stub_thread_finish(struct stub *st);
/* A call of a process with a line came by notification: the thread sleeps. The lock is held. */
bool stub_wants_thread(struct stub *st);
void stub_thread_wake(struct stub *st);

#endif
