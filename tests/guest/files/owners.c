/* What another user may do in a tree: mode bits, groups, sticky and setgid directories, suid lost on change. */
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "files.h"

enum { OTHER = 1234, THIRD = 3456, GROUP = 2345 };

static void become(uid_t uid, gid_t gid)
{
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0);
}

static int mine;	/* open since before it was given away */

static void as_root(void)
{
	struct stat st;

	CHECK(mkdir("closed", 0700) == 0 && mkdir("open", 0777) == 0 && chmod("open", 0777) == 0);
	CHECK(mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0);
	CHECK(mkdir("third", 0755) == 0 && chown("third", 0, THIRD) == 0 && chmod("third", 02777) == 0);
	CHECK(mkdir("group", 0755) == 0 && chown("group", 0, GROUP) == 0 && chmod("group", 02775) == 0);
	files_write("closed/f", "secret");
	files_write("open/f", "root's");
	files_write("sticky/f", "root's");
	files_write("readable", "r");
	files_write("groups", "g");
	CHECK(chown("groups", THIRD, THIRD) == 0 && chmod("groups", 02666) == 0);
	CHECK(truncate("groups", 1) == 0 && stat("groups", &st) == 0 && (st.st_mode & 07777) == 02666);
	files_write("private", "p");
	CHECK(chmod("private", 0600) == 0);
	CHECK(setxattr("readable", "trusted.t", "x", 1, 0) == 0 || errno == EOPNOTSUPP || errno == EPERM);
	CHECK(symlink("f", "sticky/trap") == 0 && lchown("sticky/trap", THIRD, GROUP) == 0);
	files_write("mine", "m");
	mine = open("mine", O_RDONLY);
	CHECK(chown("mine", OTHER, GROUP) == 0 && chmod("mine", 06755) == 0);
	CHECK(stat("mine", &st) == 0 && st.st_uid == OTHER && st.st_gid == GROUP && (st.st_mode & 07777) == 06755);
	CHECK(chown("mine", OTHER, GROUP) == 0 && stat("mine", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0755);	/* chown takes suid and sgid away, from root's files too */
	CHECK(chmod("mine", 0640) == 0);
}

static void files(void)
{
	struct stat st;
	int fd;

	CHECK_ERRNO(open("closed/f", O_RDONLY), EACCES);
	CHECK_ERRNO(stat("closed/f", &st), EACCES);
	CHECK_ERRNO(open("closed", O_RDONLY), EACCES);
	CHECK_ERRNO(open("private", O_RDONLY), EACCES);
	CHECK_ERRNO(open("readable", O_WRONLY), EACCES);
	CHECK_ERRNO(truncate("readable", 0), EACCES);
	CHECK_ERRNO(access("readable", W_OK), EACCES);
	CHECK(access("readable", R_OK) == 0);
	CHECK_ERRNO(access("readable", X_OK), EACCES);
	CHECK_ERRNO(chmod("readable", 0777), EPERM);
	CHECK_ERRNO(chown("readable", OTHER, GROUP), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, "readable", NULL, 0), EACCES);
	CHECK_ERRNO(utimensat(AT_FDCWD, "readable", (struct timespec[2]){{1, 0}, {1, 0}}, 0), EPERM);
	CHECK_ERRNO(open("new", O_RDWR | O_CREAT, 0600), EACCES);
	CHECK_ERRNO(unlink("readable"), EACCES);
	CHECK_ERRNO(mkdir("d", 0700), EACCES);
	CHECK_ERRNO(rename("readable", "open/x"), EACCES);
	CHECK(chmod("mine", 0000) == 0);
	CHECK_ERRNO(open("mine", O_RDONLY), EACCES);
	CHECK(chmod("mine", 0644) == 0);
	fd = open("mine", O_RDWR | O_TRUNC);
	CHECK(fd >= 0 && fchmod(fd, 0600) == 0 && close(fd) == 0);
	/* sgid that is for locks goes too, if the caller is not of the group */
	fd = open("groups", O_WRONLY | O_TRUNC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
	CHECK_EQ(st.st_mode & 07777, 0666);
	/* what a write took away does not come back */
	CHECK(fchmod(mine, 06777) == 0);
	fd = open("mine", O_WRONLY);
	CHECK(write(fd, "x", 1) == 1 && rename("mine", "open/mine") < 0 && link("mine", "open/other") == 0);
	CHECK(fstat(fd, &st) == 0 && unlink("open/other") == 0 && close(fd) == 0);
	CHECK_EQ(st.st_mode & 07777, 0777);
	CHECK(fcntl(mine, F_SETFL, O_NOATIME) == 0);
	fd = open("readable", O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETFL, O_NOATIME), EPERM);
	CHECK_ERRNO(lsetxattr("/proc/self/exe", "security.s", "x", 1, 0), EPERM);
	CHECK_EQ(listxattr("readable", NULL, 0), 0);	/* trusted.t is not for us */
	close(fd);
	CHECK_ERRNO(chown("mine", OTHER + 1, -1), EPERM);
	CHECK(chown("mine", -1, GROUP) == 0);
}

