/*
 * The inside of a session, shared by the files of src/tracer.
 *
 * Threads
 *   trap     makes ptrace requests for the tasks that it traces; the first is the thread that called session_run, and
 *            others may be started to use more cores (ptrace/handover.c). A tracee belongs to one of them, .by
 *   worker   receives notifications and answers them (notify/), one or more
 *   stub     answers what comes by shared memory (stub/); sleeps unless a guest calls often
 *   signals  takes the signals sent to the supervisor (signals.c)
 *   settler  releases placed tasks that no longer stop (placement.c); sleeps unless some task is placed
 *   writer   the recorder's, in src/observe
 *
 * Locks, all leaves: emit_lock (the recorder has one producer at a time; while there can be but one, it goes without),
 * table_lock (the table of tracees, not what is in them: a tracee is its trap thread's, but for fields that say
 * otherwise).
 */
#ifndef TRAPLINE_TRACER_SESSION_PRIVATE_H
#define TRAPLINE_TRACER_SESSION_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "regs/regs.h"
#include "syscalls/dispatch.h"
#include "syscalls/decode.h"
#include "tracer/guard.h"
#include "tracer/guest_fds.h"
#include "tracer/aside.h"
#include "tracer/handed.h"
#include "tracer/loads.h"
#include "tracer/placement.h"
#include "tracer/policy/apply.h"
#include "tracer/ptrace/ends.h"
#include "tracer/ptrace/yield.h"
#include "tracer/session.h"
#include "tracer/sightings.h"

/* The host's own ABI. */
static inline enum call_abi host_abi(void)
{
	return regs_arch_host() == REGS_X86_64 ? ABI_X86_64 : ABI_AARCH64;
}

struct carry_area;
struct handover;
struct exec_plan;
struct launch_page;
struct notify;
struct ptrace_syscall_info;
struct stub;
struct transit;
struct unwinder;

/* job.c: what trapline knows of the command as a job. */
struct job {
	_Atomic bool command_stopped;
	_Atomic bool stopped_along;	/* trapline stopped itself for this stop of the command */
	_Atomic uint32_t taken_ms;	/* when trapline took a stop signal itself; 0: not since the command went on */
	_Atomic bool hung_up;		/* the terminal did, and told us as the leader of its session */
	bool by_guest;			/* trap thread: who sent the command its last stop signal */
};

/* Where a traced task is between two stops of a call that concerns us. */
enum tracee_phase {
	PHASE_OUTSIDE,		/* in user code, or in a call that is none of our business */
	PHASE_INSIDE,		/* a call was entered and its exit stop is awaited */
	PHASE_REPEATING,	/* sysemu: the instruction was rewound so that the host carries the call out */
};

/* One thread that makes ptrace requests, for its own tracees alone. Its fields are its own, but for atomic ones. */
struct trap_thread {
	struct session *session;
	struct turns {
		size_t at;		/* in the table: whose turn it is */
		unsigned every, since;	/* events between two turns; since the last */
	} turns;			/* loop.c, serve_in_turn */
	pthread_t thread;
	_Atomic size_t tracees;		/* its own */
	struct tracee *last;		/* of its own, found last */
	struct strbuf log;		/* scratch read log */
	pid_t ended_early[16];		/* adopted tasks that ended before their parent's event; 0: free */
	unsigned ended_next;
	uint64_t system_ns;		/* system time of the process that stopped last, with record_cpu */
	struct placement_core core;
	struct core_yield yield;
	struct ends_pending ends;
	/* of the stop that is being served, if it is known already; else NULL */
	const struct ptrace_syscall_info *told;
	bool runs;			/* not the first; handover.lock */
	sem_t wakes;			/* what a thread without tracees sleeps on */
	_Atomic bool lost_some;		/* tasks for it died under way */
	_Atomic bool ended;
};

enum { TRAP_THREADS_MAX = 8 };

