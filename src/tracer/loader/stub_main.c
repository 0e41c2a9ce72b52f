/*
 * The stub in a guest: makes a call by the line that it shares with the supervisor, if somebody looks at it just now.
 * Whatever is not as it should be, the call is made as it was meant, and the filter sends it to the supervisor.
 *
 * It runs on the guest's stack, between any two instructions of which a signal may come: what it holds then stays held
 * while the handler runs, and for good if the handler does not return.
 */
#include "loader.h"

#include <linux/futex.h>
#include <linux/mman.h>

#include "call.h"
#include "tracer/loader/line.h"

enum {
	SPINS_TO_TAKE = 60,	/* of some 40 ns: then the processor is given away once, and then the request is taken back */
	YIELDS_TO_TAKE = 2,
	SPINS_TO_ANSWER = 400,
	NEVER = UINT32_MAX,
};

struct stub_answer {
	uint64_t value, handled;
};

struct stub_frame {
	uint64_t args[6];
	uint64_t flags, back, site;
};

extern volatile struct stub_room stub_room __attribute__((visibility("hidden")));
extern char stub_reserved[] __attribute__((visibility("hidden")));

struct stub_answer stub_main(const struct stub_frame *f);
/* Bytes copied, with the NUL if it is among the first max; -1: a fault. */
long stub_copy_string(char *to, uint64_t from, uint64_t max);
long stub_copy(uint64_t to, const char *from, uint64_t len);

static const struct stub_answer unhandled = {0, 0};

static bool failed(long r)
{
	return r < 0 && r >= -4095;
}

/* Not where openat has its flags, by which the filter chooses. */
static long ask_for_line(uint64_t control)
{
	return call6(NR_openat, LOADER_CALL, LOADER_ASK_LINE, 0, (long)control, 0, 0);
}

/*
 * Not inherited by fork: two processes on one line could answer for each other. So in the child of a fork the place is
 * free, for whoever was quicker.
 */
static uint64_t map_line(long fd, bool reserved)
{
	long place = (long)stub_reserved + STUB_CONTROL_SIZE;
	long at = call6(NR_mmap, place, sizeof(struct line), PROT_READ | PROT_WRITE,
			MAP_SHARED | (reserved ? MAP_FIXED : MAP_FIXED_NOREPLACE), fd, 0);
	(void)call6(NR_close, fd, 0, 0, 0, 0, 0);
	if (at != place) {
		if (!failed(at))
			(void)call6(NR_munmap, at, sizeof(struct line), 0, 0, 0, 0);
		return 0;
	}
	if (!failed(call6(NR_madvise, at, sizeof(struct line), MADV_DONTFORK, 0, 0, 0)))
		return (uint64_t)at;
	(void)call6(NR_munmap, at, sizeof(struct line), 0, 0, 0, 0);
	return 0;
}

