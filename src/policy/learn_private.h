/* What learn.c (reading a run, comparing) and learn_write.c (writing a policy) share. */
#ifndef TRAPLINE_POLICY_LEARN_PRIVATE_H
#define TRAPLINE_POLICY_LEARN_PRIVATE_H

#include "policy/decide.h"
#include "policy/learn.h"
#include "policy/map.h"

/* One thing that was done: a call, with its paths if it has any. */
struct deed {
	enum call_id id;
	unsigned paths;			/* bit: parameter */
	struct policy_string path[6];
	/* its path is a descriptor that no file has a name for: of this kind; FD_UNKNOWN: no */
	enum fd_kind nameless;
	uint64_t flags;			/* open's */
	struct deed *next;
};

struct learner {
	struct arena arena;
	struct map seen;		/* a deed's bytes to the deed */
	struct map cwds;		/* pid's text to struct policy_string: where it is */
	struct policy_string cwd;
	struct deed *deeds;		/* newest first */
	bool follow;			/* symbolic links */
	bool abis[ABI_COUNT];		/* calls were made through them */
	bool no_memory;
};

static inline bool deed_is_open(const struct deed *d)
{
	return d->id == CALL_open || d->id == CALL_openat;
}

/* The condition that an empty path and a nameless descriptor of a kind meet, and no other path does. */
const char *learn_nameless_test(enum fd_kind kind);
/* How many paths a call takes. */
unsigned learn_path_count(enum call_id id);

#endif
