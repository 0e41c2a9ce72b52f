#include "base/thread.h"

#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = pthread_attr_setstacksize(&attr, THREAD_STACK_SIZE);
	if (!err)
		err = pthread_create(ret, &attr, run, arg);
	(void)pthread_attr_destroy(&attr);
	return -err;
}

void thread_block_signals(sigset_t *ret_old)
{
	sigset_t all;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, ret_old);
}

int thread_start_deaf(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
	sigset_t old;
	thread_block_signals(&old);
	int r = thread_start(ret, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

bool thread_own_fs(void)
{
	enum own { NOT_ASKED, OWN, SHARED };
	static _Thread_local enum own own = NOT_ASKED;
	if (own == NOT_ASKED)
		own = unshare(CLONE_FS) == 0 ? OWN : SHARED;
	return own == OWN;
}

#ifdef RSEQ_SIG
/* As glibc registered it (sysdeps/unix/sysv/linux/rseq-internal.h): __rseq_size is 0 when it did not. */
static long rseq(int flags)
{
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	return syscall(SYS_rseq, area, sizeof(struct rseq), flags, RSEQ_SIG);
}

bool thread_rseq_end(void)
{
	return __rseq_size && rseq(RSEQ_FLAG_UNREGISTER) == 0;
}

void thread_rseq_resume(bool ended)
{
	if (ended)
		(void)rseq(0);
}
#else
bool thread_rseq_end(void)
{
	return false;
}

void thread_rseq_resume(bool ended)
{
	(void)ended;
}
#endif