/* The supervisor writes where it is into the room, if it has a line for us. */
static void make_control(void)
{
	long at = call6(NR_mmap, (long)stub_reserved, STUB_CONTROL_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (failed(at))
		return;
	long fd = failed(call6(NR_madvise, at, STUB_CONTROL_SIZE, MADV_WIPEONFORK, 0, 0, 0)) ? -1 : ask_for_line((uint64_t)at);
	if (fd < 0)
		return;
	struct stub_control *c = (struct stub_control *)at;
	c->calls = NEVER;
	__atomic_store_n(&c->line, map_line(fd, true), __ATOMIC_RELEASE);
}

/* The child of a fork, which has called often enough. */
static void make_line(struct stub_control *c)
{
	if (c->calls == NEVER || ++c->calls < STUB_CALLS_BEFORE_LINE || __atomic_exchange_n(&c->asking, 1, __ATOMIC_ACQUIRE))
		return;
	long fd = ask_for_line((uint64_t)c);
	if (fd >= 0) {
		c->calls = NEVER;
		__atomic_store_n(&c->line, map_line(fd, false), __ATOMIC_RELEASE);
		return;
	}
	/* It may have been asked by a process that has our memory lent. */
	c->calls = 0;
	__atomic_store_n(&c->asking, 0, __ATOMIC_RELEASE);
}

static struct line *find_line(void)
{
	uint64_t line, at = stub_room.control;
	struct stub_control *c = (struct stub_control *)at;
	/* Then no call of ours may be seen either: the program may have a filter that kills for it. */
	if (stub_room.refused)
		return NULL;
	if (!c) {
		make_control();
		return NULL;
	}
	line = __atomic_load_n(&c->line, __ATOMIC_ACQUIRE);
	if (!line)
		make_line(c);
	return (struct line *)line;
}

static struct line_slot *take_slot(struct line *l, uint32_t *ret_bell)
{
	for (uint32_t i = 0; i < LINE_SLOTS; i++) {
		*ret_bell = UINT32_C(1) << i;
		if (!__atomic_load_n(&l->slots[i].held, __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&l->slots[i].held, 1, __ATOMIC_ACQUIRE))
			return &l->slots[i];
	}
	return NULL;
}

static uint32_t state_of(struct line_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static bool spin(struct line_slot *slot, uint32_t while_state, int spins)
{
	for (; spins && state_of(slot) == while_state; spins--)
		pause_briefly();
	return state_of(slot) != while_state;
}

/* Nobody has time for it: it was not looked at, and will not be. */
static bool taken_back(struct line *l, struct line_slot *slot)
{
	uint32_t state = LINE_POSTED;
	for (int i = 0; i < YIELDS_TO_TAKE && !spin(slot, LINE_POSTED, SPINS_TO_TAKE); i++)
		(void)call6(NR_sched_yield, 0, 0, 0, 0, 0, 0);
	if (state_of(slot) != LINE_POSTED || !__atomic_compare_exchange_n(&slot->state, &state, LINE_FREE, false,
									    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	__atomic_store_n(&l->awake, 0, __ATOMIC_RELAXED);
	return true;
}

static void await_answer(struct line_slot *slot)
{
	(void)spin(slot, LINE_TAKEN, SPINS_TO_ANSWER);
	while (state_of(slot) == LINE_TAKEN) {
		__atomic_store_n(&slot->sleeps, 1, __ATOMIC_SEQ_CST);
		(void)call6(NR_futex, (long)&slot->state, FUTEX_WAIT, LINE_TAKEN, 0, 0, 0);
	}
}

static struct stub_answer ask(struct line *l, struct line_slot *slot, uint32_t bell)
{
	struct stub_answer a = unhandled;
	slot->sleeps = 0;
	slot->tid = (uint32_t)call6(NR_gettid, 0, 0, 0, 0, 0, 0);
	__atomic_store_n(&slot->state, LINE_POSTED, __ATOMIC_RELEASE);
	(void)__atomic_fetch_or(&l->bells, bell, __ATOMIC_SEQ_CST);
	if (taken_back(l, slot))
		return a;
	await_answer(slot);
	a = (struct stub_answer){(uint64_t)slot->value, slot->handled};
	if (a.handled && slot->out_len && slot->out_len <= sizeof(slot->out) &&
	    stub_copy(slot->out_addr, slot->out, slot->out_len) < 0)
		a.value = (uint64_t)-14; /* EFAULT */
	return a;
}

struct stub_answer stub_main(const struct stub_frame *f)
{
	struct stub_answer a = unhandled;
	uint32_t bell;
	int path = STUB_SITE_PATH(f->site);
	struct line *l = find_line();
	struct line_slot *slot = l && __atomic_load_n(&l->awake, __ATOMIC_RELAXED) ? take_slot(l, &bell) : NULL;
	if (!slot)
		return a;
	slot->nr = STUB_SITE_NR(f->site);
	for (int i = 0; i < 6; i++)
		slot->args[i] = f->args[i];
	long len = path < 0 || !f->args[path] ? 0 : stub_copy_string(slot->path, f->args[path], sizeof(slot->path));
	slot->path_len = (uint32_t)len;
	if (len >= 0)
		a = ask(l, slot, bell);
	__atomic_store_n(&slot->held, 0, __ATOMIC_RELEASE);
	return a;
}