struct tracee {
	pid_t tid;
	_Atomic pid_t tgid;		/* 0: not known yet */
	struct trap_thread *by;		/* whose it is */
	pid_t parent;			/* whose event told of it, 0: not known */
	bool adopted;			/* it stopped before its parent's event, which is still to come */
	bool movable;			/* a process, not a thread, that has not run yet */
	bool by_clone3;			/* whose flags are in the parent's memory */
	uint64_t clone_flags;		/* else the flags that made it */
	struct transit *transit;	/* on its way to another trap thread */
	_Atomic uint64_t active_ns;	/* UINT64_MAX: not in a call; else when it entered one; 0: stands still */
	struct tracee *next;		/* hash chain */
	enum tracee_phase phase;
	bool live;			/* its first stop was seen: it may be recorded, resumed, detached */
	bool announced;			/* RECORD_TASK_NEW was emitted */
	bool attached;			/* it, or what it comes from, was there before us: never killed with us */
	bool launching;			/* our own child before its execve: not recorded */
	bool inside_recorded;		/* PHASE_INSIDE: the exit is to be recorded */
	bool stop_foreign;		/* this filter stop was asked for by a filter of the guest's own */
	bool answered;			/* PHASE_INSIDE: the call was skipped and .answer put in place */
	bool group_stopped;
	bool counted_running;		/* in .by->yield.running */
	bool newborn;			/* its maker's event was not seen yet: held (family.c) */
	bool detaching;			/* PTRACE_INTERRUPT sent for a detach */
	uint8_t first_out;		/* the first parameter that decode_exit decodes */
	uint8_t abi;			/* enum call_abi of the last call, ABI_COUNT before the first */
	bool other_abi;			/* the last recorded call was not of the host's ABI but of .shown_abi */
	uint8_t shown_abi;
	struct decode_call call;	/* the call inside, or the last one */
	struct decode_call shown;	/* as it is recorded, if it is: tracer/multiplexed.h */
	uint64_t ip;
	char comm[16];			/* what the recorder knows it as, with -Y */
	uint64_t entered_system_ns;	/* system time of the process when it was entered */
	uint8_t saved;			/* bit: an argument that we changed for the call, to be put back behind it */
	uint64_t saved_args[6];
	uint8_t injected;		/* of the call inside: bits of record.injected */
	int entry_signal;		/* to go on with from an entry stop */
	uint64_t delay_exit_ns;		/* PHASE_INSIDE: how long to hold it behind the call */
	const struct policy_inject *poke_exit;	/* PHASE_INSIDE: what to overwrite behind the call; NULL: nothing */
	uint8_t poke_regs[POKES_MAX];	/* as in struct applied */
	/* PHASE_INSIDE: a call that changes nothing is made, .stood_in_for is its result */
	bool stood_in;
	int64_t stood_in_for;
	uint64_t delay_ns;		/* how long to hold it before it goes on from this stop */
	uint64_t wake_ns;		/* != 0: held until then */
	int wake_signal;		/* delivered as it goes on */
	struct exec_plan *exec;		/* owned; of the execve that it is in */
	/* PHASE_INSIDE: a worker is asked what its call comes to, which it then makes again (aside.h) */
	bool aside;
	bool handed;			/* its call was made an openat for the worker (handed.h) */
	struct lender *lender;		/* owned; whose descriptor it is for the task, NULL: the supervisor's */
	/* PHASE_INSIDE: behind the call, what it told of a peer is mended (syscalls/sys_received.h) */
	bool receives;
	uint32_t received_room;
	bool strict;			/* it asked for SECCOMP_MODE_STRICT (ptrace/strict.c) */
	int lent_mark;			/* what the description that comes of it shall have (vfs_mark) */
	int lent;			/* our descriptor that its call opens, + 1; 0: none (ptrace/lend.c) */
	uint64_t loader_path;		/* where the loader's path is in its memory; 0: not known to be there */
	struct carry_area *area;	/* where checked copies go; shared by tasks */
	unsigned slot;			/* in the area, + 1; 0: none taken */
	pid_t area_checked;		/* the process in which the area's mapping was looked at */
	bool ended;			/* it died while remote calls were made; .ended_status is wait's */
	int ended_status;
	uint64_t repeat_ip;		/* PHASE_REPEATING: where the instruction is */
	struct placed placed;
	struct task_end end;		/* how the end of its call is heard of */
};

