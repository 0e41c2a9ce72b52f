/*
 * Changes of credentials: who may take which id, and what becomes of the capabilities (credentials(7),
 * capabilities(7)).
 */
#include <check.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <stdlib.h>

#include "kernel/task/cred_change.h"
#include "run_suite.h"

static struct cred *start;

static void make(uid_t uid, gid_t gid)
{
	struct cred *host;
	ck_assert_int_eq(cred_create_host(&host), 0);
	ck_assert_int_eq(cred_copy(host, 8, &start), 0);
	cred_unref(host);
	start->group_count = 1;
	cred_set_uid(start, uid);
	cred_set_gid(start, gid);
}

static void drop(void)
{
	cred_unref(start);
	start = NULL;
}

START_TEST(root_becomes_a_user_for_good)
{
	make(0, 0);
	ck_assert_int_eq(cred_setuid(start, 1000), 0);
	ck_assert_uint_eq(start->ruid, 1000);
	ck_assert_uint_eq(start->suid, 1000);
	ck_assert_uint_eq(start->fsuid, 1000);
	ck_assert_uint_eq(start->permitted, 0);
	ck_assert_uint_eq(start->effective, 0);
	ck_assert_int_eq(cred_setuid(start, 0), -EPERM);
	ck_assert_int_eq(cred_setuid(start, (uid_t)-1), -EINVAL);
	drop();
}
END_TEST

START_TEST(effective_root_comes_back)
{
	make(0, 0);
	ck_assert_int_eq(cred_setresuid(start, (uid_t)-1, 1000, (uid_t)-1), 0);
	ck_assert_uint_eq(start->effective, 0);
	ck_assert_uint_eq(start->permitted, CRED_ALL_CAPS);
	ck_assert_int_eq(cred_setresuid(start, (uid_t)-1, 0, (uid_t)-1), 0);
	ck_assert_uint_eq(start->effective, CRED_ALL_CAPS);
	drop();
}
END_TEST

START_TEST(keepcaps)
{
	make(0, 0);
	ck_assert_int_eq(cred_set_keepcaps(start, 2), -EINVAL);
	ck_assert_int_eq(cred_set_keepcaps(start, 1), 0);
	ck_assert_int_eq(cred_setresuid(start, 1000, 1000, 1000), 0);
	ck_assert_uint_eq(start->permitted, CRED_ALL_CAPS);
	ck_assert_uint_eq(start->effective, 0);
	cred_exec(start);
	ck_assert_uint_eq(start->permitted, 0);
	ck_assert_uint_eq(start->securebits & issecure_mask(SECURE_KEEP_CAPS), 0);
	drop();
}
END_TEST

START_TEST(a_user_moves_between_its_ids)
{
	make(1000, 1000);
	start->suid = 1001;
	ck_assert_int_eq(cred_setreuid(start, (uid_t)-1, 1001), 0);
	ck_assert_uint_eq(start->euid, 1001);
	ck_assert_uint_eq(start->suid, 1001);
	ck_assert_int_eq(cred_setreuid(start, 1002, (uid_t)-1), -EPERM);
	ck_assert_int_eq(cred_setresuid(start, 1001, 1000, 1001), 0);
	ck_assert_int_eq(cred_setresuid(start, 0, 0, 0), -EPERM);
	ck_assert_int_eq(cred_setgid(start, 5), -EPERM);
	ck_assert_int_eq(cred_setgid(start, 1000), 0);
	const gid_t groups[] = {5};
	ck_assert_int_eq(cred_setgroups(start, groups, 1), -EPERM);
	drop();
}
END_TEST

START_TEST(setreuid_saves_the_effective_id)
{
	make(0, 0);
	ck_assert_int_eq(cred_setreuid(start, 1000, 1000), 0);
	ck_assert_uint_eq(start->suid, 1000);
	drop();
	make(0, 0);
	ck_assert_int_eq(cred_setreuid(start, (uid_t)-1, 1000), 0);
	ck_assert_uint_eq(start->suid, 1000);
	drop();
	make(0, 0);
	ck_assert_int_eq(cred_setreuid(start, (uid_t)-1, 0), 0);
	ck_assert_uint_eq(start->suid, 0);
	drop();
}
END_TEST

START_TEST(file_system_ids)
{
	make(0, 0);
	ck_assert_uint_eq(cred_setfsuid(start, 1000), 0);
	ck_assert_uint_eq(start->fsuid, 1000);
	ck_assert(!cred_capable(start, CAP_DAC_OVERRIDE));
	ck_assert(cred_capable(start, CAP_SETUID));
	ck_assert_uint_eq(cred_setfsuid(start, (uid_t)-1), 1000);
	ck_assert_uint_eq(cred_setfsuid(start, 0), 1000);
	ck_assert(cred_capable(start, CAP_DAC_OVERRIDE));
	drop();
	make(1000, 1000);
	ck_assert_uint_eq(cred_setfsgid(start, 5), 1000);
	ck_assert_uint_eq(start->fsgid, 1000);
	drop();
}
END_TEST

