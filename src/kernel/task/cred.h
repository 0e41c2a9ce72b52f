/* Virtual credentials (credentials(7)): the ids that guests are told. */
#ifndef TRAPLINE_KERNEL_TASK_CRED_H
#define TRAPLINE_KERNEL_TASK_CRED_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/errors.h"

enum { CRED_GROUPS_MAX = 65536 };	/* NGROUPS_MAX of Linux */

struct cred {
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;
	bool own_groups;	/* false: the supplementary groups are the host's */
	gid_t group;		/* the only supplementary group when own_groups */
};

/* The supervisor's own. */
void cred_init_host(struct cred *c);
void cred_set_uid(struct cred *c, uid_t uid);
/* Also the only supplementary group, as `docker run --user` gives it. */
void cred_set_gid(struct cred *c, gid_t gid);
/* May the holder change the host name (CAP_SYS_ADMIN by being root)? */
bool cred_is_root(const struct cred *c);

#endif
