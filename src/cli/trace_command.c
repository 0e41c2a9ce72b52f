#include "cli/trace_command.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

static int fail(const char *what)
{
	cli_error("trace", "%s: %s", what, strerror(errno));
	return CLI_EXIT_FAILURE;
}

int trace_command_user(struct trace_options *o, const char *name)
{
	char *end;
	const struct passwd *entry = getpwnam(name);
	unsigned long uid = strtoul(name, &end, 10);
	if (!entry && *name >= '0' && *name <= '9' && !*end && uid < UINT32_MAX)
		entry = getpwuid((uid_t)uid);
	if (!entry) {
		cli_error("trace", "-u: there is no user '%s'", name);
		return CLI_EXIT_USAGE;
	}
	int count = 0;
	(void)getgrouplist(entry->pw_name, entry->pw_gid, NULL, &count);
	free(o->groups);
	o->groups = calloc((size_t)count + 1, sizeof(*o->groups));
	if (!o->groups || getgrouplist(entry->pw_name, entry->pw_gid, o->groups, &count) < 0)
		return fail("-u");
	o->user = (struct session_user){
		.uid = entry->pw_uid, .gid = entry->pw_gid, .groups = o->groups, .group_count = (size_t)count,
	};
	o->has_user = true;
	return 0;
}

/* ---- -D ---- */

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As execvp(3) finds it, but without calls of execve that the trace would show. */
static void find_program(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	if (!dirs)
		dirs = "/bin:/usr/bin";
	while (!strchr(name, '/')) {
		size_t len = strcspn(dirs, ":");
		int size = snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, dirs, len ? "/" : "", name);
		if (size < PATH_MAX && is_program(path))
			return;
		if (!dirs[len])
			break;
		dirs += len + 1;
	}
	(void)snprintf(path, PATH_MAX, "%s", name);
}

static int become_command(struct trace_options *o, int ready)
{
	char path[PATH_MAX], byte;
	ssize_t size;
	find_program(o->program ? o->program : o->command[0], path);
	while ((size = read(ready, &byte, 1)) < 0 && errno == EINTR)
		;
	if (size != 1)
		return CLI_EXIT_FAILURE;	/* the tracer said why */
	(void)close(ready);
	if (o->has_user && (setgroups(o->user.group_count, o->groups) < 0 || setresgid(o->user.gid, o->user.gid, o->user.gid) < 0 ||
			    setresuid(o->user.uid, o->user.uid, o->user.uid) < 0))
		return fail("cannot become another user");
	(void)execve(path, o->command, o->environment ? o->environment : environ);
	int status = errno == ENOENT ? 127 : 126;
	cli_error("trace", "cannot run '%s': %s", path, strerror(errno));
	return status;
}

/* What the grandchild is to do: attach to the process that becomes the command. */
static int become_tracer(struct trace_options *o, pid_t command)
{
	o->attach = calloc(1, sizeof(*o->attach));
	if (!o->attach)
		return fail("-D");
	o->attach[0] = command;
	o->attach_count = 1;
	o->command = NULL;
	o->has_user = false;
	o->observe.attached = false;
	return 0;
}

int trace_command_daemonize(struct trace_options *o, int *ret_ready)
{
	int ends[2];
	pid_t command = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("-D");
	pid_t child = fork();
	if (child < 0)
		return fail("-D");
	if (child > 0) {
		(void)close(ends[1]);
		(void)waitpid(child, NULL, 0);
		(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		return become_command(o, ends[0]);
	}
	if (o->daemonize == 2)
		(void)setpgid(0, 0);
	else if (o->daemonize > 2)
		(void)setsid();
	pid_t tracer = fork();
	if (tracer)
		_exit(tracer < 0);
	(void)close(ends[0]);
	*ret_ready = ends[1];
	return become_tracer(o, command);
}
