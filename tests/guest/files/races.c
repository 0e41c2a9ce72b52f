/* What the kernel promises to threads and processes that use one name at once: one creator, renames without a gap. */
#include <pthread.h>

#include "files.h"

enum { THREADS = 4, ROUNDS = 200 };

struct board {
	pthread_barrier_t barrier;
	int winners[ROUNDS];
	volatile int stop;
};

static struct board *board;

static void *create_one(void *arg)
{
	char name[32];

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "once-%d", i);
		pthread_barrier_wait(&board->barrier);
		int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

		if (fd >= 0) {
			__atomic_add_fetch(&board->winners[i], 1, __ATOMIC_SEQ_CST);
			close(fd);
		} else {
			CHECK_EQ(errno, EEXIST);
		}
		if (mkdir("dir", 0755) < 0)
			CHECK_EQ(errno, EEXIST);
		pthread_barrier_wait(&board->barrier);
		if (rmdir("dir") < 0)
			CHECK(errno == ENOENT);
	}
	return NULL;
}

static void *rename_over(void *arg)
{
	char name[32];

	snprintf(name, sizeof(name), "temp-%ld", (long)(intptr_t)arg);
	for (int i = 0; i < ROUNDS * 5; i++) {
		files_write(name, "whole");
		CHECK(rename(name, "target") == 0);
	}
	board->stop = 1;
	return NULL;
}

static void *read_always(void *arg)
{
	(void)arg;
	while (!board->stop)
		files_want("target", "whole");
	return NULL;
}

/* A directory moves to and fro while others go through it: there or not there, never anything else. */
static void *move_about(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS * 5; i++) {
		CHECK(rename("here", "there") == 0);
		CHECK(rename("there", "here") == 0);
	}
	board->stop = 1;
	return NULL;
}

static void *go_through(void *arg)
{
	const char *path = arg;

	while (!board->stop) {
		int fd = open(path, O_RDONLY);

		if (fd >= 0) {
			files_want_fd(fd, "inside");
			close(fd);
		} else {
			CHECK_EQ(errno, ENOENT);
		}
	}
	return NULL;
}

static void run(void *(*a)(void *), void *arg_a, void *(*b)(void *), void *arg_b)
{
	pthread_t t[2];

	board->stop = 0;
	CHECK(pthread_create(&t[0], NULL, a, arg_a) == 0 && pthread_create(&t[1], NULL, b, arg_b) == 0);
	CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0);
}

int main(void)
{
	pthread_t t[THREADS];

	board = guest_shared(sizeof(*board));
	files_enter();
	CHECK(pthread_barrier_init(&board->barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, create_one, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(board->winners[i], 1);
	files_write("target", "whole");
	run(rename_over, (void *)1, read_always, NULL);
	CHECK(mkdir("here", 0755) == 0);
	files_write("here/f", "inside");
	run(move_about, NULL, go_through, (void *)(uintptr_t)"here/f");
	files_leave();
	return 0;
}
