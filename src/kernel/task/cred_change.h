/*
 * Changes of credentials as Linux makes them (kernel/sys.c, security/commoncap.c; credentials(7), capabilities(7)).
 * Each works on a copy that nobody else has yet (cred_copy) and leaves it unchanged when it fails. (uid_t)-1 where a
 * call takes it means "as it is".
 */
#ifndef TRAPLINE_KERNEL_TASK_CRED_CHANGE_H
#define TRAPLINE_KERNEL_TASK_CRED_CHANGE_H

#include "kernel/task/cred.h"

MUST_CHECK int cred_setuid(struct cred *c, uid_t uid);			/* -EPERM, -EINVAL */
MUST_CHECK int cred_setgid(struct cred *c, gid_t gid);
MUST_CHECK int cred_setreuid(struct cred *c, uid_t ruid, uid_t euid);
MUST_CHECK int cred_setregid(struct cred *c, gid_t rgid, gid_t egid);
MUST_CHECK int cred_setresuid(struct cred *c, uid_t ruid, uid_t euid, uid_t suid);
MUST_CHECK int cred_setresgid(struct cred *c, gid_t rgid, gid_t egid, gid_t sgid);
/* The old id in any case; what is not allowed changes nothing. */
uid_t cred_setfsuid(struct cred *c, uid_t uid);
gid_t cred_setfsgid(struct cred *c, gid_t gid);
/* For a copy with room for count groups. The groups become sorted. */
MUST_CHECK int cred_setgroups(struct cred *c, const gid_t *groups, size_t count);

struct cred_caps {
	uint64_t effective, permitted, inheritable;
};
MUST_CHECK int cred_capset(struct cred *c, const struct cred_caps *caps);
MUST_CHECK int cred_drop_bounding(struct cred *c, uint64_t cap);
MUST_CHECK int cred_set_keepcaps(struct cred *c, uint64_t keep);
MUST_CHECK int cred_set_securebits(struct cred *c, uint64_t bits);
/* PR_CAP_AMBIENT: what is PR_CAP_AMBIENT_*. 0 or 1 for IS_SET. */
MUST_CHECK int cred_ambient(struct cred *c, uint64_t what, uint64_t cap);

/* execve(2) of a file without set-user-ID bits and capabilities, which is how guests see all files. */
void cred_exec(struct cred *c);

/*
 * What access(2) and faccessat(2) go by (access_override_creds of Linux): the real ids, and the capabilities that go
 * with them, in place of those that count for files. *ret: a reference; NULL: that is c as it is. -ENOMEM.
 */
MUST_CHECK int cred_of_access(const struct cred *c, struct cred **ret);

/* Set c->host: do the host's checks for the supervisor, which started with the credentials start, hold for c too? */
void cred_update_host(struct cred *c, const struct cred *start);

static inline bool cap_is_valid(uint64_t cap)
{
	return cap < 64 && CRED_ALL_CAPS >> cap & 1;
}

#endif
