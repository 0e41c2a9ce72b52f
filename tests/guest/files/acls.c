/*
 * POSIX ACLs: what they make of the mode and the mode of them, who gets in by them, what new files have of their
 * directory's default, and every value that is none.
 */
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "files.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { NOBODY_1 = 4001, NOBODY_2 = 4002, GROUP_1 = 5001, GROUP_2 = 5002 };

struct value {
	size_t size;
	char bytes[512];
};

static struct value empty(void)
{
	struct posix_acl_xattr_header h = {POSIX_ACL_XATTR_VERSION};
	struct value v = {.size = sizeof(h)};

	memcpy(v.bytes, &h, sizeof(h));
	return v;
}

static void add(struct value *v, unsigned tag, unsigned perm, unsigned id)
{
	struct posix_acl_xattr_entry e = {.e_tag = (uint16_t)tag, .e_perm = (uint16_t)perm, .e_id = id};

	memcpy(v->bytes + v->size, &e, sizeof(e));
	v->size += sizeof(e);
}

static struct value plain(mode_t mode)
{
	struct value v = empty();

	add(&v, ACL_USER_OBJ, mode >> 6 & 7, ACL_UNDEFINED_ID);
	add(&v, ACL_GROUP_OBJ, mode >> 3 & 7, ACL_UNDEFINED_ID);
	add(&v, ACL_OTHER, mode & 7, ACL_UNDEFINED_ID);
	return v;
}

/* Owner, a user, group, a group, mask, others. */
static struct value full(unsigned owner, unsigned user, unsigned group, unsigned named, unsigned mask, unsigned other)
{
	struct value v = empty();

	add(&v, ACL_USER_OBJ, owner, ACL_UNDEFINED_ID);
	add(&v, ACL_USER, user, NOBODY_1);
	add(&v, ACL_GROUP_OBJ, group, ACL_UNDEFINED_ID);
	add(&v, ACL_GROUP, named, GROUP_1);
	add(&v, ACL_MASK, mask, ACL_UNDEFINED_ID);
	add(&v, ACL_OTHER, other, ACL_UNDEFINED_ID);
	return v;
}

static int set(const char *name, const char *what, struct value v)
{
	return setxattr(name, what, v.bytes, v.size, 0);
}

static void want(const char *name, const char *what, struct value v)
{
	char got[512];

	CHECK_EQ(getxattr(name, what, NULL, 0), (ssize_t)v.size);
	CHECK_EQ(getxattr(name, what, got, sizeof(got)), (ssize_t)v.size);
	CHECK(memcmp(got, v.bytes, v.size) == 0);
	CHECK_ERRNO(getxattr(name, what, got, v.size - 1), ERANGE);
}

static void want_none(const char *name, const char *what)
{
	CHECK_ERRNO(getxattr(name, what, NULL, 0), ENODATA);
}

static void want_mode(const char *name, mode_t mode)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, mode);
}

static bool listed(const char *name, const char *what)
{
	char list[1024];
	ssize_t n = listxattr(name, list, sizeof(list));

	CHECK(n >= 0);
	for (char *at = list; at < list + n; at += strlen(at) + 1) {
		if (strcmp(at, what) == 0)
			return true;
	}
	return false;
}

/* ---- with the mode ---- */

