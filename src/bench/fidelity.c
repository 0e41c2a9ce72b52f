/* bench fidelity: start the guest under one mechanism and collect what both sides found. */
#include "bench/fidelity.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "bench/fidelity_watch.h"
#include "observe/options.h"
#include "observe/recorder.h"
#include "regs/regs.h"
#include "tracer/ptrace/ends_program.h"

extern char **environ;

static double seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The caller owns *ret_fd and unmaps *ret. The descriptor survives exec: the guest is told its number. */
static int shared_create(const struct fidelity_options *options, enum fidelity_mode mode, struct fidelity_shared **ret,
			 int *ret_fd)
{
	AUTO_CLOSE int fd = memfd_create("trapline-fidelity", 0);

	if (fd < 0 || ftruncate(fd, sizeof(**ret)) < 0)
		return -errno;
	struct fidelity_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	shared->seed = options->seed;
	shared->calls = options->calls;
	shared->answered = mode == FIDELITY_ANSWERED;
	*ret = shared;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

#define GUEST_ARGV_MAX 16

static void guest_argv(const struct fidelity_options *options, char *fd_text, char *argv[GUEST_ARGV_MAX])
{
	size_t i = 0;

	for (; options->guest_argv[i] && i < GUEST_ARGV_MAX - 2; i++)
		argv[i] = options->guest_argv[i];
	argv[i++] = fd_text;
	argv[i] = NULL;
}

/* The oracle: the guest on its own, with nothing of the session in between. */
static int run_alone(char *const *argv, int *ret_status)
{
	pid_t pid;
	int err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

	if (err != 0)
		return -err;
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static enum call_abi abi_of_host(void)
{
	return regs_arch_host() == REGS_AARCH64 ? ABI_AARCH64 : ABI_X86_64;
}

static void calls_of_guest(struct call_set *set)
{
	size_t count;
	const int *numbers = fidelity_numbers(&count);

	call_set_clear(set);
	for (size_t i = 0; i < count; i++)
		call_set_add(set, call_from_nr(abi_of_host(), numbers[i]));
	set->unknown = true;
}

/* As `trapline trace` does it: each call is recorded, with its result. */
static int run_recorded(struct session_options *session, struct session_result *ended)
{
	struct observe_options observe;
	struct recorder *recorder;

	observe_options_init(&observe);
	observe.file = "/dev/null";
	int err = recorder_create(&observe, &recorder);
	if (err < 0)
		return err;
	session->record_exits = true;
	/* What is heard without a stop is what could be wrong. */
	if (session->mechanism == MECHANISM_TRACE && ends_program_allowed() == 0)
		session->ends = ENDS_OBSERVED;
	session->recorder = recorder;
	session->decode = &observe.decode;
	err = session_run(session, ended);
	int late = recorder_finish(recorder);
	return err ?: late;
}

static int run_watched(const struct fidelity_options *options, struct fidelity_shared *shared, char *const *argv,
		       struct fidelity_result *result)
{
	struct session_options session = {
		.mechanism = result->mechanism,
		.argv = argv,
		.free_placement = options->free_placement,
	};
	struct session_result ended = {0};
	struct fidelity_watch watch;
	int err = fidelity_watch_init(&watch, options, shared, result);

	if (err < 0)
		return err;
	watch.abi = abi_of_host();
	struct session_probe probe = fidelity_watch_probe(&watch, result->mode);
	session.probe = &probe;
	calls_of_guest(result->mode == FIDELITY_ANSWERED ? &session.emulated : &session.recorded);
	err = result->mode == FIDELITY_TRACED ? run_recorded(&session, &ended) : session_run(&session, &ended);
	if (err == 0 && ended.exec_errno)
		err = -ended.exec_errno;
	result->guest_status = ended.status;
	fidelity_watch_finish(&watch);
	return err;
}

static void collect(const struct fidelity_shared *shared, struct fidelity_result *r)
{
	r->calls = atomic_load_explicit(&shared->done, memory_order_acquire);
	r->left = shared->left;
	memcpy(r->parts, shared->parts, sizeof(r->parts));
	r->parts[sizeof(r->parts) - 1] = '\0';
	if (r->mode != FIDELITY_ALONE)
		r->lost = r->calls > r->seen ? r->calls - r->seen : 0;
}

int fidelity_run(const struct fidelity_options *options, enum mechanism mechanism, enum fidelity_mode mode,
		 struct fidelity_result *ret)
{
	AUTO_CLOSE int fd = -1;
	struct fidelity_shared *shared = NULL;
	char fd_text[16], *argv[GUEST_ARGV_MAX];

	*ret = (struct fidelity_result){.mechanism = mechanism, .mode = mode};
	if (mode != FIDELITY_ALONE && mechanism_info(mechanism)->available < 0) {
		ret->unavailable = mechanism_info(mechanism)->available;
		return 0;
	}
	int err = shared_create(options, mode, &shared, &fd);
	if (err < 0) {
		log_error("bench fidelity: cannot make the shared memory: %s", strerror(-err));
		return err;
	}
	(void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
	guest_argv(options, fd_text, argv);
	double start = seconds_now();
	err = mode == FIDELITY_ALONE ? run_alone(argv, &ret->guest_status) : run_watched(options, shared, argv, ret);
	ret->seconds = seconds_now() - start;
	collect(shared, ret);
	(void)munmap(shared, sizeof(*shared));
	if (err < 0)
		log_error("bench fidelity: cannot run %s under %s: %s", argv[0], mechanism_name(mechanism), strerror(-err));
	return err;
}

static uint64_t tally_of(const struct fidelity_tally *t, const char *name)
{
	for (uint32_t i = 0; i < t->used; i++) {
		if (strcmp(t->row[i].name, name) == 0)
			return t->row[i].count;
	}
	return 0;
}

/*
 * A planted loss must be found as often as it was planted, under its own name. Other registers may follow from it (an
 * exception that was unmasked in fcw shows in fsw).
 */
static bool plant_found(const struct fidelity_options *options, const struct fidelity_result *r)
{
	/* The answer is compared where it arrives: in the return register. */
	const char *name = strcmp(options->plant, "value") == 0 ? "rax" : options->plant;

	if (r->saw.total != 0)
		return false;
	if (strcmp(options->plant, "call") == 0)
		return r->lost == r->planted && r->left.total == 0;
	return r->lost == 0 && tally_of(&r->left, name) == r->planted;
}

bool fidelity_passed(const struct fidelity_options *options, const struct fidelity_result *r)
{
	if (r->unavailable)
		return true;
	if (r->guest_status != 0 || r->calls != options->calls || r->repeated != 0)
		return false;
	if (r->mode == FIDELITY_ANSWERED && r->answered != r->calls)
		return false;
	if (r->planted > 0)
		return plant_found(options, r);
	return r->lost == 0 && r->left.total == 0 && r->saw.total == 0;
}
