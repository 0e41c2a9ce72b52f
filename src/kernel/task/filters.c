#include "kernel/task/filters.h"

#include <fcntl.h>
#include <string.h>

#include "base/errors.h"

enum { MODE_DISABLED, MODE_FILTER = 2 };	/* of prctl(2), PR_GET_SECCOMP */

static long field(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

struct task_filters filters_of_status(const char *text)
{
	long mode = field(text, "\nSeccomp:");
	long count = field(text, "\nSeccomp_filters:");
	struct task_filters f = {.mode = MODE_DISABLED, .no_new_privs = field(text, "\nNoNewPrivs:") == 1};
	if (mode != MODE_FILTER) {
		f.mode = mode > 0 ? (int)mode : MODE_DISABLED;
	} else if (count > 1) {	/* before Linux 5.9 they are not counted: that there are others is not known */
		f.mode = MODE_FILTER;
		f.count = (unsigned)count - 1;
	}
	return f;
}

bool filters_no_new_privs(const struct task_filters *f, bool set)
{
	return set || (f->count && f->no_new_privs);
}

struct task_filters filters_of_task(pid_t tid)
{
	char path[64];
	char text[8192];
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return filters_of_status(text);
}
