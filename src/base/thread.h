/* Threads with small stacks: the supervisor's memory is part of what it costs, and an address space may be limited. */
#ifndef TRAPLINE_BASE_THREAD_H
#define TRAPLINE_BASE_THREAD_H

#include <pthread.h>

#include "base/errors.h"

enum { THREAD_STACK_SIZE = 512 * 1024 };

/* pthread_create(3) with THREAD_STACK_SIZE. 0, or -EAGAIN when there can be no more threads or memory. */
MUST_CHECK int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
