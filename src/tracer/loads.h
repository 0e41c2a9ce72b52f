/*
 * Execves of the file kernel: the loader's image (loader/image.h), and the loads that are under way.
 *
 * The kernel executes the image, by a path of the supervisor's /proc; the loader in it maps the program that was meant.
 * It is told what to map while the task stands at the end of the execve, and gets the files by private notified calls,
 * which are answered only to the loader, from its code, once each.
 *
 * Locks: loads.lock guards the list and what is in it; a leaf.
 */
#ifndef TRAPLINE_TRACER_LOADS_H
#define TRAPLINE_TRACER_LOADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel/task/exec.h"
#include "syscalls/dispatch.h"
#include "tracer/loader/image.h"

struct load;

/* Offsets into the image; 0: it has no stub. */
struct loader_symbols {
	uint32_t stub_entry;
	uint32_t stub_room;	/* struct stub_room */
	uint32_t stub_copies, stub_fault;	/* a fault from the one up to the other goes on at the other */
};
extern const struct loader_symbols loader_symbols;

struct loads {
	int image;			/* owned; -1: none */
	struct stat image_stat;
	char path[LOADER_PATH_SIZE];	/* of the image, padded with slashes; ends in NUL */
	bool randomize, randomize_brk;	/* kernel.randomize_va_space */
	/* we run with ADDR_NO_RANDOMIZE, and so do guests as long as none changes its personality(2) */
	bool fixed;
	bool follows_personality;	/* .personality_set tells of every change; else /proc is asked */
	_Atomic bool personality_set;
	pthread_mutex_t lock;
	struct load *list;		/* lock */
	_Atomic unsigned count;
};

MUST_CHECK int loads_init(struct loads *l);
/* Of a name shorter than that, one with slashes before it of the length that an image's path has. */
void loads_pad_path(char path[LOADER_PATH_SIZE], const char *name);
void loads_finish(struct loads *l);

/* Is this the file that was executed? Then a guest has not come between a check and the kernel. */
bool loads_is_image(const struct loads *l, const struct stat *st);
/* Where the image was mapped, from the instruction pointer of a task at the end of its execve. */
uint64_t loads_base(uint64_t ip);

/*
 * The loader's parameters for this plan, into buf of LOADER_PARAM_SIZE bytes: how many bytes. -E2BIG: they do not fit.
 * cred: what the program is told of its ids. say_done: its calls must be told from the program's.
 */
MUST_CHECK ssize_t loads_fill(const struct loads *l, pid_t tid, const struct exec_plan *plan, const struct cred *cred,
			      bool say_done, void *buf);
/* The task is about to run the loader at base: it may ask for the plan's files. They are taken out of the plan. */
MUST_CHECK int loads_add(struct loads *l, pid_t tid, uint64_t base, struct exec_plan *plan, bool say_done);
void loads_forget(struct loads *l, pid_t tid);
/* Was this call, which was just entered, made by the loader, and not by the program that it loads? Any thread. */
bool loads_made(struct loads *l, pid_t tid, uint64_t ip, enum call_id id);
/* Is this the loader's private call? Its program's, if the call was made by a loader. */
bool loads_is_call(const struct call_event *ev);
struct verdict loads_answer(struct loads *l, const struct call_event *ev);
/*
 * The interpreter's file, to be given together with the program's; -1: there is none. It is the caller's until
 * loads_gave_interp, which is due: whether it was given.
 */
int loads_take_interp(struct loads *l, pid_t tid);
void loads_gave_interp(struct loads *l, pid_t tid, int fd, bool given);
/*
 * A loader that has no descriptor left needs one for a moment all the same: natively execve needs none. Raises the
 * limit of the task for the next descriptor; *ret is for loads_lower_limit, at once after it. A negative errno: it
 * cannot be raised.
 */
MUST_CHECK int loads_raise_limit(pid_t tid, struct rlimit *ret);
void loads_lower_limit(pid_t tid, const struct rlimit *old);
/*
 * If not: the number of a descriptor of the task that can make room for a moment, or -EMFILE. Not one whose file's
 * locks would go with it (fcntl_locking(2)), nor one that could not be put back.
 */
MUST_CHECK int loads_choose(pid_t tid);
/*
 * Keep fd, what the loader's number stood for, until the loader that called from ip asks for it. fd is taken over on
 * success.
 */
MUST_CHECK int loads_borrow(struct loads *l, pid_t tid, uint64_t ip, int number, int fd);
/*
 * The loader's answer to LOADER_ASK_RETURN: the number, and *ret_fd, which is the caller's. -ENOENT: nothing was
 * borrowed.
 */
MUST_CHECK int loads_return(struct loads *l, pid_t tid, int *ret_fd);

#endif