struct session {
	const struct session_options *options;
	struct session_result *result;
	enum mechanism mechanism;	/* never AUTO */
	bool uses_ptrace;
	bool uses_filter;		/* a seccomp filter selects the calls */
	struct call_set stopping;	/* calls that the filter sends to a ptrace stop */
	struct call_set notified;	/* calls that the filter sends to a worker */
	struct call_set recorded;
	struct call_set emulated;
	bool warned_foreign;		/* that a 32-bit program will not get far */
	bool emulates;			/* .emulated is not empty */
	bool files;			/* the guest's files are the kernel layer's: notifications and ptrace both */
	bool decides;			/* a policy decides: .apply is made */
	struct apply apply;
	unsigned held;			/* tasks with .wake_ns; trap thread */
	timer_t wake_timer;
	bool has_wake_timer;
	bool places;			/* placement is on: affinity calls stop too */

	pthread_mutex_t table_lock;
	struct tracee **table;		/* table_lock */
	size_t table_size;		/* table_lock; a power of two */
	_Atomic size_t tracee_count;
	_Atomic pid_t main_pid;		/* the command, 0 when attached */
	_Atomic bool main_ended;
	bool command_executed;		/* its first execve was seen; its trap thread */
	struct trap_thread traps[TRAP_THREADS_MAX];	/* the first runs session_run */
	/* with which a task on its way to another trap thread waits; the filter knows it */
	uint64_t transit_mark;
	struct handover *handover;	/* NULL: not needed yet, or not possible */
	bool handover_refused;		/* first trap thread */
	_Atomic bool several;		/* there is more than one trap thread */
	_Atomic bool traps_end;		/* all but the first are to end */
	_Atomic bool handover_barred;	/* for good: of what a guest does */

	pthread_mutex_t emit_lock;
	struct placement placement;
	struct ends ends;
	/* a guest has a filter of its own, which may answer before ours stops: all stops are asked for */
	_Atomic bool steps;
	struct launch_page *launch;
	struct guard guard;		/* notify without ptrace */
	struct guest_fds guest_fds;
	struct handed handed;
	struct aside aside;
	struct loads loads;		/* with .files */
	struct stub *stub;		/* NULL: none */
	/* with .files: what no notification can install, the guest opens itself; so it connects */
	bool lends;
	struct notify *notify;
	struct unwinder *unwinder;
	struct job job;

	pthread_t signal_thread;
	bool signal_thread_runs;
	bool signals_blocked;
	_Atomic bool signals_end;
	sigset_t old_mask;
	struct sigaction old_sigchld;
	struct sigaction old_poke;
	struct sigaction old_hangup;
	bool ignores_hangup;
	_Atomic bool hung_up;		/* the terminal of the session that trapline leads */
	_Atomic bool detach_wanted;
	_Atomic int failure;		/* first host failure of any thread, a negative errno */
	_Atomic bool trap_acknowledged;	/* the trap thread has seen what it was interrupted for */
	struct sightings main_saw;	/* what was delivered to the command, where ptrace is attached */
	struct sightings_used claimed;	/* signals thread */
	_Atomic uint64_t stops;
	_Atomic uint64_t answered;
	_Atomic uint64_t without_stop;	/* of these */
};

