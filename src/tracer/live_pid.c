/*
 * /proc/PID/status has the ids of a task in each namespace from ours down to its own, one a column. A task whose column
 * of the asking task's depth holds the id, in the asking task's namespace or one below it, tells ours in the first.
 */
#include "tracer/live_pid.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 33	/* the kernel's MAX_PID_NS_LEVEL and our own */
#define STATUS_MAX 4096

struct columns {
	unsigned count;
	pid_t id[DEPTH_MAX];
};

/* A field of /proc/PATH/status. No columns: the task is gone, or has no such field. */
static struct columns columns_of(const char *status, const char *field)
{
	struct columns c = {0};
	const char *at = strstr(status, field);
	if (!at)
		return c;
	for (at += strlen(field); c.count < DEPTH_MAX && *at && *at != '\n';) {
		char *end;
		long v = strtol(at, &end, 10);
		if (end == at)
			break;
		c.id[c.count++] = (pid_t)v;
		at = end;
	}
	return c;
}

static bool read_small(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;
	if (f)
		(void)fclose(f);
	buf[n] = '\0';
	return n > 0;
}

static bool read_status(const char *task, char status[STATUS_MAX])
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "/proc/%s/status", task);
	return read_small(path, status, STATUS_MAX);
}

static bool same_namespace(const char *task, pid_t tid)
{
	char path[PATH_MAX], here[64] = "", there[64] = "";
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/pid", task);
	bool ok = readlink(path, here, sizeof(here) - 1) > 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", tid);
	return ok && readlink(path, there, sizeof(there) - 1) > 0 && strcmp(here, there) == 0;
}

/* What is looked for: id in column depth. */
struct search {
	pid_t tid;
	unsigned depth;
	pid_t id;
};

static pid_t find_in(const struct search *s, const char *task)
{
	static const char *const fields[] = {"\nNSpid:", "\nNStgid:", "\nNSpgid:", "\nNSsid:"};
	char status[STATUS_MAX];
	if (!read_status(task, status))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct columns c = columns_of(status, fields[i]);
		if (c.count > s->depth && c.id[s->depth] == s->id &&
		    (c.count > s->depth + 1 || same_namespace(task, s->tid)))
			return c.id[0];
	}
	return 0;
}

/* All tasks of a directory of them; threads: also those of each process. */
static pid_t find_among(const struct search *s, const char *prefix, bool threads)
{
	char path[PATH_MAX];
	pid_t found = 0;
	(void)snprintf(path, sizeof(path), "/proc/%s", prefix);
	DIR *dir = opendir(path);
	for (struct dirent *e = dir ? readdir(dir) : NULL; e && !found; e = readdir(dir)) {
		char task[64];
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)snprintf(task, sizeof(task), "%.20s%.20s", prefix, e->d_name);
		if (!threads) {
			found = find_in(s, task);
		} else {
			(void)strcat(task, "/task/");
			found = find_among(s, task, false);
		}
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static int translate(pid_t tid, pid_t pid, pid_t *ret)
{
	char own[32], status[STATUS_MAX];
	(void)snprintf(own, sizeof(own), "%d", tid);
	if (!read_status(own, status))
		return -ESRCH;
	struct columns c = columns_of(status, "\nNSpid:");
	*ret = pid;
	if (c.count < 2)
		return 0;
	struct search s = {.tid = tid, .depth = c.count - 1, .id = pid};
	*ret = find_in(&s, own);
	if (!*ret)
		*ret = find_among(&s, "", false);
	if (!*ret)
		*ret = find_among(&s, "", true);
	return *ret ? 0 : -ESRCH;
}

int live_pid_note(pid_t tid, pid_t pid, struct pid_note *ret)
{
	pid_t here;
	char path[64], comm[64];
	int err = translate(tid, pid, &here);
	if (err)
		return err;
	*ret = (struct pid_note){.here = here == pid ? 0 : here};
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", here);
	if (read_small(path, comm, sizeof(comm)))
		memcpy(ret->comm, comm, strnlen(comm, sizeof(ret->comm)));
	char *newline = memchr(ret->comm, '\n', sizeof(ret->comm));
	if (newline)
		memset(newline, 0, (size_t)(ret->comm + sizeof(ret->comm) - newline));
	return 0;
}
