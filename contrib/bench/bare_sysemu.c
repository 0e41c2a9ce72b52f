/*
 * The floor of the sysemu mechanism: PTRACE_SYSEMU stops the guest once at each call and skips it; one word is poked.
 */
#include "bare_ptrace.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif

static bool with_info;

static bool option(struct bare *b, const char *name)
{
	if (strcmp(name, "info"))
		return false;
	b->name = "sysemu_info";
	with_info = true;
	return true;
}

int main(int argc, char **argv)
{
	struct bare b = { .name = "sysemu" };
	pid_t pid;

	bare_init(&b, argc, argv, " [--info]", option);
	pid = bare_start_traced(&b, PTRACE_O_TRACESYSGOOD, NULL);
	for (long n = 0; n < bare_total(&b); n++) {
		bare_next_stop(pid, (enum __ptrace_request)PTRACE_SYSEMU, SIGTRAP | 0x80);
		if (with_info)
			bare_fetch_info(pid);
		bare_set_result(pid, bare_answer(n));
	}
	bare_finish_traced(pid);
	return bare_report(&b);
}
