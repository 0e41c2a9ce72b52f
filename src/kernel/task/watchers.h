/* What guests' inotify descriptors watch: /proc/PID/fdinfo says it. */
#ifndef TRAPLINE_KERNEL_TASK_WATCHERS_H
#define TRAPLINE_KERNEL_TASK_WATCHERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "kernel/vfs/vfs.h"

/* A line of it. */
struct watch_line {
	unsigned wd, mask, ignored_mask;
	unsigned long ino;
	dev_t dev;
};
/* false: it tells of something else. */
bool watchers_parse(const char *line, struct watch_line *ret);

/* A watch_lister; ctx is a struct tasks. */
int watchers_list(void *ctx, void (*seen)(void *arg, dev_t dev, ino_t ino), void *arg);

#endif
