/* openat2 of a fifo sleeps, is interrupted, is begun anew by SA_RESTART, and ends when the other side comes. */
#include <linux/openat2.h>

#include "files.h"

static void on_alarm(int sig)
{
	(void)sig;
}

static int open_fifo(void)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};

	return (int)syscall(SYS_openat2, AT_FDCWD, "fifo", &how, sizeof(how));
}

int main(void)
{
	char text[8] = "";
	pid_t pid;
	int fd;

	files_enter();
	CHECK(mkfifo("fifo", 0600) == 0);
	guest_handle(SIGALRM, on_alarm, 0);
	ualarm(50000, 50000);		/* until one comes in the middle of the call */
	CHECK_ERRNO(open_fifo(), EINTR);
	ualarm(0, 0);
	guest_handle(SIGALRM, on_alarm, SA_RESTART);
	pid = guest_fork();
	if (pid == 0) {
		guest_sleep_ms(150);
		fd = open("fifo", O_WRONLY);
		CHECK(fd >= 0 && write(fd, "hi", 2) == 2);
		_exit(0);
	}
	ualarm(30000, 0);
	fd = open_fifo();
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fd, text, sizeof(text)), 2);
	guest_wait_exit(pid, 0);
	CHECK(close(fd) == 0);
	files_leave();
	return 0;
}