static void modes(void)
{
	files_write("f", "text");
	want_none("f", ACCESS);
	CHECK(!listed("f", ACCESS));
	CHECK(set("f", ACCESS, full(6, 7, 4, 0, 5, 1)) == 0);
	want("f", ACCESS, full(6, 7, 4, 0, 5, 1));
	CHECK(listed("f", ACCESS) && !listed("f", DEFAULT));
	want_mode("f", 0651);
	/* chmod: owner, mask and others. */
	CHECK(chmod("f", 0723) == 0);
	want_mode("f", 0723);
	want("f", ACCESS, full(7, 7, 4, 0, 2, 3));
	/* no more than a mode */
	CHECK(set("f", ACCESS, plain(0640)) == 0);
	want_none("f", ACCESS);
	CHECK(!listed("f", ACCESS));
	want_mode("f", 0640);
	/* removing leaves the mode */
	CHECK(set("f", ACCESS, full(6, 7, 4, 0, 7, 0)) == 0);
	want_mode("f", 0670);
	CHECK(removexattr("f", ACCESS) == 0);
	want_none("f", ACCESS);
	want_mode("f", 0670);
	CHECK(removexattr("f", ACCESS) == 0);
	/* a mask alone */
	struct value v = empty();
	add(&v, ACL_USER_OBJ, 6, ACL_UNDEFINED_ID);
	add(&v, ACL_GROUP_OBJ, 6, ACL_UNDEFINED_ID);
	add(&v, ACL_MASK, 4, ACL_UNDEFINED_ID);
	add(&v, ACL_OTHER, 0, ACL_UNDEFINED_ID);
	CHECK(set("f", ACCESS, v) == 0);
	want("f", ACCESS, v);
	want_mode("f", 0640);
	/* by descriptor, and of an object of another kind */
	int fd = open("f", O_RDONLY);
	CHECK(fd >= 0);
	v = full(6, 1, 2, 3, 4, 5);
	CHECK(fsetxattr(fd, ACCESS, v.bytes, v.size, 0) == 0);
	want("f", ACCESS, v);
	CHECK(fremovexattr(fd, ACCESS) == 0);
	CHECK(close(fd) == 0 && unlink("f") == 0);
	CHECK(mkfifo("p", 0600) == 0);
	CHECK(set("p", ACCESS, full(6, 6, 0, 0, 6, 0)) == 0);
	want("p", ACCESS, full(6, 6, 0, 0, 6, 0));
	want_mode("p", 0660);
	CHECK(unlink("p") == 0);
}

/* ---- values that are none ---- */

static void refusals(void)
{
	struct value v = empty();

	files_write("f", "text");
	CHECK_ERRNO(setxattr("f", ACCESS, "x", 1, 0), EINVAL);
	CHECK_ERRNO(setxattr("f", ACCESS, "\1\0\0\0", 4, 0), EOPNOTSUPP);
	CHECK_ERRNO(setxattr("f", ACCESS, "\2\0\0\0\0", 5, 0), EINVAL);
	CHECK(set("f", ACCESS, v) == 0);	/* without entries: none */
	CHECK(setxattr("f", ACCESS, "", 0, 0) == 0);
	add(&v, ACL_USER_OBJ, 6, ACL_UNDEFINED_ID);
	CHECK_ERRNO(set("f", ACCESS, v), EINVAL);
	add(&v, ACL_GROUP_OBJ, 6, ACL_UNDEFINED_ID);
	add(&v, ACL_USER, 6, NOBODY_1);
	add(&v, ACL_OTHER, 6, ACL_UNDEFINED_ID);
	CHECK_ERRNO(set("f", ACCESS, v), EINVAL);
	v = plain(0600);
	add(&v, ACL_OTHER, 6, ACL_UNDEFINED_ID);
	CHECK_ERRNO(set("f", ACCESS, v), EINVAL);
	v = empty();
	add(&v, ACL_USER_OBJ, 6, ACL_UNDEFINED_ID);
	add(&v, ACL_USER, 6, NOBODY_1);
	add(&v, ACL_GROUP_OBJ, 6, ACL_UNDEFINED_ID);
	add(&v, ACL_OTHER, 6, ACL_UNDEFINED_ID);
	CHECK_ERRNO(set("f", ACCESS, v), EINVAL);	/* no mask */
	CHECK_ERRNO(set("f", ACCESS, full(8, 0, 0, 0, 0, 0)), EINVAL);
	CHECK_ERRNO(set("f", DEFAULT, full(6, 6, 6, 6, 6, 6)), EACCES);
	CHECK(setxattr("f", DEFAULT, "", 0, 0) == 0);
	CHECK(symlink("f", "l") == 0);
	v = full(6, 6, 6, 6, 6, 6);
	CHECK_ERRNO(lsetxattr("l", ACCESS, v.bytes, v.size, 0), EOPNOTSUPP);
	CHECK_ERRNO(lgetxattr("l", ACCESS, NULL, 0), EOPNOTSUPP);
	want_none("f", ACCESS);
	CHECK(unlink("f") == 0 && unlink("l") == 0);
}

