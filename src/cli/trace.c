/* trapline trace: watch the system calls of a command or of running processes, in strace's words. */
#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "cli/trace_command.h"
#include "cli/trace_options.h"
#include "observe/recorder.h"
#include "tracer/multiplexed.h"

static const char usage[] =
	"Usage: trapline trace [OPTIONS] [-o FILE] [--] COMMAND [ARG...]\n"
	"       trapline trace [OPTIONS] [-o FILE] -p PID[,PID...] [[--] COMMAND [ARG...]]\n"
	"\n"
	"Shows the system calls of a program and of all it starts, with strace's options and text.\n"
	"  -e trace=SET       only these calls: names, %group, /regex; ! in front: all but these\n"
	"  -P PATH            only calls on this path\n"
	"  -e signal=SET      only these signals\n"
	"  -z, -Z, --status=  only calls that succeeded, failed; successful,failed,unfinished,detached\n"
	"  -o FILE, -o '|CMD' the trace goes to a file or a command; -A appends, -ff makes a FILE.TID for each task\n"
	"  --json             one JSON object a line\n"
	"  -c, -C             a table of calls, errors and times at the end; -C with the trace too\n"
	"  -S KEY, -U LIST    sort the table; its columns (time, total-time, avg-time, p50, p99, calls, errors, name, ...)\n"
	"  -t, -tt, -ttt, -r  time of day, with microseconds, since 1970; since the line before\n"
	"  -T                 time spent in each call\n"
	"  -i, -n, -k         instruction pointer, number of the call, stack\n"
	"  -s N, -x, -xx, -v  at most N bytes of a string (32); strings in hexadecimal; nothing abbreviated\n"
	"  -y, -yy            what each descriptor is\n"
	"  -e inject=SET:...  make calls fail, return, wait or raise a signal; -e fault=SET: make them fail\n"
	"  --policy FILE      carry out a policy too (see trapline-policy(5)); --audit FILE logs what it refuses\n"
	"  -a N               column of the result (40)\n"
	"  -q, -qq, -qqq      fewer messages\n"
	"  -E NAME[=VALUE]    change the command's environment; -u USER, --argv0=NAME: who and what it is\n"
	"  -D, -DD, -DDD      the command takes trapline's place\n"
	"  -b execve          let go of what executes another program\n"
	"  --mechanism=M      auto, trace, step, sysemu or notify\n"
	"  --observe=W        what tells how a call ended: auto, stops or bpf\n"
	"Everything else is in trapline-trace(1).\n";

static void fill_session(struct session_options *s, const struct trace_options *o, struct recorder *recorder, int ready)
{
	*s = (struct session_options){
		.mechanism = o->mechanism,
		.argv = o->command,
		.envp = o->environment,
		.attach = o->attach,
		.attach_count = o->attach_count,
		.user = o->has_user ? &o->user : NULL,
		.program = o->program,
		.detach_on_exec = o->detach_on_exec,
		.attach_launching = o->daemonize,
		.attach_ready = ready,
		.interruptible = o->interruptible == 1 || o->interruptible == 2,
		.release_standard = true,
		.uninterruptible = o->interruptible > 2 || (o->daemonize && !o->interruptible),
		.recorded = o->traced,
		.record_exits = true,
		.ends = o->ends,
		.record_tasks = true,
		.recorded_signals = o->observe.signals,
		.record_stack = o->stack,
		.record_ip = o->observe.show_ip,
		.record_cpu = o->observe.summary && o->observe.system_time,
		.recorder = recorder,
		.decode = &o->observe.decode,
		.free_placement = o->free_placement,
	};
	multiplexed_include(&s->recorded);
}

/* What is injected and what a policy says, made into the session's policy. */
static int start_policy(struct session_policy *p, const struct trace_options *o, struct session_options *session,
			struct kernel_options *kernel)
{
	AUTO_STRBUF struct strbuf rules;
	strbuf_init(&rules);
	trace_inject_rules(&o->injections, &o->traced, &rules);
	p->runtime.audit_file = o->audit_file;
	p->runtime.quiet = true;	/* the trace shows what was refused */
	p->runtime.per_thread = o->injections.count;
	/* As strace's: only where a call's entry stops by itself does the kernel send an injected signal. */
	if (o->injections.signals && session->mechanism == MECHANISM_AUTO)
		session->mechanism = MECHANISM_STEP;
	return policy_start(p, "trace", o->policy_file, o->injections.count ? strbuf_str(&rules) : NULL, session,
				kernel);
}

static int run_session(const struct trace_options *o, struct session_options *session, struct session_result *result)
{
	struct session_policy policy = {0};
	struct kernel_options wanted = {0};
	struct kernel kernel;
	int err = 0;
	if (!o->policy_file && !o->injections.count)
		return session_run(session, result);
	err = start_policy(&policy, o, session, &wanted);
	if (!err) {
		err = kernel_init(&kernel, &wanted);
		session->kernel = &kernel;
		if (!err) {
			err = session_run(session, result);
			kernel_finish(&kernel);
		}
	}
	session_policy_finish(&policy);
	return err;
}

/* A trace that could not be written to its end was reported, and is no reason to hide how the command ended. */
static int trace(const struct trace_options *o, int ready, struct session_result *result)
{
	struct recorder *recorder;
	struct session_options session;
	int err = recorder_create(&o->observe, &recorder);
	if (err)
		return err;
	fill_session(&session, o, recorder, ready);
	err = run_session(o, &session, result);
	int ignored UNUSED = recorder_finish(recorder);
	return err;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_options o;
	struct session_result result = {0};
	int r = trace_options_parse(argc, argv, &o);
	if (!r && o.help) {
		(void)fputs(usage, stdout);
		r = cli_finish_stdout();
	} else if (!r && o.version) {
		r = cmd_version(argc, argv);
	} else if (!r) {
		int ready = -1;
		if (o.daemonize)
			r = trace_command_daemonize(&o, &ready);
		int failed = r ? 0 : trace(&o, ready, &result);
		if (failed)
			r = failed == CLI_EXIT_USAGE ? CLI_EXIT_USAGE : CLI_EXIT_FAILURE;
		else if (!r && result.detached_by)
			cli_exit_like(result.detached_by);	/* as a wait status: died of it */
		else if (!r && o.command)
			cli_exit_like(result.status);
	}
	trace_options_finish(&o);
	return r;
}
