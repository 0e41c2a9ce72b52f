/*
 * The floor of the step mechanism: PTRACE_SYSCALL, two stops a call. By default it watches (the host answers); --answer
 * skips the call at the first stop and pokes the value at the second; --info fetches what a tracer prints from at both.
 */
#include "bare_ptrace.h"

static bool with_info, answering;

static bool option(struct bare *b, const char *name)
{
	if (!strcmp(name, "info")) {
		with_info = true;
	} else if (!strcmp(name, "answer")) {
		answering = true;
		b->name = "step_answer";
		b->fixed_result = false;
	} else {
		return false;
	}
	return true;
}

static void one_call(pid_t pid, long n)
{
	bare_next_stop(pid, PTRACE_SYSCALL, SIGTRAP | 0x80);
	if (with_info)
		bare_fetch_info(pid);
	if (answering)
		bare_skip_call(pid);
	bare_next_stop(pid, PTRACE_SYSCALL, SIGTRAP | 0x80);
	if (with_info)
		bare_fetch_info(pid);
	if (answering)
		bare_set_result(pid, bare_answer(n));
}

int main(int argc, char **argv)
{
	struct bare b = { .name = "step_watch", .fixed_result = true, .expected = getpid() };
	pid_t pid;

	bare_init(&b, argc, argv, " [--answer] [--info]", option);
	pid = bare_start_traced(&b, PTRACE_O_TRACESYSGOOD, NULL);
	for (long n = 0; n < bare_total(&b); n++)
		one_call(pid, n);
	bare_finish_traced(pid);
	return bare_report(&b);
}