/* ---- who gets in ---- */

/* As uid with one group: the errno of an open, or 0. */
static int open_as(uid_t uid, gid_t gid, const char *name, int flags)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		CHECK(setgroups(1, &gid) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0);
		int fd = open(name, flags);
		int said = fd < 0 ? errno : 0;
		int asked = faccessat(AT_FDCWD, name, (flags & O_ACCMODE) == O_RDONLY ? R_OK : W_OK, AT_EACCESS) < 0 ? errno : 0;
		if ((flags & O_ACCMODE) != O_RDWR)
			CHECK_EQ(said, asked);
		_exit(said);
	}
	return WEXITSTATUS(guest_wait(pid));
}

static void permissions(void)
{
	struct value v;

	files_write("f", "text");
	CHECK(set("f", ACCESS, full(6, 4, 0, 2, 7, 0)) == 0);
	CHECK_EQ(open_as(NOBODY_1, 77, "f", O_RDONLY), 0);
	CHECK_EQ(open_as(NOBODY_1, 77, "f", O_WRONLY), EACCES);
	CHECK_EQ(open_as(NOBODY_1, GROUP_1, "f", O_WRONLY), EACCES);	/* a user's entry is the last word */
	CHECK_EQ(open_as(NOBODY_2, GROUP_1, "f", O_WRONLY), 0);
	CHECK_EQ(open_as(NOBODY_2, GROUP_1, "f", O_RDONLY), EACCES);
	CHECK_EQ(open_as(NOBODY_2, GROUP_2, "f", O_RDONLY), EACCES);
	CHECK(chmod("f", 0604) == 0);		/* the mask is empty now; others may read */
	CHECK_EQ(open_as(NOBODY_2, GROUP_2, "f", O_RDONLY), 0);
	CHECK(chmod("f", 0644) == 0);
	CHECK_EQ(open_as(NOBODY_1, 77, "f", O_RDONLY), 0);
	CHECK_EQ(open_as(NOBODY_2, GROUP_1, "f", O_RDONLY), EACCES);	/* in a group, so not of the others */
	CHECK_EQ(open_as(NOBODY_2, GROUP_1, "f", O_WRONLY), EACCES);
	CHECK_EQ(open_as(NOBODY_2, GROUP_2, "f", O_RDONLY), 0);
	/* who owns it is asked by the owner's entry alone */
	CHECK(chown("f", NOBODY_1, GROUP_2) == 0);
	v = full(4, 7, 7, 7, 7, 7);
	CHECK(set("f", ACCESS, v) == 0);
	CHECK_EQ(open_as(NOBODY_1, GROUP_1, "f", O_WRONLY), EACCES);
	CHECK_EQ(open_as(NOBODY_2, GROUP_2, "f", O_WRONLY), 0);
	/* a directory is searched by them too */
	CHECK(mkdir("d", 0700) == 0);
	files_write("d/f", "text");
	CHECK_EQ(open_as(NOBODY_1, 77, "d/f", O_RDONLY), EACCES);
	CHECK(set("d", ACCESS, full(7, 1, 0, 0, 1, 0)) == 0);
	CHECK_EQ(open_as(NOBODY_1, 77, "d/f", O_RDONLY), 0);
	CHECK_EQ(open_as(NOBODY_1, 77, "d", O_RDONLY), EACCES);
	CHECK_EQ(open_as(NOBODY_2, 77, "d/f", O_RDONLY), EACCES);
	CHECK(unlink("f") == 0 && unlink("d/f") == 0 && rmdir("d") == 0);
}

