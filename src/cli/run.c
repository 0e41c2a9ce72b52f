/* trapline run: a command whose selected calls trapline answers. */
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "cli/run_files.h"
#include "syscalls/identity.h"
#include "tracer/session.h"

enum { OPTION_UID = 256, OPTION_GID, OPTION_HOSTNAME, OPTION_MECHANISM, OPTION_NO_PTRACE, OPTION_STATS, OPTION_FREE,
	OPTION_POLICY, OPTION_AUDIT, OPTION_TMPFS, OPTION_OVERLAY, OPTION_PROC, OPTION_DEV, OPTION_READ_ONLY,
	OPTION_STUB };

static const struct option long_options[] = {
	{"uid", required_argument, NULL, OPTION_UID},
	{"gid", required_argument, NULL, OPTION_GID},
	{"hostname", required_argument, NULL, OPTION_HOSTNAME},
	{"mechanism", required_argument, NULL, OPTION_MECHANISM},
	{"no-ptrace", no_argument, NULL, OPTION_NO_PTRACE},
	{"free-placement", no_argument, NULL, OPTION_FREE},
	{"stub", required_argument, NULL, OPTION_STUB},
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"audit", required_argument, NULL, OPTION_AUDIT},
	{"quiet", no_argument, NULL, 'q'},
	{"rootfs", required_argument, NULL, 'r'},
	{"bind", required_argument, NULL, 'b'},
	{"mount", required_argument, NULL, 'b'},
	{"change-id", required_argument, NULL, 'i'},
	{"kernel-release", required_argument, NULL, 'k'},
	{"tmpfs", required_argument, NULL, OPTION_TMPFS},
	{"overlay", required_argument, NULL, OPTION_OVERLAY},
	{"proc", no_argument, NULL, OPTION_PROC},
	{"dev", no_argument, NULL, OPTION_DEV},
	{"read-only", no_argument, NULL, OPTION_READ_ONLY},
	{"cwd", required_argument, NULL, 'w'},
	{"pwd", required_argument, NULL, 'w'},
	{"root-id", no_argument, NULL, '0'},
	{"stats", no_argument, NULL, OPTION_STATS},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char usage[] =
	"Usage: trapline run [--policy FILE] [OPTIONS] [--] CMD [ARG...]\n"
	"\n"
	"Runs CMD and answers the calls that the policy and the options select from trapline's own kernel layer.\n"
	"  --policy FILE      what happens to which call: see trapline-policy(5)\n"
	"  --audit FILE       append a JSON line for each call that the policy refuses or logs\n"
	"  -q, --quiet        say nothing on stderr of calls that the policy refuses\n"
	"  --uid N, --gid N   the ids that the guest is told; -i, --change-id UID[:GID] both\n"
	"  -0, --root-id      root to itself, as fakeroot does it: owners, modes and devices that it sets are remembered\n"
	"  --hostname NAME    the host name that the guest sees, and may change if it is root to itself\n"
	"  -k, --kernel-release NAME   the release that uname gives\n"
	"  -r, --rootfs DIR   the guest's root directory\n"
	"  -R DIR             the same, with /proc, /dev, and /sys and the resolver's files of the host\n"
	"  -S DIR             -R DIR -0\n"
	"  -b, -m, --bind, --mount SOURCE[:TARGET[:ro]]   a directory or file of the host in the guest's tree\n"
	"  --tmpfs TARGET[:size=N][:inodes=N][:mode=N]   a file system in memory\n"
	"  --overlay LOWER[,LOWER...][:UPPER[:TARGET]]   directories over each other; changes go to UPPER, else to memory\n"
	"  --proc, --dev      the guest's own /proc and /dev\n"
	"  --read-only        the root cannot be changed\n"
	"  -w, --cwd, --pwd DIR   where CMD starts, in the guest's tree\n"
	"  --mechanism M      auto, native, notify, trace, sysemu or step\n"
	"  --no-ptrace        notify alone: gdb and strace work inside (see `trapline doctor` for what is lost)\n"
	"  --free-placement   leave threads where the scheduler puts them\n"
	"  --stub WHEN        calls by shared memory where a program makes many: auto, never, always (for tests)\n"
	"  --stats            say on stderr how many stops and answers there were\n";

