/* O_APPEND from two processes through descriptions of their own: every record is there, whole, once. */
#include "files.h"

enum { RECORDS = 2000, SIZE = 37 };

static void writer(char mark)
{
	int fd = open("log", O_WRONLY | O_APPEND);
	char record[SIZE];

	CHECK(fd >= 0);
	for (int i = 0; i < RECORDS; i++) {
		memset(record, mark, SIZE);
		memcpy(record + 1, &i, sizeof(i));
		CHECK_EQ(write(fd, record, SIZE), SIZE);
	}
	_exit(0);
}

int main(void)
{
	char record[SIZE];
	int next[2] = {0, 0}, fd;
	pid_t pid[2];

	files_enter();
	files_write("log", "");
	for (int i = 0; i < 2; i++) {
		pid[i] = guest_fork();
		if (pid[i] == 0)
			writer((char)('A' + i));
	}
	guest_wait_exit(pid[0], 0);
	guest_wait_exit(pid[1], 0);
	fd = open("log", O_RDONLY);
	CHECK(fd >= 0);
	for (int i = 0; i < 2 * RECORDS; i++) {
		int number, who;

		CHECK_EQ(read(fd, record, SIZE), SIZE);
		who = record[0] - 'A';
		memcpy(&number, record + 1, sizeof(number));
		CHECK(who == 0 || who == 1);
		CHECK_EQ(number, next[who]++);
		CHECK_EQ(record[SIZE - 1], 'A' + who);
	}
	CHECK_EQ(read(fd, record, SIZE), 0);
	close(fd);
	fd = open("log", O_RDWR | O_APPEND);		/* a position is for reading only */
	CHECK_EQ(pwrite(fd, "end", 3, 0), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 2 * RECORDS * SIZE + 3);
	CHECK(close(fd) == 0);
	files_leave();
	return 0;
}
