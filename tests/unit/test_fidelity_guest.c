/*
 * The guest of bench fidelity on its own: with nobody watching it finds no difference. Runs natively, and under
 * qemu-user for other architectures.
 */
#include <check.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bench/guest/shared.h"
#include "regs/regs.h"
#include "run_suite.h"

static uint64_t count_of(const struct fidelity_tally *t, const char *name)
{
	for (uint32_t i = 0; i < t->used; i++) {
		if (strcmp(t->row[i].name, name) == 0)
			return t->row[i].count;
	}
	return 0;
}

START_TEST(alone)
{
	enum { CALLS = 4000 };
	int fd = memfd_create("test-fidelity", MFD_CLOEXEC), status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(struct fidelity_shared)), 0);
	struct fidelity_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	shared->seed = 42;
	shared->calls = CALLS;
	pid_t pid = fork();
	if (pid == 0)
		_exit(fidelity_guest(fd));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(shared->done, CALLS);
	for (uint32_t i = 0; i < shared->left.used; i++)
		(void)printf("%s: %llu\n", shared->left.row[i].name, (unsigned long long)shared->left.row[i].count);
	/* qemu-user looks at a call's buffers before it looks at its descriptor: EFAULT where Linux says EBADF. */
	uint64_t results = regs_arch_host() == REGS_AARCH64 ? count_of(&shared->left, "x0") : 0;
	ck_assert_uint_eq(shared->left.total, results);
	(void)munmap(shared, sizeof(*shared));
	(void)close(fd);
}
END_TEST

START_TEST(tally)
{
	static struct fidelity_tally t;

	fidelity_tally_add(&t, "rax");
	fidelity_tally_add(&t, "zmm31");
	fidelity_tally_add(&t, "rax");
	ck_assert_uint_eq(t.total, 3);
	ck_assert_uint_eq(count_of(&t, "rax"), 2);
	ck_assert_uint_eq(count_of(&t, "zmm31"), 1);
	/* More names than there are rows: still in the total. */
	for (unsigned i = 0; i < FIDELITY_TALLY_MAX + 10; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "r%u", i);
		fidelity_tally_add(&t, name);
	}
	ck_assert_uint_eq(t.used, FIDELITY_TALLY_MAX);
	ck_assert_uint_eq(t.total, 3 + FIDELITY_TALLY_MAX + 10);
}
END_TEST

/* Every bit of every argument matters to the answer, and no answer is one of the kernel's internal codes. */
START_TEST(answers)
{
	struct random random;

	random_init(&random, 5);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t args[6];

		random_fill(&random, args, sizeof(args));
		int64_t answer = fidelity_answer(i, args);
		ck_assert(answer >= -133);
		args[i % 6] ^= UINT64_C(1) << (i % 64);
		ck_assert_int_ne(answer, fidelity_answer(i, args));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fidelity_guest");
	TCase *tc = tcase_create("guest");

	tcase_add_test(tc, alone);
	tcase_add_test(tc, tally);
	tcase_add_test(tc, answers);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
