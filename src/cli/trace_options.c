#include "cli/trace_options.h"

#include <limits.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace_command.h"
#include "cli/trace_set.h"
#include "cli/trace_values.h"

/* Values of long options that have no letter. */
enum {
	OPTION_ABSOLUTE_TIMESTAMPS = 256,
	OPTION_ABBREV,
	OPTION_ARGV0,
	OPTION_AUDIT,
	OPTION_DAEMONIZE,
	OPTION_DECODE_FDS,
	OPTION_DECODE_PIDS,
	OPTION_FAULT,
	OPTION_FREE_PLACEMENT,
	OPTION_IGNORED,
	OPTION_INJECT,
	OPTION_JSON,
	OPTION_MECHANISM,
	OPTION_OBSERVE,
	OPTION_OUTPUT_SEPARATELY,
	OPTION_PIDNS,
	OPTION_POLICY,
	OPTION_QUIET,
	OPTION_RAW,
	OPTION_READ,
	OPTION_SIGNAL,
	OPTION_STATUS,
	OPTION_STRINGS_IN_HEX,
	OPTION_SUMMARY_SYSTEM_TIME,
	OPTION_TRACE,
	OPTION_UNSUPPORTED,
	OPTION_VERBOSE,
	OPTION_WRITE,
};

static const char short_options[] = "a:Ab:cCdDe:E:fFhiI:kno:O:p:P:qrs:S:tTu:U:vVwxX:yYzZ";

static const struct option long_options[] = {
	{"abbrev", required_argument, NULL, OPTION_ABBREV},
	{"absolute-timestamps", optional_argument, NULL, OPTION_ABSOLUTE_TIMESTAMPS},
	{"argv0", required_argument, NULL, OPTION_ARGV0},
	{"attach", required_argument, NULL, 'p'},
	{"audit", required_argument, NULL, OPTION_AUDIT},
	{"columns", required_argument, NULL, 'a'},
	{"const-print-style", required_argument, NULL, 'X'},
	{"daemonize", optional_argument, NULL, OPTION_DAEMONIZE},
	{"daemonized", optional_argument, NULL, OPTION_DAEMONIZE},
	{"debug", no_argument, NULL, OPTION_IGNORED},
	{"decode-fds", optional_argument, NULL, OPTION_DECODE_FDS},
	{"decode-pids", required_argument, NULL, OPTION_DECODE_PIDS},
	{"detach-on", required_argument, NULL, 'b'},
	{"env", required_argument, NULL, 'E'},
	{"failed-only", no_argument, NULL, 'Z'},
	{"failing-only", no_argument, NULL, 'Z'},
	{"fault", required_argument, NULL, OPTION_FAULT},
	{"follow-forks", no_argument, NULL, 'f'},
	{"free-placement", no_argument, NULL, OPTION_FREE_PLACEMENT},
	{"help", no_argument, NULL, 'h'},
	{"inject", required_argument, NULL, OPTION_INJECT},
	{"instruction-pointer", no_argument, NULL, 'i'},
	{"interruptible", required_argument, NULL, 'I'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"kvm", required_argument, NULL, OPTION_UNSUPPORTED},
	{"mechanism", required_argument, NULL, OPTION_MECHANISM},
	{"no-abbrev", no_argument, NULL, 'v'},
	{"observe", required_argument, NULL, OPTION_OBSERVE},
	{"output", required_argument, NULL, 'o'},
	{"output-append-mode", no_argument, NULL, 'A'},
	{"output-separately", no_argument, NULL, OPTION_OUTPUT_SEPARATELY},
	{"pidns-translation", no_argument, NULL, OPTION_PIDNS},
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"quiet", optional_argument, NULL, OPTION_QUIET},
	{"raw", required_argument, NULL, OPTION_RAW},
	{"read", required_argument, NULL, OPTION_READ},
	{"relative-timestamps", optional_argument, NULL, 'r'},
	{"seccomp-bpf", no_argument, NULL, OPTION_IGNORED},
	{"signal", required_argument, NULL, OPTION_SIGNAL},
	{"silence", optional_argument, NULL, OPTION_QUIET},
	{"silent", optional_argument, NULL, OPTION_QUIET},
	{"stack-traces", no_argument, NULL, 'k'},
	{"status", required_argument, NULL, OPTION_STATUS},
	{"string-limit", required_argument, NULL, 's'},
	{"strings-in-hex", optional_argument, NULL, OPTION_STRINGS_IN_HEX},
	{"successful-only", no_argument, NULL, 'z'},
	{"summary", no_argument, NULL, 'C'},
	{"summary-columns", required_argument, NULL, 'U'},
	{"summary-only", no_argument, NULL, 'c'},
	{"summary-sort-by", required_argument, NULL, 'S'},
	{"summary-syscall-overhead", required_argument, NULL, 'O'},
	{"summary-system-time", no_argument, NULL, OPTION_SUMMARY_SYSTEM_TIME},
	{"summary-wall-clock", no_argument, NULL, 'w'},
	{"syscall-number", no_argument, NULL, 'n'},
	{"syscall-times", optional_argument, NULL, 'T'},
	{"timestamps", optional_argument, NULL, OPTION_ABSOLUTE_TIMESTAMPS},
	{"tips", optional_argument, NULL, OPTION_UNSUPPORTED},
	{"trace", required_argument, NULL, OPTION_TRACE},
	{"trace-path", required_argument, NULL, 'P'},
	{"user", required_argument, NULL, 'u'},
	{"verbose", required_argument, NULL, OPTION_VERBOSE},
	{"version", no_argument, NULL, 'V'},
	{"write", required_argument, NULL, OPTION_WRITE},
	{0},
};

