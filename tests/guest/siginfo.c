/* What a signal tells its receiver arrives whole: sender, value, code, order of queued real-time signals. */
#include <pthread.h>
#include <sys/signalfd.h>

#include "guest.h"

static siginfo_t seen[64];
static volatile int nseen;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	if (nseen < 64)
		seen[nseen++] = *info;
}

static void queued(void)
{
	sigset_t set, old;

	nseen = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 10; i++) {
		union sigval v = {.sival_int = 100 + i};

		CHECK(sigqueue(getpid(), SIGRTMIN + 1 + i % 2, v) == 0);
	}
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	/* Each handler blocks its own number only: the higher number's first handler nests in the lower's entry. */
	CHECK_EQ(nseen, 10);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(seen[i].si_code, SI_QUEUE);
		CHECK_EQ(seen[i].si_pid, getpid());
	}
	for (int which = 1; which <= 2; which++) {
		int next = 100 + which - 1;

		for (int i = 0; i < 10; i++) {
			if (seen[i].si_signo != SIGRTMIN + which)
				continue;
			CHECK_EQ(seen[i].si_value.sival_int, next);
			next += 2;
		}
	}
}

static void from_child(void)
{
	pid_t pid;
	sigset_t set;
	siginfo_t info;
	struct timespec limit = {.tv_sec = 20};

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pid = guest_fork();
	if (pid == 0) {
		kill(getppid(), SIGUSR1);
		_exit(19);
	}
	guest_sleep_ms(1);
	CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 19);
	guest_wait_exit(pid, 19);
	CHECK_ERRNO(sigtimedwait(&set, &info, &(struct timespec){0}), EAGAIN);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static void by_descriptor(void)
{
	struct signalfd_siginfo si;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGUSR2);
	CHECK_EQ(si.ssi_pid, getpid());
	close(fd);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

int main(void)
{
	guest_handle_info(SIGRTMIN + 1, handler, 0);
	guest_handle_info(SIGRTMIN + 2, handler, 0);
	for (int i = 0; i < 20; i++) {
		queued();
		from_child();
		by_descriptor();
	}
	return 0;
}
