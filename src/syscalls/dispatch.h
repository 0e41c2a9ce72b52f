/*
 * One event goes in, one verdict comes out. Nothing here or right of here knows which mechanism caught the call.
 */
#ifndef TRAPLINE_SYSCALLS_DISPATCH_H
#define TRAPLINE_SYSCALLS_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/errors.h"
#include "syscalls/table.h"

/* A guest address: never a C pointer. */
struct guest_ptr {
	uint64_t addr;
};

struct call_event;
struct verdict;

/*
 * How a handler reaches the guest that made the call; filled in by the tracer. len bytes exactly: 0, -EFAULT (the
 * guest's fault: answer EFAULT), or -ESRCH (the task died or the call was abandoned: any verdict will do).
 */
struct guest_ops {
	int (*read)(struct call_event *ev, struct guest_ptr from, void *to, size_t len);
	int (*write)(struct call_event *ev, struct guest_ptr to, const void *from, size_t len);
	/* A NUL-terminated string of at most size - 1 bytes. Its length, -EFAULT, -ENAMETOOLONG or -ESRCH. */
	ssize_t (*read_string)(struct call_event *ev, struct guest_ptr from, char *to, size_t size);
	/*
	 * A duplicate of the caller's descriptor in this process (pidfd_getfd(2)): the same open file description.
	 * Owned by the handler. -EBADF, -ESRCH; -ENFILE when the supervisor has no descriptor left.
	 */
	int (*get_fd)(struct call_event *ev, int guest_fd, int *ret_fd);
	/* How many descriptors the caller has open; 0 before Linux 6.2; a negative errno: not known. */
	int64_t (*count_fds)(struct call_event *ev);
};

/* Guest memory that was already copied: what a decision was made on is what the handler gets. */
struct call_copy {
	uint64_t addr;
	const void *data;	/* NULL: none */
	size_t len;		/* of a string, with its NUL */
};

struct call_event {
	enum call_id id;
	enum call_abi abi;
	int64_t nr;		/* raw */
	uint64_t args[6];
	uint64_t ip;		/* behind the call's instruction */
	pid_t tid;
	const struct guest_ops *ops;
	const struct call_copy *copies;	/* six, or NULL; borrowed for the dispatch */
	/* the caller can be made to make the call itself with an address of ours (VERDICT_LEND) */
	bool lends;
	/* no descriptor can be given: an open of what there is is passed, and nothing done */
	bool gives_no_fd;
};

/* For the operations: the copy that starts at addr, or NULL. */
static inline const struct call_copy *call_copy_at(const struct call_event *ev, uint64_t addr)
{
	for (int i = 0; ev->copies && i < 6; i++) {
		if (ev->copies[i].data && ev->copies[i].addr == addr)
			return &ev->copies[i];
	}
	return NULL;
}

enum verdict_kind {
	VERDICT_PASS,		/* the host kernel carries the call out */
	VERDICT_VALUE,		/* answered: .value is what the guest sees; a negative errno is an error to it */
	VERDICT_FAIL,		/* the host failed trapline: the session ends with .value, a negative errno */
	VERDICT_FD,		/* answered with a new descriptor of the guest's, for the description behind .fd */
	/* where call_event.lends: the guest makes the call itself, with .lent for its socket address */
	VERDICT_LEND,
	/* where call_event.lends: the guest makes .call with .args instead, so that it is who is seen */
	VERDICT_CALL,
	/* .block is to be called where it may sleep, without holding up other guests; its verdict counts */
	VERDICT_BLOCK,
};

/*
 * The blocking part of a call. run may be interrupted by a signal (its system calls give EINTR) when the guest is gone.
 * The verdict's receiver calls run once, or drop once, and both free it.
 */
struct blocking {
	struct verdict (*run)(struct blocking *b);
	void (*drop)(struct blocking *b);
	/*
	 * An open of the object behind .fd, an O_PATH descriptor, with .flags (O_CLOEXEC is the guest's): who can may
	 * have the guest make it, and sleep in it, itself.
	 */
	bool opens;
	int fd;			/* borrowed */
	int flags;
	int mark;		/* for vfs_mark */
};

/*
 * A socket address, and what goes with it, for a call that the guest makes from memory that only we can change. Heap.
 */
struct lent_address {
	/* owned, open until the call is over: the file that the address is to name; -1: .address is it */
	int fd;
	/* the address' argument, its length being the next; -1: a struct msghdr in argument 1 has it */
	int arg;
	socklen_t len;		/* 0 in a message: none */
	unsigned char address[128];
	struct msghdr header;	/* as the guest had it */
	void *control;		/* owned: instead of the guest's; NULL: that stays */
};

static inline void lent_address_destroy(struct lent_address *l)
{
	if (l && l->fd >= 0)
		(void)close(l->fd);
	if (l)
		free(l->control);
	free(l);
}

struct verdict {
	enum verdict_kind kind;
	bool cloexec;		/* VERDICT_FD: the new descriptor's flag */
	int fd;			/* VERDICT_FD: owned by the verdict; closed by who carries it out */
	/* VERDICT_FD of a directory opened with O_PATH: O_DIRECTORY, O_NOFOLLOW if it was so opened */
	int path_flags;
	int64_t value;
	struct blocking *block;
	struct lent_address *lent;	/* owned by who carries it out */
	enum call_id call;	/* VERDICT_CALL; the guest's registers beyond .args stay */
	uint64_t args[4];
};

static inline struct verdict verdict_pass(void)
{
	return (struct verdict){.kind = VERDICT_PASS};
}

static inline struct verdict verdict_value(int64_t value)
{
	return (struct verdict){.kind = VERDICT_VALUE, .value = value};
}

/* Takes over fd. */
static inline struct verdict verdict_fd(int fd, bool cloexec)
{
	return (struct verdict){.kind = VERDICT_FD, .fd = fd, .cloexec = cloexec};
}

static inline struct verdict verdict_block(struct blocking *block)
{
	return (struct verdict){.kind = VERDICT_BLOCK, .block = block};
}

static inline struct verdict verdict_lend(struct lent_address *lent)
{
	return (struct verdict){.kind = VERDICT_LEND, .lent = lent};
}

/* A verdict that nobody carries out. */
static inline void verdict_discard(struct verdict *v)
{
	if (v->kind == VERDICT_FD)
		(void)close(v->fd);
	else if (v->kind == VERDICT_BLOCK)
		v->block->drop(v->block);
	else if (v->kind == VERDICT_LEND)
		lent_address_destroy(v->lent);
}

/* The guest sees -4095 to -1 as errors (and no other value). */
static inline bool verdict_is_error(const struct verdict *v)
{
	return v->value < 0 && v->value >= -4095;
}

struct kernel;	/* src/kernel: what the handlers answer from */

/* Handlers, one for each row whose support says so; prototypes are generated (syscalls/handlers.h). */
typedef struct verdict call_handler(struct kernel *k, struct call_event *ev);

/* The handler of a call, or NULL. */
call_handler *call_handler_of(enum call_id id);

/* Answer one call. PASS when there is no handler. Thread safe: called from the trap loop and from notify workers. */
struct verdict syscalls_dispatch(struct kernel *k, struct call_event *ev);

#endif
