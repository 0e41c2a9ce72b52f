/* Paths and structs where memory ends: what straddles two pages works, what runs into a hole is EFAULT, nothing is half
 * done. */
#include <linux/openat2.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "files.h"

static char *pages;	/* two writable pages, then none */
static char *readonly;

/* The string so that its first split bytes are in the first page. */
static char *straddling(const char *text, size_t split)
{
	return strcpy(pages + 4096 - split, text);
}

static char *at_end(const char *text)
{
	return strcpy(pages + 8192 - strlen(text) - 1, text);
}

static void straddle(void)
{
	struct stat *st = (struct stat *)(void *)(pages + 4096 - 64);
	int fd;

	for (size_t i = 1; i < 9; i++) {
		fd = open(straddling("straddle", i), O_RDWR | O_CREAT, 0644);
		CHECK(fd >= 0 && close(fd) == 0);
	}
	CHECK(stat(at_end("straddle"), st) == 0 && S_ISREG(st->st_mode));
	CHECK_EQ(readlink(at_end("straddle"), pages, 10), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK(rename(at_end("straddle"), "other") == 0);
	CHECK(access("other", F_OK) == 0);
}

/* A path that does not end before the hole, and pointers of all other bad kinds. */
static void faults(const char *bad)
{
	struct open_how how = {0};
	struct stat st;
	char buf[64];

	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, bad, O_RDWR | O_CREAT, 0600), EFAULT);
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, bad, &how, sizeof(how)), EFAULT);
	CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, bad, &st, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_mkdirat, AT_FDCWD, bad, 0700), EFAULT);
	CHECK_ERRNO(syscall(SYS_unlinkat, AT_FDCWD, bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "other", AT_FDCWD, bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, bad, AT_FDCWD, "x", 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_linkat, AT_FDCWD, "other", AT_FDCWD, bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_symlinkat, bad, AT_FDCWD, "link"), EFAULT);
	CHECK_ERRNO(syscall(SYS_symlinkat, "target", AT_FDCWD, bad), EFAULT);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, bad, buf, sizeof(buf)), EFAULT);
	CHECK_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, bad, 0600), EFAULT);
	CHECK_ERRNO(syscall(SYS_fchownat, AT_FDCWD, bad, 0, 0, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_faccessat, AT_FDCWD, bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_truncate, bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_chdir, bad), EFAULT);
	CHECK_ERRNO(syscall(SYS_statfs, bad, buf), EFAULT);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, bad, 0, STATX_BASIC_STATS, buf), EFAULT);
	CHECK_ERRNO(syscall(SYS_getxattr, bad, "user.a", buf, 10), EFAULT);
	CHECK_ERRNO(syscall(SYS_getxattr, "other", bad, buf, 10), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, bad, NULL, NULL), EFAULT);
	CHECK_ERRNO(access("link", F_OK), ENOENT);
}

/* Where answers go. */
static void outputs(void *bad)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, "other", bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_fstat, dir, bad), EFAULT);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "other", 0, STATX_BASIC_STATS, bad), EFAULT);
	CHECK_ERRNO(syscall(SYS_statfs, "other", bad), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, bad, 4096), EFAULT);
	CHECK_ERRNO(syscall(SYS_getcwd, bad, PATH_MAX), EFAULT);
	CHECK(symlink("some-target", "s") == 0);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "s", bad, 100), EFAULT);
	CHECK(unlink("s") == 0);
	close(dir);
}

int main(void)
{
	files_enter();
	pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && readonly != MAP_FAILED && munmap(pages + 8192, 4096) == 0);
	straddle();
	memset(pages + 8192 - 5, 'q', 5);
	faults(pages + 8192 - 5);
	faults(NULL);
	faults((char *)8);
	faults((char *)0xffff888000000000);
	outputs(NULL);
	outputs(readonly);
	outputs(pages + 8192 - 1);
	files_leave();
	return 0;
}
