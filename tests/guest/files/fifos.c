/* Opens that block: a fifo waits for its other end, in another process, while others go on; a signal ends the wait. */
#include "files.h"

static void nothing(int sig)
{
	(void)sig;
}

static void meeting(void)
{
	pid_t pid = guest_fork();
	char buf[16];
	int fd;

	if (pid == 0) {
		fd = open("fifo", O_WRONLY);
		CHECK(fd >= 0 && write(fd, "through", 7) == 7);
		_exit(0);
	}
	fd = open("fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 7);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
	guest_wait_exit(pid, 0);
	close(fd);
}

static void not_waiting(void)
{
	int r;

	CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0);
	int w = open("fifo", O_WRONLY | O_NONBLOCK);

	CHECK(w >= 0 && write(w, "x", 1) == 1);
	close(r);
	close(w);
	r = open("fifo", O_RDWR);
	CHECK(r >= 0);
	close(r);
}

/* Many wait at once, and meanwhile everything else works. */
static void many(void)
{
	enum { COUNT = 20 };
	pid_t pid[COUNT];
	char name[32];

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "fifo-%d", i);
		CHECK(mkfifo(name, 0600) == 0);
		pid[i] = guest_fork();
		if (pid[i] == 0) {
			int fd = open(name, O_RDONLY);
			char byte;

			CHECK(fd >= 0 && read(fd, &byte, 1) == 1);
			_exit(byte);
		}
	}
	files_write("meanwhile", "works");
	files_want("meanwhile", "works");
	for (int i = COUNT - 1; i >= 0; i--) {
		char byte = (char)i;
		int fd;

		snprintf(name, sizeof(name), "fifo-%d", i);
		fd = open(name, O_WRONLY);
		CHECK(fd >= 0 && write(fd, &byte, 1) == 1);
		close(fd);
		guest_wait_exit(pid[i], i);
	}
}

static void interrupted(void)
{
	const struct itimerval again = {{0, 100000}, {0, 100000}};	/* until one comes in the middle of the call */
	pid_t pid = guest_fork();

	if (pid == 0) {
		guest_handle(SIGALRM, nothing, 0);
		CHECK(setitimer(ITIMER_REAL, &again, NULL) == 0);
		CHECK_ERRNO(open("fifo", O_RDONLY), EINTR);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	pid = guest_fork();
	if (pid == 0) {
		(void)open("fifo", O_RDONLY);
		_exit(1);
	}
	guest_sleep_ms(50);
	CHECK(kill(pid, SIGKILL) == 0);
	guest_wait_signal(pid, SIGKILL);
}

int main(void)
{
	files_enter();
	CHECK(mkfifo("fifo", 0600) == 0);
	meeting();
	not_waiting();
	many();
	interrupted();
	files_leave();
	return 0;
}
