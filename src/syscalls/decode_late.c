/* What the second walk over a call reads, where that is known when the call is entered. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "base/errors.h"
#include "syscalls/decode.h"

/* One parameter is all that is read, so many bytes of it; 0: as many as the result says, at most as many as are shown. */
struct late_call {
	enum call_id id;
	uint8_t arg;
	uint16_t len;
};

/* kernel/signal.c, struct sigaction of the kernel: handler, flags, restorer, mask; its sigset_t alone. */
enum { KERNEL_SIGACTION = 32, KERNEL_SIGSET = 8, STATX = 256 };

static const struct late_call *late_call_of(enum call_id id)
{
	static const struct late_call calls[] = {
		{CALL_readlink, 1, 0},
		{CALL_readlinkat, 2, 0},
		{CALL_read, 1, 0},
		{CALL_pread64, 1, 0},
		{CALL_getcwd, 0, 0},
		{CALL_getrandom, 0, 0},
		{CALL_stat, 1, sizeof(struct stat)},
		{CALL_lstat, 1, sizeof(struct stat)},
		{CALL_fstat, 1, sizeof(struct stat)},
		{CALL_newfstatat, 2, sizeof(struct stat)},
		{CALL_statx, 4, STATX},
		{CALL_statfs, 1, sizeof(struct statfs)},
		{CALL_fstatfs, 1, sizeof(struct statfs)},
		{CALL_rt_sigaction, 2, KERNEL_SIGACTION},
		{CALL_rt_sigprocmask, 2, KERNEL_SIGSET},
		{CALL_prlimit64, 3, sizeof(struct rlimit)},
		{CALL_getrlimit, 1, sizeof(struct rlimit)},
		{CALL_getrusage, 1, sizeof(struct rusage)},
		{CALL_sysinfo, 0, sizeof(struct sysinfo)},
		{CALL_clock_gettime, 1, sizeof(struct timespec)},
		{CALL_clock_getres, 1, sizeof(struct timespec)},
		{CALL_pipe, 0, 2 * sizeof(int)},
		{CALL_pipe2, 0, 2 * sizeof(int)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].id == id)
			return &calls[i];
	}
	return NULL;
}

bool decode_late_range(const struct decode_call *call, const struct decode_options *options, struct decode_range *ret)
{
	*ret = (struct decode_range){0};
	if (options->dump && decode_dumps(call, options))
		return false;
	if (!decode_needs_source_exit(call->id, call->abi, options))
		return true;
	const struct late_call *late = late_call_of(call->id);
	/* The layouts above are those of the host's ABI. What a new descriptor is has to be asked at once. */
	bool tells_fds = call->id == CALL_pipe || call->id == CALL_pipe2;
	if (!late || call->abi == ABI_I386 || call->abi == ABI_X32 || (options->fd_paths && tells_fds))
		return false;
	ret->addr = call->args[late->arg];
	ret->by_result = !late->len;
	/* Of bytes one more is read than is shown. */
	ret->len = late->len ? late->len : options->string_limit + 1;
	if (!ret->addr)
		ret->len = 0;
	return true;
}
