#include "tracer/ptrace/lender.h"

#include <linux/capability.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/thread.h"
#include "kernel/task/cred.h"

struct lender {
	pthread_t thread;
	sem_t ready, end;
	uid_t uid;
	gid_t gid;
	pid_t tid;	/* these are set before ready is posted */
	int err;
};

static uint64_t own_permitted(void)
{
	struct capability_sets own;
	return capability_sets(&own) < 0 ? 0 : own.permitted;
}

static bool has(const struct cred *c, int cap)
{
	return c->effective >> cap & 1;
}

/* proc_fd_permission, then ptrace_may_access with PTRACE_MODE_READ_FSCREDS. */
bool lender_needless(const struct cred *c)
{
	/* What is the host's has our ids. */
	bool same = c->host ? c->fsuid == c->ruid && c->fsgid == c->rgid :
		    c->fsuid == geteuid() && c->fsuid == getuid() && c->fsgid == getegid() && c->fsgid == getgid();
	if (c->faked)
		return true;
	if (!same && !has(c, CAP_DAC_OVERRIDE) && !has(c, CAP_DAC_READ_SEARCH))
		return false;
	return has(c, CAP_SYS_PTRACE) || (same && !(own_permitted() & ~c->effective));
}

/*
 * The raw calls change this thread alone. They make the process one that cannot be looked into (commit_creds of Linux),
 * which is put back: the supervisor is as it was but for that moment.
 */
static int become(uid_t uid, gid_t gid)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {{0}};
	int err = 0;
	if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0 ||
	    syscall(SYS_capset, &head, none) < 0)
		err = -errno;
	(void)prctl(PR_SET_DUMPABLE, 1);
	return err;
}

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

static void *lender_main(void *arg)
{
	struct lender *l = arg;
	l->err = become(l->uid, l->gid);
	l->tid = (pid_t)syscall(SYS_gettid);
	(void)sem_post(&l->ready);
	wait_for(&l->end);
	return NULL;
}

static void destroy(struct lender *l)
{
	(void)sem_destroy(&l->ready);
	(void)sem_destroy(&l->end);
	free(l);
}

int lender_start(uid_t uid, gid_t gid, struct lender **ret)
{
	struct lender *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->uid = uid;
	l->gid = gid;
	(void)sem_init(&l->ready, 0, 0);
	(void)sem_init(&l->end, 0, 0);
	int r = thread_start_deaf(&l->thread, lender_main, l);
	if (r < 0) {
		destroy(l);
		return r;
	}
	wait_for(&l->ready);
	if (l->err) {
		r = l->err;
		lender_end(l);
		return r;
	}
	*ret = l;
	return 0;
}

pid_t lender_tid(const struct lender *l)
{
	return l->tid;
}

void lender_end(struct lender *l)
{
	if (!l)
		return;
	(void)sem_post(&l->end);
	(void)pthread_join(l->thread, NULL);
	destroy(l);
}
