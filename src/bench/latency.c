#include "bench/latency.h"

#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/log.h"
#include "bench/latency_shared.h"
#include "observe/options.h"
#include "observe/recorder.h"
#include "policy/model.h"
#include "tracer/policy/apply.h"

extern char **environ;

#define GUEST_ARGV_MAX 16

const char *latency_kind_name(enum latency_kind k)
{
	static const char *const names[LATENCY_KINDS] = {
		[LATENCY_ALONE] = "native", [LATENCY_ERRNO] = "errno", [LATENCY_ANSWERED] = "answered",
		[LATENCY_WATCHED] = "watched", [LATENCY_OUTSIDE] = "outside",
		[LATENCY_FILTERED] = "filtered", [LATENCY_PATH] = "path",
	};

	return names[k];
}

unsigned latency_batch(enum latency_kind k)
{
	return k == LATENCY_ANSWERED || k == LATENCY_WATCHED || k == LATENCY_PATH ? 1 : 16;
}

const char *latency_placement_name(enum latency_placement p)
{
	static const char *const names[LATENCY_PLACEMENTS] = {
		[LATENCY_SAME_CPU] = "same-cpu", [LATENCY_FREE] = "free", [LATENCY_SCHEDULER] = "scheduler",
	};

	return names[p];
}

/* The caller owns *ret_fd and unmaps *ret. The descriptor survives exec: the guest is told its number. */
static int shared_create(const struct latency_row *row, uint64_t calls, struct latency_shared **ret, int *ret_fd)
{
	AUTO_CLOSE int fd = memfd_create("trapline-latency", 0);
	struct latency_shared *s;

	if (fd < 0 || ftruncate(fd, sizeof(*s)) < 0)
		return -errno;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return -errno;
	s->calls = calls;
	s->kind = row->kind;
	s->path_result = row->mechanism == MECHANISM_NOTIFY ? -EXDEV : 0;
	*ret = s;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void append_fd(char *const *guest_argv, char *fd_text, char *argv[GUEST_ARGV_MAX])
{
	size_t i = 0;

	for (; guest_argv[i] && i < GUEST_ARGV_MAX - 2; i++)
		argv[i] = guest_argv[i];
	argv[i++] = fd_text;
	argv[i] = NULL;
}

static int run_alone(char *const *argv, int *ret_status)
{
	pid_t pid;
	int err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

	if (err)
		return -err;
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static struct verdict answer_getppid(void *ctx UNUSED, struct call_event *ev)
{
	return ev->id == CALL_getppid ? verdict_value(latency_answer(ev->args[0])) : verdict_pass();
}

static int run_answered(struct session_options *o, const struct latency_row *row, struct session_result *result)
{
	const struct session_probe probe = { .answer = answer_getppid };

	o->probe = &probe;
	call_set_add(&o->emulated, row->kind == LATENCY_ANSWERED ? CALL_getppid : CALL_sethostname);
	return session_run(o, result);
}

/* As `trapline trace -o /dev/null -e trace=getppid` does: arguments and result are printed, in another thread. */
static int run_watched(struct session_options *o, struct session_result *result)
{
	struct observe_options observe;
	struct recorder *recorder;
	int err, late;

	observe_options_init(&observe);
	observe.file = "/dev/null";
	err = recorder_create(&observe, &recorder);
	if (err)
		return err;
	call_set_add(&o->recorded, CALL_getppid);
	o->record_exits = true;
	o->recorder = recorder;
	o->decode = &observe.decode;
	err = session_run(o, result);
	late = recorder_finish(recorder);
	return err ?: late;
}

/* A rule about paths: the call is answered by a worker, or made with the copy of its path that was looked at. */
static int run_path(struct session_options *o, struct session_result *result)
{
	const char *text = o->mechanism == MECHANISM_NOTIFY ?
			   "errno EXDEV faccessat when path == \"" LATENCY_PATH_ASKED "\"\nerrno EPERM faccessat\n" :
			   "errno EXDEV faccessat when path under \"/nowhere\"\n";
	struct policy_options how = { .features = policy_build_features() };
	struct policy_runtime runtime = { .quiet = true };
	struct policy *policy = NULL;
	struct plan *plan = NULL;
	int err = policy_load_text("bench", text, strlen(text), &how, &policy);

	if (!err)
		err = session_plan(o, policy, false, &plan);
	if (!err) {
		runtime.plan = plan;
		o->policy = &runtime;
		err = session_run(o, result);
		plan_destroy(plan);
	}
	policy_destroy(policy);
	return err;
}

static int run_in_session(const struct latency_row *row, char *const *argv, int *ret_status)
{
	struct session_options o = {
		.mechanism = row->mechanism,
		.argv = argv,
		.free_placement = row->placement != LATENCY_FREE,
	};
	struct session_result result = { 0 };
	int err = row->kind == LATENCY_WATCHED ? run_watched(&o, &result) :
		  row->kind == LATENCY_PATH ? run_path(&o, &result) : run_answered(&o, row, &result);

	if (!err && result.exec_errno)
		err = -result.exec_errno;
	*ret_status = result.status;
	return err;
}

/* Bind this thread, and so all that it starts, to the first CPU it may use. */
static int bind_to_one_cpu(cpu_set_t *ret_before)
{
	cpu_set_t one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(*ret_before), ret_before) < 0)
		return -errno;
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, ret_before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}

static int run_placed(const struct latency_row *row, char *const *argv, int *ret_status)
{
	bool alone = latency_is_alone(row->kind);
	cpu_set_t before;
	int err = 0;

	if (row->placement == LATENCY_SAME_CPU)
		err = bind_to_one_cpu(&before);
	if (err)
		return err;
	err = alone ? run_alone(argv, ret_status) : run_in_session(row, argv, ret_status);
	if (row->placement == LATENCY_SAME_CPU)
		(void)sched_setaffinity(0, sizeof(before), &before);
	return err;
}

static int collect(struct latency_row *row, const struct latency_shared *s, int status)
{
	if (!s->done || status) {
		log_error("bench latency: %s %s: the guest ended early (wait status 0x%x)",
			  mechanism_name(row->mechanism), latency_kind_name(row->kind), (unsigned)status);
		return -ECHILD;
	}
	row->wrong += s->wrong;
	row->timer_ns = s->timer_ns;
	histogram_merge(&row->ns, &s->ns);
	return 0;
}

int latency_run(struct latency_row *row, uint64_t calls, char *const *guest_argv)
{
	struct latency_shared *s = NULL;
	AUTO_CLOSE int fd = -1;
	char fd_text[16], *argv[GUEST_ARGV_MAX];
	int err, status = 0;

	if (!latency_is_alone(row->kind))
		row->unavailable = mechanism_info(row->mechanism)->available;
	if (row->unavailable)
		return 0;
	err = shared_create(row, calls, &s, &fd);
	if (err) {
		log_error("bench latency: cannot make the shared memory: %s", strerror(-err));
		return err;
	}
	(void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
	append_fd(guest_argv, fd_text, argv);
	err = run_placed(row, argv, &status);
	if (err)
		log_error("bench latency: %s %s: %s", mechanism_name(row->mechanism), latency_kind_name(row->kind),
			  strerror(-err));
	else
		err = collect(row, s, status);
	(void)munmap(s, sizeof(*s));
	return err;
}
