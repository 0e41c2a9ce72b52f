/* Who asks: ids, groups, capabilities and roots, for a while or for one operation. */
#include <grp.h>

#include "fsops.h"

void become_root(struct privileges *old)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2];

	syscall(SYS_capget, &head, old->caps);
	memcpy(all, old->caps, sizeof(all));
	for (int i = 0; i < 2; i++)
		all[i].effective = all[i].permitted;
	syscall(SYS_capset, &head, all);
	old->fsuid = syscall(SYS_setfsuid, 0);
}

void become_again(const struct privileges *old)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	syscall(SYS_setfsuid, old->fsuid);
	syscall(SYS_capset, &head, old->caps);
}

bool is_root(const struct op *o)
{
	return !o->weak && geteuid() == 0;
}

/* Effective ids of this thread alone, with the raw calls; the saved ids stay 0 and bring them back. */
static void op_ids(struct op *o)
{
	long to = o->worker == 1 || o->worker == 2 ? (one_in(o, 3) ? 1000 : 0) : 0;

	arg_number(o, "to", to);
	if (to)
		syscall(SYS_setresgid, -1, to, -1);
	result(o, syscall(SYS_setresuid, -1, to, -1));
	if (!to)
		syscall(SYS_setresgid, -1, to, -1);
	say(o, " uid=%ld gid=%ld", syscall(SYS_geteuid), syscall(SYS_getegid));
}

/* One operation with other ids for files. */
static void op_as(struct op *o)
{
	static const gid_t groups[] = {1000, 1001, 0};
	long uid = arg_number(o, "uid", one_in(o, 3) ? 0 : 1000 + (long)draw(o, 2));
	long gid = arg_number(o, "gid", one_in(o, 3) ? 0 : 1000 + (long)draw(o, 2));
	bool others = one_in(o, 3);

	if (others)
		result(o, syscall(SYS_setgroups, 1 + draw(o, 3), groups));
	say(o, "%s", others ? "" : ")");
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	o->weak = true;
	run_inner(o);
	o->weak = false;
	syscall(SYS_setfsuid, syscall(SYS_geteuid));
	syscall(SYS_setfsgid, syscall(SYS_getegid));
	if (others)
		syscall(SYS_setgroups, 0, NULL);
}

/* One operation with some of the capabilities that files know. */
static void op_caps(struct op *o)
{
	static const unsigned file_caps[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SYS_ADMIN,
					     CAP_SYS_CHROOT, CAP_MKNOD, CAP_SETFCAP, CAP_SYS_PTRACE};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct old[2], some[2];

	if (syscall(SYS_capget, &head, old) < 0) {
		say(o, ") = %s", error_name(errno));
		return;
	}
	memcpy(some, old, sizeof(some));
	for (size_t i = 0; i < sizeof(file_caps) / sizeof(file_caps[0]); i++) {
		uint32_t bit = 1u << (file_caps[i] & 31);

		some[file_caps[i] >> 5].effective &= ~bit;
		if (one_in(o, 3))
			some[file_caps[i] >> 5].effective |= bit & some[file_caps[i] >> 5].permitted;
	}
	arg_number(o, "effective", some[0].effective);
	result(o, syscall(SYS_capset, &head, some));
	o->weak = true;
	run_inner(o);
	o->weak = false;
	syscall(SYS_capset, &head, old);
}

/* Another root, a few names in it, and out again. */
static void op_chroot(struct op *o)
{
	static const char *const names[] = {"/a", "/..", "/", "/../b/c", "..", ".", "/proc/self/root", "/c/../../d", "e"};
	char buf[5000];
	const char *path;
	struct stat st;
	long back = syscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC), r;

	path = arg_path(o, AT_FDCWD);
	if (result(o, syscall(SYS_chroot, path)) == 0) {
		const char *name = names[draw(o, 9)];
		bool make = one_in(o, 4);

		say(o, " %s", name);
		if (one_in(o, 2))
			syscall(SYS_chdir, "/");
		errno = 0;
		r = make ? syscall(SYS_mkdirat, AT_FDCWD, name, 0755) : syscall(SYS_newfstatat, AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW);
		if (result(o, r) == 0 && !make)
			say_stat(o, &st);
		r = syscall(SYS_getcwd, buf, sizeof(buf));
		say(o, " ");
		if (r > 0)
			say_bytes(o, buf, (size_t)r - 1);
		else
			say(o, "%s", error_name(errno));
		syscall(SYS_fchdir, FD_ROOT);
		syscall(SYS_chroot, ".");
	}
	if (back >= 0) {
		syscall(SYS_fchdir, back);
		syscall(SYS_close, back);
	}
}

const struct operation cred_operations[] = {
	{"ids", 10, op_ids, FEATURE_IDS, true},
	{"as", 25, op_as, FEATURE_CAPS, true},
	{"caps", 25, op_caps, FEATURE_CAPS, true},
	{"chroot", 8, op_chroot, 0, true},
	{NULL, 0, NULL, 0, false},
};
