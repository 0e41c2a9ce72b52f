/*
 * Read-side sections of liburcu's "bulletproof" flavour, in which threads need not register: workers come and go.
 * What is to be freed waits in a queue of ours (rcu.c), since liburcu's own lets nobody hurry it: its thread sleeps for
 * 10 ms first, for which the end of a command that removed a file would have to wait.
 *
 * Under the thread sanitizer, which does not see into liburcu, the end of a section and the freeing after a grace
 * period are told to it.
 */
#ifndef TRAPLINE_KERNEL_VFS_RCU_H
#define TRAPLINE_KERNEL_VFS_RCU_H

#include <pthread.h>
#include <signal.h>
#include <urcu/urcu-bp.h>

#include "base/thread.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define VFS_RCU_RELEASE() __tsan_release((void *)urcu_bp_read_unlock)
#define VFS_RCU_ACQUIRE() __tsan_acquire((void *)urcu_bp_read_unlock)
#else
#define VFS_RCU_RELEASE() ((void)0)
#define VFS_RCU_ACQUIRE() ((void)0)
#endif

static inline void vfs_read_lock(void)
{
	urcu_bp_read_lock();
}

static inline void vfs_read_unlock(void)
{
	VFS_RCU_RELEASE();
	urcu_bp_read_unlock();
}

/*
 * Have the thread that frees later, which blocks no signals of its own accord (liburcu 0.13): one that it took would
 * end the supervisor, though all other threads leave signals to the one that is for them.
 */
static inline void vfs_rcu_begin(void)
{
	sigset_t old;
	thread_block_signals(&old);
	(void)urcu_bp_get_default_call_rcu_data();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* In what is freed later; the queue's own until free_it is called. */
struct vfs_later {
	struct vfs_later *next;
	void (*free_it)(struct vfs_later *later);
};

/*
 * Call free_it with later when no reader can see what it is part of. free_it begins with VFS_RCU_ACQUIRE, and ends with
 * VFS_RCU_RELEASE if it touches more than its own memory. Those that are due are called in order, by a thread of
 * liburcu's or by who calls vfs_free_all.
 */
void vfs_free_later(struct vfs_later *later, void (*free_it)(struct vfs_later *later));

/* Until all that vfs_free_later was asked for before is done. Not in a read-side section. */
void vfs_free_all(void);

#endif
