/*
 * The thread that answers what comes by the lines. It looks at them without a pause while calls come, so a guest and it
 * want a core each; where they do not have that (both are busy with other guests), requests are taken back, and the line
 * is left alone until the thread has slept.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/thread.h"
#include "kernel/kernel.h"
#include "tracer/event_memory.h"
#include "tracer/handlers.h"
#include "tracer/memory.h"
#include "tracer/stub/stub_private.h"

enum {
	LOOKS_BETWEEN_CLOCKS = 64,
	QUIET_NS = 1000 * 1000,		/* so long without a call, and the thread sleeps */
	SOON_NS = 100 * 1000,		/* calls with less between them are one after the other */
	WORTH_CALLS = 16,		/* fewer than these in one waking time were not worth it */
	MISSES_MAX = 4,			/* taken back by one process in one waking time */
	PATIENCE_MAX = 64,
	JOIN_NS = 10 * 1000 * 1000,
};

/* A call that came by a line. */
struct line_event {
	struct call_event base;		/* first */
	struct stub *stub;
	struct stub_space *space;
	struct line_slot *slot;
	struct call_copy copies[6];	/* of .path, where that is a whole string */
	char path[LINE_PATH];
	uint64_t out_addr;
	uint32_t out_len;
};

/* ---- the guest's memory and descriptors ---- */

/* Its id may be another's by now. */
static int still_there(const struct line_event *e)
{
	(void)pthread_mutex_lock(&e->stub->lock);
	bool there = stub_space_of(e->stub, e->base.tid, false) == e->space;
	(void)pthread_mutex_unlock(&e->stub->lock);
	return there ? 0 : -ESRCH;
}

static int line_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	int r = memory_read(ev->tid, from.addr, to, len);
	int there = still_there((struct line_event *)ev);
	return there < 0 ? there : r;
}

static int line_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	struct line_event *e = (struct line_event *)ev;
	if (!e->out_len)
		e->out_addr = to.addr;
	if (to.addr == e->out_addr + e->out_len && len <= sizeof(e->slot->out) - e->out_len) {
		memcpy(e->slot->out + e->out_len, from, len);
		e->out_len += (uint32_t)len;
		return 0;
	}
	int there = still_there(e);
	return there < 0 ? there : memory_write(ev->tid, to.addr, from, len);
}

static ssize_t line_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	ssize_t n = event_read_string(ev, from, to, size);
	/* The name that came by the line is nobody else's. */
	int there = call_copy_at(ev, from.addr) ? 0 : still_there((struct line_event *)ev);
	return there < 0 ? there : n;
}

static int line_get_fd(struct call_event *ev, int guest_fd, int *ret_fd)
{
	struct line_event *e = (struct line_event *)ev;
	int fd, r = guest_fds_get(&e->stub->session->guest_fds, ev->tid, guest_fd, &fd);
	if (r < 0)
		return r;
	r = still_there(e);
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int64_t line_count_fds(struct call_event *ev)
{
	return guest_fds_count(&((struct line_event *)ev)->stub->session->guest_fds, ev->tid);
}

static const struct guest_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.read_string = line_read_string,
	.get_fd = line_get_fd,
	.count_fds = line_count_fds,
};

/* ---- one call ---- */

/* What the slot says, read once. false: it is no call that goes through lines, of no task of the process. */
static bool take_request(struct line_event *e)
{
	const volatile struct line_slot *slot = e->slot;
	int path_arg;
	memset(e->copies, 0, sizeof(e->copies));
	e->base.copies = e->copies;
	e->base.nr = (int64_t)slot->nr;
	e->base.abi = host_abi();
	e->base.id = call_from_nr(e->base.abi, e->base.nr);
	e->base.tid = (pid_t)slot->tid;
	e->base.ops = &line_ops;
	e->base.gives_no_fd = true;
	for (int i = 0; i < 6; i++)
		e->base.args[i] = slot->args[i];
	if (!stub_takes(e->base.id, &path_arg) || still_there(e) < 0)
		return false;
	size_t len = path_arg < 0 ? 0 : slot->path_len;
	if (path_arg < 0 || len > sizeof(e->path))
		return path_arg < 0;
	memcpy(e->path, (const char *)e->slot->path, len);
	size_t end = strnlen(e->path, len);
	/* Else it is too long, which is found out where it is. */
	if (end < len)
		e->copies[path_arg] = (struct call_copy){.addr = e->base.args[path_arg], .data = e->path, .len = end + 1};
	return true;
}

static void answer(struct line_event *e)
{
	struct session *s = e->stub->session;
	struct line_slot *slot = e->slot;
	struct verdict v = verdict_pass();
	e->out_addr = e->out_len = 0;
	if (take_request(e) && call_set_has(&s->emulated, e->base.id) && !atomic_load(&e->stub->barred))
		v = handlers_ask(NULL, s->options->kernel, &e->base);
	bool handled = v.kind == VERDICT_VALUE;
	verdict_discard(&v);
	slot->handled = handled;
	slot->value = v.value;
	slot->out_addr = e->out_addr;
	slot->out_len = e->out_len;
	atomic_fetch_add_explicit(&s->answered, handled, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->without_stop, handled, memory_order_relaxed);
}

