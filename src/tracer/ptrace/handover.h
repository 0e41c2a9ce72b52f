/*
 * A trap thread for each core.
 *
 * One trap thread and the tasks that stop for it often are bound to one core (tracer/placement.h), so two guests that
 * both make calls all the time would leave the other core idle. Then a process that is being born is handed to another
 * trap thread, which with its tasks is bound to another core; what it starts later stays there.
 *
 * ptrace knows no such thing: the tracer is detached and the other one seizes. In between the child must not run a
 * call unseen, nor be lost. So from its first stop, before anything of it ran,
 *   - all its signals are blocked, and it is sent into ppoll(2) with no descriptors and no time-out, by its registers
 *     alone: it repeats the instruction that created it with another number;
 *   - it is detached, seized by the other thread in the handler of the poke signal, and interrupted;
 *   - at its next stop it gets its registers and its mask back, and goes on as if nothing had been.
 * No wait status, signal or register of the guest differs from what they were. What is left in between is SIGKILL,
 * after which there is nothing to seize, and SIGSTOP, after which it stops as it would have.
 *
 * Until it is seized it does not die with the supervisor: a guard process kills what is under way when the supervisor
 * is killed. It is forked at the first hand-over and has no other task.
 *
 * Handed over are only processes born by fork, vfork and their like, never threads: all threads of a process stay with
 * one trap thread. Only the plain trace of every call (by step or trace; no policy, no emulation, no stacks) does it:
 * what those need is the business of one thread.
 */
#ifndef TRAPLINE_TRACER_PTRACE_HANDOVER_H
#define TRAPLINE_TRACER_PTRACE_HANDOVER_H

#include <stdbool.h>

struct session;
struct trap_thread;
struct tracee;
struct transit;

/* A stopped, newly born process: true if it went to another trap thread, and is no longer the caller's. */
bool handover_offer(struct session *s, struct tracee *t);
/* No more of it; those under way have arrived when this returns. */
void handover_bar(struct session *s);
/* In the handler of the poke signal, in the thread that a task is for. */
void handover_arrived(struct transit *x);
/* At the first stop of a task that arrived, or its end: it gets back what is its own. */
void handover_settle(struct tracee *t);
/* Tasks for this thread that died under way; the thread's loop calls it when it was woken. */
void handover_forget_lost(struct trap_thread *by, void (*lost)(struct session *s, struct tracee *t));

/* Whether there are others beside the first. */
bool handover_several(const struct session *s);
/* A trap thread without tracees sleeps until it is woken, or was before. */
void handover_sleep(struct trap_thread *by);
void handover_wake(struct trap_thread *by);
/* The first trap thread: all others end, and the guard. A failed session's tracees of theirs are killed by that. */
void handover_finish(struct session *s);

#endif