/* tracee.c: the table. */
struct tracee *tracee_find(struct session *s, pid_t tid);	/* may be another thread's */
struct tracee *tracee_find_own(struct trap_thread *by, pid_t tid);
struct tracee *tracee_any_of(struct trap_thread *by);	/* one of its own that is not on its way to it; NULL: none */
MUST_CHECK int tracee_add(struct trap_thread *by, pid_t tid, struct tracee **ret);
void tracee_hand_over(struct tracee *t, struct trap_thread *to);	/* .tracees of to is its own business */
/* Another thread's tracee, if it is one, is about to have its affinity looked at or (chooses) set. */
void tracee_show_affinity(struct session *s, pid_t tid, bool chooses);
void tracee_rename(struct session *s, struct tracee *t, pid_t tid);
void tracee_remove(struct session *s, struct tracee *t);
/* Ids of up to max of its own, going on at *at, which is put behind them. */
size_t tracee_next_of(struct trap_thread *by, size_t *at, pid_t *ret, size_t max);
/* Of all threads; visit may remove the tracee. While there is one trap thread only. */
void tracee_each(struct session *s, void (*visit)(struct session *s, struct tracee *t));
/* Whether one of any thread's passes the test, which runs under table_lock. */
bool tracee_any(struct session *s, bool (*test)(const struct tracee *t, void *ctx), void *ctx);
pid_t tracee_tgid(struct tracee *t);	/* reads /proc once when it is not known */
/* any thread; reads /proc each time for a task that is not traced */
pid_t tracee_tgid_of(struct session *s, pid_t tid);
MUST_CHECK int tracee_table_init(struct session *s);
void tracee_table_finish(struct session *s);

/* session.c */
/* Calls that end with a new descriptor, or may sleep: recorded or not, only a worker can answer them. */
struct call_set session_worker_calls(void);
/* Descriptors and mappings of the guest are reached through /proc, which a container may lack or have of other pids. */
bool session_has_proc(void);
/* Every call of a guest stops, and is passed on. */
bool session_follows_all(const struct session *s);
/* Of enum ops_seize_flags: for what we started. */
unsigned session_seize_flags(const struct session *s);
/* "mechanism 'trace' is not available here: ..." */
void session_unavailable(const struct session *s, int err);
/* remember the first host failure; any thread */
void session_fail(struct session *s, int err, const char *what);

/* job.c: trapline stops with the command, for the shell that waits for trapline. */
/* trapline took SIGTSTP, SIGTTIN or SIGTTOU; signals thread */
void job_signal_taken(struct session *s);
void job_stop_sent(struct session *s, const siginfo_t *info);	/* the command is about to get a stop signal */
void job_stopped(struct session *s, bool command);		/* a guest stopped; is it the command? */
void job_continued(struct session *s);				/* the command goes on */
void job_command_ended(struct session *s);

/* mechanism.c */
/* Whether the kernel would take its filter: one system call, where mechanism_info starts processes to know more. */
int mechanism_allowed(enum mechanism m);
const struct mechanism_info *mechanism_description(enum mechanism m);	/* .available is not filled in */

/* launch.c: start the command, stopped before anything of it ran, attached and filtered as the session wants. */
MUST_CHECK int launch_start(struct session *s);
void launch_done(struct session *s);	/* the command has executed its program */
void launch_finish(struct session *s);
/* Why the command did not start, said on stderr: its own errno, a negative one where the host failed trapline, or 0. */
int launch_exec_errno(const struct session *s);
/*
 * Sleep until the filter is installed; the listener's descriptor (owned by the caller), or -errno when the child
 * failed.
 */
MUST_CHECK int launch_await_listener(struct session *s);

