#include "cli/run_files.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

void run_files_init(struct run_files *f)
{
	*f = (struct run_files){0};
	strbuf_init(&f->statements);
}

void run_files_finish(struct run_files *f)
{
	strbuf_finish(&f->statements);
}

static void quote(struct strbuf *out, const char *s, size_t len)
{
	policy_quote(s, len, out);
}

static void add_mount(struct strbuf *out, const char *target, size_t target_len, const char *kind)
{
	strbuf_adds(out, "mount ");
	quote(out, target, target_len);
	strbuf_addc(out, ' ');
	strbuf_adds(out, kind);
}

static void add_host(struct strbuf *out, const char *target, size_t target_len, const char *source, size_t source_len,
		     bool read_only)
{
	add_mount(out, target, target_len, "host ");
	quote(out, source, source_len);
	strbuf_adds(out, read_only ? " ro\n" : "\n");
}

/* SRC[:DST[:ro]]. PRoot's "!" at the end of DST (do not follow it) is its default here and may stand. */
static int bind_host(struct run_files *f, const char *arg)
{
	size_t source = strcspn(arg, ":");
	const char *target = arg;
	size_t target_len = source;
	const char *mode = NULL;
	if (arg[source] == ':') {
		target = arg + source + 1;
		target_len = strcspn(target, ":");
		mode = target[target_len] ? target + target_len + 1 : NULL;
		if (target_len > 1 && target[target_len - 1] == '!')
			target_len--;
	}
	bool read_only = mode && strcmp(mode, "ro") == 0;
	if (!source || !target_len || (mode && !read_only && strcmp(mode, "rw") != 0)) {
		cli_error("run", "-b: '%s' is not SOURCE[:TARGET[:ro|:rw]]", arg);
		return CLI_EXIT_USAGE;
	}
	if (*target != '/') {
		cli_error("run", "-b: '%.*s' is not an absolute path in the guest", (int)target_len, target);
		return CLI_EXIT_USAGE;
	}
	add_host(&f->statements, target, target_len, arg, source, read_only);
	return 0;
}

/* DST[:size=N][:inodes=N][:mode=N], also with commas between the options. */
static int add_tmpfs(struct run_files *f, const char *arg)
{
	size_t target = strcspn(arg, ":");
	if (*arg != '/') {
		cli_error("run", "--tmpfs: '%s' does not begin with an absolute path in the guest", arg);
		return CLI_EXIT_USAGE;
	}
	add_mount(&f->statements, arg, target, "tmpfs");
	for (const char *p = arg + target; *p;) {
		p++;
		size_t len = strcspn(p, ":,");
		if (strncmp(p, "size=", 5) != 0 && strncmp(p, "inodes=", 7) != 0 && strncmp(p, "mode=", 5) != 0) {
			cli_error("run", "--tmpfs: '%.*s' is none of size=, inodes=, mode=", (int)len, p);
			return CLI_EXIT_USAGE;
		}
		strbuf_addf(&f->statements, " %.*s", (int)len, p);
		p += len;
	}
	strbuf_addc(&f->statements, '\n');
	return 0;
}

/* LOWER[,LOWER...][:UPPER[:DST]]. A colon in a name is for policies. */
static int add_overlay(struct run_files *f, const char *arg)
{
	size_t lowers = strcspn(arg, ":");
	const char *upper = arg[lowers] ? arg + lowers + 1 : "";
	size_t upper_len = strcspn(upper, ":");
	const char *target = upper[upper_len] ? upper + upper_len + 1 : "/";
	if (!lowers || *target != '/') {
		cli_error("run", "--overlay: '%s' is not LOWER[,LOWER...][:UPPER[:TARGET]]", arg);
		return CLI_EXIT_USAGE;
	}
	AUTO_FREE char *list = strndup(arg, lowers);
	if (!list)
		return CLI_EXIT_FAILURE;
	for (char *c = list; *c; c++)
		*c = *c == ',' ? ':' : *c;
	add_mount(&f->statements, target, strlen(target), "overlay lower=");
	quote(&f->statements, list, lowers);
	if (upper_len) {
		strbuf_adds(&f->statements, " upper=");
		quote(&f->statements, upper, upper_len);
	}
	strbuf_addc(&f->statements, '\n');
	return 0;
}

static void add_proc(struct run_files *f)
{
	strbuf_adds(&f->statements, "mount \"/proc\" proc\n");
}

static void add_dev(struct run_files *f)
{
	strbuf_adds(&f->statements, "mount \"/dev\" dev\nmount \"/dev/shm\" tmpfs\nmount \"/dev/pts\" host \"/dev/pts\"\n");
}

/* What a program expects of a machine that a bare tree lacks: PRoot's -R, with our own /proc and /dev. */
static void add_host_parts(struct run_files *f)
{
	static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/sys"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct stat st;
		size_t len = strlen(files[i]);
		if (stat(files[i], &st) == 0)
			add_host(&f->statements, files[i], len, files[i], len, true);
	}
	add_proc(f);
	add_dev(f);
}

static int set_root(struct run_files *f, const char *dir)
{
	if (f->root) {
		cli_error("run", "the root is given twice: '%s' and '%s'", f->root, dir);
		return CLI_EXIT_USAGE;
	}
	f->root = dir;
	return 0;
}

int run_files_option(struct run_files *f, enum run_files_option option, const char *arg)
{
	switch (option) {
	case RUN_FILES_ROOT_WITH_HOST:
		add_host_parts(f);
		return set_root(f, arg);
	case RUN_FILES_ROOT:
		return set_root(f, arg);
	case RUN_FILES_BIND:
		return bind_host(f, arg);
	case RUN_FILES_TMPFS:
		return add_tmpfs(f, arg);
	case RUN_FILES_OVERLAY:
		return add_overlay(f, arg);
	case RUN_FILES_PROC:
		add_proc(f);
		return 0;
	case RUN_FILES_DEV:
		add_dev(f);
		return 0;
	case RUN_FILES_READ_ONLY:
		f->read_only = true;
		return 0;
	case RUN_FILES_CWD:
		f->cwd = arg;
		return 0;
	}
	return CLI_EXIT_USAGE;
}

void run_files_statements(const struct run_files *f, struct strbuf *out)
{
	if (f->root || f->read_only) {
		const char *root = f->root ? f->root : "/";
		add_host(out, "/", 1, root, strlen(root), f->read_only);
	}
	strbuf_adds(out, strbuf_str(&f->statements));
}
