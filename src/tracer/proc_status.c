#include "tracer/proc_status.h"

#include <stdbool.h>
#include <string.h>

#include "base/errors.h"

enum { LINE_SIZE = 128 };

bool proc_field(const char *path, const char *field, char *text, size_t size)
{
	char line[LINE_SIZE];
	size_t len = strlen(field);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, field, len) != 0 || line[len] != ':')
			continue;
		(void)snprintf(text, size, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
		return true;
	}
	return false;
}

bool proc_fdinfo_field(pid_t task, int fd, const char *field, char *text, size_t size)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", task, fd);
	return proc_field(path, field, text, size);
}

static bool find_field(pid_t task, const char *field, char text[LINE_SIZE])
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/status", task);
	return proc_field(path, field, text, LINE_SIZE);
}

pid_t proc_status_pid(pid_t task, const char *field)
{
	char text[LINE_SIZE];
	return find_field(task, field, text) ? (pid_t)strtol(text, NULL, 10) : 0;
}

uint64_t proc_status_signals(pid_t task, const char *field)
{
	char text[LINE_SIZE];
	return find_field(task, field, text) ? strtoull(text, NULL, 16) : 0;
}

char proc_status_state(pid_t task)
{
	char text[LINE_SIZE];
	return find_field(task, "State", text) ? text[0] : '\0';
}

bool proc_status_dies_of(pid_t task, int sig)
{
	uint64_t kept = proc_status_signals(task, "SigBlk") | proc_status_signals(task, "SigIgn") |
			proc_status_signals(task, "SigCgt");
	return !(kept >> (sig - 1) & 1) && proc_status_pid(task, "Threads") == 1;
}