/* ---- lists ---- */

static int no_memory(void)
{
	cli_error("trace", "%s", strerror(ENOMEM));
	return CLI_EXIT_FAILURE;
}

static int add_pids(struct trace_options *o, const char *text)
{
	size_t len, before = o->attach_count;
	for (const char *at = text, *item; (item = trace_set_next(&at, ", \t\n", &len));) {
		char *end;
		long pid = strtol(item, &end, 10);
		if (end != item + len || pid < 1 || pid > INT_MAX) {
			cli_error("trace", "-p: '%.*s' is not a process id", (int)len, item);
			return CLI_EXIT_USAGE;
		}
		pid_t *grown = reallocarray(o->attach, o->attach_count + 1, sizeof(*grown));
		if (!grown)
			return no_memory();
		o->attach = grown;
		o->attach[o->attach_count++] = (pid_t)pid;
	}
	return o->attach_count > before ? 0 : trace_usage_error("-p: no process id given");
}

static int add_path(struct trace_options *o, const char *path)
{
	char **grown = reallocarray(o->paths, o->path_count + 1, sizeof(*grown));
	if (!grown)
		return no_memory();
	o->paths = grown;
	o->paths[o->path_count] = strdup(path);
	if (!o->paths[o->path_count])
		return no_memory();
	o->path_count++;
	return 0;
}

/* Descriptors know their files by the real path. */
static int resolve_paths(struct trace_options *o)
{
	size_t given = o->path_count;
	for (size_t i = 0; i < given; i++) {
		AUTO_FREE char *real = realpath(o->paths[i], NULL);
		if (!real || strcmp(real, o->paths[i]) == 0)
			continue;
		if (!(o->observe.quiet & QUIET_PATH_RESOLUTION))
			cli_error("trace", "requested path '%s' resolved into '%s'", o->paths[i], real);
		int r = add_path(o, real);
		if (r)
			return r;
	}
	return 0;
}

/* -E NAME=VALUE sets, -E NAME removes. */
static int change_environment(struct trace_options *o, char *text)
{
	size_t count = 0, name = strcspn(text, "=");
	char **from = o->environment ? o->environment : environ;
	if (!name)
		return trace_usage_error("-E: a variable must have a name");
	while (from[count])
		count++;
	char **to = calloc(count + 2, sizeof(*to));
	if (!to)
		return no_memory();
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(from[i], text, name) != 0 || from[i][name] != '=')
			to[kept++] = from[i];
	}
	if (text[name])
		to[kept] = text;
	free(o->environment);
	o->environment = to;
	return 0;
}

/* ---- options ---- */

static int parse_number(const char *what, const char *text, uint64_t max, unsigned *ret)
{
	uint64_t value;
	int r = cli_parse_number("trace", what, text, 0, max, &value);
	if (!r)
		*ret = (unsigned)value;
	return r;
}

static int parse_mechanism(struct trace_options *o, const char *text)
{
	if (mechanism_from_name(text, &o->mechanism) == 0 && o->mechanism != MECHANISM_NATIVE)
		return 0;
	static const char *const names[] = {"auto", "step", "sysemu", "trace", "notify"};
	size_t index;
	int r = cli_parse_word("trace", "--mechanism", text, names, ARRAY_SIZE(names), &index);
	return r ? r : CLI_EXIT_USAGE;
}

static int parse_observe(struct trace_options *o, const char *text)
{
	static const char *const names[] = {[ENDS_AUTO] = "auto", [ENDS_STOP] = "stops", [ENDS_OBSERVED] = "bpf"};
	size_t index = ENDS_AUTO;
	int r = cli_parse_word("trace", "--observe", text, names, ARRAY_SIZE(names), &index);
	o->ends = (enum session_ends)index;
	return r;
}

