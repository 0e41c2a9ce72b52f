/*
 * Handlers get what no program would give, and nothing of it harms the supervisor. The seed: 1, or the first argument.
 */
#include <check.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "files_guest.h"
#include "syscalls/files.h"
#include "run_suite.h"

enum { CALLS = 40000, FDS = 12, BUFFER = 8192 };

static uint64_t seed = 1;
static int fds[FDS];
static _Alignas(16) char buffer[BUFFER];

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const char *const names[] = {
	"/", "", ".", "..", "a", "b", "a/b", "/a/../b", "l", "l/x", "/l/../l", "s", "a/", "//", "/nothing/at/all", "c",
	"./././a", "user.x", "user.", "security.capability", "trusted.y", "system.posix_acl_access",
};

static uint64_t name(void)
{
	return (uintptr_t)names[next() % ARRAY_SIZE(names)];
}

/* Every kind of value turns up in every place, the fitting one more often than not in some. */
static uint64_t value(void)
{
	switch (next() % 12) {
	case 0:
	case 1:
	case 2:
		return name();
	case 3:
	case 4:
		return (uint64_t)fds[next() % FDS];
	case 5:
		return (uint64_t)AT_FDCWD;
	case 6:
		return (uintptr_t)(buffer + next() % BUFFER);
	case 7:
		return next() % 64;
	case 8:
		return UINT64_C(1) << next() % 64;
	case 9:
		return next() & next();
	case 10:
		return (uint64_t)-(int64_t)(next() % 4);
	default:
		return 0;
	}
}

static void fill_buffer(void)
{
	for (size_t i = 0; i < BUFFER; i += sizeof(uint64_t)) {
		uint64_t word = value();
		memcpy(buffer + i, &word, sizeof(word));
	}
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
	memcpy(buffer + next() % (BUFFER - sizeof(un)), &un, sizeof(un));
}

static void start(void)
{
	guest_start(0, 0);
	guest_never_waits = true;
	(void)CALL(mkdir, "/a", 0755);
	(void)CALL(symlink, "a", "/l");
	for (int i = 0; i < FDS; i++) {
		int64_t fd;
		switch (i % 4) {
		case 0:
			fd = CALL(open, "/a", O_RDONLY | O_DIRECTORY);
			break;
		case 1:
			fd = CALL(open, "/b", O_RDWR | O_CREAT, 0644);
			break;
		case 2:
			fd = socket(AF_UNIX, (i & 4 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
			break;
		default:
			fd = inotify_init1(IN_NONBLOCK);
		}
		ck_assert_int_ge(fd, 0);
		fds[i] = (int)fd;
	}
}

static void finish(void)
{
	for (int i = 0; i < FDS; i++)
		close(fds[i]);
	guest_finish();
}

START_TEST(any_arguments)
{
	struct call_set set = {0};
	enum call_id ids[CALL_COUNT];
	size_t count = 0;
	files_calls(&set, &(struct files_needs){.tree = true, .descriptors = true, .faked = true, .limits = true});
	for (int id = 0; id < CALL_COUNT; id++) {
		if (call_set_has(&set, (enum call_id)id))
			ids[count++] = (enum call_id)id;
	}
	for (int i = 0; i < CALLS; i++) {
		if (i % 16 == 0)
			fill_buffer();
		enum call_id id = ids[next() % count];
		int64_t r = guest_call(id, value(), value(), value(), value(), value(), value());
		if (r > 2 && r < 1000 && call_desc(id)->result == RESULT_FD)
			close((int)r);
		/* Whoever gave up all rights would not get far. */
		if (i % 64 == 0)
			guest_reset();
	}
}
END_TEST

int main(int argc, char **argv)
{
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0) | 1;
	Suite *suite = suite_create("sys_garbage");
	TCase *t = tcase_create("garbage");
	tcase_set_timeout(t, 100);
	tcase_add_checked_fixture(t, start, finish);
	tcase_add_test(t, any_arguments);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
