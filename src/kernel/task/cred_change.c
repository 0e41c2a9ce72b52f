#include "kernel/task/cred_change.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <string.h>

static const uid_t none = (uid_t)-1;

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* CAP_FS_SET of Linux: what goes with the file system uid. */
static const uint64_t fs_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_DAC_OVERRIDE) |
	CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) |
	CAP_BIT(CAP_MAC_OVERRIDE);

static bool is_secure(const struct cred *c, unsigned bit)
{
	return c->securebits >> bit & 1;
}

static bool any_root(const struct cred *c)
{
	return c->ruid == 0 || c->euid == 0 || c->suid == 0;
}

/* cap_emulate_setxuid of Linux: capabilities follow uid 0. */
static void fix_caps(struct cred *c, const struct cred *old)
{
	if (is_secure(c, SECURE_NO_SETUID_FIXUP))
		return;
	if (any_root(old) && !any_root(c)) {
		if (!is_secure(c, SECURE_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (old->euid == 0 && c->euid != 0)
		c->effective = 0;
	if (old->euid != 0 && c->euid == 0)
		c->effective = c->permitted;
}

/* The uids of a change, checked already. */
static void set_uids(struct cred *c, uid_t ruid, uid_t euid, uid_t suid)
{
	const struct cred old = {.ruid = c->ruid, .euid = c->euid, .suid = c->suid};
	c->ruid = ruid;
	c->euid = c->fsuid = euid;
	c->suid = suid;
	fix_caps(c, &old);
}

static void set_gids(struct cred *c, gid_t rgid, gid_t egid, gid_t sgid)
{
	c->rgid = rgid;
	c->egid = c->fsgid = egid;
	c->sgid = sgid;
}

int cred_setuid(struct cred *c, uid_t uid)
{
	if (uid == none)
		return -EINVAL;
	if (cred_capable(c, CAP_SETUID))
		set_uids(c, uid, uid, uid);
	else if (uid == c->ruid || uid == c->suid)
		set_uids(c, c->ruid, uid, c->suid);
	else
		return -EPERM;
	return 0;
}

int cred_setgid(struct cred *c, gid_t gid)
{
	if (gid == none)
		return -EINVAL;
	if (cred_capable(c, CAP_SETGID))
		set_gids(c, gid, gid, gid);
	else if (gid == c->rgid || gid == c->sgid)
		set_gids(c, c->rgid, gid, c->sgid);
	else
		return -EPERM;
	return 0;
}

int cred_setreuid(struct cred *c, uid_t ruid, uid_t euid)
{
	bool may = cred_capable(c, CAP_SETUID);
	if (ruid != none && ruid != c->ruid && ruid != c->euid && !may)
		return -EPERM;
	if (euid != none && euid != c->ruid && euid != c->euid && euid != c->suid && !may)
		return -EPERM;
	uid_t new_euid = euid != none ? euid : c->euid;
	bool saves = ruid != none || (euid != none && euid != c->ruid);
	set_uids(c, ruid != none ? ruid : c->ruid, new_euid, saves ? new_euid : c->suid);
	return 0;
}

int cred_setregid(struct cred *c, gid_t rgid, gid_t egid)
{
	bool may = cred_capable(c, CAP_SETGID);
	if (rgid != none && rgid != c->rgid && rgid != c->egid && !may)
		return -EPERM;
	if (egid != none && egid != c->rgid && egid != c->egid && egid != c->sgid && !may)
		return -EPERM;
	gid_t new_egid = egid != none ? egid : c->egid;
	bool saves = rgid != none || (egid != none && egid != c->rgid);
	set_gids(c, rgid != none ? rgid : c->rgid, new_egid, saves ? new_egid : c->sgid);
	return 0;
}

/* May an unprivileged caller take this id: is it "as it is", or one that it has? */
static bool has_id(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
	return id == none || id == real || id == effective || id == saved;
}

int cred_setresuid(struct cred *c, uid_t ruid, uid_t euid, uid_t suid)
{
	if (!cred_capable(c, CAP_SETUID) &&
	    (!has_id(ruid, c->ruid, c->euid, c->suid) || !has_id(euid, c->ruid, c->euid, c->suid) ||
	     !has_id(suid, c->ruid, c->euid, c->suid)))
		return -EPERM;
	set_uids(c, ruid != none ? ruid : c->ruid, euid != none ? euid : c->euid, suid != none ? suid : c->suid);
	return 0;
}

int cred_setresgid(struct cred *c, gid_t rgid, gid_t egid, gid_t sgid)
{
	if (!cred_capable(c, CAP_SETGID) &&
	    (!has_id(rgid, c->rgid, c->egid, c->sgid) || !has_id(egid, c->rgid, c->egid, c->sgid) ||
	     !has_id(sgid, c->rgid, c->egid, c->sgid)))
		return -EPERM;
	set_gids(c, rgid != none ? rgid : c->rgid, egid != none ? egid : c->egid, sgid != none ? sgid : c->sgid);
	return 0;
}

uid_t cred_setfsuid(struct cred *c, uid_t uid)
{
	uid_t old = c->fsuid;
	if (uid == none || uid == old)
		return old;
	if (!has_id(uid, c->ruid, c->euid, c->suid) && !cred_capable(c, CAP_SETUID))
		return old;
	c->fsuid = uid;
	if (is_secure(c, SECURE_NO_SETUID_FIXUP))
		return old;
	if (old == 0)
		c->effective &= ~fs_caps;
	if (uid == 0)
		c->effective |= fs_caps & c->permitted;
	return old;
}

gid_t cred_setfsgid(struct cred *c, gid_t gid)
{
	gid_t old = c->fsgid;
	if (gid == none)
		return old;
	if (has_id(gid, c->rgid, c->egid, c->sgid) || cred_capable(c, CAP_SETGID))
		c->fsgid = gid;
	return old;
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a;
	gid_t y = *(const gid_t *)b;
	return x < y ? -1 : x > y;
}

int cred_setgroups(struct cred *c, const gid_t *groups, size_t count)
{
	if (!cred_capable(c, CAP_SETGID))
		return -EPERM;
	for (size_t i = 0; i < count; i++) {
		if (groups[i] == none)
			return -EINVAL;
	}
	if (count)
		memcpy(c->groups, groups, count * sizeof(gid_t));
	c->group_count = count;
	c->own_groups = true;
	qsort(c->groups, count, sizeof(gid_t), compare_gids);
	return 0;
}

/* ---- capabilities ---- */

static bool subset(uint64_t a, uint64_t b)
{
	return !(a & ~b);
}

int cred_capset(struct cred *c, const struct cred_caps *caps)
{
	const struct cred_caps new = {
		caps->effective & CRED_ALL_CAPS, caps->permitted & CRED_ALL_CAPS, caps->inheritable & CRED_ALL_CAPS,
	};
	if (!cred_capable(c, CAP_SETPCAP) && !subset(new.inheritable, c->inheritable | c->permitted))
		return -EPERM;
	if (!subset(new.inheritable, c->inheritable | c->bounding) || !subset(new.permitted, c->permitted) ||
	    !subset(new.effective, new.permitted))
		return -EPERM;
	c->effective = new.effective;
	c->permitted = new.permitted;
	c->inheritable = new.inheritable;
	c->ambient &= new.permitted & new.inheritable;
	return 0;
}

int cred_drop_bounding(struct cred *c, uint64_t cap)
{
	if (!cred_capable(c, CAP_SETPCAP))
		return -EPERM;
	if (!cap_is_valid(cap))
		return -EINVAL;
	c->bounding &= ~CAP_BIT(cap);
	return 0;
}

int cred_set_keepcaps(struct cred *c, uint64_t keep)
{
	if (keep > 1)
		return -EINVAL;
	if (is_secure(c, SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	c->securebits = (c->securebits & ~issecure_mask(SECURE_KEEP_CAPS)) | (keep ? issecure_mask(SECURE_KEEP_CAPS) : 0);
	return 0;
}

int cred_set_securebits(struct cred *c, uint64_t bits)
{
	unsigned locks = c->securebits & SECURE_ALL_LOCKS;
	if ((locks >> 1) & (c->securebits ^ (unsigned)bits) || locks & ~(unsigned)bits ||
	    bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS) || !cred_capable(c, CAP_SETPCAP))
		return -EPERM;
	c->securebits = (unsigned)bits;
	return 0;
}

int cred_ambient(struct cred *c, uint64_t what, uint64_t cap)
{
	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		c->ambient = 0;
		return 0;
	}
	if (!cap_is_valid(cap))
		return -EINVAL;
	uint64_t bit = CAP_BIT(cap);
	switch (what) {
	case PR_CAP_AMBIENT_IS_SET:
		return c->ambient & bit ? 1 : 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & bit) || is_secure(c, SECURE_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		c->ambient |= bit;
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		c->ambient &= ~bit;
		return 0;
	default:
		return -EINVAL;
	}
}

/* cap_bprm_creds_from_file of Linux, for a file that gives nothing. */
void cred_exec(struct cred *c)
{
	bool root = !is_secure(c, SECURE_NOROOT) && (c->euid == 0 || c->ruid == 0);
	bool effective = root && c->euid == 0;
	c->permitted = (root ? c->bounding | c->inheritable : 0) | c->ambient;
	c->effective = effective ? c->permitted : c->ambient;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	c->securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
}

int cred_of_access(const struct cred *c, struct cred **ret)
{
	uint64_t effective = c->effective;
	if (!is_secure(c, SECURE_NO_SETUID_FIXUP))
		effective = c->ruid == 0 ? c->permitted : 0;
	*ret = NULL;
	if (c->fsuid == c->ruid && c->fsgid == c->rgid && c->effective == effective)
		return 0;
	int r = cred_copy(c, c->group_count, ret);
	if (r < 0)
		return r;
	(*ret)->fsuid = c->ruid;
	(*ret)->fsgid = c->rgid;
	(*ret)->effective = effective;
	(*ret)->host = false;
	return 0;
}

void cred_update_host(struct cred *c, const struct cred *start)
{
	c->host = !c->faked && start->host && c->fsuid == start->fsuid && c->fsgid == start->fsgid &&
		c->ruid == start->ruid && c->rgid == start->rgid && c->effective == start->effective &&
		c->group_count == start->group_count &&
		memcmp(c->groups, start->groups, c->group_count * sizeof(gid_t)) == 0;
}
