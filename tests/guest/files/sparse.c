/* Offsets beyond 4 GiB, holes, punched ones, and maps that see what is written. */
#include <linux/falloc.h>

#include "files.h"

#define FAR ((off_t)5 << 30)

static void holes(void)
{
	struct stat st;
	char buf[16];
	int fd = open("sparse", O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, "far", 3, FAR), 3);
	CHECK(stat("sparse", &st) == 0);
	CHECK_EQ(st.st_size, FAR + 3);
	CHECK(st.st_blocks < 1000);
	CHECK_EQ(pread(fd, buf, 4, 100), 4);
	CHECK(memcmp(buf, "\0\0\0\0", 4) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), FAR);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_ERRNO(lseek(fd, FAR + 3, SEEK_DATA), ENXIO);
	CHECK_EQ(pread(fd, buf, 16, FAR), 3);
	CHECK(truncate("sparse", FAR * 2) == 0 && stat("sparse", &st) == 0);
	CHECK_EQ(st.st_size, FAR * 2);
	CHECK(ftruncate(fd, 8192) == 0);
	CHECK_EQ(pwrite(fd, "0123", 4, 4096), 4);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) == 0) {
		CHECK_EQ(pread(fd, buf, 4, 4096), 4);
		CHECK(memcmp(buf, "\0\0\0\0", 4) == 0);
	} else {
		CHECK_EQ(errno, EOPNOTSUPP);
	}
	CHECK(fallocate(fd, 0, 0, 20000) == 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_size, 20000);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	close(fd);
	fd = open("sparse", O_RDONLY);
	CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, 0, 1), EBADF);
	close(fd);
}

static void maps(void)
{
	int a = open("mapped", O_RDWR | O_CREAT, 0644), b;
	char *p, *q;
	pid_t pid;

	CHECK(ftruncate(a, 8192) == 0);
	b = open("mapped", O_RDWR);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	q = mmap(NULL, 8192, PROT_READ, MAP_SHARED, b, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	strcpy(p + 5000, "written in a map");
	CHECK(strcmp(q + 5000, "written in a map") == 0);
	CHECK(unlink("mapped") == 0);
	pid = guest_fork();
	if (pid == 0) {
		strcpy(p, "child");
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(strcmp(q, "child") == 0);
	CHECK_EQ(pwrite(b, "CH", 2, 0), 2);
	CHECK(strcmp(p, "CHild") == 0);
	pid = guest_fork();
	if (pid == 0) {
		CHECK(ftruncate(b, 0) == 0);
		p[0] = 'x';			/* beyond the end */
		_exit(0);
	}
	guest_wait_signal(pid, SIGBUS);
	close(a);
	close(b);
	a = open("ro", O_RDONLY | O_CREAT, 0644);
	CHECK_EQ(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, a, 0) == MAP_FAILED, 1);
	CHECK_EQ(errno, EACCES);
	close(a);
}

/* copy_file_range works within a file system only, though two tmpfs may well be the same to who emulates them. */
static void copies(void)
{
	int a, b, other;

	files_write("from", "some text");
	a = open("from", O_RDONLY);
	b = open("to", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 100, 0), 9);
	files_want("to", "some text");
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 100, 0), 0);
	CHECK_ERRNO(copy_file_range(b, NULL, a, NULL, 0, 0), EBADF);
	other = open("/dev/shm", O_RDWR | O_TMPFILE, 0600);
	if (other >= 0) {
		CHECK_ERRNO(copy_file_range(a, NULL, other, NULL, 100, 0), EXDEV);
		CHECK_ERRNO(copy_file_range(other, NULL, b, NULL, 0, 0), EXDEV);
		close(other);
	}
	close(a);
	close(b);
}

int main(void)
{
	files_enter();
	holes();
	copies();
	maps();
	files_leave();
	return 0;
}
