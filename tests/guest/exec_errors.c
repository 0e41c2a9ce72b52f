/* execve that fails leaves the process as it was, with the right errno; #! lines, fexecve and execveat work. */
#include <fcntl.h>
#include <sys/stat.h>

#include "guest.h"

static char dir[] = "/tmp/guest-exec-XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, mode) == 0);
	close(fd);
}

static void failures(void)
{
	char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};
	char *big = malloc(1 << 20), *big_argv[] = {big, NULL};

	CHECK(big != NULL);
	memset(big, 'a', (1 << 20) - 1);
	big[(1 << 20) - 1] = 0;
	CHECK_ERRNO(execve("/does/not/exist", argv, envp), ENOENT);
	CHECK_ERRNO(execve("/tmp", argv, envp), EACCES);
	CHECK_ERRNO(execve("noexec", argv, envp), EACCES);
	CHECK_ERRNO(execve("garbage", argv, envp), ENOEXEC);
	CHECK_ERRNO(execve("lost", argv, envp), ENOENT);
	CHECK_ERRNO(execve("loop", argv, envp), ELOOP);
	CHECK_ERRNO(execve("garbage/x", argv, envp), ENOTDIR);
	CHECK_ERRNO(execve("/bin/true", big_argv, envp), E2BIG);
	CHECK_ERRNO(syscall(SYS_execve, 8, argv, envp), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, "/bin/true", 8, envp), EFAULT);
	free(big);
}

static void run(int how)
{
	char *argv[] = {(char *)"script", (char *)"5", NULL}, *envp[] = {NULL};
	pid_t pid = guest_fork();
	int fd;

	if (pid == 0) {
		fd = open("script", O_RDONLY);	/* kept over exec: the interpreter opens it by /dev/fd */
		if (how == 0)
			execve("script", argv, envp);
		else if (how == 1)
			fexecve(fd, argv, envp);
		else
			syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(1);
	}
	guest_wait_exit(pid, 5);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK(chdir(dir) == 0);
	write_file("noexec", "#!/bin/sh\n", 0600);
	write_file("garbage", "\1\2\3\4", 0700);
	write_file("lost", "#!/does/not/exist\n", 0700);
	write_file("script", "#!/bin/sh\nexit $1\n", 0700);
	CHECK(symlink("loop", "loop") == 0);
	for (int i = 0; i < 5; i++) {
		failures();
		run(0);
		run(1);
		run(2);
	}
	CHECK(unlink("noexec") == 0 && unlink("garbage") == 0 && unlink("lost") == 0 && unlink("script") == 0);
	CHECK(unlink("loop") == 0 && rmdir(dir) == 0);
	return 0;
}
