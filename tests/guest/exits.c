/* Every exit status and every deadly signal of a child comes to its parent unchanged, the core-dump flag too. */
#include <sys/resource.h>

#include "guest.h"

static void by_signal(int sig, bool dumps)
{
	pid_t pid = guest_fork();
	int status;

	if (pid == 0) {
		struct rlimit none = {0};

		CHECK(dumps || setrlimit(RLIMIT_CORE, &none) == 0);
		signal(sig, SIG_DFL);
		raise(sig);
		_exit(0);
	}
	status = guest_wait(pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), sig);
	CHECK(dumps || !WCOREDUMP(status));
}

static bool deadly(int sig)
{
	static const int others[] = {SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH, 32, 33};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i] == sig)
			return false;
	}
	return true;
}

int main(void)
{
	char line[64];

	for (int code = 0; code < 256; code++) {
		pid_t pid = guest_fork();

		if (pid == 0)
			_exit(code);
		guest_wait_exit(pid, code);
	}
	for (int sig = 1; sig <= 64; sig++) {
		if (deadly(sig))
			by_signal(sig, false);
	}
	for (int sig = 1; sig <= 15; sig++) {	/* a shell's 128 + n */
		if (!deadly(sig))
			continue;
		snprintf(line, sizeof(line), "sh -c 'ulimit -c 0; kill -%d $$' 2>/dev/null; exit $?", sig);
		int status = system(line);

		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 128 + sig);
	}
	return 0;
}
