/* What the second walk over a call reads, where that is known when the call is entered. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "base/errors.h"
#include "syscalls/decode.h"

/*
 * One parameter is all that is read, so many bytes of it; 0: as many as the result says, at most as many as are shown.
 */
struct late_call {
	enum call_id id;
	uint8_t arg;
	uint16_t len;
};

/* kernel/signal.c, struct sigaction of the kernel: handler, flags, restorer, mask; its sigset_t alone. */
enum { KERNEL_SIGACTION = 32, KERNEL_SIGSET = 8, KERNEL_TERMIOS = 36, STATX = 256, POLLED_MAX = 100, NOTHING = 6 };

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

/* Where other arguments say what is read. False: it is not known here. */
static bool late_by_arguments(const struct decode_call *call, struct late_call *ret)
{
	const uint64_t *args = call->args;
	*ret = (struct late_call){.id = call->id, .arg = 2};
	switch (call->id) {
	case CALL_fcntl:
		switch ((int)args[1]) {
		case F_GETLK:
		case F_OFD_GETLK:
			ret->len = sizeof(struct flock);
			return true;
		case F_GETOWN_EX:
			ret->len = sizeof(struct f_owner_ex);
			return true;
		case F_DUPFD:
		case F_DUPFD_CLOEXEC:
		case F_GETFD:
		case F_SETFD:
		case F_GETFL:
		case F_SETFL:
		case F_SETLK:
			ret->arg = NOTHING;
			return true;
		default:
			return false;
		}
	case CALL_ioctl:
		ret->len = args[1] == TCGETS ? KERNEL_TERMIOS : args[1] == TIOCGWINSZ ? sizeof(struct winsize) : sizeof(int);
		return args[1] == TCGETS || args[1] == TIOCGWINSZ || args[1] == TIOCGPGRP || args[1] == FIONREAD;
	case CALL_wait4:
		*ret = (struct late_call){.id = call->id, .arg = 1, .len = sizeof(int)};
		return !args[3];
	case CALL_poll:
		*ret = (struct late_call){.id = call->id, .len = (uint16_t)(args[1] * sizeof(struct pollfd))};
		return args[1] > 0 && args[1] <= POLLED_MAX;
	case CALL_recvfrom:
		*ret = (struct late_call){.id = call->id, .arg = 1};
		return !args[4];
	default:
		return false;
	}
}

bool decode_late_range(const struct decode_call *call, const struct decode_options *options, struct decode_range *ret)
{
	*ret = (struct decode_range){0};
	if (options->dump && decode_dumps(call, options))
		return false;
	if (!decode_needs_source_exit(call->id, call->abi, options))
		return true;
	/* The layouts are those of the host's ABI. What a new descriptor is, or a task, has to be asked at once. */
	bool asks = options->pid_comms || options->pid_namespaces ||
		    (options->fd_paths && (call->id == CALL_pipe || call->id == CALL_pipe2 || call->id == CALL_fcntl));
	const struct late_call *late = late_call_of(call->id);
	struct late_call by_arguments;
	if (!late && late_by_arguments(call, &by_arguments))
		late = &by_arguments;
	if (!late || asks || call->abi == ABI_I386 || call->abi == ABI_X32)
		return false;
	if (late->arg == NOTHING || !call->args[late->arg])
		return true;
	ret->addr = call->args[late->arg];
	ret->by_result = !late->len;
	/* Of bytes one more is read than is shown. */
	ret->len = late->len ? late->len : options->string_limit + 1;
	return true;
}
