/* pidfd_send_signal takes the directory of a process in /proc for a pidfd; the receiver sees who sent. */
#include <signal.h>
#include <sys/syscall.h>

#include "files.h"

static volatile int got, code, value;
static volatile pid_t sender;

static void note(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	got = sig;
	code = info->si_code;
	sender = info->si_pid;
	value = info->si_value.sival_int;
}

static int send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	got = 0;
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static void to_itself(int fd)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};

	CHECK(send(fd, SIGUSR1, NULL, 0) == 0);
	CHECK(got == SIGUSR1 && code == SI_USER && sender == getpid());
	info.si_pid = 77;
	info.si_value.sival_int = 4711;
	CHECK(send(fd, SIGUSR1, &info, 0) == 0);
	CHECK(got == SIGUSR1 && code == SI_QUEUE && sender == 77 && value == 4711);
	CHECK_ERRNO(send(fd, SIGUSR2, &info, 0), EINVAL);
	CHECK_ERRNO(send(fd, SIGUSR1, (siginfo_t *)8, 0), EFAULT);
	CHECK_ERRNO(send(fd, 1000, NULL, 0), EINVAL);
	CHECK_ERRNO(send(fd, SIGUSR1, NULL, 1u << 20), EINVAL);
	CHECK_EQ(got, 0);
	CHECK(send(fd, 0, NULL, 0) == 0);
}

static void to_child(void)
{
	char name[32];
	int status, fd;
	pid_t pid = guest_fork();

	if (pid == 0)
		for (;;)
			pause();
	snprintf(name, sizeof(name), "/proc/%d", pid);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && send(fd, SIGKILL, NULL, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_ERRNO(send(fd, 0, NULL, 0), ESRCH);
	CHECK(close(fd) == 0);
}

int main(void)
{
	char name[32];
	int fd;

	files_enter();
	guest_handle_info(SIGUSR1, note, SA_SIGINFO);
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	to_itself(fd);
	CHECK(close(fd) == 0);
	to_child();
	fd = open("/proc/self", O_PATH);
	CHECK_ERRNO(send(fd, 0, NULL, 0), EBADF);
	CHECK(close(fd) == 0);
	snprintf(name, sizeof(name), "/proc/self/task/%d", getpid());
	fd = open(name, O_RDONLY);
	CHECK_ERRNO(send(fd, 0, NULL, 0), EBADF);
	CHECK(close(fd) == 0);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(send(fd, 0, NULL, 0), EBADF);
	CHECK(close(fd) == 0);
	files_leave();
	return 0;
}