/* Options that only set or count something. False: not one of them. */
static bool take_flag(struct trace_options *o, int option)
{
	switch (option) {
	case 'A': o->observe.append = true; return true;
	case 'D': o->daemonize++; return true;
	case 'c': o->summary_only = true; return true;
	case 'C': o->observe.summary = true; return true;
	case 'f': o->follow_level++; return true;
	case 'h': o->help = true; return true;
	case 'i': o->observe.show_ip = true; return true;
	case 'k': o->stack = true; return true;
	case 'n': o->observe.show_nr = true; return true;
	case 'q': o->quiet_level++; return true;
	case 't': o->time_level++; return true;
	case 'v': o->observe.decode.verbose = true; return true;
	case 'V': o->version = true; return true;
	case 'x': o->hex_level = o->hex_level < 2 ? o->hex_level + 1 : 2; return true;
	case 'y': o->fd_level++; return true;
	case 'w': o->observe.system_time = false; return true;
	case 'z': o->observe.statuses = STATUS_SUCCESSFUL; return true;
	case 'Z': o->observe.statuses = STATUS_FAILED; return true;
	case 'Y': o->observe.decode.pid_comms = true; return true;
	case OPTION_PIDNS: o->observe.decode.pid_namespaces = true; return true;
	case OPTION_FREE_PLACEMENT: o->free_placement = true; return true;
	case OPTION_JSON: o->observe.format = OBSERVE_JSON; return true;
	case OPTION_OUTPUT_SEPARATELY: o->follow_level = 2; return true;
	case OPTION_SUMMARY_SYSTEM_TIME: o->observe.system_time = true; return true;
	/* Follow, debug and seccomp: so by nature, or without meaning here. */
	case 'd': case 'F': case OPTION_IGNORED: return true;
	default: return false;
	}
}

static int take_set(struct trace_options *o, int option, char *value)
{
	switch (option) {
	case 'e': return trace_value_expression(o, value);
	case 'S': return trace_value_sort(o, value);
	case 'U': return trace_value_columns(o, value);
	case OPTION_ABBREV: return trace_value_abbrev(o, value);
	case OPTION_ARGV0: o->argv0 = value; return 0;
	case OPTION_DAEMONIZE: return trace_value_daemonize(o, value);
	case OPTION_AUDIT: o->audit_file = value; return 0;
	case OPTION_FAULT: return trace_inject_add(&o->injections, value, true);
	case OPTION_INJECT: return trace_inject_add(&o->injections, value, false);
	case OPTION_POLICY: o->policy_file = value; return 0;
	case OPTION_DECODE_FDS: return trace_value_decode_fds(o, value ? value : "path");
	case OPTION_DECODE_PIDS: return trace_value_decode_pids(o, value);
	case OPTION_MECHANISM: return parse_mechanism(o, value);
	case OPTION_OBSERVE: return parse_observe(o, value);
	case OPTION_QUIET: return trace_value_quiet(o, value ? value : "attach,personality");
	case OPTION_RAW: return trace_value_raw(o, value);
	case OPTION_READ: return trace_value_dump(o, "-e read", value, &o->dump.read);
	case OPTION_WRITE: return trace_value_dump(o, "-e write", value, &o->dump.write);
	case OPTION_SIGNAL: return trace_set_signals(value, &o->observe.signals);
	case OPTION_STATUS: return trace_value_status(o, value);
	case OPTION_STRINGS_IN_HEX: return trace_value_hex(o, value);
	case OPTION_TRACE: return trace_set_calls(value, &o->traced);
	case OPTION_VERBOSE: return trace_value_verbose(o, value);
	default: return CLI_EXIT_USAGE;	/* '?': said already */
	}
}

static int take_option(struct trace_options *o, int option, char *value)
{
	struct observe_options *v = &o->observe;
	if (take_flag(o, option))
		return 0;
	switch (option) {
	case 'a': return parse_number("-a", value, 4096, &v->column);
	case 'E': return change_environment(o, value);
	case 'o': v->file = value; return *value ? 0 : trace_usage_error("-o: an empty name");
	case 'O': return trace_value_overhead(o, value);
	case 'p': return add_pids(o, value);
	case 'P': return add_path(o, value);
	case 'r': v->relative = true; return trace_value_precision("-r", value, &v->relative_precision);
	case 's': return parse_number("-s", value, 16 << 20, &v->decode.string_limit);
	case 'T': v->duration = true; return trace_value_precision("-T", value, &v->duration_precision);
	case 'X': return trace_value_consts(o, value);
	case OPTION_ABSOLUTE_TIMESTAMPS: return trace_value_absolute(o, value);
	case OPTION_UNSUPPORTED: return trace_unsupported("that");
	case 'b': return trace_value_detach_on(o, value);
	case 'I': return trace_value_interruptible(o, value);
	case 'u': return trace_command_user(o, value);
	default: return take_set(o, option, value);
	}
}

