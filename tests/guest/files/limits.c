/*
 * RLIMIT_FSIZE: what would make a file longer is EFBIG, with SIGXFSZ, by name and by descriptor; what makes it shorter
 * is not.
 */
#include <signal.h>
#include <sys/resource.h>

#include "files.h"

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

static void limited(void)
{
	const struct rlimit limit = {10000, RLIM_INFINITY};

	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK(signal(SIGXFSZ, on_signal) == 0);
}

#define REFUSED(call)                    \
	do {                             \
		got = 0;                 \
		CHECK_ERRNO(call, EFBIG); \
		CHECK_EQ(got, SIGXFSZ);  \
	} while (0)

int main(void)
{
	char buf[4096];
	struct stat st;
	pid_t pid;
	int fd;

	memset(buf, 'x', sizeof(buf));
	files_enter();
	files_write("f", "x");
	files_write("long", "x");
	CHECK(truncate("long", 50000) == 0);
	limited();
	CHECK(truncate("f", 10000) == 0);
	REFUSED(truncate("f", 10001));
	CHECK(stat("f", &st) == 0 && st.st_size == 10000);
	got = 0;
	CHECK(truncate("long", 40000) == 0);
	CHECK_EQ(got, 0);
	REFUSED(truncate("long", 40001));
	fd = open("f", O_RDWR);
	CHECK(fd >= 0);
	REFUSED(ftruncate(fd, 20000));
	REFUSED(fallocate(fd, 0, 0, 20000));
	REFUSED((int)pwrite(fd, buf, 1, 10000));
	CHECK_EQ(pwrite(fd, buf, sizeof(buf), 9000), 1000);
	CHECK(close(fd) == 0);
	fd = open("f", O_RDWR | O_TRUNC);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, buf, sizeof(buf)), (ssize_t)sizeof(buf));
	CHECK(close(fd) == 0);
	CHECK(signal(SIGXFSZ, SIG_IGN) == on_signal);
	CHECK_ERRNO(truncate("f", 10001), EFBIG);

	/* without a handler it is the end */
	pid = guest_fork();
	if (pid == 0) {
		const struct rlimit none = {0, 0};

		CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
		signal(SIGXFSZ, SIG_DFL);
		(void)!truncate("f", 10001);
		_exit(0);
	}
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	files_leave();
	return 0;
}
