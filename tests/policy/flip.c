/*
 * An attack on a decision about a path: one thread changes the path's string between a file that may be opened and one
 * that may not be, as fast as it can, while another opens it. Prints how often each was read; the status is 1 when the
 * denied file was ever read.
 *
 *	flip ALLOWED DENIED ROUNDS
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char shared_path[256];
static const char *allowed, *denied;
static atomic_bool done;
static atomic_ulong flips;

static void *flip(void *unused)
{
	while (!atomic_load(&done)) {
		memcpy(shared_path, denied, strlen(denied) + 1);
		memcpy(shared_path, allowed, strlen(allowed) + 1);
		atomic_fetch_add(&flips, 2);
	}
	return unused;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	allowed = argv[1];
	denied = argv[2];
	unsigned long rounds = strtoul(argv[3], NULL, 10);
	unsigned long good = 0, bad = 0, refused = 0;
	pthread_t thread;
	strcpy(shared_path, allowed);
	if (pthread_create(&thread, NULL, flip, NULL) != 0)
		return 2;
	/*
	 * One core alone may stop the other thread at one place many times: until both strings were met, within reason.
	 */
	for (unsigned long i = 0; i < rounds || atomic_load(&flips) < 100000 || ((!good || !refused) && i < 100 * rounds);
	     i++) {
		char c = 0;
		int fd = open(shared_path, O_RDONLY);
		if (fd < 0) {
			refused++;
			continue;
		}
		if (read(fd, &c, 1) == 1)
			(void)(c == 'D' ? bad++ : good++);
		(void)close(fd);
	}
	atomic_store(&done, 1);
	(void)pthread_join(thread, NULL);
	printf("read allowed %s, refused %s, denied %lu\n", good ? "some" : "none", refused ? "some" : "none", bad);
	fprintf(stderr, "allowed %lu, refused %lu, denied %lu, flips %lu\n", good, refused, bad, atomic_load(&flips));
	return bad != 0;
}
