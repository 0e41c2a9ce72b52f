/*
 * As much of Check as the unit tests of the core layers use, for builds where the library is not to be had (cross
 * builds with -Dlayers=core). Tests run in this process one after the other, and the first failure ends the program.
 */
#ifndef TRAPLINE_TESTS_PLAIN_CHECK_H
#define TRAPLINE_TESTS_PLAIN_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *name;
	void (*run)(int i);
	int first, end;
} PlainTest;

typedef struct {
	const char *name;
	PlainTest test[128];
	size_t count;
	void (*setup)(void);
	void (*teardown)(void);
} TCase;

typedef struct {
	const char *name;
	TCase *tcase[16];
	size_t count;
} Suite;

typedef struct {
	Suite *suite;
	unsigned ran;
} SRunner;

enum print_output { CK_SILENT, CK_MINIMAL, CK_NORMAL, CK_VERBOSE, CK_ENV };

#define START_TEST(test_name) static void test_name(int _i __attribute__((unused)))
#define END_TEST

static inline Suite *suite_create(const char *name)
{
	Suite *s = calloc(1, sizeof(*s));

	if (s)
		s->name = name;
	return s;
}

static inline TCase *tcase_create(const char *name)
{
	TCase *tc = calloc(1, sizeof(*tc));

	if (tc)
		tc->name = name;
	return tc;
}

static inline void plain_add(TCase *tc, const char *name, void (*run)(int i), int first, int end)
{
	if (tc->count == sizeof(tc->test) / sizeof(tc->test[0]))
		abort();
	tc->test[tc->count++] = (PlainTest){.name = name, .run = run, .first = first, .end = end};
}

#define tcase_add_test(tc, test_name) plain_add(tc, #test_name, test_name, 0, 1)
#define tcase_add_loop_test(tc, test_name, from, to) plain_add(tc, #test_name, test_name, from, to)
#define tcase_set_timeout(tc, seconds) ((void)(tc))
#define srunner_set_fork_status(runner, status) ((void)(runner))

static inline void tcase_add_checked_fixture(TCase *tc, void (*setup)(void), void (*teardown)(void))
{
	tc->setup = setup;
	tc->teardown = teardown;
}

static inline void suite_add_tcase(Suite *s, TCase *tc)
{
	if (s->count == sizeof(s->tcase) / sizeof(s->tcase[0]))
		abort();
	s->tcase[s->count++] = tc;
}

static inline SRunner *srunner_create(Suite *s)
{
	SRunner *r = calloc(1, sizeof(*r));

	if (r)
		r->suite = s;
	return r;
}

static inline void plain_run_case(SRunner *r, const TCase *tc)
{
	for (size_t i = 0; i < tc->count; i++) {
		for (int n = tc->test[i].first; n < tc->test[i].end; n++) {
			if (tc->setup)
				tc->setup();
			tc->test[i].run(n);
			if (tc->teardown)
				tc->teardown();
			r->ran++;
		}
	}
}

static inline void srunner_run_all(SRunner *r, enum print_output output)
{
	(void)output;
	for (size_t i = 0; i < r->suite->count; i++)
		plain_run_case(r, r->suite->tcase[i]);
	(void)printf("%s: %u passed\n", r->suite->name, r->ran);
}

static inline int srunner_ntests_failed(const SRunner *r)
{
	(void)r;
	return 0;
}

static inline void srunner_free(SRunner *r)
{
	for (size_t i = 0; i < r->suite->count; i++)
		free(r->suite->tcase[i]);
	free(r->suite);
	free(r);
}

static inline void plain_fail(const char *file, int line, const char *what)
{
	(void)printf("%s:%d: failed: %s\n", file, line, what);
	(void)fflush(stdout);
	abort();
}

#define plain_assert(condition, text) ((condition) ? (void)0 : plain_fail(__FILE__, __LINE__, text))

#define ck_assert(e) plain_assert(e, #e)
#define ck_assert_msg(e, ...) plain_assert(e, #e)
#define ck_abort_msg(...) plain_fail(__FILE__, __LINE__, "aborted")

#define plain_compare(type, a, op, b) plain_assert((type)(a) op (type)(b), #a " " #op " " #b)
#define ck_assert_int_eq(a, b) plain_compare(intmax_t, a, ==, b)
#define ck_assert_int_ne(a, b) plain_compare(intmax_t, a, !=, b)
#define ck_assert_int_lt(a, b) plain_compare(intmax_t, a, <, b)
#define ck_assert_int_le(a, b) plain_compare(intmax_t, a, <=, b)
#define ck_assert_int_gt(a, b) plain_compare(intmax_t, a, >, b)
#define ck_assert_int_ge(a, b) plain_compare(intmax_t, a, >=, b)
#define ck_assert_uint_eq(a, b) plain_compare(uintmax_t, a, ==, b)
#define ck_assert_uint_ne(a, b) plain_compare(uintmax_t, a, !=, b)
#define ck_assert_uint_lt(a, b) plain_compare(uintmax_t, a, <, b)
#define ck_assert_uint_le(a, b) plain_compare(uintmax_t, a, <=, b)
#define ck_assert_uint_gt(a, b) plain_compare(uintmax_t, a, >, b)
#define ck_assert_uint_ge(a, b) plain_compare(uintmax_t, a, >=, b)
#define ck_assert_double_ge(a, b) plain_compare(double, a, >=, b)
#define ck_assert_double_le(a, b) plain_compare(double, a, <=, b)
#define ck_assert_ptr_eq(a, b) plain_compare(const void *, a, ==, b)
#define ck_assert_ptr_ne(a, b) plain_compare(const void *, a, !=, b)
#define ck_assert_ptr_null(a) plain_assert((a) == NULL, #a " is NULL")
#define ck_assert_ptr_nonnull(a) plain_assert((a) != NULL, #a " is not NULL")
#define ck_assert_str_eq(a, b) plain_assert(strcmp(a, b) == 0, #a " is " #b)
#define ck_assert_str_ne(a, b) plain_assert(strcmp(a, b) != 0, #a " is not " #b)
#define ck_assert_mem_eq(a, b, len) plain_assert(memcmp(a, b, len) == 0, #a " holds " #b)

#endif
