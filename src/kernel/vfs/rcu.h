/*
 * Read-side sections of liburcu's "bulletproof" flavour, in which threads need not register: workers come and go.
 * Under the thread sanitizer, which does not see into liburcu, the end of a section and the freeing after a grace
 * period are told to it.
 */
#ifndef TRAPLINE_KERNEL_VFS_RCU_H
#define TRAPLINE_KERNEL_VFS_RCU_H

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

static inline void vfs_read_lock(void)
{
	urcu_bp_read_lock();
}

static inline void vfs_read_unlock(void)
{
	VFS_RCU_RELEASE();
	urcu_bp_read_unlock();
}

/* Call free with head when no reader can see what it is part of; free begins with VFS_RCU_ACQUIRE. */
static inline void vfs_free_later(struct rcu_head *head, void (*free_it)(struct rcu_head *head))
{
	VFS_RCU_RELEASE();
	urcu_bp_call_rcu(head, free_it);
}

#endif
