/*
 * The stub: calls of a guest by a line of shared memory, without a stop.
 *
 * A call that comes by notification again and again from one place of a program that the loader has loaded has its
 * "mov $nr, %eax" made a jump to the stub, which is in what the loader leaves mapped (loader/stub_main.c). The stub puts
 * the call into the line, memory that the process shares with the supervisor, and spins until it is answered by the
 * stub's thread here, which spins too while there are calls, and else sleeps. Then, and whenever anything else is not as
 * it should be, the stub makes the call itself, with the instruction that is still behind the jump, and the filter sends
 * it to a worker as before: a program that never runs the stub, or breaks it, is answered just so.
 *
 * What comes through the line is the guest's word, as registers are: it is copied once, and who called is checked
 * against what the tracer knows of the process. Only calls that are answered with a value and bytes go through it.
 *
 * Threads
 *   trap threads and workers tell what happened; the stub's own thread serves
 * Locks: stub.lock, a leaf, guards the table of spaces and members and what is in them, but for .line, which is set once
 * while the lock is held and read by who holds a reference.
 */
#ifndef TRAPLINE_TRACER_STUB_H
#define TRAPLINE_TRACER_STUB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"
#include "syscalls/dispatch.h"

struct session;
struct stub;
struct tracee;

/* session.stub: NULL where there is none, which is no error: nothing needs it. */
void stub_start(struct session *s);
void stub_finish(struct session *s);

/* ---- what happens to guests; each may be called where there is no stub ---- */

/* The loader was executed, mapped at base; 0: another program was. former: the id that the caller had. */
void stub_execed(struct session *s, pid_t former, pid_t tid, uint64_t base);
/* flags: those of clone(2) */
void stub_forked(struct session *s, pid_t parent, pid_t child, unsigned long flags);
void stub_ended(struct session *s, pid_t tid);
/* For good, as tid asks for it: what decides about calls is no longer our filter alone. */
void stub_bar(struct session *s, pid_t tid);

/* ---- workers ---- */

/* Is this the stub's own call, by which it gets its line? */
bool stub_asks(const struct session *s, const struct call_event *ev);
struct verdict stub_answer_ask(struct session *s, const struct call_event *ev);
/*
 * A call is about to be answered with this, and its task waits. May patch it; may wake up the stub's thread.
 */
void stub_saw(struct session *s, const struct call_event *ev, const struct verdict *v);

/* ---- trap threads ---- */

/* A fault of the stub's copying is the call's EFAULT; true: it was one, and was mended. */
bool stub_mends_fault(struct session *s, struct tracee *t, const siginfo_t *info);

#endif
