/*
 * bare_time COMMAND [ARGS]: one line of what running it took, everything it waited for included. The command's output
 * goes to /dev/null. Exits as the command did.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void run(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	execvp(argv[0], argv);
	fprintf(stderr, "bare_time: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double start, wall;
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: bare_time COMMAND [ARGS]\n");
		return 2;
	}
	start = now();
	pid = fork();
	if (pid < 0) {
		perror("bare_time: fork");
		return 1;
	}
	if (pid == 0)
		run(argv + 1);
	if (wait4(pid, &status, 0, &usage) != pid) {
		perror("bare_time: wait4");
		return 1;
	}
	wall = now() - start;
	printf("time wall_us=%.0f user_us=%.0f sys_us=%.0f maxrss_kb=%ld\n", wall * 1e6, seconds(usage.ru_utime) * 1e6,
	       seconds(usage.ru_stime) * 1e6, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
