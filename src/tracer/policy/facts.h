/*
 * What a decision asks about a call of a live task, each fact read once: the copies made here are what is decided on
 * and, where the call then passes, what the kernel is given in place of the guest's own memory.
 */
#ifndef TRAPLINE_TRACER_POLICY_FACTS_H
#define TRAPLINE_TRACER_POLICY_FACTS_H

#include <stddef.h>

#include "policy/arena.h"
#include "policy/decide.h"
#include "syscalls/dispatch.h"
#include "tracer/policy/resolve.h"

struct fact_copy {
	const void *data;	/* in the arena; NULL: not read */
	size_t len;
	struct policy_string resolved;	/* of a path */
};

struct task_facts {
	struct decide_event event;	/* for policy_decide */
	struct call_event *call;
	struct kernel *kernel;	/* whose tree paths are in; NULL, or without one: the host's */
	pid_t tgid;			/* 0: nobody asked yet, see task_facts_tgid */
	struct arena arena;
	_Alignas(max_align_t) char memory[1024];	/* the arena's first: a path or two */
	bool our_root;			/* the task's root is known to be the supervisor's */
	struct resolver resolver;
	bool resolver_made;
	struct fact_copy copies[6];	/* by parameter */
	int fault;			/* the first negative errno that the kernel would give too, or 0 */
	uint64_t calls;			/* how often the process made this call */
};

/* The call must outlive the facts. tgid: the caller's thread group, or 0 to look it up if it is asked for. */
void task_facts_init(struct task_facts *f, struct call_event *call, pid_t tgid);
/* The thread group; the task's own id if it is gone. */
pid_t task_facts_tgid(struct task_facts *f);
void task_facts_finish(struct task_facts *f);
/* Look at every path of the call, also those that no decision asked about. */
void task_facts_paths(struct task_facts *f);
/* The argument register of a parameter, or -1. */
int task_facts_register(const struct task_facts *f, unsigned param);
/* Thread group and effective ids of a task from /proc. 0 or -ESRCH. */
MUST_CHECK int task_ids(pid_t tid, pid_t *ret_tgid, uint32_t *ret_uid, uint32_t *ret_gid);

#endif
