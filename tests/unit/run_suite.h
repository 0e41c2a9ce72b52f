/* The end of a unit test's main(). */
#ifndef TRAPLINE_TESTS_UNIT_RUN_SUITE_H
#define TRAPLINE_TESTS_UNIT_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Takes the suite over. The exit status; CK_VERBOSITY says how much is told. */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
