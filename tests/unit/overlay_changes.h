/* Changes of a tree that are made twice, natively and on an overlay. */
#ifndef TRAPLINE_TESTS_UNIT_OVERLAY_CHANGES_H
#define TRAPLINE_TESTS_UNIT_OVERLAY_CHANGES_H

#include "kernel/vfs/vfs.h"

/* Where; each function needs but its own. */
struct sides {
	int native;			/* the directory */
	const struct walk_env *env;	/* the overlay */
};

struct change {
	const char *path, *to;
	int flags;			/* of open(2) */
	unsigned mode;			/* of chmod(2), or flags of renameat2(2) */
	char text[16];
};

struct kind {
	const char *name;
	bool renames, links;
	/* 0 or a negative errno. */
	int (*native)(const struct sides *side, const struct change *c);
	int (*overlay)(const struct sides *side, const struct change *c);
};

/* Each as often as it shall come. */
enum { CHANGE_KINDS = 14 };
extern const struct kind change_kinds[CHANGE_KINDS];

/* A descriptor, or a negative errno. */
int overlay_open_file(const struct walk_env *env, const char *path, int flags, mode_t mode);

#endif
