/* Calls that strace shows in a way of their own. */
#include "syscalls/decode_priv.h"

#include <linux/sched.h>

#include "syscalls/flag_sets.h"

static void begin(struct decoder *d, const char *name, const char *label)
{
	d->p->ops->param_begin(d->p, name);
	wrap(d, label);
}

static void end(struct decoder *d)
{
	d->p->ops->param_end(d->p);
}

/*
 * clone: the stack first, and each argument with its name. The orders of the last two differ between the ABIs; the
 * kernel's own names are in the table, so that they are found by them.
 */
enum clone_args_done {
	CLONE_FIRST_AT_EXIT = 2,
};

#define CLONE_WANTS_MORE (CLONE_PARENT_SETTID | CLONE_PIDFD | CLONE_SETTLS | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

static void show_clone_flags(struct decoder *d, uint64_t v)
{
	char buf[16];
	int sig = (int)(v & CSIGNAL);
	uint64_t flags = v & ~(uint64_t)CSIGNAL & UINT32_MAX;
	if (!flags && sig) {
		show_signal(d, sig);
		return;
	}
	show_flags(d, &flag_set_clone_flags, flags);
	if (sig && !d->quiet) {
		wrap(d, "|");
		wrap(d, decode_signal_name(sig, buf));
	}
}

static unsigned clone_enter(struct decoder *d)
{
	uint64_t flags = d->call->args[0];
	begin(d, "stack", "child_stack=");
	show_pointer(d, decode_arg(d, 1));
	end(d);
	begin(d, "flags", "flags=");
	show_clone_flags(d, flags);
	end(d);
	return flags & CLONE_WANTS_MORE ? CLONE_FIRST_AT_EXIT : d->desc->nparams;
}

static void show_parent_tid(struct decoder *d, uint64_t flags)
{
	int32_t v;
	begin(d, "parent_tid", "parent_tid=");
	if (decode_fetch(d, decode_arg(d, 2), &v, sizeof(v))) {
		wrap(d, "[");
		if (flags & CLONE_PIDFD)
			show_fd(d, v);
		else
			show_sint(d, v);
		wrap(d, "]");
	}
	end(d);
}

static void clone_exit(struct decoder *d, unsigned first)
{
	uint64_t flags = d->call->args[0];
	bool tls_first = d->call->abi == ABI_AARCH64 || d->call->abi == ABI_I386;
	d->p->ops->resume(d->p, first);
	if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD))
		show_parent_tid(d, flags);
	if (flags & CLONE_SETTLS) {
		begin(d, "tls", "tls=");
		show_pointer(d, decode_arg(d, tls_first ? 3 : 4));
		end(d);
	}
	if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		begin(d, "child_tid", "child_tidptr=");
		show_pointer(d, decode_arg(d, tls_first ? 4 : 3));
		end(d);
	}
}

static const struct call_decoder clone_decoder = {.enter = clone_enter, .exit = clone_exit, .exit_needs = true};

/* restart_syscall has no arguments, but it is known what it goes on with. */
static unsigned restart_enter(struct decoder *d)
{
	const char *name = d->call->restarts ? call_desc((enum call_id)(d->call->restarts - 1))->name : "system call";
	begin(d, "resumes", "<... resuming interrupted ");
	show_text(d, name);
	wrap(d, " ...>");
	end(d);
	return d->desc->nparams;
}

static void nothing_at_exit(struct decoder *d UNUSED, unsigned first UNUSED)
{
}

static const struct call_decoder restart_decoder = {.enter = restart_enter, .exit = nothing_at_exit};

const struct call_decoder *call_decoder_of(enum call_id id)
{
	if (id == CALL_clone)
		return &clone_decoder;
	return id == CALL_restart_syscall ? &restart_decoder : NULL;
}
