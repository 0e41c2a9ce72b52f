/*
 * The file kernel of a session: the tree that guests see, made of mounts, and the tasks that look at it.
 */
#ifndef TRAPLINE_KERNEL_FILES_H
#define TRAPLINE_KERNEL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/errors.h"

struct kernel;

enum file_mount_kind { FILES_HOST, FILES_TMPFS, FILES_OVERLAY, FILES_PROC, FILES_DEV };

struct file_mount {
	enum file_mount_kind kind;
	const char *target;		/* in the guest, absolute */
	const char *source;		/* FILES_HOST: a directory or file of the host */
	const char *const *lowers;	/* FILES_OVERLAY: directories of the host, the topmost first */
	size_t lower_count;
	const char *upper;		/* FILES_OVERLAY: where changes go; NULL: memory */
	bool read_only;
	uint64_t size, inodes;		/* FILES_TMPFS; 0: no limit */
	bool has_mode;
	mode_t mode;
};

/* Strings are borrowed until kernel_init has returned. */
struct files_options {
	/* in the order in which they are made; without one on "/", the host's "/" is */
	const struct file_mount *mounts;
	size_t count;
	/* in the guest; NULL: the supervisor's if the guest has that directory too, else "/" */
	const char *cwd;
};

/* What the supervisor changed of itself for the file kernel, and a guest must get back before its execve. */
struct files_inherited {
	mode_t umask;
	struct rlimit nofile, fsize;
};

/*
 * Make k->vfs and k->tasks. k->cred is set. A negative errno after a message that says what could not be mounted and
 * why. Raises the limit of open files to the hard limit and sets the umask to 0 until files_finish.
 */
MUST_CHECK int files_init(struct kernel *k, const struct files_options *options);
void files_finish(struct kernel *k);

/* Is the tree one writable mount of host files and nothing else, so that an open file is the host's alone? */
bool files_are_hosts(const struct files_options *options);

/* Tell the task table of the command's first thread, in its working directory. */
MUST_CHECK int files_first_task(struct kernel *k, pid_t tid);
/* In the child, before its execve. Async-signal-safe. */
void files_restore_in_child(const struct kernel *k);

#endif