START_TEST(groups_are_sorted)
{
	make(0, 0);
	const gid_t groups[] = {9, 3, 7};
	struct cred *c;
	ck_assert_int_eq(cred_copy(start, 3, &c), 0);
	ck_assert_int_eq(cred_setgroups(c, groups, 3), 0);
	ck_assert_uint_eq(c->groups[0], 3);
	ck_assert_uint_eq(c->groups[2], 9);
	ck_assert(cred_in_group(c, 7));
	ck_assert(!cred_in_group(c, 8));
	const gid_t bad[] = {(gid_t)-1};
	ck_assert_int_eq(cred_setgroups(c, bad, 1), -EINVAL);
	ck_assert_int_eq(cred_setgroups(c, NULL, 0), 0);
	cred_unref(c);
	drop();
}
END_TEST

START_TEST(capset_only_takes_away)
{
	make(0, 0);
	const uint64_t few = UINT64_C(1) << CAP_CHOWN;
	ck_assert_int_eq(cred_capset(start, &(struct cred_caps){few, few, 0}), 0);
	ck_assert_int_eq(cred_capset(start, &(struct cred_caps){few, CRED_ALL_CAPS, 0}), -EPERM);
	ck_assert_int_eq(cred_capset(start, &(struct cred_caps){0, few, few}), 0);
	ck_assert(!cred_capable(start, CAP_CHOWN));
	ck_assert_int_eq(cred_ambient(start, PR_CAP_AMBIENT_RAISE, CAP_CHOWN), 0);
	ck_assert_int_eq(cred_ambient(start, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN), 1);
	ck_assert_int_eq(cred_ambient(start, PR_CAP_AMBIENT_RAISE, CAP_KILL), -EPERM);
	ck_assert_int_eq(cred_ambient(start, PR_CAP_AMBIENT_RAISE, 63), -EINVAL);
	ck_assert_int_eq(cred_ambient(start, 99, CAP_CHOWN), -EINVAL);
	ck_assert_int_eq(cred_capset(start, &(struct cred_caps){0, 0, 0}), 0);
	ck_assert_uint_eq(start->ambient, 0);
	drop();
}
END_TEST

START_TEST(bounding_set_limits_exec)
{
	make(0, 0);
	ck_assert_int_eq(cred_drop_bounding(start, 64), -EINVAL);
	ck_assert_int_eq(cred_drop_bounding(start, CAP_SYS_ADMIN), 0);
	cred_exec(start);
	ck_assert(!cred_capable(start, CAP_SYS_ADMIN));
	ck_assert(cred_capable(start, CAP_CHOWN));
	ck_assert_int_eq(cred_setuid(start, 1000), 0);
	cred_exec(start);
	ck_assert_uint_eq(start->permitted, 0);
	ck_assert_int_eq(cred_drop_bounding(start, CAP_CHOWN), -EPERM);
	drop();
}
END_TEST

START_TEST(securebits)
{
	make(0, 0);
	const unsigned locked = issecure_mask(SECURE_NOROOT) | issecure_mask(SECURE_NOROOT_LOCKED);
	ck_assert_int_eq(cred_set_securebits(start, 1u << 20), -EPERM);
	ck_assert_int_eq(cred_set_securebits(start, locked), 0);
	ck_assert_int_eq(cred_set_securebits(start, 0), -EPERM);
	cred_exec(start);
	ck_assert_uint_eq(start->permitted, 0);
	drop();
}
END_TEST

START_TEST(the_hosts_checks)
{
	struct cred *host;
	ck_assert_int_eq(cred_create_host(&host), 0);
	struct cred *c;
	ck_assert_int_eq(cred_copy(host, host->group_count, &c), 0);
	cred_update_host(c, host);
	ck_assert(c->host);
	c->fsuid++;
	cred_update_host(c, host);
	ck_assert(!c->host);
	c->fsuid--;
	c->faked = true;
	cred_update_host(c, host);
	ck_assert(!c->host);
	cred_unref(c);
	cred_unref(host);
}
END_TEST

START_TEST(access_goes_by_the_real_ids)
{
	struct cred *real;
	make(0, 0);
	ck_assert_int_eq(cred_of_access(start, &real), 0);
	ck_assert_ptr_null(real);
	ck_assert_int_eq(cred_setresuid(start, (uid_t)-1, 5, (uid_t)-1), 0);
	ck_assert_uint_eq(start->effective, 0);
	ck_assert_int_eq(cred_of_access(start, &real), 0);
	ck_assert_uint_eq(real->fsuid, 0);
	ck_assert_uint_eq(real->effective, start->permitted);
	cred_unref(real);
	drop();
	make(0, 0);
	ck_assert_int_eq(cred_setresuid(start, 5, 0, 0), 0);
	ck_assert_int_eq(cred_of_access(start, &real), 0);
	ck_assert_uint_eq(real->fsuid, 5);
	ck_assert_uint_eq(real->effective, 0);
	cred_unref(real);
	drop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cred");
	TCase *t = tcase_create("change");
	tcase_add_test(t, root_becomes_a_user_for_good);
	tcase_add_test(t, access_goes_by_the_real_ids);
	tcase_add_test(t, effective_root_comes_back);
	tcase_add_test(t, keepcaps);
	tcase_add_test(t, a_user_moves_between_its_ids);
	tcase_add_test(t, setreuid_saves_the_effective_id);
	tcase_add_test(t, file_system_ids);
	tcase_add_test(t, groups_are_sorted);
	tcase_add_test(t, capset_only_takes_away);
	tcase_add_test(t, bounding_set_limits_exec);
	tcase_add_test(t, securebits);
	tcase_add_test(t, the_hosts_checks);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