/* ---- all of it together ---- */

static void apply_levels(struct trace_options *o)
{
	struct observe_options *v = &o->observe;
	if (o->time_level) {
		v->time = o->time_level > 2 ? TIME_UNIX : TIME_OF_DAY;
		v->time_precision = o->time_level > 1 ? PRECISION_US : PRECISION_S;
	}
	if (o->quiet_level)
		v->quiet = o->quiet_level > 2 ? QUIET_ALL :
			   QUIET_ATTACH | QUIET_PERSONALITY | (o->quiet_level > 1 ? QUIET_EXIT : 0);
	/* As strace: with the trace in a file, stderr belongs to the command. */
	else if (!o->quiet_set && v->file && o->command)
		v->quiet = QUIET_ATTACH | QUIET_PERSONALITY;
	v->decode.hex_strings = (uint8_t)o->hex_level;
	v->decode.fd_paths = (uint8_t)(o->fd_level > 2 ? 2 : o->fd_level);
	v->decode.all_fds = o->path_count > 0;
	if (o->path_count && !v->decode.fd_paths) {
		v->decode.fd_paths = 1;
		v->hide_fd_paths = true;
	}
	if (v->format == OBSERVE_JSON)
		v->decode.consts = CONST_ABBREV;	/* JSON's values are typed already */
	v->attached = o->attach_count > 0;
	v->per_task = o->follow_level > 1 && v->file;
	if (o->summary_only) {
		v->summary = true;
		v->format = OBSERVE_NONE;
		/* Nothing is shown: spare the guest the reading of what its arguments point to. */
		v->decode.raw = !o->path_count;
	}
}

static int check_together(const struct trace_options *o)
{
	const struct observe_options *v = &o->observe;
	if (!o->command && (o->has_user || o->argv0 || o->daemonize))
		return trace_usage_error("-u, -D and --argv0 are about a command, and there is no command");
	if (o->daemonize && o->attach_count)
		return trace_usage_error("-D and -p: one or the other");
	if (!o->command && !o->attach_count)
		return trace_usage_error("no command and no -p PID given (try 'trapline trace --help')");
	if (o->environment && !o->command)
		return trace_usage_error("-E changes a command's environment, and there is no command");
	if (o->follow_level > 1 && v->file && (*v->file == '|' || *v->file == '!'))
		return trace_usage_error("-ff makes one file for each task, which -o '|COMMAND' is not");
	if (v->append && !v->file)
		return trace_usage_error("-A appends to the file of -o, and there is no -o");
	if (o->summary_only && v->summary)
		return trace_usage_error("-c and -C: one or the other");
	if (o->summary_only && v->format == OBSERVE_JSON)
		return trace_usage_error("-c shows no events: use -C with --json");
	if (v->decode.dump && v->format == OBSERVE_JSON)
		return trace_usage_error("--json has no dumps, as -e read= and -e write= ask for");
	return 0;
}

int trace_options_parse(int argc, char **argv, struct trace_options *ret)
{
	struct trace_options *o = ret;
	*o = (struct trace_options){.mechanism = MECHANISM_AUTO};
	observe_options_init(&o->observe);
	call_set_fill(&o->traced);
	cli_getopt_restart();
	for (int option; (option = cli_getopt(argc, argv, short_options, long_options)) != -1;) {
		int r = take_option(o, option, optarg);
		if (r)
			return r;
	}
	if (o->help || o->version)
		return 0;
	o->command = optind < argc ? argv + optind : NULL;
	int r = check_together(o);
	if (r)
		return r;
	apply_levels(o);
	if (o->argv0) {
		o->program = o->command[0];
		o->command[0] = o->argv0;
	}
	r = resolve_paths(o);
	o->observe.paths = (const char *const *)o->paths;
	o->observe.path_count = o->path_count;
	return r;
}

void trace_options_finish(struct trace_options *o)
{
	for (size_t i = 0; i < o->path_count; i++)
		free(o->paths[i]);
	trace_inject_finish(&o->injections);
	free(o->paths);
	free(o->environment);
	free(o->attach);
	free(o->groups);
	o->paths = NULL;
	o->environment = NULL;
	o->attach = NULL;
	o->groups = NULL;
	o->path_count = o->attach_count = 0;
}
