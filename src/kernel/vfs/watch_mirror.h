/*
 * Puppets: objects of the host on which a guest's inotify descriptor watches what only this process has. What happens
 * to the virtual object is done to its puppet, so that the kernel itself makes, merges, queues and counts the events.
 *
 * Each watched object has one, named by its number, in a directory of this session's in the place of scratch
 * directories. In that of a directory there is a name for each of its entries: a file of one byte, or an empty
 * directory.
 */
#ifndef TRAPLINE_KERNEL_VFS_WATCH_MIRROR_H
#define TRAPLINE_KERNEL_VFS_WATCH_MIRROR_H

#include <stdbool.h>
#include <time.h>

#include "base/errors.h"

enum { MIRROR_PATH_MAX = 320 };

struct mirror {
	int fd;			/* the session's directory, locked as long as we live; -1: none yet */
	int place;		/* what it is in; O_PATH */
	char name[64];
	unsigned next_id;
};

void mirror_init(struct mirror *m);
/*
 * Make the session's directory below place (a descriptor that is borrowed), and remove what sessions that were
 * killed left there.
 */
MUST_CHECK int mirror_begin(struct mirror *m, int place);
void mirror_finish(struct mirror *m);

/* The puppet of an object, and an entry's in the puppet of its directory. */
struct puppet {
	unsigned id;
	bool moved;		/* its name changes with each rename */
	bool directory;
	int pin;		/* >= 0: its name is gone, it lives as long as this O_PATH descriptor */
};
void puppet_path(const struct mirror *m, const struct puppet *p, char path[MIRROR_PATH_MAX]);
void puppet_entry_path(const struct mirror *m, const struct puppet *p, const char *name, char path[MIRROR_PATH_MAX]);

MUST_CHECK int puppet_create(struct mirror *m, bool directory, struct puppet *ret);
void puppet_destroy(struct mirror *m, struct puppet *p);
/* IN_MOVE_SELF */
void puppet_move(struct mirror *m, struct puppet *p);
/* The first half of puppet_destroy: IN_ATTRIB of what is no directory. */
void puppet_unlink(struct mirror *m, struct puppet *p);

/* IN_CREATE, if somebody watches. */
MUST_CHECK int puppet_add_entry(struct mirror *m, const struct puppet *dir, const char *name, bool directory);
/* IN_DELETE */
void puppet_remove_entry(struct mirror *m, const struct puppet *dir, const char *name, bool directory);
/* IN_MOVED_FROM and IN_MOVED_TO. A directory that nobody watches is NULL. */
void puppet_move_entry(struct mirror *m, const struct puppet *from, const char *from_name, const struct puppet *to,
		       const char *to_name, bool directory);
/* Both are watched. */
void puppet_exchange(struct mirror *m, const struct puppet *a, const char *a_name, const struct puppet *b,
		     const char *b_name);

/* What path says: IN_ATTRIB; IN_MODIFY; what utimensat(2) makes of these times. */
void mirror_attrib(const char *path);
void mirror_modify(const char *path);
void mirror_times(const char *path, const struct timespec times[2]);
/* IN_OPEN. A descriptor, the closing of which is IN_CLOSE_WRITE or IN_CLOSE_NOWRITE, or a negative errno. */
int mirror_open(const char *path, bool directory, bool writes);
/* IN_ACCESS and IN_MODIFY through such a descriptor. */
void mirror_access_fd(int fd, bool directory);
void mirror_modify_fd(int fd);

#endif
