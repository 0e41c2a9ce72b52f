/*
 * deny_calls [--kill] NAME... -- COMMAND [ARGS]: run a command under a seccomp filter that refuses the named calls with
 * EPERM, as a strict container does, or with --kill ends whoever makes one. 77 if no filter can be installed here.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SKIP = 77, USAGE = 2, NOT_FOUND = 127 };

static int deny(scmp_filter_ctx filter, const char *name, uint32_t action)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		fprintf(stderr, "deny_calls: no system call '%s'\n", name);
		return USAGE;
	}
	return seccomp_rule_add(filter, action, nr, 0) ? SKIP : 0;
}

int main(int argc, char **argv)
{
	uint32_t action = SCMP_ACT_ERRNO(EPERM);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int i = 1, err;

	if (i < argc && !strcmp(argv[i], "--kill")) {
		action = SCMP_ACT_KILL_PROCESS;
		i++;
	}
	for (; i < argc && strcmp(argv[i], "--"); i++) {
		err = deny(filter, argv[i], action);
		if (err)
			return err;
	}
	if (++i >= argc) {
		fprintf(stderr, "usage: deny_calls [--kill] NAME... -- COMMAND [ARGS]\n");
		return USAGE;
	}
	if (seccomp_load(filter) < 0) {
		fprintf(stderr, "deny_calls: no filter can be installed here\n");
		return SKIP;
	}
	execvp(argv[i], argv + i);
	fprintf(stderr, "deny_calls: %s: %s\n", argv[i], strerror(errno));
	return NOT_FOUND;
}
