/*
 * exec by a thread that is not the leader: the others die, the new program has the old process id, one task, and the
 * descriptors that were not close-on-exec. exec_thread N: N times in a row, with the count in argv.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

#include "guest.h"

static char *self_argv[5];

static void *sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *caller(void *arg)
{
	(void)arg;
	for (;;)
		getppid();
	return NULL;
}

static void *execer(void *arg)
{
	(void)arg;
	execv("/proc/self/exe", self_argv);
	CHECK(!"execv returned");
	return NULL;
}

static int task_count(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void check_new_image(const char *pid, const char *fd)
{
	CHECK_EQ(getpid(), atoi(pid));
	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK_EQ(task_count(), 1);
	CHECK(fcntl(atoi(fd), F_GETFD) >= 0);
	CHECK_ERRNO(fcntl(atoi(fd) + 1, F_GETFD), EBADF);
	close(atoi(fd));
}

int main(int argc, char **argv)
{
	char left[24], pid[16], fd[16];
	long n = guest_arg(argc, argv, 1, 15);
	int kept;
	pthread_t t;

	if (argc > 3)
		check_new_image(argv[2], argv[3]);
	if (n == 0)
		return 0;
	kept = fcntl(0, F_DUPFD, 50);
	CHECK(kept >= 0);
	CHECK(fcntl(0, F_DUPFD_CLOEXEC, kept + 1) == kept + 1);
	snprintf(left, sizeof(left), "%ld", n - 1);
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(fd, sizeof(fd), "%d", kept);
	self_argv[0] = argv[0];
	self_argv[1] = left;
	self_argv[2] = pid;
	self_argv[3] = fd;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t, NULL, i % 2 ? sleeper : caller, NULL), 0);
	CHECK_EQ(pthread_create(&t, NULL, execer, NULL), 0);
	if (n % 2) {
		for (;;)
			getppid();
	}
	pthread_join(t, NULL);
	return 1;
}
