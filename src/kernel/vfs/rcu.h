/*
 * Read-side sections of liburcu's "bulletproof" flavour, in which threads need not register: workers come and go.
 * Under the thread sanitizer, which does not see into liburcu, the end of a section and the freeing after a grace
 * period are told to it.
 */
#ifndef TRAPLINE_KERNEL_VFS_RCU_H
#define TRAPLINE_KERNEL_VFS_RCU_H

#include <pthread.h>
#include <signal.h>
#include <urcu/urcu-bp.h>

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

/* Until all that vfs_free_later was asked for before is done. What touches more than its own memory ends with VFS_RCU_RELEASE. */
static inline void vfs_free_all(void)
{
	urcu_bp_barrier();
	VFS_RCU_ACQUIRE();
}

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
	sigset_t all;
	sigset_t old;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)urcu_bp_get_default_call_rcu_data();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Call free with head when no reader can see what it is part of; free begins with VFS_RCU_ACQUIRE. */
static inline void vfs_free_later(struct rcu_head *head, void (*free_it)(struct rcu_head *head))
{
	VFS_RCU_RELEASE();
	urcu_bp_call_rcu(head, free_it);
}

#endif
