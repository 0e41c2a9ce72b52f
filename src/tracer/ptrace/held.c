/*
 * Tasks that are held in their stop for a while. The trap thread does not sleep for them: a timer interrupts its wait
 * with the poke signal, again and again while a task is held, since one may come just before wait is called.
 */
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "tracer/session_private.h"

enum { AGAIN_NS = 2000000 };

static bool make_timer(struct session *s)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMAX};
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (!s->has_wake_timer)
		s->has_wake_timer = timer_create(CLOCK_MONOTONIC, &event, &s->wake_timer) == 0;
	return s->has_wake_timer;
}

/* ns 0: never. */
static void set_timer(struct session *s, uint64_t ns)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)},
		.it_interval = {.tv_nsec = ns ? AGAIN_NS : 0},
	};
	(void)timer_settime(s->wake_timer, 0, &when, NULL);
}

static uint64_t next_wake(const struct session *s, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < s->table_size; i++) {
		for (const struct tracee *t = s->table[i]; t; t = t->next) {
			if (t->wake_ns && t->wake_ns < next)
				next = t->wake_ns;
		}
	}
	return next > now ? next - now : 1;
}

void held_add(struct session *s, struct tracee *t, int sig)
{
	uint64_t now = now_ns();
	uint64_t delay = t->delay_ns;
	t->delay_ns = 0;
	if (!make_timer(s)) {
		session_fail(s, -errno, "cannot delay a call");
		(void)tracee_resume(s, t, sig);
		return;
	}
	t->wake_ns = now + delay;
	t->wake_signal = sig;
	s->held++;
	set_timer(s, next_wake(s, now));
}

void held_remove(struct session *s, struct tracee *t)
{
	t->wake_ns = 0;
	s->held--;
	/* Without a task to wake the timer must not interrupt us any more. */
	set_timer(s, s->held ? next_wake(s, now_ns()) : 0);
}

void held_wake(struct session *s)
{
	uint64_t now = now_ns();
	unsigned before = s->held;
	for (size_t i = 0; i < s->table_size; i++) {
		for (struct tracee *t = s->table[i]; t; t = t->next) {
			if (!t->wake_ns || t->wake_ns > now)
				continue;
			t->wake_ns = 0;
			s->held--;
			if (t->newborn)
				loop_adopted(s, t);
			int r = tracee_resume(s, t, t->wake_signal);
			if (r < 0 && r != -ESRCH)
				session_fail(s, r, "cannot resume a guest");
		}
	}
	if (s->held != before)
		set_timer(s, s->held ? next_wake(s, now) : 0);
}

void held_finish(struct session *s)
{
	if (s->has_wake_timer)
		(void)timer_delete(s->wake_timer);
	s->has_wake_timer = false;
}
