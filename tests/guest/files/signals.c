/* File calls under a storm of signals without SA_RESTART: none that never waits is ever interrupted, none is done
 * twice. */
#include "files.h"

static volatile int count;

static void tick(int sig)
{
	(void)sig;
	count++;
	guest_storm_signal();
}

int main(void)
{
	struct stat st;
	char name[32], next[32], buf[4096];

	files_enter();
	guest_handle(SIGALRM, tick, 0);
	guest_storm(300);
	for (int i = 0; i < 600; i++) {
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		snprintf(next, sizeof(next), "g%d", i);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
		CHECK(fd >= 0);
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK(fstat(fd, &st) == 0 && st.st_nlink == 1);
		CHECK(close(fd) == 0);
		CHECK(link(name, next) == 0);
		CHECK(rename(next, "h") == 0);
		CHECK(stat("h", &st) == 0 && st.st_nlink == 2);
		CHECK(unlink(name) == 0);
		CHECK_ERRNO(unlink(name), ENOENT);
		CHECK(mkdir(name, 0755) == 0 && rmdir(name) == 0);
		CHECK(symlink("h", name) == 0 && readlink(name, buf, sizeof(buf)) == 1 && unlink(name) == 0);
		CHECK(getcwd(buf, sizeof(buf)) != NULL);
		guest_storm_steps++;
	}
	guest_storm(0);
	CHECK(count > 0);
	files_leave();
	return 0;
}
