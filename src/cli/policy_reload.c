/* trapline policy reload: ask a running trapline to read its policy anew. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/policy.h"

static const char usage_text[] =
	"Usage: trapline policy reload PID\n\n"
	"PID is a trapline that runs with --policy. It reads the file anew and says on its standard error whether it\n"
	"took it: what the loaded seccomp filter decides by itself cannot be changed.\n";

/* SIGHUP would end any other program. */
static bool has_policy(uint64_t pid)
{
	char path[64];
	char arguments[65536];
	struct stat own, other;
	(void)snprintf(path, sizeof(path), "/proc/%llu/exe", (unsigned long long)pid);
	if (stat("/proc/self/exe", &own) < 0 || stat(path, &other) < 0 || own.st_ino != other.st_ino ||
	    own.st_dev != other.st_dev)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%llu/cmdline", (unsigned long long)pid);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	size_t n = f ? fread(arguments, 1, sizeof(arguments) - 1, f) : 0;
	arguments[n] = '\0';
	for (size_t at = 0; at < n; at += strlen(arguments + at) + 1) {
		if (strcmp(arguments + at, "--") == 0)
			return false;
		if (strncmp(arguments + at, "--policy", 8) == 0)
			return true;
	}
	return false;
}

int policy_reload(int argc, char **argv)
{
	uint64_t pid;
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		(void)fputs(usage_text, stdout);
		return cli_finish_stdout();
	}
	if (argc != 2) {
		cli_error("policy reload", "one process id is needed");
		return CLI_EXIT_USAGE;
	}
	int r = cli_parse_number("policy reload", "PID", argv[1], 1, INT32_MAX, &pid);
	if (r)
		return r;
	if (!has_policy(pid)) {
		cli_error("policy reload", "process %s is no running trapline with --policy", argv[1]);
		return CLI_EXIT_FAILURE;
	}
	if (kill((pid_t)pid, SIGHUP) == 0)
		return 0;
	cli_error("policy reload", "%s", strerror(errno));
	return CLI_EXIT_FAILURE;
}