/* Changing one is the owner's. */
static void owners(void)
{
	pid_t pid;

	files_write("f", "text");
	CHECK(chmod("f", 0666) == 0);
	pid = guest_fork();
	if (pid == 0) {
		CHECK(setresuid(NOBODY_1, NOBODY_1, NOBODY_1) == 0);
		CHECK_ERRNO(set("f", ACCESS, full(6, 6, 6, 6, 6, 6)), EPERM);
		CHECK_ERRNO(removexattr("f", ACCESS), EPERM);
		want_none("f", ACCESS);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(chown("f", NOBODY_1, GROUP_1) == 0 && chmod("f", 02755) == 0);
	pid = guest_fork();
	if (pid == 0) {
		CHECK(setgroups(0, NULL) == 0 && setresgid(GROUP_2, GROUP_2, GROUP_2) == 0);
		CHECK(setresuid(NOBODY_1, NOBODY_1, NOBODY_1) == 0);
		CHECK(set("f", ACCESS, full(7, 6, 5, 5, 5, 5)) == 0);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	want_mode("f", 0755);		/* not of the group: no set-group-ID */
	CHECK(unlink("f") == 0);
}

/* ---- new files ---- */

static void defaults(void)
{
	int fd;

	umask(077);
	CHECK(mkdir("d", 0755) == 0);
	CHECK(set("d", DEFAULT, full(7, 7, 5, 1, 7, 4)) == 0);
	CHECK(listed("d", DEFAULT) && !listed("d", ACCESS));
	want("d", DEFAULT, full(7, 7, 5, 1, 7, 4));
	want_mode("d", 0700);
	files_write("d/f", "text");		/* 0644, whatever the umask is */
	want("d/f", ACCESS, full(6, 7, 5, 1, 4, 4));
	want_mode("d/f", 0644);
	want_none("d/f", DEFAULT);
	CHECK(mkdir("d/d", 0751) == 0);
	want("d/d", ACCESS, full(7, 7, 5, 1, 5, 0));
	want("d/d", DEFAULT, full(7, 7, 5, 1, 7, 4));
	want_mode("d/d", 0750);
	CHECK(mknod("d/p", S_IFIFO | 0666, 0) == 0);
	want("d/p", ACCESS, full(6, 7, 5, 1, 6, 4));
	want_mode("d/p", 0664);
	CHECK(symlink("x", "d/l") == 0);
	CHECK(link("d/f", "g") == 0 && rename("d/p", "p") == 0);
	want("g", ACCESS, full(6, 7, 5, 1, 4, 4));
	want("p", ACCESS, full(6, 7, 5, 1, 6, 4));
	fd = open("d", O_TMPFILE | O_RDWR, 0666);
	if (fd >= 0) {
		char got[512];
		CHECK_EQ(fgetxattr(fd, ACCESS, got, sizeof(got)), (ssize_t)full(0, 0, 0, 0, 0, 0).size);
		close(fd);
	}
	CHECK(unlink("g") == 0 && unlink("p") == 0);
	/* a default that is a mode */
	CHECK(set("d/d", DEFAULT, plain(0775)) == 0);
	want("d/d", DEFAULT, plain(0775));
	files_write("d/d/f", "text");
	want_none("d/d/f", ACCESS);
	want_mode("d/d/f", 0644);
	CHECK(mkdir("d/d/d", 0777) == 0);
	want_mode("d/d/d", 0775);
	want("d/d/d", DEFAULT, plain(0775));
	CHECK(removexattr("d/d", DEFAULT) == 0);
	want_none("d/d", DEFAULT);
	files_write("d/d/g", "text");
	want_mode("d/d/g", 0600);
	umask(022);
}

int main(void)
{
	char probe[] = "acl-probe-XXXXXX";
	int fd = mkstemp(probe);

	CHECK(fd >= 0 && close(fd) == 0);
	bool can = geteuid() == 0 && (set(probe, ACCESS, full(6, 6, 0, 0, 6, 0)) == 0 || getenv("TRAPLINE_TEST_TREE"));
	CHECK(unlink(probe) == 0);
	if (!can)
		guest_skip("not root, or no ACLs here");
	CHECK(chmod(".", 0755) == 0);
	files_enter();
	modes();
	refusals();
	permissions();
	owners();
	defaults();
	files_leave();
	return 0;
}