/* false: nothing was posted there. */
static bool serve_slot(struct line_event *e)
{
	struct line_slot *slot = e->slot;
	uint32_t state = LINE_POSTED;
	if (!__atomic_compare_exchange_n(&slot->state, &state, LINE_TAKEN, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	answer(e);
	__atomic_store_n(&slot->state, LINE_DONE, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&slot->sleeps, __ATOMIC_SEQ_CST))
		(void)syscall(SYS_futex, &slot->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	return true;
}

/* How many calls there were. */
static unsigned serve_line(struct line_event *e)
{
	struct line *line = e->space->line;
	unsigned served = 0;
	if (!__atomic_load_n(&line->bells, __ATOMIC_RELAXED))
		return 0;
	uint32_t bells = __atomic_exchange_n(&line->bells, 0, __ATOMIC_ACQ_REL);
	for (unsigned i = 0; i < LINE_SLOTS; i++) {
		if (!(bells >> i & 1))
			continue;
		e->slot = &line->slots[i];
		served += serve_slot(e);
	}
	return served;
}

/* ---- the thread ---- */

struct lines {
	struct stub_space *spaces[STUB_LINES_MAX];	/* references */
	unsigned misses[STUB_LINES_MAX];
	size_t count;
	unsigned changes;
};

static void put_lines(struct stub *st, struct lines *l)
{
	(void)pthread_mutex_lock(&st->lock);
	while (l->count)
		stub_space_put(l->spaces[--l->count]);
	(void)pthread_mutex_unlock(&st->lock);
}

static void get_lines(struct stub *st, struct lines *l)
{
	put_lines(st, l);
	(void)pthread_mutex_lock(&st->lock);
	l->changes = atomic_load(&st->changes);
	for (size_t i = 0; i < STUB_LINES_MAX; i++) {
		struct stub_space *space = st->lines[i];
		if (!space || atomic_load(&space->ended))
			continue;
		space->refs++;
		l->spaces[l->count++] = space;
	}
	(void)pthread_mutex_unlock(&st->lock);
}

static void say_awake(struct lines *l, uint32_t awake)
{
	memset(l->misses, 0, sizeof(l->misses));
	for (size_t i = 0; i < l->count; i++)
		__atomic_store_n(&l->spaces[i]->line->awake, awake, __ATOMIC_SEQ_CST);
}

/* Where requests were taken back: not too often, and the line is looked at no more before we have slept. */
static void count_misses(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++) {
		uint32_t *awake = &l->spaces[i]->line->awake;
		if (!__atomic_load_n(awake, __ATOMIC_RELAXED) && l->misses[i]++ < MISSES_MAX)
			__atomic_store_n(awake, 1, __ATOMIC_RELAXED);
	}
}

static unsigned serve_lines(const struct lines *l, struct line_event *e)
{
	unsigned served = 0;
	for (size_t i = 0; i < l->count; i++) {
		e->space = l->spaces[i];
		served += serve_line(e);
	}
	return served;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* While calls come. How many there were. */
static unsigned serve(struct stub *st, struct lines *l, struct line_event *e)
{
	unsigned looks = 0, calls = 0;
	uint64_t last = now_ns();
	const uint64_t quiet = st->always ? 4 * QUIET_NS : QUIET_NS;
	while (!atomic_load_explicit(&st->ends, memory_order_relaxed) && !atomic_load_explicit(&st->barred, memory_order_relaxed)) {
		if (atomic_load_explicit(&st->changes, memory_order_relaxed) != l->changes) {
			get_lines(st, l);
			say_awake(l, 1);
		}
		unsigned served = serve_lines(l, e);
		calls += served;
		if (served)
			looks = 0;
		if (++looks % LOOKS_BETWEEN_CLOCKS) {
			pause_briefly();
			continue;
		}
		uint64_t now = now_ns();
		count_misses(l);
		if (looks == LOOKS_BETWEEN_CLOCKS)
			last = now;
		if (now - last > quiet)
			break;
		(void)sched_yield();
	}
	return calls;
}

static void *stub_main(void *arg)
{
	struct stub *st = arg;
	AUTO_FREE struct line_event *e = calloc(1, sizeof(*e));
	struct lines lines = {.changes = UINT_MAX};
	if (!e)
		return NULL;
	(void)thread_rseq_end();
	e->stub = st;
	while (!atomic_load(&st->ends)) {
		if (!atomic_exchange(&st->wanted, 0)) {
			(void)syscall(SYS_futex, &st->wanted, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
			continue;
		}
		say_awake(&lines, 1);
		unsigned calls = serve(st, &lines, e);
		say_awake(&lines, 0);
		(void)serve_lines(&lines, e);
		unsigned patience = atomic_load(&st->patience) * 2;
		atomic_store(&st->patience, st->always ? 0 : calls >= WORTH_CALLS ? 1 : patience > PATIENCE_MAX ? PATIENCE_MAX : patience);
		(void)atomic_exchange(&st->wanted, 0);
	}
	put_lines(st, &lines);
	return NULL;
}

int stub_thread_start(struct stub *st)
{
	if (st->runs)
		return 0;
	int r = thread_start(&st->thread, stub_main, st);
	st->runs = r == 0;
	return r;
}

void stub_thread_finish(struct stub *st)
{
	if (!st->runs)
		return;
	atomic_store(&st->ends, true);
	stub_thread_wake(st);
	/* A call of it that a file system keeps is given up: nobody waits for its answer any more. */
	for (bool joined = false; !joined;) {
		struct timespec until;
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += JOIN_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		joined = pthread_timedjoin_np(st->thread, NULL, &until) == 0;
		if (!joined)
			(void)pthread_kill(st->thread, SIGRTMAX);
	}
	st->runs = false;
}

bool stub_wants_thread(struct stub *st)
{
	uint64_t now = now_ns();
	st->streak = now - st->streak_ns < SOON_NS ? st->streak + 1 : 1;
	st->streak_ns = now;
	if (st->streak <= atomic_load(&st->patience) || atomic_load(&st->wanted))
		return false;
	st->streak = 0;
	return true;
}

void stub_thread_wake(struct stub *st)
{
	if (atomic_exchange(&st->wanted, 1) == 0)
		(void)syscall(SYS_futex, &st->wanted, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