struct run_options {
	struct session_options session;
	struct kernel_options kernel;	/* from the policy's statements and those that options stand for */
	struct policy_identity identity;
	struct run_files files;
	const char *policy_file;
	struct session_policy policy;
	bool stats;
};

static int parse_mechanism(const char *text, enum mechanism *ret)
{
	const char *names[MECHANISM_COUNT];
	for (int m = 0; m < MECHANISM_COUNT; m++)
		names[m] = mechanism_name((enum mechanism)m);
	size_t index;
	int r = cli_parse_word("run", "--mechanism", text, names, MECHANISM_COUNT, &index);
	if (r == 0)
		*ret = (enum mechanism)index;
	return r;
}

static int parse_id(const char *what, const char *text, bool *ret_has, uint32_t *ret)
{
	uint64_t id;
	int r = cli_parse_number("run", what, text, 0, UINT32_MAX - 1, &id);
	if (r)
		return r;
	*ret_has = true;
	*ret = (uint32_t)id;
	return 0;
}

/* UID[:GID], as PRoot writes it; without GID the group is the same number. */
static int parse_ids(struct run_options *o, const char *text)
{
	size_t len = strcspn(text, ":");
	AUTO_FREE char *uid = strndup(text, len);
	if (!uid)
		return CLI_EXIT_FAILURE;
	int r = parse_id("-i", uid, &o->identity.has_uid, &o->identity.uid);
	return r ? r : parse_id("-i", text[len] ? text + len + 1 : text, &o->identity.has_gid, &o->identity.gid);
}

static int parse_name(const char *what, const char *text, const char **ret)
{
	if (strlen(text) > UTS_NAME_MAX || !*text) {
		cli_error("run", "%s: '%s' is not a name of 1 to %d bytes", what, text, UTS_NAME_MAX);
		return CLI_EXIT_USAGE;
	}
	*ret = text;
	return 0;
}

static int parse_stub(const char *text, enum stub_use *ret)
{
	static const char *const names[] = {[STUB_AUTO] = "auto", [STUB_NEVER] = "never", [STUB_ALWAYS] = "always"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*ret = (enum stub_use)i;
		return 0;
	}
	cli_error("run", "--stub: '%s' is not auto, never or always", text);
	return CLI_EXIT_USAGE;
}

static void be_root(struct run_options *o)
{
	o->identity.has_uid = o->identity.has_gid = true;
	o->identity.uid = o->identity.gid = 0;
}

static int take_option(struct run_options *o, int option)
{
	switch (option) {
	case OPTION_UID:
		return parse_id("--uid", optarg, &o->identity.has_uid, &o->identity.uid);
	case OPTION_GID:
		return parse_id("--gid", optarg, &o->identity.has_gid, &o->identity.gid);
	case OPTION_HOSTNAME:
		return parse_name("--hostname", optarg, &o->identity.hostname);
	case 'k':
		return parse_name("--kernel-release", optarg, &o->identity.release);
	case 'i':
		return parse_ids(o, optarg);
	case OPTION_MECHANISM:
		return parse_mechanism(optarg, &o->session.mechanism);
	case OPTION_NO_PTRACE:
		o->session.without_ptrace = true;
		return 0;
	case OPTION_FREE:
		o->session.free_placement = true;
		return 0;
	case OPTION_STUB:
		return parse_stub(optarg, &o->session.stub);
	case OPTION_POLICY:
		o->policy_file = optarg;
		return 0;
	case OPTION_AUDIT:
		o->policy.runtime.audit_file = optarg;
		return 0;
	case 'r':
		return run_files_option(&o->files, RUN_FILES_ROOT, optarg);
	case 'S':
		be_root(o);
		return run_files_option(&o->files, RUN_FILES_ROOT_WITH_HOST, optarg);
	case 'R':
		return run_files_option(&o->files, RUN_FILES_ROOT_WITH_HOST, optarg);
	case 'b':
	case 'm':
		return run_files_option(&o->files, RUN_FILES_BIND, optarg);
	case 'w':
		return run_files_option(&o->files, RUN_FILES_CWD, optarg);
	case OPTION_TMPFS:
		return run_files_option(&o->files, RUN_FILES_TMPFS, optarg);
	case OPTION_OVERLAY:
		return run_files_option(&o->files, RUN_FILES_OVERLAY, optarg);
	case OPTION_PROC:
		return run_files_option(&o->files, RUN_FILES_PROC, NULL);
	case OPTION_DEV:
		return run_files_option(&o->files, RUN_FILES_DEV, NULL);
	case OPTION_READ_ONLY:
		return run_files_option(&o->files, RUN_FILES_READ_ONLY, NULL);
	case '0':
		be_root(o);
		return 0;
	case 'q':
		o->policy.runtime.quiet = true;
		return 0;
	case OPTION_STATS:
		o->stats = true;
		return 0;
	default:
		return CLI_EXIT_USAGE;
	}
}

