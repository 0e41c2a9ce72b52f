#include "kernel/task/cred.h"

#include <unistd.h>

void cred_init_host(struct cred *c)
{
	*c = (struct cred){0};
	/* Cannot fail with valid pointers. */
	(void)getresuid(&c->ruid, &c->euid, &c->suid);
	(void)getresgid(&c->rgid, &c->egid, &c->sgid);
}

void cred_set_uid(struct cred *c, uid_t uid)
{
	c->ruid = c->euid = c->suid = uid;
}

void cred_set_gid(struct cred *c, gid_t gid)
{
	c->rgid = c->egid = c->sgid = gid;
	c->own_groups = true;
	c->group = gid;
}

bool cred_is_root(const struct cred *c)
{
	return c->euid == 0;
}
