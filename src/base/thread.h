/* Threads with small stacks: the supervisor's memory is part of what it costs, and an address space may be limited. */
#ifndef TRAPLINE_BASE_THREAD_H
#define TRAPLINE_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/errors.h"

enum { THREAD_STACK_SIZE = 512 * 1024 };

/* pthread_create(3) with THREAD_STACK_SIZE. 0, or -EAGAIN when there can be no more threads or memory. */
MUST_CHECK int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

/*
 * thread_start of a thread in which all signals are blocked, so that they go to the threads that are for them; a
 * SIGPIPE of its own becomes its EPIPE.
 */
MUST_CHECK int thread_start_deaf(pthread_t *ret, void *(*run)(void *arg), void *arg);
/*
 * Block all signals of the calling thread, for what starts a thread itself; ret_old for pthread_sigmask(3) afterwards.
 */
void thread_block_signals(sigset_t *ret_old);

/*
 * Restartable sequences (rseq(2)), which glibc registers for every thread, cost a part of each switch to the thread.
 * One that does nothing but wait and answer gives them up; sched_getcpu(3) then asks the kernel. thread_rseq_resume
 * gives back what thread_rseq_end said it took.
 */
bool thread_rseq_end(void);
void thread_rseq_resume(bool ended);

/*
 * The calling thread has a root, a working directory and a umask of its own from now on (unshare(2)). false: the host
 * refuses it (a container's filter), and all threads share them.
 */
bool thread_own_fs(void);

#endif
