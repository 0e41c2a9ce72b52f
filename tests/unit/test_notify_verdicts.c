/*
 * Verdicts that a notify worker carries out beyond a value: a descriptor, and a call that sleeps. The guest is this
 * program again; it makes a call that no kernel has, nfsservctl, whose first argument says what it is to be answered.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/session.h"
#include "run_suite.h"

enum { ASK_FD, ASK_FD_CLOEXEC, ASK_BLOCK, ASK_BLOCK_FD, ASK_CHECK_FD, ASK_FDS_OPEN, ASK_MANY, ASK_BLOCKED, ASK_DRAIN };

static int held = -1;		/* a pipe that nobody writes to */
static int peer = -1;
static atomic_int blocked;	/* threads of ours that read it */
static char self[4096];

/* ---- the supervisor's side ---- */

struct test_block {
	struct blocking base;
	bool fd;
};

static void block_drop(struct blocking *b)
{
	free(b);
}

static struct verdict block_run(struct blocking *b)
{
	bool fd = ((struct test_block *)b)->fd;
	char byte;
	free(b);
	(void)atomic_fetch_add(&blocked, 1);
	int err = read(held, &byte, 1) < 0 ? -errno : 0;
	(void)atomic_fetch_sub(&blocked, 1);
	if (err)
		return verdict_value(err);
	return fd ? verdict_fd(memfd_create("late", MFD_CLOEXEC), true) : verdict_value(byte);
}

static struct verdict block(bool fd)
{
	struct test_block *b = calloc(1, sizeof(*b));
	b->base = (struct blocking){.run = block_run, .drop = block_drop};
	b->fd = fd;
	return verdict_block(&b->base);
}

