/* trapline policy import and export: OCI seccomp profiles. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/policy.h"
#include "policy/oci.h"

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};

/*
 * 0 and the file in *ret, or CLI_EXIT_*. *ret_output is NULL for standard output; *ret_file NULL: only help was wanted.
 */
static int parse_options(int argc, char **argv, const char *what, const char **ret_file, const char **ret_output)
{
	int c;

	*ret_file = *ret_output = NULL;
	while ((c = cli_getopt(argc, argv, "o:h", options)) != -1) {
		if (c == 'o') {
			*ret_output = optarg;
		} else if (c == 'h') {
			(void)printf("Usage: trapline %s [-o FILE] FILE\n\n  -o, --output FILE  write there instead of "
				     "standard output\n",
				     argv[0]);
			return cli_finish_stdout();
		} else {
			return CLI_EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		cli_error(argv[0], "one %s is needed", what);
		return CLI_EXIT_USAGE;
	}
	*ret_file = argv[optind];
	return 0;
}

static int write_result(const char *command, const char *path, const struct strbuf *text)
{
	AUTO_FCLOSE FILE *f = NULL;
	FILE *closing;

	if (!path) {
		(void)fwrite(strbuf_str(text), 1, text->len, stdout);
		return cli_finish_stdout();
	}
	f = fopen(path, "we");
	if (!f || fwrite(strbuf_str(text), 1, text->len, f) != text->len) {
		cli_error(command, "%s: %s", path, strerror(errno));
		return CLI_EXIT_FAILURE;
	}
	closing = f;
	f = NULL;
	if (fclose(closing) == 0)
		return 0;
	cli_error(command, "%s: %s", path, strerror(errno));
	return CLI_EXIT_FAILURE;
}

static int read_all(const char *path, struct strbuf *to)
{
	AUTO_FCLOSE FILE *f = fopen(strcmp(path, "-") ? path : "/dev/stdin", "re");
	char buf[65536];
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && to->len < (64u << 20))
		strbuf_add(to, buf, n);
	if (ferror(f))
		return -errno;
	return strbuf_error(to);
}

int policy_import(int argc, char **argv)
{
	AUTO_STRBUF struct strbuf json, text;
	const char *file, *output;
	char name[] = "policy import", message[256] = "";
	int r;

	strbuf_init(&json);
	strbuf_init(&text);
	argv[0] = name;
	r = parse_options(argc, argv, "OCI profile", &file, &output);
	if (r || !file)
		return r;
	r = read_all(file, &json);
	if (r < 0) {
		cli_error(name, "%s: %s", file, strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	r = oci_import(strbuf_str(&json), json.len, &text, message, sizeof(message));
	if (r < 0) {
		cli_error(name, "%s: %s", file, r == -EINVAL ? message : strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	return write_result(name, output, &text);
}

int policy_export(int argc, char **argv)
{
	AUTO_STRBUF struct strbuf text;
	const char *file, *output;
	char name[] = "policy export", message[256] = "";
	struct policy *p;
	int r;

	strbuf_init(&text);
	argv[0] = name;
	r = parse_options(argc, argv, "policy", &file, &output);
	if (!r && file)
		r = policy_open(name, file, false, &p);
	if (r || !file)
		return r;
	r = oci_export(p, &text, message, sizeof(message));
	policy_destroy(p);
	if (r < 0) {
		cli_error(name, "%s", r == -EINVAL ? message : strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	return write_result(name, output, &text);
}
