#include "syscalls/files.h"

#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "base/errors.h"

/* Calls that take a name, or change what names mean: as soon as there is a tree. */
static const enum call_id tree_calls[] = {
	CALL_open, CALL_openat, CALL_openat2, CALL_creat,
	CALL_stat, CALL_lstat, CALL_newfstatat, CALL_statx, CALL_statfs, CALL_fstatfs, CALL_ustat,
	CALL_access, CALL_faccessat, CALL_faccessat2, CALL_readlink, CALL_readlinkat,
	CALL_mkdir, CALL_mkdirat, CALL_rmdir, CALL_mknod, CALL_mknodat, CALL_symlink, CALL_symlinkat,
	CALL_link, CALL_linkat, CALL_unlink, CALL_unlinkat, CALL_rename, CALL_renameat, CALL_renameat2,
	CALL_chmod, CALL_fchmodat, CALL_fchmodat2, CALL_chown, CALL_lchown, CALL_fchownat,
	CALL_utime, CALL_utimes, CALL_futimesat, CALL_utimensat, CALL_truncate,
	CALL_chdir, CALL_fchdir, CALL_getcwd, CALL_chroot, CALL_umask,
	CALL_setxattr, CALL_lsetxattr, CALL_getxattr, CALL_lgetxattr, CALL_listxattr, CALL_llistxattr,
	CALL_removexattr, CALL_lremovexattr, CALL_setxattrat, CALL_getxattrat, CALL_listxattrat, CALL_removexattrat,
	CALL_file_getattr, CALL_file_setattr, CALL_name_to_handle_at, CALL_open_by_handle_at,
	CALL_inotify_add_watch, CALL_fanotify_mark, CALL_quotactl, CALL_quotactl_fd,
	CALL_mount, CALL_umount2, CALL_pivot_root, CALL_move_mount, CALL_open_tree, CALL_open_tree_attr, CALL_fsopen,
	CALL_fsconfig, CALL_fsmount, CALL_fspick, CALL_mount_setattr, CALL_listmount, CALL_statmount,
	CALL_swapon, CALL_swapoff, CALL_acct, CALL_uselib, CALL_setns, CALL_unshare, CALL_io_uring_setup,
	CALL_landlock_create_ruleset, CALL_bpf,
	CALL_bind, CALL_connect, CALL_getsockname, CALL_getpeername, CALL_sendto, CALL_sendmsg, CALL_sendmmsg,
	CALL_recvfrom, CALL_copy_file_range, CALL_pidfd_send_signal, CALL_ioctl,
};

/* On descriptors: the host's answer is about the backing. */
static const enum call_id descriptor_calls[] = {
	CALL_fstat, CALL_fchmod, CALL_fchown, CALL_fsetxattr, CALL_fgetxattr, CALL_flistxattr, CALL_fremovexattr,
};

/* Any tree may have directories that stand on one of our own. */
static const enum call_id listing_calls[] = {CALL_getdents, CALL_getdents64};

/* Where the guest's identity is the host's, the host tells it; but who a task becomes has to be known here. */
static const enum call_id cred_changes[] = {
	CALL_setuid, CALL_setgid, CALL_setreuid, CALL_setregid, CALL_setresuid, CALL_setresgid, CALL_setfsuid,
	CALL_setfsgid, CALL_setgroups, CALL_capset, CALL_prctl, CALL_seccomp,
};

static const enum call_id cred_reads[] = {
	CALL_getuid, CALL_geteuid, CALL_getresuid, CALL_getgid, CALL_getegid, CALL_getresgid, CALL_getgroups, CALL_capget,
};

static const enum call_id peer_reads[] = {CALL_getsockopt};

/* root to itself alone may not write what the host audits. */
static const enum call_id audit_opens[] = {CALL_socket};

static const enum call_id growth_calls[] = {
	CALL_write, CALL_pwrite64, CALL_writev, CALL_pwritev, CALL_pwritev2, CALL_sendfile,
	CALL_splice,
};

/* What a file in memory takes of the machine's at once. */
static const enum call_id reserving_calls[] = {CALL_fallocate};

/* Requests that change what a file is, or tell it (sys_ioctl.c). */
static const unsigned file_ioctls[] = {
	FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION, FS_IOC_ENABLE_VERITY, FS_IOC_SET_ENCRYPTION_POLICY,
};

/* What tells of a peer's ids (sys_received.c). */
static const unsigned peer_options[] = {SO_PEERCRED};

static const unsigned audit_protocols[] = {NETLINK_AUDIT};

/*
 * sendto and recvfrom without an address are send(2) and recv(2): no name is looked up or told. Nor does accept then
 * tell one.
 */
const struct call_choice files_choices[FILES_CHOICES] = {
	{CALL_ioctl, 1, file_ioctls, ARRAY_SIZE(file_ioctls)},
	{CALL_getsockopt, 2, peer_options, ARRAY_SIZE(peer_options)},
	{CALL_socket, 2, audit_protocols, ARRAY_SIZE(audit_protocols)},
	{CALL_sendto, 4, NULL, 0},
	{CALL_recvfrom, 4, NULL, 0},
	{CALL_accept, 1, NULL, 0},
	{CALL_accept4, 1, NULL, 0},
};

const struct call_choice *files_choice_of(enum call_id id)
{
	for (size_t i = 0; i < FILES_CHOICES; i++) {
		if (files_choices[i].id == id)
			return &files_choices[i];
	}
	return NULL;
}

static void add(struct call_set *set, bool needed, const enum call_id *ids, size_t count)
{
	for (size_t i = 0; needed && i < count; i++)
		call_set_add(set, ids[i]);
}

void files_calls(struct call_set *set, const struct files_needs *needs)
{
	add(set, needs->tree, tree_calls, ARRAY_SIZE(tree_calls));
	add(set, needs->tree, listing_calls, ARRAY_SIZE(listing_calls));
	add(set, needs->descriptors, descriptor_calls, ARRAY_SIZE(descriptor_calls));
	add(set, needs->limits, growth_calls, ARRAY_SIZE(growth_calls));
	add(set, needs->descriptors || needs->limits, reserving_calls, ARRAY_SIZE(reserving_calls));
	add(set, needs->tree || needs->faked, cred_changes, ARRAY_SIZE(cred_changes));
	add(set, needs->faked, cred_reads, ARRAY_SIZE(cred_reads));
	add(set, needs->tree && needs->faked, peer_reads, ARRAY_SIZE(peer_reads));
	add(set, needs->tree && needs->faked, audit_opens, ARRAY_SIZE(audit_opens));
}
