/*
 * The floor of the trace mechanism: SECCOMP_RET_TRACE stops the guest once, two words are poked (skip the call, the
 * value), and it goes on. --info adds the PTRACE_GET_SYSCALL_INFO that a supervisor needs to learn which call it is.
 */
#include "bare_filter.h"
#include "bare_ptrace.h"

static bool with_info;

static bool option(struct bare *b, const char *name)
{
	if (strcmp(name, "info"))
		return false;
	b->name = "trace_info";
	with_info = true;
	return true;
}

static void prepare(const struct bare *b)
{
	if (bare_filter(b->call_number, SECCOMP_RET_TRACE, 0) < 0)
		bare_die("seccomp");
}

int main(int argc, char **argv)
{
	struct bare b = { .name = "trace" };
	pid_t pid;

	bare_init(&b, argc, argv, " [--info]", option);
	pid = bare_start_traced(&b, PTRACE_O_TRACESECCOMP, prepare);
	for (long n = 0; n < bare_total(&b); n++) {
		bare_next_stop(pid, PTRACE_CONT, SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
		if (with_info)
			bare_fetch_info(pid);
		bare_skip_call(pid);
		bare_set_result(pid, bare_answer(n));
	}
	bare_finish_traced(pid);
	return bare_report(&b);
}
