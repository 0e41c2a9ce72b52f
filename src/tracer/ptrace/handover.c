/*
 * Threads: a transit is claimed by the thread that hands over (state FREE to CLAIMED), belongs to the receiving thread
 * from SENT on, and is given back by it. handover.lock, a leaf: who starts threads and the guard.
 */
#include "tracer/ptrace/handover.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/capability.h"
#include "base/thread.h"
#include "tracer/memory.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

enum {
	TRANSITS = 16,
	ACTIVE_NS = 300 * 1000,		/* a call that takes longer is taken to be blocked */
	AGAIN_NS = 1000 * 1000,
};

/* ThreadSanitizer keeps a signal back until the thread makes its next call, which may be waiting for what it brings. */
#if defined(__SANITIZE_THREAD__)
enum { SIGNALS_COME_AT_ONCE = 0 };
#else
enum { SIGNALS_COME_AT_ONCE = 1 };
#endif

enum transit_state { TRANSIT_FREE, TRANSIT_CLAIMED, TRANSIT_SENT, TRANSIT_SEIZED, TRANSIT_LOST };

struct transit {
	_Atomic enum transit_state state;
	struct tracee *t;
	struct trap_thread *to;
	_Atomic pid_t *guarded;		/* its word in the guard's page */
	uint64_t mask;
	uint64_t general[REGS_GENERAL_MAX];
	size_t general_size;
	int error;			/* LOST: why */
};

struct handover {
	pthread_mutex_t lock;
	_Atomic pid_t *page;		/* shared with the guard: TRANSITS ids of tasks that nobody traces */
	pid_t guard;			/* lock */
	struct transit transits[TRANSITS];
};

/* ---- the guard ---- */

/* Runs after a raw clone of a threaded process: system calls only. */
static _Noreturn void guard_main(_Atomic pid_t *page, pid_t supervisor)
{
	sigset_t all, death;
	int sig;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&death);
	(void)sigaddset(&death, SIGRTMIN);
	(void)prctl(PR_SET_NAME, "trapline-guard");
	(void)prctl(PR_SET_PDEATHSIG, SIGRTMIN);
	(void)close_range(0, ~0U, 0);
	do {
		sig = getppid() == supervisor ? sigwaitinfo(&death, NULL) : SIGRTMIN;
	} while (sig < 0);
	for (int i = 0; i < TRANSITS; i++) {
		pid_t pid = atomic_load(&page[i]);
		if (pid > 0)
			(void)kill(pid, SIGKILL);
	}
	_exit(0);
}

static int start_guard(struct handover *h)
{
	if (h->guard)
		return 0;
	pid_t supervisor = getpid();
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		guard_main(h->page, supervisor);
	if (pid < 0)
		return -errno;
	h->guard = (pid_t)pid;
	return 0;
}

static void stop_guard(struct handover *h)
{
	if (!h->guard)
		return;
	(void)kill(h->guard, SIGKILL);
	while (waitpid(h->guard, NULL, 0) < 0 && errno == EINTR)
		;
	h->guard = 0;
}

/* ---- whether it is possible ---- */

/* A filter above us lets descendants poll, or we find out here. */
static bool may_poll(void)
{
	const struct timespec none = {0};
	return ppoll(NULL, 0, &none, NULL) == 0;
}

/* Yama: what a task has inherited its tracer by is allowed, but seizing it is not in every case. */
static bool yama_restricts(void)
{
	char text[4] = "";
	AUTO_CLOSE int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && text[0] != '0';
}

