/* SIGURG storms between threads, as the Go runtime preempts: calls that are intercepted still end, and rightly. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/utsname.h>

#include "guest.h"

enum { THREADS = 3 };

static atomic_int tids[THREADS];
static atomic_bool stop;
static atomic_long hits;
static long rounds;

static void handler(int sig)
{
	(void)sig;
	atomic_fetch_add(&hits, 1);
}

static void *worker(void *arg)
{
	int fds[2];

	CHECK(pipe(fds) == 0);
	atomic_store(&tids[(long)arg], (int)syscall(SYS_gettid));
	for (long i = 0; i < rounds || atomic_load(&hits) == 0; i++) {
		struct utsname u;
		char c = (char)i, d = 0;

		CHECK(uname(&u) == 0);
		CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));
		CHECK_EQ(write(fds[1], &c, 1), 1);
		CHECK_EQ(read(fds[0], &d, 1), 1);
		CHECK_EQ(c, d);
	}
	atomic_store(&tids[(long)arg], 0);
	close(fds[0]);
	close(fds[1]);
	return NULL;
}

static void *storm(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		for (int i = 0; i < THREADS; i++) {
			int tid = atomic_load(&tids[i]);

			if (tid != 0)
				syscall(SYS_tgkill, getpid(), tid, SIGURG);
		}
		struct timespec ts = {.tv_nsec = 20000};

		nanosleep(&ts, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS], s;

	rounds = guest_arg(argc, argv, 1, 3000);
	guest_handle(SIGURG, handler, SA_RESTART | SA_ONSTACK);
	CHECK_EQ(pthread_create(&s, NULL, storm, NULL), 0);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	atomic_store(&stop, true);
	CHECK_EQ(pthread_join(s, NULL), 0);
	CHECK(atomic_load(&hits) > 0);
	return 0;
}
