/*
 * A set-user-id program changes who it is, as natively, where the tracer may trace it (root may). It prints what the
 * kernel says, not only what an answered geteuid says.
 */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "guest.h"

static void copy_self(int to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	CHECK(from >= 0);
	while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	CHECK_EQ(n, 0);
	close(from);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/guest-suid-XXXXXX", path[64];
	char *child[] = {(char *)"suid", (char *)"--child", NULL};
	int fd;
	pid_t pid;

	(void)argv;
	if (argc > 1) {
		struct stat st;

		CHECK(stat("/proc/self", &st) == 0);
		return geteuid() == 65534 && getuid() == 0 ? 34 : 1;
	}
	if (getuid() != 0)
		guest_skip("making a set-user-id program of another user needs root");
	CHECK(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	snprintf(path, sizeof(path), "%s/suid", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	CHECK(fd >= 0);
	copy_self(fd);
	CHECK(fchown(fd, 65534, 65534) == 0 && fchmod(fd, 04755) == 0);
	close(fd);
	for (int i = 0; i < 5; i++) {
		pid = guest_fork();
		if (pid == 0) {
			execv(path, child);
			_exit(1);
		}
		guest_wait_exit(pid, 34);
	}
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
	return 0;
}
