#include "kernel/task/cred.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/capability.h"

static struct cred *allocate(size_t group_count)
{
	struct cred *c = calloc(1, sizeof(*c) + group_count * sizeof(gid_t));
	if (c)
		c->refs = 1;
	return c;
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a;
	gid_t y = *(const gid_t *)b;
	return x < y ? -1 : x > y;
}

/* capabilities(7) of this thread. What the running kernel does not know yet is -EINVAL, and so not held. */
static void take_host_caps(struct cred *c)
{
	struct capability_sets sets;
	if (capability_sets(&sets) < 0)
		return;
	c->effective = sets.effective;
	c->permitted = sets.permitted;
	c->inheritable = sets.inheritable;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_READ, cap) > 0)
			c->bounding |= UINT64_C(1) << cap;
		if (c->inheritable >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
			c->ambient |= UINT64_C(1) << cap;
	}
	int bits = prctl(PR_GET_SECUREBITS);
	c->securebits = bits > 0 ? (unsigned)bits : 0;
	c->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

int cred_create_host(struct cred **ret)
{
	int count = getgroups(0, NULL);
	if (count < 0)
		return -errno;
	struct cred *c = allocate((size_t)count);
	if (!c)
		return -ENOMEM;
	count = getgroups(count, c->groups);
	if (count < 0) {
		free(c);
		return -errno;
	}
	c->group_count = (size_t)count;
	qsort(c->groups, c->group_count, sizeof(gid_t), compare_gids);
	/* Cannot fail with valid pointers. */
	(void)getresuid(&c->ruid, &c->euid, &c->suid);
	(void)getresgid(&c->rgid, &c->egid, &c->sgid);
	c->fsuid = c->euid;
	c->fsgid = c->egid;
	c->host = true;
	take_host_caps(c);
	*ret = c;
	return 0;
}

int cred_copy(const struct cred *from, size_t group_count, struct cred **ret)
{
	struct cred *c = allocate(group_count);
	if (!c)
		return -ENOMEM;
	size_t kept = from->group_count < group_count ? from->group_count : group_count;
	memcpy(c, from, offsetof(struct cred, groups));
	memcpy(c->groups, from->groups, kept * sizeof(gid_t));
	c->group_count = kept;
	c->refs = 1;
	*ret = c;
	return 0;
}

struct cred *cred_ref(const struct cred *c)
{
	struct cred *counted = (struct cred *)c;
	atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
	return counted;
}

void cred_unref(struct cred *c)
{
	if (c && atomic_fetch_sub(&c->refs, 1) == 1)
		free(c);
}

void cred_set_uid(struct cred *c, uid_t uid)
{
	c->ruid = c->euid = c->suid = c->fsuid = uid;
	c->permitted = c->effective = uid == 0 ? CRED_ALL_CAPS : 0;
	c->inheritable = c->ambient = 0;
	c->bounding = CRED_ALL_CAPS;
	c->host = false;
	c->faked = true;
}

void cred_set_gid(struct cred *c, gid_t gid)
{
	c->rgid = c->egid = c->sgid = c->fsgid = gid;
	c->own_groups = true;
	c->groups[0] = gid;
	c->group_count = 1;
	c->host = false;
	c->faked = true;
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->effective >> cap & 1;
}

bool cred_in_group(const struct cred *c, gid_t gid)
{
	return gid == c->fsgid || bsearch(&gid, c->groups, c->group_count, sizeof(gid_t), compare_gids);
}

bool cred_is_root(const struct cred *c)
{
	return c->euid == 0;
}
