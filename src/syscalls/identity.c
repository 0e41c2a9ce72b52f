#include "syscalls/identity.h"

#include "base/errors.h"

static void add(struct call_set *set, const enum call_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		call_set_add(set, ids[i]);
}

void identity_host_calls(struct call_set *set)
{
	static const enum call_id host[] = {CALL_uname, CALL_sethostname, CALL_setdomainname, CALL_sysinfo};
	add(set, host, ARRAY_SIZE(host));
}

void identity_calls(struct call_set *set, const struct kernel_options *options)
{
	static const enum call_id user[] = {CALL_getuid, CALL_geteuid, CALL_getresuid};
	static const enum call_id group[] = {CALL_getgid, CALL_getegid, CALL_getresgid, CALL_getgroups};
	if (options->has_uid)
		add(set, user, ARRAY_SIZE(user));
	if (options->has_gid)
		add(set, group, ARRAY_SIZE(group));
	if (options->hostname || options->release || options->has_uid)
		identity_host_calls(set);
}
