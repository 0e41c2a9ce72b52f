/* Which calls a session answers because files, or what is known of descriptors, are not the host's. */
#ifndef TRAPLINE_SYSCALLS_FILES_H
#define TRAPLINE_SYSCALLS_FILES_H

#include <stdbool.h>

#include "syscalls/call_set.h"

/* What differs from the host. */
struct files_needs {
	bool tree;		/* names lead into the virtual tree: every call that takes one is answered */
	bool descriptors;	/* fstat and its kin may not say what the guest shall see: anything but host files */
	bool faked;		/* ids were asked for (-0, --uid): identity and changes of it are virtual */
	bool limits;		/* a tmpfs has a size: growth through a descriptor is checked */
};

void files_calls(struct call_set *set, const struct files_needs *needs);

/* Of some of these calls handlers answer only a part, which a filter can tell from the rest; that is the host's. */
enum { FILES_CHOICES = 7 };
extern const struct call_choice files_choices[FILES_CHOICES];

/* NULL: handlers answer whatever the arguments are. */
const struct call_choice *files_choice_of(enum call_id id);

#endif