static void directories(void)
{
	struct stat st;
	int fd, new;

	new = open("open/new", O_RDWR | O_CREAT, 0400);	/* the mode is for the next open */
	fd = new;
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fstat(fd, &st) == 0);
	CHECK(st.st_uid == OTHER && st.st_gid == GROUP);
	CHECK_ERRNO(open("open/new", O_RDWR), EACCES);
	CHECK(unlink("open/f") == 0);
	CHECK_ERRNO(unlink("sticky/f"), EPERM);
	CHECK_ERRNO(rename("sticky/f", "sticky/g"), EPERM);
	CHECK_ERRNO(rename("open/new", "sticky/f"), EPERM);
	CHECK_ERRNO(open("sticky/trap", O_WRONLY | O_CREAT | O_NOFOLLOW, 0600), EACCES);
	files_write("sticky/own", "x");
	CHECK(unlink("sticky/own") == 0);
	CHECK(mkdir("group/sub", 0755) == 0 && stat("group/sub", &st) == 0);
	CHECK(st.st_gid == GROUP && (st.st_mode & S_ISGID));
	/* sgid is not kept for a group that we are not of, which is looked at before the umask */
	umask(077);
	fd = open("third/f", O_RDWR | O_CREAT, 02755);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
	CHECK(st.st_gid == THIRD && (st.st_mode & 07777) == 0700);
	umask(022);
	CHECK_ERRNO(mknod("open/null", S_IFCHR | 0666, 0x103), EPERM);
	CHECK_ERRNO(chroot("open"), EPERM);
	close(new);
}

static void sockets(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "open/socket"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	CHECK(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 1) == 0);
	CHECK(stat(a.sun_path, &st) == 0 && st.st_uid == OTHER && st.st_gid == GROUP);
	CHECK(connect(s, (struct sockaddr *)&a, sizeof(a)) == 0);
	close(s);
	strcpy(a.sun_path, "group/socket");
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0 && stat(a.sun_path, &st) == 0);
	CHECK(st.st_uid == OTHER && st.st_gid == GROUP);
	strcpy(a.sun_path, "closed/..");
	close(s);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, sizeof(a)), EACCES);
	strcpy(a.sun_path, "closed/new/");
	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, sizeof(a)), EACCES);
	strcpy(a.sun_path, "open/..");
	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	close(s);
	close(listener);
}

int main(void)
{
	pid_t pid;

	if (getuid() != 0)
		guest_skip("not root");
	files_enter();
	as_root();
	pid = guest_fork();
	if (pid == 0) {
		become(OTHER, GROUP);
		files();
		directories();
		sockets();
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	files_leave();
	return 0;
}