static struct handover *create(void)
{
	struct handover *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	void *page = mmap(NULL, TRANSITS * sizeof(*h->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		free(h);
		return NULL;
	}
	h->page = page;
	for (int i = 0; i < TRANSITS; i++)
		h->transits[i].guarded = &h->page[i];
	(void)pthread_mutex_init(&h->lock, NULL);
	return h;
}

/* Orphans of ours are the children of one thread of ours, and its wait would take what they tell their tracer. */
static bool adopts_orphans(void)
{
	int reaper = 0;
	return getpid() == 1 || prctl(PR_GET_CHILD_SUBREAPER, &reaper) < 0 || reaper;
}

/* Decided once, by the first trap thread, which alone has tracees then. */
static bool is_possible(struct session *s)
{
	if (s->handover)
		return true;
	if (s->handover_refused)
		return false;
	bool plain = session_follows_all(s) && !s->decides && !s->emulates && !s->files && !s->unwinder &&
		     !s->options->interruptible; /* all are let go by one thread */
	bool wanted = SIGNALS_COME_AT_ONCE && plain && s->placement.enabled && host_abi() == ABI_X86_64;
	if (wanted && !adopts_orphans() && may_poll() && (capability_effective(CAP_SYS_PTRACE) || !yama_restricts()))
		s->handover = create();
	s->handover_refused = !s->handover;
	return s->handover;
}

/* The instruction behind which the child stands, read with the right that seizing needs (PTRACE_MODE_ATTACH). */
static bool can_repeat_call(pid_t tid, uint64_t ip)
{
	static const uint8_t syscall_instruction[2] = {0x0f, 0x05};
	uint8_t code[2];
	return memory_read_as_stranger(tid, ip - sizeof(code), code, sizeof(code)) == 0 &&
	       memcmp(code, syscall_instruction, sizeof(code)) == 0;
}

/* The same holds for a child that the command made our own. */
static bool is_our_child(const struct tracee *t)
{
	if (t->by_clone3)
		return proc_status_pid(t->tid, "PPid") == getpid();
	return t->clone_flags & CLONE_PARENT;
}

/* ---- to whom ---- */

struct load {
	const struct session *s;
	pid_t child;
	pid_t parent;			/* it mostly waits for the child */
	uint64_t now;
	unsigned active[TRAP_THREADS_MAX];
};

static bool count_active(const struct tracee *t, void *ctx)
{
	struct load *l = ctx;
	uint64_t active = atomic_load_explicit(&t->active_ns, memory_order_relaxed);
	if (t->tid != l->child && t->tid != l->parent && (active == UINT64_MAX || l->now - active < ACTIVE_NS))
		l->active[t->by - l->s->traps]++;
	return false;
}

/* The thread that has least to do, if it is less than what this one has beside the child. */
static struct trap_thread *choose(struct session *s, const struct tracee *t)
{
	struct load l = {.s = s, .child = t->tid, .parent = t->parent, .now = now_ns()};
	size_t limit = (size_t)CPU_COUNT(&s->placement.base);
	size_t least = 0;
	(void)tracee_any(s, count_active, &l);
	for (size_t i = 0; i < TRAP_THREADS_MAX && i < limit; i++) {
		if (l.active[i] < l.active[least])
			least = i;
	}
	return l.active[least] < l.active[t->by - s->traps] ? &s->traps[least] : NULL;
}

static void *trap_main(void *arg)
{
	struct trap_thread *by = arg;
	struct session *s = by->session;
	atomic_store(&by->core.tid, (pid_t)syscall(SYS_gettid));
	int r = loop_run(by);
	(void)r; /* it is the session's failure, too */
	/* The first thread may be waiting for its guests: until it has seen that it is over. */
	const struct timespec pause = {.tv_nsec = AGAIN_NS};
	while (!atomic_load(&s->traps_end)) {
		(void)pthread_kill(s->traps[0].thread, SIGRTMAX);
		handover_wake(&s->traps[0]);
		(void)nanosleep(&pause, NULL);
	}
	atomic_store(&by->ended, true);
	return NULL;
}

static int have_thread(struct session *s, struct trap_thread *to)
{
	struct handover *h = s->handover;
	int r = 0;
	(void)pthread_mutex_lock(&h->lock);
	if (to != &s->traps[0] && !to->runs) {
		r = thread_start(&to->thread, trap_main, to);
		to->runs = r == 0;
		if (to->runs)
			(void)pthread_setname_np(to->thread, "trapline-trap");
	}
	if (r == 0)
		r = start_guard(h);
	if (r == 0)
		atomic_store(&s->several, true);
	(void)pthread_mutex_unlock(&h->lock);
	return r;
}

/* ---- sending ---- */

static struct transit *claim(struct handover *h)
{
	for (int i = 0; i < TRANSITS; i++) {
		enum transit_state free_one = TRANSIT_FREE;
		if (atomic_compare_exchange_strong(&h->transits[i].state, &free_one, TRANSIT_CLAIMED))
			return &h->transits[i];
	}
	return NULL;
}

static int save(struct transit *x, pid_t tid, struct regs *r)
{
	uint64_t ip;
	x->general_size = sizeof(x->general);
	int err = ops_regs_io.get_set(r->ctx, REGS_NT_PRSTATUS, x->general, &x->general_size);
	if (err == 0)
		err = regs_get(r, REG_IP, &ip);
	if (err == 0 && !can_repeat_call(tid, ip))
		err = -EPERM;
	return err < 0 ? err : ops_get_sigmask(tid, &x->mask);
}

static void restore(const struct transit *x, pid_t tid)
{
	/* ESRCH: killed meanwhile, its end will be reported. */
	(void)ops_regs_io.put_set((void *)(intptr_t)tid, REGS_NT_PRSTATUS, x->general, x->general_size);
	(void)!ops_set_sigmask(tid, x->mask);
}

/*
 * Registers of a task that repeats the instruction behind it as ppoll(NULL, 0, NULL, NULL, mark), which our filter lets
 * pass.
 */
static int make_it_wait(const struct session *s, pid_t tid, struct regs *r)
{
	uint64_t ip;
	int err = regs_get(r, REG_IP, &ip);
	if (err < 0)
		return err;
	regs_set(r, REG_IP, ip - 2);
	regs_set(r, REG_RET, (uint64_t)call_desc(CALL_ppoll)->nr[host_abi()]);
	regs_set(r, REG_NR, (uint64_t)-1);	/* nothing to restart */
	for (int arg = 0; arg < 4; arg++)
		regs_set(r, (enum reg)(REG_ARG0 + arg), 0);
	regs_set(r, REG_ARG4, s->transit_mark);
	err = regs_flush(r);
	return err < 0 ? err : ops_set_sigmask(tid, UINT64_MAX);
}

static int prepare(const struct session *s, struct transit *x, struct tracee *t)
{
	struct regs r;
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	int err = regs_fetch(&r);
	if (err == 0)
		err = save(x, t->tid, &r);
	if (err < 0)
		return err;
	err = make_it_wait(s, t->tid, &r);
	if (err < 0)
		restore(x, t->tid);
	return err;
}

/* Once it is detached the task is the other thread's, whatever becomes of it. */
static int hand_over(struct session *s, struct transit *x, struct tracee *t, struct trap_thread *to)
{
	union sigval value = {.sival_ptr = x};
	atomic_store(x->guarded, t->tid);
	int err = ops_detach(t->tid, 0);
	if (err < 0) {
		atomic_store(x->guarded, 0);
		return err; /* killed: its end will be reported */
	}
	placement_handed_over(&s->placement, t->tid, &t->placed, &to->core);
	x->t = t;
	x->to = to;
	t->transit = x;
	atomic_store_explicit(&t->active_ns, UINT64_MAX, memory_order_relaxed);
	tracee_hand_over(t, to);
	atomic_store(&x->state, TRANSIT_SENT);
	/* More signals than may be queued: those under way are soon taken. */
	while (pthread_sigqueue(to->thread, SIGRTMAX, value) == EAGAIN)
		(void)sched_yield();
	return 0;
}

bool handover_offer(struct session *s, struct tracee *t)
{
	if (t->abi != ABI_X86_64 || atomic_load(&s->handover_barred) || !is_possible(s))
		return false;
	struct trap_thread *to = choose(s, t);
	if (!to || is_our_child(t))
		return false;
	yield_end(t->by);
	if (have_thread(s, to) < 0)
		return false;
	struct transit *x = claim(s->handover);
	if (!x)
		return false;
	if (!atomic_load(&s->handover_barred) && prepare(s, x, t) == 0 && hand_over(s, x, t, to) == 0)
		return true;
	atomic_store(&x->state, TRANSIT_FREE);
	return false;
}

static bool is_under_way(const struct transit *x)
{
	enum transit_state state = atomic_load(&x->state);
	return state == TRANSIT_CLAIMED || state == TRANSIT_SENT;
}

void handover_bar(struct session *s)
{
	atomic_store(&s->handover_barred, true);
	for (int i = 0; s->handover && i < TRANSITS; i++) {
		while (is_under_way(&s->handover->transits[i]))
			(void)sched_yield();
	}
}

/* ---- arriving ---- */

void handover_arrived(struct transit *x)
{
	int saved = errno;
	if (atomic_load(&x->state) != TRANSIT_SENT)
		abort(); /* nobody else sends this signal with a pointer */
	struct trap_thread *to = x->to;
	pid_t tid = x->t->tid;
	int err = ops_seize(tid, session_seize_flags(to->session));
	atomic_store(x->guarded, 0);
	/* It is dying if this fails; its end will be reported. */
	if (err == 0)
		(void)!ops_interrupt(tid);
	x->error = err;
	if (err == 0)
		atomic_fetch_add(&to->tracees, 1);
	else
		atomic_store(&to->lost_some, true);
	atomic_store(&x->state, err == 0 ? TRANSIT_SEIZED : TRANSIT_LOST);
	(void)sem_post(&to->wakes);
	errno = saved;
}

void handover_settle(struct tracee *t)
{
	struct transit *x = t->transit;
	if (!x)
		return;
	restore(x, t->tid);
	t->transit = NULL;
	atomic_store(&x->state, TRANSIT_FREE);
}

/* Seizing a task that has ended and was not waited for gives EPERM. */
static bool has_ended(const struct transit *x)
{
	if (x->error == -ESRCH)
		return true;
	char state = proc_status_state(x->t->tid);
	return state == 'Z' || state == 'X' || !state;
}

void handover_forget_lost(struct trap_thread *by, void (*lost)(struct session *s, struct tracee *t))
{
	struct session *s = by->session;
	if (!atomic_exchange(&by->lost_some, false))
		return;
	for (int i = 0; i < TRANSITS; i++) {
		struct transit *x = &s->handover->transits[i];
		if (atomic_load(&x->state) != TRANSIT_LOST || x->to != by)
			continue;
		struct tracee *t = x->t;
		if (!has_ended(x)) {
			(void)kill(t->tid, SIGKILL);
			session_fail(s, x->error, "cannot follow a process to another thread");
		}
		atomic_fetch_add(&by->tracees, 1);	/* as if it had arrived; it is removed as any other */
		t->transit = NULL;
		atomic_store(&x->state, TRANSIT_FREE);
		lost(s, t);
	}
}

/* ---- threads ---- */

bool handover_several(const struct session *s)
{
	return atomic_load_explicit(&s->several, memory_order_relaxed);
}

void handover_sleep(struct trap_thread *by)
{
	(void)sem_wait(&by->wakes); /* for one of the reasons that were counted, which may be over */
}

void handover_wake(struct trap_thread *by)
{
	(void)sem_post(&by->wakes);
}

static void end_thread(struct trap_thread *by)
{
	const struct timespec pause = {.tv_nsec = AGAIN_NS};
	handover_wake(by);
	/* With tracees left it is in wait, or about to be: again until it has noticed. */
	while (atomic_load(&by->tracees) && !atomic_load(&by->ended)) {
		(void)pthread_kill(by->thread, SIGRTMAX);
		(void)nanosleep(&pause, NULL);
	}
	(void)pthread_join(by->thread, NULL);
	by->runs = false;
}

void handover_finish(struct session *s)
{
	struct handover *h = s->handover;
	if (!h)
		return;
	atomic_store(&s->traps_end, true);
	for (size_t i = 1; i < ARRAY_SIZE(s->traps); i++) {
		if (s->traps[i].runs)
			end_thread(&s->traps[i]);
	}
	stop_guard(h);
	(void)munmap((void *)h->page, TRANSITS * sizeof(*h->page));
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
	s->handover = NULL;
	atomic_store(&s->several, false);
}
