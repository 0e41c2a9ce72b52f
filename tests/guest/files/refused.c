/*
 * What an ordinary user is refused: mounts, name spaces, quotas, handles, fanotify. Each errno is printed, in the order
 * in which Linux looks at arguments and rights, and compared with Linux.
 */
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/quota.h>

#include "files.h"

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

#define SHOW(name, ...) show(#name " " #__VA_ARGS__, syscall(SYS_##name, ##__VA_ARGS__))

static void show(const char *call, long result)
{
	printf("%s: %s\n", call, result < 0 ? strerrorname_np(errno) : "ok");
}

static const char *const bad = (const char *)-1L;
static int file, dir;

static void mounts(void)
{
	SHOW(mount, "none", "d", "tmpfs", 0L, NULL);
	SHOW(mount, "none", "missing", "tmpfs", 0L, NULL);
	SHOW(mount, "none", "f", "tmpfs", 0L, NULL);
	SHOW(mount, NULL, NULL, NULL, 0L, NULL);
	SHOW(mount, bad, "d", "tmpfs", 0L, NULL);
	SHOW(mount, "none", bad, "tmpfs", 0L, NULL);
	SHOW(mount, "none", "d", bad, 0L, NULL);
	SHOW(mount, "none", "d", "tmpfs", 0L, bad);
	SHOW(mount, "d", "d", NULL, (long)MS_BIND, NULL);
	SHOW(mount, NULL, "d", NULL, (long)MS_REMOUNT, NULL);
	SHOW(mount, "none", "locked/x", "tmpfs", 0L, NULL);
	SHOW(mount, "none", "", "tmpfs", 0L, NULL);
	SHOW(umount2, "d", 0);
	SHOW(umount2, "missing", 0);
	SHOW(umount2, "d", 0x1000);
	SHOW(umount2, bad, 0);
	SHOW(umount2, "/", 0);
	SHOW(umount2, "d", MNT_EXPIRE | MNT_FORCE);
	SHOW(pivot_root, "d", "d");
	SHOW(pivot_root, bad, bad);
}

static void new_mounts(void)
{
	uint64_t attr[4] = {0};

	SHOW(open_tree, AT_FDCWD, "missing", 0);
	SHOW(open_tree, AT_FDCWD, "d", OPEN_TREE_CLONE);
	SHOW(open_tree, AT_FDCWD, "d", 0x10);
	SHOW(open_tree, AT_FDCWD, "d", AT_RECURSIVE);
	SHOW(move_mount, AT_FDCWD, "d", AT_FDCWD, "d", 0);
	SHOW(fsopen, "tmpfs", 0);
	SHOW(fsopen, bad, 0);
	SHOW(fsconfig, file, 0, "a", "b", 0);
	SHOW(fsconfig, -1, 0, "a", "b", 0);
	SHOW(fsconfig, file, 6, NULL, NULL, 0);
	SHOW(fsmount, file, 0, 0);
	SHOW(fspick, AT_FDCWD, "missing", 0);
	SHOW(mount_setattr, AT_FDCWD, "d", 0, attr, sizeof(attr));
	attr[0] = 1;
	SHOW(mount_setattr, AT_FDCWD, "d", 0, attr, sizeof(attr));
	SHOW(mount_setattr, AT_FDCWD, "d", 0, attr, 8L);
	SHOW(mount_setattr, AT_FDCWD, "missing", 0, attr, sizeof(attr));
	SHOW(mount_setattr, AT_FDCWD, "d", 0x40, attr, sizeof(attr));
}

static void system_wide(void)
{
	SHOW(swapon, "f", 0);
	SHOW(swapon, "f", 0x80000000);
	SHOW(swapoff, "missing");
	SHOW(acct, "f");
	SHOW(acct, NULL);
	SHOW(unshare, CLONE_NEWNS);
	SHOW(unshare, CLONE_NEWNS | 1);
	SHOW(setns, file, 0);
	SHOW(setns, -1, 0);
	SHOW(setns, open("/proc/self/ns/mnt", O_RDONLY), 0);
	SHOW(setns, open("/proc/self/ns/uts", O_RDONLY), 0);
	SHOW(setns, open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWNS);
	SHOW(setns, open("/proc/self/ns/user", O_RDONLY), 0);
	SHOW(setns, file, 0x12345);
}

