/*
 * Everything a program inherits from the one that starts it, printed: the runner compares with the native run. But an
 * ordinary user's filter needs no_new_privs (seccomp(2)), so that only root's is compared.
 */
#include <dirent.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "guest.h"

extern char **environ;

static void descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	char path[300], target[300];

	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d));) {
		int fd = atoi(e->d_name);
		ssize_t n;

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		CHECK(n >= 0);
		target[n] = 0;
		if (fd == 1 || fd == 2)		/* the runner's temporary files: their names differ */
			snprintf(target, sizeof(target), "output");
		printf("fd %d %s\n", fd, target);
	}
	closedir(d);
}

static void limits(void)
{
	for (int i = 0; i < 16; i++) {
		struct rlimit r;

		CHECK(getrlimit((__rlimit_resource_t)i, &r) == 0);
		printf("limit %d %llx %llx\n", i, (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	}
}

static void signals(void)
{
	sigset_t mask;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0)
			printf("signal %d %s%s\n", sig, sa.sa_handler == SIG_IGN ? "ignored" : sa.sa_handler ? "handled" : "default",
			       sigismember(&mask, sig) ? " blocked" : "");
	}
}

static void one_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512];

	printf("%s:", path);
	if (f && fgets(line, sizeof(line), f))
		printf(" %s", line);
	else
		printf(" none\n");
	if (f)
		fclose(f);
}

static void status(void)
{
	static const char *const keys[] = {
		"Umask", "State", "Uid", "Gid", "Groups", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff",
		"CapBnd", "CapAmb", "NoNewPrivs", "Threads", "Speculation_Store_Bypass", "SpeculationIndirectBranch", "THP_enabled",
	};
	FILE *f = fopen("/proc/self/status", "re");
	char line[512];

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			size_t n = strlen(keys[i]);

			if (strcmp(keys[i], "NoNewPrivs") == 0 && geteuid() != 0)
				continue;
			if (strncmp(line, keys[i], n) == 0 && line[n] == ':')
				fputs(line, stdout);
		}
	}
	fclose(f);
}

static void process(char **argv)
{
	char cwd[4096];
	int tty = getpgid(0) == tcgetpgrp(0);

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	printf("cwd %s\numask %03o\nargv0 %s\n", cwd, umask(0), argv[0]);
	printf("pgrp %d sid %d tty %d\n", getpgrp(), getsid(0), tty);
	printf("nice %d policy %d\n", getpriority(PRIO_PROCESS, 0), personality(0xffffffff));
	printf("dumpable %d keepcaps %d nnp %d pdeath", prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
	       geteuid() == 0 ? prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) : 0);
	int sig = -1;

	CHECK(prctl(PR_GET_PDEATHSIG, &sig) == 0);
	printf(" %d slack %ld securebits %d subreaper", sig, (long)prctl(PR_GET_TIMERSLACK), prctl(PR_GET_SECUREBITS));
	CHECK(prctl(PR_GET_CHILD_SUBREAPER, &sig) == 0);
	printf(" %d thp %d\n", sig, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

int main(int argc, char **argv)
{
	(void)argc;
	process(argv);
	descriptors();
	limits();
	signals();
	status();
	one_file("/proc/self/oom_score_adj");
	one_file("/proc/self/oom_adj");
	one_file("/proc/self/coredump_filter");
	one_file("/proc/self/cgroup");
	one_file("/proc/self/comm");
	for (char **e = environ; *e; e++)
		printf("env %s\n", *e);
	return 0;
}
