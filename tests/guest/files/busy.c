/*
 * A program that runs is not written to (ETXTBSY), until it ends; and what is being written to is not executed. The
 * program is a copy of this one: "wait" waits for the end of its input.
 */
#include "files.h"

static char self[PATH_MAX];

/* A process that runs name and ends when the write end of the pipe, *ret_end, is closed. */
static pid_t start(const char *name, int *ret_end)
{
	int end[2], ready[2];
	char c;
	pid_t pid;

	CHECK(pipe2(end, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
	pid = guest_fork();
	if (pid == 0) {
		dup2(end[0], 0);
		dup2(ready[1], 1);
		execl(name, name, "wait", NULL);
		_exit(errno);
	}
	close(end[0]);
	close(ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_end = end[1];
	return pid;
}

static void stop(pid_t pid, int end)
{
	close(end);
	CHECK_EQ(guest_wait(pid), 0);
}

static void refused(const char *name)
{
	int fd;

	CHECK_ERRNO(open(name, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(open(name, O_RDWR | O_CREAT, 0755), ETXTBSY);
	CHECK_ERRNO(open(name, O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERRNO(truncate(name, 0), ETXTBSY);
	CHECK_ERRNO(open(name, O_RDWR | O_CREAT | O_EXCL, 0755), EEXIST);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0 && close(fd) == 0);
	fd = open(name, O_PATH);
	CHECK(fd >= 0);
	/* what is there of it may change, but not what is in it */
	CHECK(chmod(name, 0700) == 0 && chmod(name, 0755) == 0);
	close(fd);
}

static void allowed(const char *name)
{
	int fd = open(name, O_RDWR);

	CHECK(fd >= 0 && close(fd) == 0);
}

int main(int argc, char **argv)
{
	int end, other;
	pid_t pid, second;
	struct stat st;

	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		char c = 'r';

		CHECK_EQ(write(1, &c, 1), 1);
		CHECK_EQ(read(0, &c, 1), 0);
		return 0;
	}
	CHECK(realpath("/proc/self/exe", self) != NULL);
	files_enter();
	files_copy_program(self, "prog", O_TRUNC);
	allowed("prog");
	pid = start("./prog", &end);
	refused("prog");
	CHECK(link("prog", "hard") == 0);
	refused("hard");
	CHECK(rename("prog", "moved") == 0);
	refused("moved");
	second = start("./hard", &other);
	stop(pid, end);
	refused("moved");
	stop(second, other);
	allowed("moved");
	allowed("hard");

	/* unlinked and made anew: another file */
	pid = start("./moved", &end);
	CHECK(unlink("moved") == 0 && unlink("hard") == 0);
	files_copy_program(self, "moved", O_TRUNC);
	allowed("moved");
	stop(pid, end);

	/* many times: nothing of a process that was waited for is left */
	for (int i = 0; i < 50; i++) {
		stop(start("./moved", &end), end);
		allowed("moved");
		CHECK(stat("moved", &st) == 0 && st.st_size > 0);
	}
	files_leave();
	return 0;
}
