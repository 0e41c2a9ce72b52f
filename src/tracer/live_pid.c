/*
 * A kernel of 6.11 or newer translates an id itself, if a task has it. What only a group or a session has, whose leader
 * is gone, is looked for in /proc: /proc/PID/status has the ids of a task in each namespace from that of the mounted
 * /proc down to its own, one a column. A task whose column of the asking task's depth holds the id, in the asking
 * task's namespace or one below it, tells ours in our own column, which is the last of /proc/self/status. That of the
 * asking task is asked of a pidfd, since /proc may be another namespace's and know it by another number.
 */
#include "tracer/live_pid.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 33	/* the kernel's MAX_PID_NS_LEVEL and our own */
#define STATUS_MAX 4096
#define PID_MAX (4 << 20)	/* the kernel's PID_MAX_LIMIT */

/* linux/pidfd.h and linux/nsfs.h of newer kernels. */
#define PIDFD_OF_THREAD 0200u
#define PIDFD_PID_NAMESPACE _IO(0xff, 4)
#define NS_PID_FROM_PIDNS _IOR(0xb7, 6, int)

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

static bool same_namespace(const char *one, const char *other)
{
	char path[PATH_MAX], here[64] = "", there[64] = "";
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/pid", one);
	bool ok = readlink(path, here, sizeof(here) - 1) > 0;
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/pid", other);
	return ok && readlink(path, there, sizeof(there) - 1) > 0 && strcmp(here, there) == 0;
}

/* What is looked for: id in column depth of tasks; its column own is the answer. */
struct search {
	char asker[32];		/* as /proc knows it */
	unsigned depth;
	unsigned own;
	pid_t id;
	bool groups_only;	/* no task has it */
};

static pid_t find_in(const struct search *s, const char *task)
{
	static const char *const fields[] = {"\nNSpgid:", "\nNSsid:", "\nNSpid:", "\nNStgid:"};
	char status[STATUS_MAX];
	if (!read_status(task, status))
		return 0;
	for (size_t i = 0; i < (s->groups_only ? 2 : ARRAY_SIZE(fields)); i++) {
		struct columns c = columns_of(status, fields[i]);
		if (c.count > s->depth && c.id[s->depth] == s->id &&
		    (c.count > s->depth + 1 || same_namespace(task, s->asker)))
			return c.id[s->own];
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

/* 0: no task has it. -ENOTTY: the kernel is older. */
static pid_t ask_kernel(int pidfd, pid_t pid)
{
	AUTO_CLOSE int namespace = ioctl(pidfd, PIDFD_PID_NAMESPACE, 0);
	if (namespace < 0)
		return -ENOTTY;
	int here = ioctl(namespace, NS_PID_FROM_PIDNS, (long)pid);
	if (here < 0)
		return errno == ESRCH ? 0 : -ENOTTY;
	return here;
}

static pid_t search_proc(struct search *s)
{
	pid_t found = find_in(s, s->asker);
	if (!found)
		found = find_among(s, "", false);
	if (!found && !s->groups_only)
		found = find_among(s, "", true);
	return found;
}

static int translate(pid_t tid, pid_t pid, pid_t *ret)
{
	char path[64], fdinfo[STATUS_MAX], self[STATUS_MAX];
	AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_OF_THREAD);
	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, tid, 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (pidfd < 0 || !read_small(path, fdinfo, sizeof(fdinfo)) || !read_status("self", self))
		return -ESRCH;
	struct columns known = columns_of(fdinfo, "\nPid:");
	struct columns asker = columns_of(fdinfo, "\nNSpid:");
	struct columns own = columns_of(self, "\nNSpid:");
	*ret = pid;
	if (!own.count || asker.count <= own.count)
		return 0;
	if (pid <= 0 || pid > PID_MAX)
		return -ESRCH;
	*ret = ask_kernel(pidfd, pid);
	if (*ret > 0)
		return 0;
	struct search s = {.depth = asker.count - 1, .own = own.count - 1, .id = pid, .groups_only = *ret == 0};
	(void)snprintf(s.asker, sizeof(s.asker), "%d", known.count ? known.id[0] : 0);
	*ret = search_proc(&s);
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