static int count_fds(void)
{
	int n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static struct verdict answer(void *ctx, struct call_event *ev)
{
	(void)ctx;
	int fd, flags;
	switch (ev->args[0]) {
	case ASK_FD:
	case ASK_FD_CLOEXEC:
		fd = memfd_create("given", MFD_CLOEXEC);
		(void)!write(fd, "hello", 5);
		return verdict_fd(fd, ev->args[0] == ASK_FD_CLOEXEC);
	case ASK_BLOCK:
	case ASK_BLOCK_FD:
		return block(ev->args[0] == ASK_BLOCK_FD);
	case ASK_CHECK_FD:
		flags = ev->ops->get_fd(ev, (int)ev->args[1], &fd);
		if (flags < 0)
			return verdict_value(flags);
		flags = (int)lseek(fd, 0, SEEK_CUR);
		(void)close(fd);
		return verdict_value(flags);
	case ASK_FDS_OPEN:
		return verdict_value(count_fds());
	case ASK_MANY:
		return verdict_value(write(peer, "xxxxxxxxxx", ev->args[1]));
	case ASK_DRAIN:
		(void)fcntl(held, F_SETFL, O_NONBLOCK);
		while (read(held, (char[1]){0}, 1) == 1)
			;
		return verdict_value(fcntl(held, F_SETFL, 0));
	case ASK_BLOCKED:
		return verdict_value(atomic_load(&blocked));
	}
	return verdict_value(-ENOSYS);
}

static int run_guest(const char *what)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	held = fds[0];
	peer = fds[1];
	char *argv[] = {self, (char *)what, NULL};
	const struct session_probe probe = {.answer = answer};
	struct session_options o = {.mechanism = MECHANISM_NOTIFY, .argv = argv, .probe = &probe};
	struct session_result result;
	call_set_add(&o.emulated, CALL_nfsservctl);
	ck_assert_int_eq(session_run(&o, &result), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	ck_assert(WIFEXITED(result.status));
	return WEXITSTATUS(result.status);
}

/* ---- the guest's side: 0, or the line that was not true ---- */

#define ask(...) ask_(__VA_ARGS__, 0)
#define ask_(what, arg, ...) syscall(SYS_nfsservctl, (long)(what), (long)(arg))
#define WANT(cond) do { if (!(cond)) { fprintf(stderr, "line %d: errno %d\n", __LINE__, errno); _exit(1); } } while (0)

static void on_signal(int sig)
{
	(void)sig;
}

static void guest_fd(void)
{
	char text[5];
	int fd = (int)ask(ASK_FD, 0);
	WANT(fd == 3 && fcntl(fd, F_GETFD) == 0 && pread(fd, text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);
	int other = (int)ask(ASK_FD_CLOEXEC, 0);
	WANT(other == 4 && fcntl(other, F_GETFD) == FD_CLOEXEC);
	WANT(lseek(fd, 3, SEEK_SET) == 3 && ask(ASK_CHECK_FD, fd) == 3);
	WANT(ask(ASK_CHECK_FD, 77) == -1 && errno == EBADF);
	long before = ask(ASK_FDS_OPEN, 0);
	for (int i = 0; i < 200; i++)
		WANT(close((int)ask(ASK_FD, 0)) == 0);
	WANT(ask(ASK_FDS_OPEN, 0) == before);
}

static void guest_emfile(void)
{
	const struct rlimit limit = {8, 8};
	WANT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int fd = 3; fd < 8; fd++)
		WANT(ask(ASK_FD, 0) == fd);
	WANT(ask(ASK_FD, 0) == -1 && errno == EMFILE);
	WANT(close(5) == 0 && ask(ASK_FD, 0) == 5);
}

/* A call's thread comes and goes a moment after the call. */
static void until_blocked(long calls)
{
	while (ask(ASK_BLOCKED, 0) != calls)
		(void)usleep(1000);
}

/* Interrupted, restarted, killed: and other calls are answered meanwhile. */
static void guest_block(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)ualarm(20000, 20000);	/* until one comes in the middle of the call */
	WANT(ask(ASK_BLOCK, 0) == -1 && errno == EINTR);
	(void)ualarm(0, 0);
	until_blocked(0);
	sa.sa_flags = SA_RESTART;
	(void)sigaction(SIGALRM, &sa, NULL);
	atomic_int *ended = mmap(NULL, sizeof(*ended), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	WANT(ended != MAP_FAILED);
	pid_t writer = fork();
	if (writer == 0) {
		/* A handler of ours may run late (the thread sanitizer), so it is not asked. */
		while (ask(ASK_BLOCKED, 0) == 0)
			(void)usleep(1000);
		/* What the interrupted call's thread takes before it hears of that is lost. */
		while (!atomic_load(ended)) {
			(void)usleep(100000);
			WANT(ask(ASK_MANY, 1) == 1);
		}
		_exit(0);
	}
	(void)ualarm(20000, 0);
	WANT(ask(ASK_BLOCK, 0) == 'x');
	atomic_store(ended, 1);
	int status;
	WANT(waitpid(writer, &status, 0) == writer && status == 0);
	until_blocked(0);
	WANT(ask(ASK_DRAIN, 0) == 0);
	pid_t killed = fork();
	if (killed == 0)
		_exit((int)ask(ASK_BLOCK, 0));
	until_blocked(1);
	(void)kill(killed, SIGKILL);
	WANT(waitpid(killed, &status, 0) == killed && WIFSIGNALED(status));
	until_blocked(0);
	WANT(ask(ASK_MANY, 1) == 1 && ask(ASK_BLOCK_FD, 0) == 3);
}

static void guest_many(void)
{
	enum { COUNT = 40 };
	pid_t pids[COUNT];
	for (int i = 0; i < COUNT; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(ask(ASK_BLOCK, 0) != 'x');
	}
	for (int i = 0; i < COUNT / 10; i++)
		WANT(ask(ASK_MANY, 10) == 10);
	for (int i = 0; i < COUNT; i++) {
		int status;
		WANT(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	}
}

/* The command ends, a blocked one is left: it is killed, and its thread must end with the session. */
static void guest_left(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit((int)ask(ASK_BLOCK, 0));
	until_blocked(1);
	(void)kill(pid, SIGKILL);
}

static const struct {
	const char *name;
	void (*run)(void);
} guests[] = {
	{"fd", guest_fd}, {"emfile", guest_emfile}, {"block", guest_block}, {"many", guest_many}, {"left", guest_left},
};

START_TEST(test_guest)
{
	ck_assert_int_eq(run_guest(guests[_i].name), 0);
}
END_TEST

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(guests); i++) {
		if (strcmp(argv[1], guests[i].name) == 0) {
			(void)close_range(3, ~0U, 0);
			guests[i].run();
			_exit(0);	/* a leak check cannot look at a traced process */
		}
	}
	if (mechanism_info(MECHANISM_NOTIFY)->available < 0) {
		fprintf(stderr, "skipped: no notifications here\n");
		return 77;
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	TCase *tc = tcase_create("verdicts");
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_guest, 0, ARRAY_SIZE(guests));
	Suite *suite = suite_create("notify");
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
