/* trapline policy learn: watch a command with trapline trace, and write the policy that allows what it did. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "base/tmp_dir.h"
#include "cli/policy.h"
#include "policy/learn.h"

struct learn_options {
	const char *output, *against;
	const char *from;	/* a trace that is there already */
};

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'}, {"against", required_argument, NULL, 'a'},
	{"from", required_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0},
};

static const char usage_text[] =
	"Usage: trapline policy learn [-o FILE] [--against POLICY] (--from TRACE | [--] CMD [ARG...])\n\n"
	"  -o, --output FILE   write the policy there instead of standard output\n"
	"  --against POLICY    do not write a policy: list what was done and POLICY does not let pass\n"
	"  --from TRACE        what `trapline trace --json -y -o TRACE` wrote, instead of running a command\n";

/* Run "trapline trace --json -y -o TRACE -- argv" with the terminal. The wait status, or a negative errno. */
static int run_trace(const char *trace, char **argv, int argc)
{
	static const char *const head[] = {"trapline", "trace", "-q", "--json", "-y", "-s", "4096", "-o"};
	const char **full = calloc(ARRAY_SIZE(head) + (size_t)argc + 3, sizeof(*full));
	size_t n = 0;
	int status = 0;
	pid_t pid;

	if (!full)
		return -ENOMEM;
	for (; n < ARRAY_SIZE(head); n++)
		full[n] = head[n];
	full[n++] = trace;
	full[n++] = "--";
	for (int i = 0; i < argc; i++)
		full[n++] = argv[i];
	pid = fork();
	if (pid == 0) {
		(void)execv("/proc/self/exe", (char **)(uintptr_t)full);
		_exit(CLI_EXIT_NOT_EXECUTABLE);
	}
	free(full);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status;
}

static int read_trace(struct learner *l, const char *path)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool any = false;
	int r = 0;

	if (!f)
		return -errno;
	while (r >= 0 && (n = getline(&line, &cap, f)) > 0) {
		r = learner_line(l, line, (size_t)n);
		any = true;
	}
	if (r >= 0 && ferror(f))
		return -errno;
	return r < 0 ? r : any ? 0 : -ENODATA;
}

static int write_policy(const struct learner *l, const char *path)
{
	AUTO_STRBUF struct strbuf out;
	AUTO_FCLOSE FILE *f = NULL;

	strbuf_init(&out);
	learner_write(l, &out);
	if (!path) {
		(void)fputs(strbuf_str(&out), stdout);
		return cli_finish_stdout();
	}
	f = fopen(path, "we");
	if (!f || fputs(strbuf_str(&out), f) < 0 || fflush(f) != 0) {
		cli_error("policy learn", "%s: %s", path, strerror(errno));
		return CLI_EXIT_FAILURE;
	}
	return 0;
}

static int compare(const struct learner *l, const char *path)
{
	AUTO_STRBUF struct strbuf out;
	struct policy *p;
	size_t n;
	int r = policy_open("policy learn", path, false, &p);

	strbuf_init(&out);
	if (r)
		return r;
	n = learner_difference(l, p, &out);
	(void)fputs(strbuf_str(&out), stdout);
	policy_destroy(p);
	r = cli_finish_stdout();
	return r ? r : n ? CLI_EXIT_FAILURE : 0;
}

static int learn(const struct learn_options *o, const char *trace)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct learner *l;
	int r = learner_create(cwd ? cwd : "/", true, &l);

	if (r < 0)
		return CLI_EXIT_FAILURE;
	r = read_trace(l, trace);
	/* Of a command that could not be run the trace has told already. */
	if (r < 0 && (r != -ENODATA || o->from))
		cli_error("policy learn", "%s: %s", cli_shown(trace), r == -EINVAL ? "not a trace in JSON lines" :
			  r == -ENODATA ? "an empty trace" : strerror(-r));
	r = r < 0 ? CLI_EXIT_FAILURE : o->against ? compare(l, o->against) : write_policy(l, o->output);
	learner_destroy(l);
	return r;
}

static int learn_from_command(const struct learn_options *o, char **argv, int argc)
{
	AUTO_FREE char *trace = NULL;
	int fd, status, r;

	if (asprintf(&trace, "%s/trapline-learn-XXXXXX", tmp_dir()) < 0) {
		trace = NULL;
		cli_error("policy learn", "%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	fd = mkostemp(trace, O_CLOEXEC);
	if (fd < 0) {
		cli_error("policy learn", "%s: %s", trace, strerror(errno));
		return CLI_EXIT_FAILURE;
	}
	(void)close(fd);
	status = run_trace(trace, argv, argc);
	r = status < 0 ? CLI_EXIT_FAILURE : learn(o, trace);
	(void)unlink(trace);
	if (!r && status > 0 && WIFEXITED(status))
		cli_error("policy learn", "the command ended with status %d: the policy allows what it did until then",
			  WEXITSTATUS(status));
	return r;
}

int policy_learn(int argc, char **argv)
{
	struct learn_options o = {0};
	char name[] = "policy learn";
	int c;

	argv[0] = name;
	while ((c = cli_getopt(argc, argv, "o:h", options)) != -1) {
		switch (c) {
		case 'o':
			o.output = optarg;
			break;
		case 'a':
			o.against = optarg;
			break;
		case 'f':
			o.from = optarg;
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return cli_finish_stdout();
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if ((optind == argc) == !o.from) {
		cli_error(name, o.from ? "either --from or a command" : "which command?");
		return CLI_EXIT_USAGE;
	}
	return o.from ? learn(&o, o.from) : learn_from_command(&o, argv + optind, argc - optind);
}