static void quotas(void)
{
	char buf[512];

	SHOW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/dev/null", 65534, buf);
	SHOW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "f", 65534, buf);
	SHOW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "missing", 0, buf);
	SHOW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), bad, 0, buf);
	SHOW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), NULL, 65534, buf);
	SHOW(quotactl, QCMD(Q_GETQUOTA, 7), "/dev/null", 65534, buf);
	SHOW(quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL);
	SHOW(quotactl, QCMD(Q_SYNC, USRQUOTA), "/dev/null", 0, NULL);
	SHOW(quotactl_fd, -1, QCMD(Q_GETQUOTA, USRQUOTA), 65534, buf);
	SHOW(quotactl_fd, file, QCMD(Q_GETQUOTA, 7), 65534, buf);
}

static void handles(void)
{
	struct { struct file_handle head; char bytes[128]; } fh = {.head = {.handle_bytes = 128}};
	int id;

	SHOW(name_to_handle_at, AT_FDCWD, "missing", &fh, &id, 0);
	SHOW(name_to_handle_at, AT_FDCWD, bad, &fh, &id, 0);
	SHOW(name_to_handle_at, AT_FDCWD, "f", &fh, &id, 0x80000);
	SHOW(name_to_handle_at, -1, "f", &fh, &id, 0);
	SHOW(name_to_handle_at, AT_FDCWD, "locked/x", &fh, &id, 0);
	fh.head.handle_bytes = 8;
	SHOW(open_by_handle_at, AT_FDCWD, &fh, O_RDONLY);
	SHOW(open_by_handle_at, -1, &fh, O_RDONLY);
	SHOW(open_by_handle_at, file, bad, O_RDONLY);
	fh.head.handle_bytes = 0;
	SHOW(open_by_handle_at, file, &fh, O_RDONLY);
}

static void fanotify(void)
{
	int fan = fanotify_init(FAN_REPORT_FID, O_RDONLY);
	const uint64_t mask = FAN_MODIFY;

	SHOW(fanotify_init, 0, O_RDONLY);
	if (fan < 0)
		return;
	SHOW(fanotify_mark, fan, FAN_MARK_ADD, mask, AT_FDCWD, "missing");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD, mask, AT_FDCWD, "locked");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD | FAN_MARK_MOUNT, mask, AT_FDCWD, "f");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, "f");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, mask, AT_FDCWD, "f");
	SHOW(fanotify_mark, fan, FAN_MARK_FLUSH, 0L, AT_FDCWD, NULL);
	SHOW(fanotify_mark, fan, FAN_MARK_ADD, 0L, AT_FDCWD, "f");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD | FAN_MARK_REMOVE, mask, AT_FDCWD, "f");
	SHOW(fanotify_mark, fan, FAN_MARK_ADD, mask, AT_FDCWD, NULL);
	SHOW(fanotify_mark, file, FAN_MARK_ADD, mask, AT_FDCWD, "f");
	SHOW(fanotify_mark, -1, FAN_MARK_ADD, mask, AT_FDCWD, "f");
}

int main(void)
{
	pid_t pid;

	files_enter();
	files_write("f", "x");
	CHECK(mkdir("d", 0755) == 0 && mkdir("locked", 0700) == 0);
	if (getuid() != 0)
		CHECK(chmod("locked", 0) == 0);
	file = open("f", O_RDWR);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(file >= 0 && dir >= 0);
	pid = guest_fork();
	if (pid == 0) {
		if (getuid() == 0)
			CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
		mounts();
		new_mounts();
		system_wide();
		quotas();
		handles();
		fanotify();
		fflush(stdout);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	files_leave();
	return 0;
}
