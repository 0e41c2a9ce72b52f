/*
 * spurious N: calls that never return EINTR on Linux do not start to, while a timer signal without SA_RESTART
 * arrives 10 000 times a second (where the machine bears that: guest_storm).
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest.h"

static volatile long hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
	guest_storm_signal();
}

static void calls(void)
{
	struct utsname u;
	struct sysinfo si;
	struct stat st;
	uid_t r, e, s;
	int fd;

	CHECK(getppid() > 0);
	CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));
	CHECK_EQ(syscall(SYS_getgid), syscall(SYS_getegid));
	CHECK(getresuid(&r, &e, &s) == 0);
	CHECK(uname(&u) == 0);
	CHECK(sysinfo(&si) == 0);
	CHECK(stat("/", &st) == 0);
	CHECK(fstat(0, &st) == 0);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(close(fd), EBADF);
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 3000);

	guest_handle(SIGALRM, handler, 0);
	guest_storm(100);
	for (long i = 0; i < n || hits < 10; i++) {
		calls();
		guest_storm_steps++;
		if (i % 100 == 0) {
			pid_t pid = guest_fork();

			if (pid == 0)
				_exit(8);
			guest_wait_exit(pid, 8);
		}
	}
	return 0;
}
