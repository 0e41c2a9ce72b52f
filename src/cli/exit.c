/* How trapline begins and ends towards the one who called it. */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

void cli_guard_std_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest free descriptor is fd, since those below it are open. */
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return;	/* a place without /dev: nothing better can be had */
	}
}

int cli_finish_stdout(void)
{
	bool earlier = ferror(stdout);	/* whose errno is gone */

	if (fflush(stdout) == 0 && !earlier)
		return 0;
	cli_error(NULL, "standard output: %s", earlier ? "not all of it could be written" : strerror(errno));
	/* Whoever asks again, as main does behind a subcommand, finds nothing left to be said. */
	__fpurge(stdout);
	clearerr(stdout);
	return CLI_EXIT_FAILURE;
}

/* Die of a signal as if it had been sent to us. Returns only if that cannot be done (pid 1 of a namespace). */
static void die_of(int sig)
{
	static const struct rlimit no_core = {0, 0};
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t set;

	/* The guest has dumped its core if it wanted to. RLIMIT_CORE is not asked when core_pattern is a pipe. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)sigaction(sig, &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)kill(getpid(), sig);
}

_Noreturn void cli_exit_like(int wait_status)
{
	(void)fflush(NULL);
	if (WIFSIGNALED(wait_status)) {
		die_of(WTERMSIG(wait_status));
		_exit(128 + WTERMSIG(wait_status));
	}
	exit(WEXITSTATUS(wait_status));
}

int cli_exec_failure_status(int error)
{
	return error == -ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_NOT_EXECUTABLE;
}