/* ptrace/loop.c */
MUST_CHECK int loop_run(struct trap_thread *by);
/* A task whose maker's event was waited for in vain. */
void loop_adopted(struct session *s, struct tracee *t);
/* A task ended where somebody else than the loop waited for it. */
void loop_ended(struct tracee *t, int status);
/* ptrace/attach.c */
MUST_CHECK int attach_all(struct session *s);
void detach_begin(struct session *s);
/* ptrace/calls.c: a stop at a system call. */
void calls_filter_stop(struct session *s, struct tracee *t);
bool calls_awaits_exit(const struct tracee *t);	/* is something to be done behind the call that was entered? */
void calls_syscall_stop(struct session *s, struct tracee *t);
/* What a signal-delivery stop must mend in the registers (the notification that a signal interrupted). */
void calls_mend_interrupted(struct session *s, struct tracee *t);
/* A call with changed arguments is over, or the new child of one is about to start: both find them as they were. */
void calls_restore_args(struct session *s, struct tracee *t);
/* Change an argument for the call that is entered: the first of it is put back behind the call. */
void calls_change_arg(struct tracee *t, struct regs *r, unsigned arg, uint64_t value);
void calls_flush(struct session *s, struct regs *r);
/* The registers of a stopped task, in the ABI of its call. */
void calls_regs(struct tracee *t, struct regs *r);
/* Skip the call and leave value as its result. */
void calls_answer(struct session *s, struct tracee *t, struct regs *r, int64_t value);
/* ptrace/decided.c: what a policy decided about the call that is entered, carried out. */
void calls_decide(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, bool record, uint64_t now);
/*
 * Behind the call: overwrite memory, put the result in place that was to be seen. A changed result is written to
 * *value.
 */
void calls_finish_injection(struct session *s, struct tracee *t, int64_t *value, bool *is_error);
/* Carry out what was decided, and record it. */
void calls_act(struct session *s, struct tracee *t, struct regs *r, struct applied *a, bool record, uint64_t now);
/* An execve of the file kernel about which no policy decides. */
void calls_exec(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, bool record, uint64_t now);
/* ptrace/family.c: what the file kernel is told of tasks. */
void family_hold(struct tracee *t);	/* stopped before its maker's event */
pid_t family_guess(struct tracee *t);	/* its maker, as /proc says */
/* The event of parent's call has come. A held task goes on. */
void family_born(struct session *s, struct tracee *t, const struct tracee *parent);
void family_orphan(struct session *s, struct tracee *t);	/* it will not come */
/* ptrace/held.c: tasks that go on later. */
void held_add(struct session *s, struct tracee *t, int sig);
/* It goes on, or ended, before its time. */
void held_remove(struct session *s, struct tracee *t);
void held_wake(struct session *s);
void held_finish(struct session *s);
int tracee_resume(struct session *s, struct tracee *t, int sig);

/* notify/worker.c */
MUST_CHECK int notify_start(struct session *s);
void notify_finish(struct session *s);
/* What was kept for it goes. The watcher would notice too, a moment later. Trap thread. */
void notify_task_ended(struct session *s, pid_t tid);
/* Was the task's call given up for a signal, on purpose? Asked once for each. */
bool notify_interrupted(struct session *s, pid_t tid);

/* signals.c */
MUST_CHECK int signals_start(struct session *s);
void signals_finish(struct session *s);
/* One that is still pending when the mask is given back must not end us. */
void signals_ignore_hangup(struct session *s);
void signals_command_ended(const struct session *s);
void signals_restore_in_child(const struct session *s);	/* async-signal-safe */

/* emit.c: what goes to the recorder. */
bool emit_wants(const struct session *s, struct tracee *t);	/* whether the call is recorded; before emit_enter */
void emit_abi(struct session *s, struct tracee *t);	/* if it changed */
void emit_comm(struct session *s, struct tracee *t, uint64_t now);	/* with -Y, if it changed */
void emit_enter(struct session *s, struct tracee *t, uint64_t now);
void emit_exit(struct session *s, struct tracee *t, int64_t value, bool is_error, uint64_t now);
/* The end that was heard without a stop. By any trap thread, with the lock of what is pending. */
void emit_late_exit(struct trap_thread *by, struct tracee *t, const struct end_slot *end);
void emit_task(struct session *s, struct tracee *t, int kind, int64_t result, bool flag);
void emit_signal(struct session *s, struct tracee *t, const siginfo_t *info);
void emit_notified_enter(struct session *s, const struct call_event *ev, uint64_t now);
void emit_notified_exit(struct session *s, const struct call_event *ev, int64_t value, uint32_t injected);
uint64_t now_ns(void);

#endif
