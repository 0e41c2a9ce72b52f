#include "kernel/task/watchers.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "kernel/task/task.h"

struct listing {
	void (*seen)(void *arg, dev_t dev, ino_t ino);
	void *arg;
};

/* The kernel's own form of a device number, as fdinfo has it: 12 bits and 20. */
static dev_t device_of(unsigned sdev)
{
	return makedev(sdev >> 20, sdev & 0xfffff);
}

bool watchers_parse(const char *line, struct watch_line *ret)
{
	unsigned sdev;
	int rest = -1;
	if (sscanf(line, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%x%n", &ret->wd, &ret->ino, &sdev,
		   &ret->mask, &ret->ignored_mask, &rest) < 5 || rest < 0)
		return false;
	ret->dev = device_of(sdev);
	return true;
}

static void read_watches(int proc_fd, const char *fd_name, const struct listing *l)
{
	char path[300];
	char line[512];
	struct watch_line w;
	(void)snprintf(path, sizeof(path), "../fdinfo/%s", fd_name);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		if (watchers_parse(line, &w))
			l->seen(l->arg, w.dev, w.ino);
	}
	(void)fclose(f);
}

static int read_process(pid_t pid, const struct listing *l)
{
	static const char wanted[] = "anon_inode:inotify";
	char path[64];
	char target[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	for (const struct dirent *e; (e = readdir(d));) {
		ssize_t n = isdigit((unsigned char)e->d_name[0])
				    ? readlinkat(dirfd(d), e->d_name, target, sizeof(target)) : 0;
		if (n >= (ssize_t)strlen(wanted) && memcmp(target, wanted, strlen(wanted)) == 0)
			read_watches(dirfd(d), e->d_name, l);
	}
	(void)closedir(d);
	return 0;
}

int watchers_list(void *ctx, void (*seen)(void *arg, dev_t dev, ino_t ino), void *arg)
{
	struct tasks *tasks = ctx;
	const struct listing l = {.seen = seen, .arg = arg};
	int r = 0;
	for (pid_t pid = task_next(tasks, 0, 0); pid > 0 && r == 0; pid = task_next(tasks, 0, pid))
		r = read_process(pid, &l);
	return r;
}
