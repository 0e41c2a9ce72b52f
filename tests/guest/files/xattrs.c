/* Extended attributes: set, replaced, listed, removed; sizes asked first; where Linux refuses them. */
#include <sys/xattr.h>

#include "files.h"

enum { NR_SETXATTRAT = 463, NR_LISTXATTRAT = 465 };	/* Linux 6.13, on every architecture */

/*
 * AT_EMPTY_PATH is the call by descriptor, for which O_PATH does not do; the working directory has only some of them.
 */
static void empty_names(int fd)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} a = {.value = (uintptr_t)"x", .size = 1};
	char list[256];
	int path = open("g", O_PATH);

	if (syscall(NR_LISTXATTRAT, fd, "", AT_EMPTY_PATH, list, sizeof(list)) < 0 && errno == ENOSYS)
		return;
	CHECK(syscall(NR_SETXATTRAT, fd, "", AT_EMPTY_PATH, "user.at", &a, sizeof(a)) == 0);
	CHECK(syscall(NR_SETXATTRAT, fd, NULL, AT_EMPTY_PATH, "user.at", &a, sizeof(a)) == 0);
	CHECK_ERRNO(syscall(NR_SETXATTRAT, path, "", AT_EMPTY_PATH, "user.at", &a, sizeof(a)), EBADF);
	CHECK_ERRNO(syscall(NR_LISTXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, list, sizeof(list)), EBADF);
	CHECK(syscall(NR_LISTXATTRAT, AT_FDCWD, ".", AT_EMPTY_PATH, list, sizeof(list)) >= 0);
	close(path);
}

int main(void)
{
	char buf[4096], list[256], big[2048];
	int fd;

	files_enter();
	files_write("f", "x");
	if (setxattr("f", "user.a", "1", 1, 0) < 0) {
		CHECK_EQ(errno, EOPNOTSUPP);
		files_leave();
		guest_skip("no user attributes here");
	}
	CHECK_ERRNO(setxattr("f", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	CHECK_ERRNO(setxattr("f", "user.b", "2", 1, XATTR_REPLACE), ENODATA);
	CHECK(setxattr("f", "user.a", "two", 3, XATTR_REPLACE) == 0);
	CHECK_EQ(getxattr("f", "user.a", NULL, 0), 3);
	CHECK_EQ(getxattr("f", "user.a", buf, sizeof(buf)), 3);
	CHECK(memcmp(buf, "two", 3) == 0);
	CHECK_ERRNO(getxattr("f", "user.a", buf, 2), ERANGE);
	CHECK_ERRNO(getxattr("f", "user.none", buf, 2), ENODATA);
	CHECK_ERRNO(getxattr("none", "user.a", buf, 2), ENOENT);
	CHECK_ERRNO(setxattr("f", "nonsense", "", 0, 0), EOPNOTSUPP);
	CHECK_ERRNO(setxattr("f", "user.a", "x", 1, 8), EINVAL);
	fd = open("f", O_RDONLY);
	memset(big, 'B', sizeof(big));
	CHECK(fsetxattr(fd, "user.big", big, sizeof(big), 0) == 0);
	CHECK_EQ(fgetxattr(fd, "user.big", buf, sizeof(buf)), (ssize_t)sizeof(big));
	CHECK(memcmp(buf, big, sizeof(big)) == 0);
	CHECK(fsetxattr(fd, "user.empty", "", 0, 0) == 0);
	CHECK_EQ(fgetxattr(fd, "user.empty", buf, sizeof(buf)), 0);
	CHECK_EQ(flistxattr(fd, NULL, 0), 7 + 9 + 11);
	CHECK_EQ(listxattr("f", list, sizeof(list)), 7 + 9 + 11);
	CHECK_ERRNO(listxattr("f", list, 5), ERANGE);
	CHECK(rename("f", "g") == 0 && link("g", "h") == 0);
	CHECK_EQ(getxattr("h", "user.a", buf, sizeof(buf)), 3);
	CHECK(fremovexattr(fd, "user.a") == 0);
	CHECK_ERRNO(removexattr("h", "user.a"), ENODATA);
	CHECK(symlink("g", "l") == 0);
	CHECK_EQ(getxattr("l", "user.big", NULL, 0), (ssize_t)sizeof(big));
	CHECK_ERRNO(lsetxattr("l", "user.a", "x", 1, 0), EPERM);
	CHECK(mkdir("d", 0755) == 0 && setxattr("d", "user.dir", "yes", 3, 0) == 0);
	CHECK_EQ(getxattr("d", "user.dir", buf, sizeof(buf)), 3);
	empty_names(fd);
	CHECK(unlink("g") == 0 && unlink("h") == 0);
	CHECK_EQ(fgetxattr(fd, "user.big", NULL, 0), (ssize_t)sizeof(big));
	close(fd);
	files_leave();
	return 0;
}
