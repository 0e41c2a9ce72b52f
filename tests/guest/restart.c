/* A signal in the middle of a blocking call: restarted with SA_RESTART, EINTR without, EINTR always from some. */
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>

#include "guest.h"

static volatile int *hits;	/* shared with children */
static int feed[2];

static void handler(int sig)
{
	(void)sig;
	(*hits)++;
}

/* A child that signals us once we sleep in the kernel, then after a while makes the call succeed. */
static pid_t disturb(pid_t target, bool feeds)
{
	pid_t pid = guest_fork();

	if (pid != 0)
		return pid;
	while (guest_state(target) != 'S')
		guest_sleep_ms(1);
	guest_sleep_ms(3);
	CHECK(kill(target, SIGUSR1) == 0);
	if (feeds) {
		guest_sleep_ms(20);
		CHECK(write(feed[1], "x", 1) == 1);
	}
	_exit(17);
}

static int blocking(int kind)
{
	struct pollfd p = {.fd = feed[0], .events = POLLIN};
	fd_set set;
	char c;

	FD_ZERO(&set);
	FD_SET(feed[0], &set);
	if (kind == 0)
		return read(feed[0], &c, 1) == 1 ? 0 : -1;
	if (kind == 1)
		return poll(&p, 1, -1) == 1 && read(feed[0], &c, 1) == 1 ? 0 : -1;
	if (kind == 2)
		return select(feed[0] + 1, &set, NULL, NULL, NULL) == 1 && read(feed[0], &c, 1) == 1 ? 0 : -1;
	return pause();
}

static void one(int kind, int flags, bool restarts)
{
	pid_t pid;
	int r, saved;
	bool feeds = restarts;

	guest_handle(SIGUSR1, handler, flags);
	*hits = 0;
	pid = disturb(getpid(), feeds);
	r = blocking(kind);
	saved = errno;
	CHECK_EQ(*hits, 1);
	if (restarts) {
		CHECK_EQ(r, 0);
	} else {
		CHECK_EQ(r, -1);
		CHECK_EQ(saved, EINTR);
	}
	guest_wait_exit(pid, 17);
}

/* wait4 with SA_RESTART goes on over the signal; without, it is EINTR and the child is still there. */
static void waiting(int flags)
{
	pid_t pid;
	int status, r;

	guest_handle(SIGUSR1, handler, flags);
	*hits = 0;
	pid = disturb(getpid(), false);
	r = waitpid(pid, &status, 0);
	if (r < 0) {
		CHECK_EQ(errno, EINTR);
		CHECK(!(flags & SA_RESTART));
		guest_wait_exit(pid, 17);
	} else {
		CHECK_EQ(r, pid);
	}
	CHECK_EQ(*hits, 1);
}

static void locking(int flags, bool restarts)
{
	char name[] = "/tmp/guest-lock-XXXXXX";
	int fd = mkstemp(name), other = open(name, O_RDWR | O_CLOEXEC), r;
	pid_t target = getpid(), pid;

	CHECK(fd >= 0 && other >= 0 && unlink(name) == 0);
	guest_handle(SIGUSR1, handler, flags);
	*hits = 0;
	CHECK(flock(fd, LOCK_EX) == 0);
	pid = guest_fork();
	if (pid == 0) {
		while (guest_state(target) != 'S')
			guest_sleep_ms(1);
		guest_sleep_ms(3);
		CHECK(kill(target, SIGUSR1) == 0);
		while (!*hits)
			guest_sleep_ms(1);
		guest_sleep_ms(3);
		CHECK(flock(fd, LOCK_UN) == 0);
		_exit(0);
	}
	r = flock(other, LOCK_EX);
	CHECK_EQ(r, restarts ? 0 : -1);
	CHECK(restarts || errno == EINTR);
	CHECK_EQ(*hits, 1);
	guest_wait_exit(pid, 0);
	close(fd);
	close(other);
}

int main(void)
{
	hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(hits != MAP_FAILED && pipe(feed) == 0);
	for (int i = 0; i < 3; i++) {
		one(0, SA_RESTART, true);
		one(0, 0, false);
		one(1, SA_RESTART, false);
		one(1, 0, false);
		one(2, SA_RESTART, false);
		one(3, SA_RESTART, false);
		waiting(SA_RESTART);
		waiting(0);
		locking(SA_RESTART, true);
		locking(0, false);
	}
	return 0;
}
