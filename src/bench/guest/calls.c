/*
 * The calls that a fidelity guest makes: of 0 to 6 arguments, harmless, quick, and with a result that Linux promises
 * whatever else is in the registers. Parameters of 32 bits are passed with garbage in their upper half, as compilers
 * may.
 */
#include <sys/syscall.h>

#include "bench/guest/shared.h"

struct choice {
	int nr;
	int64_t result;
	void (*arrange)(uint64_t args[6]);	/* makes random arguments harmless; NULL: they are */
};

/* No process has this many descriptors: the largest limit that Linux allows is 2^30. */
static void bad_fd(uint64_t args[6])
{
	args[0] = (args[0] & ~UINT64_C(0xffffffff)) | UINT64_C(0x40000000) | (args[0] & 0x3fffffff);
}

/* A negative position would be EINVAL. */
static void bad_fd_at(uint64_t args[6])
{
	bad_fd(args);
	args[3] &= INT64_MAX;
}

/* Far from every option there is: some are magic numbers. */
static void bad_option(uint64_t args[6])
{
	args[0] = (args[0] & ~UINT64_C(0xffffffff)) | UINT64_C(0x70000000) | (args[0] & 0xffffff);
}

/* An offset that no page starts at is refused before anything else is looked at. */
static void bad_offset(uint64_t args[6])
{
	args[5] |= 1;
}

#define RESULT_SELF 1	/* no call here returns these: they stand for pids */
#define RESULT_PARENT 2

/* By number of arguments, up to three of each. */
static const struct choice choices[7][3] = {
	{{SYS_getppid, RESULT_PARENT, NULL}, {SYS_getpid, RESULT_SELF, NULL}},
	{{SYS_close, -EBADF, bad_fd}, {SYS_fsync, -EBADF, bad_fd}},
	{{SYS_fstat, -EBADF, bad_fd}, {SYS_fchmod, -EBADF, bad_fd}},
	{{SYS_lseek, -EBADF, bad_fd}, {SYS_read, -EBADF, bad_fd}, {SYS_write, -EBADF, bad_fd}},
	{{SYS_pread64, -EBADF, bad_fd_at}, {SYS_pwrite64, -EBADF, bad_fd_at}},
	{{SYS_prctl, -EINVAL, bad_option}},
	{{SYS_mmap, -EINVAL, bad_offset}, {SYS_copy_file_range, -EBADF, bad_fd}},
};

static const uint8_t choice_count[7] = {2, 2, 2, 3, 2, 1, 2};

static const int numbers[] = {
	SYS_getppid, SYS_getpid, SYS_close, SYS_fsync, SYS_fstat, SYS_fchmod, SYS_lseek, SYS_read, SYS_write,
	SYS_pread64, SYS_pwrite64, SYS_prctl, SYS_mmap, SYS_copy_file_range,
};

const int *fidelity_numbers(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(numbers);
	return numbers;
}

int64_t fidelity_answer(int64_t nr, const uint64_t args[6])
{
	uint64_t h = random_mix((uint64_t)nr);

	for (unsigned i = 0; i < 6; i++)
		h = random_mix(h ^ args[i]) + i;
	/* Errors of Linux only: other small negative values mean things to the kernel. */
	return h % 8 == 0 ? -(int64_t)(1 + (h >> 8) % 133) : (int64_t)(h >> 1);
}

/* A number that no Linux has: above all calls, below x32's bit. */
static void choose_unknown(struct random *random, struct fidelity_call *ret)
{
	ret->nr = 1000 + (int64_t)(random_next(random) % 100000);
	ret->result = -ENOSYS;
}

void fidelity_choose(uint64_t n, bool answered, const struct fidelity_identity *who, struct random *random,
		     struct fidelity_call *ret)
{
	unsigned nargs = (unsigned)(n % 8);

	random_fill(random, ret->args, sizeof(ret->args));
	if (nargs == 7) {
		choose_unknown(random, ret);
	} else {
		const struct choice *c = &choices[nargs][random_next(random) % choice_count[nargs]];

		ret->nr = c->nr;
		ret->result = c->result == RESULT_SELF ? who->self : c->result == RESULT_PARENT ? who->parent : c->result;
		if (c->arrange)
			c->arrange(ret->args);
	}
	if (answered)
		ret->result = fidelity_answer(ret->nr, ret->args);
}
