/*
 * The supervisor's side: look at each call through the session's probe and compare with what the guest says it loaded.
 */
#include "bench/fidelity_watch.h"

#include <assert.h>

#include "regs/regs.h"

int fidelity_watch_init(struct fidelity_watch *w, const struct fidelity_options *options, struct fidelity_shared *shared,
			struct fidelity_result *result)
{
	*w = (struct fidelity_watch){.options = options, .shared = shared, .result = result};
	int err = pthread_mutex_init(&w->lock, NULL);

	if (err != 0)
		return -err;
	err = fidelity_compare_init(&w->compare);
	if (err < 0)
		(void)pthread_mutex_destroy(&w->lock);
	return err;
}

void fidelity_watch_finish(struct fidelity_watch *w)
{
	fidelity_compare_finish(&w->compare);
	(void)pthread_mutex_destroy(&w->lock);
}

static void count(void *ctx, const char *name)
{
	struct fidelity_watch *w = ctx;

	fidelity_tally_add(&w->result->saw, name);
}

static bool plants(const struct fidelity_watch *w, uint64_t n)
{
	return w->options->plant && n % w->options->plant_every == 0;
}

/* Damage one register of the guest, as a faulty supervisor would. */
static void plant(struct fidelity_watch *w, struct regs *regs)
{
	uint8_t value[REGS_VALUE_MAX];
	struct regs_snapshot *s = w->compare.found;

	if (regs_snapshot_take(s, regs) < 0 || regs_snapshot_get(s, w->options->plant, value) < 0)
		return;
	value[0] ^= 1;
	if (regs_snapshot_change(s, w->options->plant, value, 1) == 0 && regs_snapshot_restore(s, regs) == 0)
		w->result->planted++;
}

/* Each call is to be seen once, in order. */
static void number_seen(struct fidelity_watch *w, uint64_t n)
{
	if (plants(w, n) && strcmp(w->options->plant, "call") == 0) {
		w->result->planted++;
		return;
	}
	if (n == w->last) {
		w->result->repeated++;
		return;
	}
	w->last = n;
	w->result->seen++;
}

static void compare_args(struct fidelity_watch *w, const uint64_t args[6])
{
	static const char *const names[6] = {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5"};

	for (unsigned i = 0; i < 6; i++) {
		if (args[i] != w->shared->call.args[i])
			count(w, names[i]);
	}
}

static void compare_registers(struct fidelity_watch *w, uint64_t n, struct regs *regs)
{
	uint64_t nr;
	int err = regs_get(regs, REG_NR, &nr);

	if (err == 0 && (int64_t)nr != w->shared->call.nr)
		count(w, "number");
	if (err == 0)
		err = fidelity_state_seen(&w->compare, (const struct fidelity_state *)w->shared->state, regs, count, w);
	if (err < 0)
		count(w, "unreadable");
	if (plants(w, n))
		plant(w, regs);
}

static void entered(void *ctx, pid_t tid, enum call_id id, const uint64_t args[6], struct regs *regs)
{
	struct fidelity_watch *w = ctx;
	uint64_t n = atomic_load_explicit(&w->shared->armed, memory_order_acquire);

	(void)tid;
	if (n == 0)
		return;
	(void)pthread_mutex_lock(&w->lock);
	number_seen(w, n);
	if (id != call_from_nr(w->abi, w->shared->call.nr))
		count(w, "call");
	compare_args(w, args);
	if (regs)
		compare_registers(w, n, regs);
	(void)pthread_mutex_unlock(&w->lock);
}

static struct verdict answer(void *ctx, struct call_event *ev)
{
	struct fidelity_watch *w = ctx;
	uint64_t n = atomic_load_explicit(&w->shared->armed, memory_order_acquire);

	if (n == 0)
		return verdict_pass();
	int64_t value = fidelity_answer(ev->nr, ev->args);
	(void)pthread_mutex_lock(&w->lock);
	if (ev->nr != w->shared->call.nr)
		count(w, "number");
	if (plants(w, n) && strcmp(w->options->plant, "value") == 0) {
		value ^= 1;
		w->result->planted++;
	}
	w->result->answered++;
	(void)pthread_mutex_unlock(&w->lock);
	return verdict_value(value);
}

struct session_probe fidelity_watch_probe(struct fidelity_watch *w, enum fidelity_mode mode)
{
	return (struct session_probe){
		.entered = entered,
		.answer = mode == FIDELITY_ANSWERED ? answer : NULL,
		.ctx = w,
	};
}
