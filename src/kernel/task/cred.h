/*
 * Virtual credentials (credentials(7), capabilities(7)): what guests are told that they are, and what the kernel layer
 * checks. Shared by reference and never changed once shared: a change makes a copy.
 */
#ifndef TRAPLINE_KERNEL_TASK_CRED_H
#define TRAPLINE_KERNEL_TASK_CRED_H

#include <linux/capability.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"

enum { CRED_GROUPS_MAX = 65536 };	/* NGROUPS_MAX of Linux */
#define CRED_ALL_CAPS ((UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1)

struct cred {
	atomic_uint refs;
	uid_t ruid, euid, suid, fsuid;
	gid_t rgid, egid, sgid, fsgid;
	uint64_t permitted, effective, inheritable, ambient, bounding;	/* bit CAP_* */
	unsigned securebits;
	bool no_new_privs;	/* as the guest knows: the filter that it runs under may have needed it as well */
	bool own_groups;	/* false: the supplementary groups are the host's as long as nobody sets them */
	/*
	 * The host's checks for the supervisor are right for the holder: the ids that count for files are the
	 * supervisor's own, and no virtual identity was asked for.
	 */
	bool host;
	bool faked;		/* ids were asked for (--uid, -0): changes of ids stay virtual */
	size_t group_count;	/* the supplementary groups, ascending */
	gid_t groups[];
};

/* The supervisor's own ids, groups and capabilities; one reference. */
MUST_CHECK int cred_create_host(struct cred **ret);
/* A copy that nobody else has yet, with room for group_count groups (the old ones kept up to that many). */
MUST_CHECK int cred_copy(const struct cred *c, size_t group_count, struct cred **ret);
struct cred *cred_ref(const struct cred *c);
void cred_unref(struct cred *c);	/* NULL is nothing */

static inline void cleanup_cred(struct cred **c)
{
	cred_unref(*c);
}
#define AUTO_CRED CLEANUP(cleanup_cred)

/*
 * For a copy: an identity that was asked for on the command line or by a policy. 0 has all capabilities, others none.
 */
void cred_set_uid(struct cred *c, uid_t uid);
/* Also the only supplementary group, as `docker run --user` gives it (the copy must have room for one). */
void cred_set_gid(struct cred *c, gid_t gid);

bool cred_capable(const struct cred *c, int cap);
/* Is gid the file system group or among the supplementary ones? */
bool cred_in_group(const struct cred *c, gid_t gid);
/* May the holder change the host name (CAP_SYS_ADMIN by being root)? */
bool cred_is_root(const struct cred *c);

#endif
