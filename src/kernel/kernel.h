/*
 * The kernel layer: what handlers answer from. It knows nothing of how a call was caught.
 * Locks: uts.lock is a leaf. The pointers do not change between kernel_init and kernel_finish.
 */
#ifndef TRAPLINE_KERNEL_KERNEL_H
#define TRAPLINE_KERNEL_KERNEL_H

#include "kernel/files.h"
#include "kernel/task/cred.h"
#include "kernel/task/uts.h"
#include "kernel/vfs/vfs.h"

struct exec_cache;
struct tasks;
struct unix_names;

/* The rest of the file kernel (kernel/files.c). */
struct files {
	struct path cwd;		/* where guests start */
	struct files_inherited inherited;
	struct unix_names *unix_names;	/* owned */
	struct exec_cache *programs;	/* owned; NULL: there was no memory */
};

struct kernel {
	struct cred *cred;	/* owned; the identity that guests start with */
	struct uts uts;
	/* The file kernel; NULL while files are the host's. */
	struct vfs *vfs;	/* owned */
	struct tasks *tasks;	/* owned */
	struct files *files;	/* owned */
};

/* What a session gives its guests; zero or NULL members mean "as the host has it". */
struct kernel_options {
	bool has_uid;
	bool has_gid;
	uid_t uid;
	gid_t gid;
	const char *hostname;	/* at most 64 bytes; NULL: the host's */
	const char *release;	/* likewise */
	const struct files_options *files;	/* NULL: files are the host's */
};

/* A negative errno after a message. */
MUST_CHECK int kernel_init(struct kernel *k, const struct kernel_options *options);
void kernel_finish(struct kernel *k);

#endif
