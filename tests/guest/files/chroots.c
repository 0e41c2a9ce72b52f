/* chroot of a guest: names begin there, ".." stops there, descriptors from outside still lead outside. */
#include "files.h"

int main(void)
{
	char cwd[PATH_MAX];
	struct stat a, b;
	pid_t pid;

	if (getuid() != 0)
		guest_skip("not root");
	files_enter();
	CHECK(mkdir("jail", 0755) == 0 && mkdir("jail/in", 0755) == 0 && symlink("/f", "jail/in/link") == 0);
	files_write("jail/f", "inside");
	files_write("f", "outside");
	CHECK_ERRNO(chroot("f"), ENOTDIR);
	CHECK_ERRNO(chroot("none"), ENOENT);
	pid = guest_fork();
	if (pid == 0) {
		int out = open(".", O_RDONLY | O_DIRECTORY);

		CHECK(chroot("jail") == 0);
		files_want("f", "outside");		/* the working directory did not change */
		CHECK(chdir("/in") == 0 && getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/in") == 0);
		files_want("link", "inside");
		files_want("../../../f", "inside");
		files_want("/../f", "inside");
		CHECK(stat("/", &a) == 0 && stat("/..", &b) == 0 && a.st_ino == b.st_ino);
		CHECK(fchdir(out) == 0);
		files_want("f", "outside");
		CHECK_EQ(syscall(SYS_getcwd, cwd, sizeof(cwd)), (long)(13 + strlen(files_dir) + 1));
		CHECK(strncmp(cwd, "(unreachable)", 13) == 0 && strcmp(cwd + 13, files_dir) == 0);
		CHECK_ERRNO((int)syscall(SYS_getcwd, cwd, 13 + strlen(files_dir)), ERANGE);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	files_want("f", "outside");
	files_leave();
	return 0;
}