static int run_session(struct run_options *o)
{
	struct kernel kernel;
	int r = kernel_init(&kernel, &o->kernel);
	if (r < 0)
		return CLI_EXIT_FAILURE;
	o->session.kernel = &kernel;
	struct session_result result;
	r = session_run(&o->session, &result);
	kernel_finish(&kernel);
	if (o->stats)
		log_warning("%llu stops, %llu answered, %llu of them without a stop", (unsigned long long)result.stops,
			    (unsigned long long)result.answered, (unsigned long long)result.without_stop);
	if (r < 0)
		return CLI_EXIT_FAILURE;
	cli_exit_like(result.status);
}

static int run_with_policy(struct run_options *o)
{
	AUTO_STRBUF struct strbuf statements;
	strbuf_init(&statements);
	/* The options, as the statements of a policy that they stand for. */
	run_files_statements(&o->files, &statements);
	policy_identity_write(&o->identity, &statements);
	int r = policy_start(&o->policy, "run", o->policy_file, strbuf_str(&statements), &o->session, &o->kernel);
	/* A mechanism asked for by name has at least the host's names to answer. */
	if (!r && !o->session.policy && o->session.mechanism != MECHANISM_AUTO && o->session.mechanism != MECHANISM_NATIVE)
		identity_host_calls(&o->session.emulated);
	if (!r)
		r = run_session(o);
	session_policy_finish(&o->policy);
	return r;
}

enum { PARSED = -1 };

/* PARSED, or the exit status. */
static int parse(struct run_options *o, int argc, char **argv)
{
	int option;
	while ((option = cli_getopt(argc, argv, "hqr:R:S:b:m:w:i:k:0", long_options)) != -1) {
		if (option == 'h') {
			(void)fputs(usage, stdout);
			return cli_finish_stdout();
		}
		int r = take_option(o, option);
		if (r)
			return r;
	}
	if (optind >= argc) {
		cli_error("run", "no command given (try 'trapline run --help')");
		return CLI_EXIT_USAGE;
	}
	if (o->policy.runtime.audit_file && !o->policy_file) {
		cli_error("run", "--audit tells what a policy refuses: it needs --policy");
		return CLI_EXIT_USAGE;
	}
	if (o->session.without_ptrace && o->session.mechanism != MECHANISM_AUTO && o->session.mechanism != MECHANISM_NOTIFY &&
	    o->session.mechanism != MECHANISM_NATIVE) {
		cli_error("run", "--no-ptrace: mechanism '%s' is ptrace's (notify needs none)", mechanism_name(o->session.mechanism));
		return CLI_EXIT_USAGE;
	}
	o->session.argv = argv + optind;
	o->policy.cwd = o->files.cwd;
	return PARSED;
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = {0};
	run_files_init(&o.files);
	int r = parse(&o, argc, argv);
	if (r == PARSED)
		r = run_with_policy(&o);
	run_files_finish(&o.files);
	return r;
}
