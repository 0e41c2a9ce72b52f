/*
 * Threads that walk while others rename, make and remove. What is checked: a name that always exists under one of two
 * names is found under one of them, nothing outside a scope is reached, and (with the sanitizers) nobody touches what
 * is gone.
 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "run_suite.h"
#include "vfs_testfs.h"

enum { ROUNDS = 10000 };

static struct world w;
static atomic_bool stop;
static atomic_uint found;	/* what the walker has seen: one core alone may do all rounds before it is its turn */

static void set_up(unsigned flags)
{
	world_init(&w, flags, 64);
	atomic_store(&stop, false);
	atomic_store(&found, 0);
	testfs_mkdir(w.sb, "/a", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b/c", 0755, 0, 0);
	testfs_file(w.sb, "/a/b/c/f", 0644, 0, 0);
	testfs_mkdir(w.sb, "/z", 0755, 0, 0);
	testfs_mkdir(w.sb, "/z/inner", 0755, 0, 0);
}

static void setup(void)
{
	set_up(0);
}

/* Where names are checked, the walk believes and asks once. */
static void setup_checked(void)
{
	set_up(SUPER_REVALIDATES);
}

static void teardown(void)
{
	world_finish(&w);
}

/* /a/b and /z/b change places with nothing. */
static void *mover(void *arg UNUSED)
{
	for (int i = 0; i < ROUNDS || !atomic_load(&found); i++) {
		int err = vfs_rename(&w.env, NULL, "/a/b", NULL, "/z/b", 0);
		if (!err)
			err = vfs_rename(&w.env, NULL, "/z/b", NULL, "/a/b", 0);
		ck_assert_int_eq(err, 0);
	}
	atomic_store(&stop, true);
	return NULL;
}

START_TEST(moved_directory)
{
	pthread_t t;
	char name[256];
	ck_assert_int_eq(pthread_create(&t, NULL, mover, NULL), 0);
	while (!atomic_load(&stop)) {
		int r = world_walk(&w, NULL, "/a/b/c/f", 0, name, sizeof(name));
		ck_assert(r == 0 || r == -ENOENT);
		atomic_fetch_add(&found, r == 0);
		/* However it moves, going in and out again ends in one of the two. */
		r = world_walk(&w, NULL, "/a/b/c/../..", 0, name, sizeof(name));
		ck_assert(r == 0 || r == -ENOENT);
		if (r == 0)
			ck_assert(strcmp(name, "/a") == 0 || strcmp(name, "/z") == 0);
	}
	(void)pthread_join(t, NULL);
}
END_TEST

/* /a/b/c goes in and out of /a/b; ".." in a scope must never come out of it. */
static void *escaper(void *arg UNUSED)
{
	for (int i = 0; i < ROUNDS; i++) {
		int err = vfs_rename(&w.env, NULL, "/a/b/c", NULL, "/z/c", 0);
		if (!err)
			err = vfs_rename(&w.env, NULL, "/z/c", NULL, "/a/b/c", 0);
		ck_assert_int_eq(err, 0);
	}
	atomic_store(&stop, true);
	return NULL;
}

START_TEST(scopes_hold)
{
	pthread_t t;
	struct path base, p;
	char name[256];
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/a/b", 0, &base), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, escaper, NULL), 0);
	while (!atomic_load(&stop)) {
		int r = vfs_walk(&w.env, &base, "c/../c/..", WALK_BENEATH, &p);
		ck_assert(r == 0 || r == -ENOENT || r == -EAGAIN || r == -EXDEV);
		if (r)
			continue;
		ck_assert_int_gt(vfs_name(&w.env, &p, name, sizeof(name)), 0);
		ck_assert_str_eq(name, "/a/b");
		path_put(&p);
	}
	(void)pthread_join(t, NULL);
	path_put(&base);
}
END_TEST

static void *maker(void *arg)
{
	char name[32];
	const int id = *(const int *)arg;
	for (int i = 0; i < ROUNDS / 4; i++) {
		(void)snprintf(name, sizeof(name), "/a/b/t%d-%d", id, i % 7);
		int fd = world_open(&w, name, O_CREAT | O_RDWR, 0644);
		ck_assert_int_ge(fd, 0);
		(void)close(fd);
		ck_assert_int_eq(vfs_unlink(&w.env, NULL, name, false), 0);
		ck_assert(!world_has(&w, name));
		ck_assert(world_has(&w, "/a/b/c/f"));
	}
	return NULL;
}

START_TEST(makers)
{
	pthread_t t[2];
	int id[2] = {0, 1};
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, maker, &id[i]), 0);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(t[i], NULL);
}
END_TEST

/* Both ways at once: which directory is locked first must not depend on who comes first. */
static void *swapper(void *arg)
{
	const bool forth = *(const bool *)arg;
	for (int i = 0; i < ROUNDS; i++) {
		const char *from = forth ? "/a/x" : "/z/inner/x", *to = forth ? "/z/inner/x" : "/a/x";
		int err = vfs_rename(&w.env, NULL, from, NULL, to, 0);
		ck_assert(err == 0 || err == -ENOENT);
	}
	return NULL;
}

START_TEST(both_ways)
{
	pthread_t t[2];
	bool forth[2] = {true, false};
	testfs_file(w.sb, "/a/x", 0644, 0, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, swapper, &forth[i]), 0);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(t[i], NULL);
	ck_assert(world_has(&w, "/a/x") != world_has(&w, "/z/inner/x"));
}
END_TEST

static void *exchanger(void *arg UNUSED)
{
	for (int i = 0; i < ROUNDS; i++)
		ck_assert_int_eq(vfs_rename(&w.env, NULL, "/a/b", NULL, "/z/inner", RENAME_EXCHANGE), 0);
	atomic_store(&stop, true);
	return NULL;
}

/* Both names exist all the time. */
START_TEST(exchanged_directories)
{
	pthread_t t;
	ck_assert_int_eq(pthread_create(&t, NULL, exchanger, NULL), 0);
	while (!atomic_load(&stop)) {
		ck_assert(world_has(&w, "/a/b"));
		ck_assert(world_has(&w, "/z/inner"));
	}
	(void)pthread_join(t, NULL);
}
END_TEST

static TCase *make_case(const char *name, void (*before)(void))
{
	TCase *t = tcase_create(name);
	tcase_add_checked_fixture(t, before, teardown);
	tcase_set_timeout(t, 50);
	tcase_add_test(t, moved_directory);
	tcase_add_test(t, scopes_hold);
	tcase_add_test(t, makers);
	tcase_add_test(t, both_ways);
	tcase_add_test(t, exchanged_directories);
	return t;
}

int main(void)
{
	Suite *s = suite_create("vfs race");
	suite_add_tcase(s, make_case("kept", setup));
	suite_add_tcase(s, make_case("checked", setup_checked));
	return run_suite(s);
}
