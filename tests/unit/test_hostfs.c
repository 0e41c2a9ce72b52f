/* hostfs on a temporary directory, its operations called as the VFS calls them. */
#include <check.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "kernel/fs/fs.h"

static char dir_path[64];
static int dir_fd = -1;
static struct super *sb;

static void remove_tree(void)
{
	char command[192];

	(void)snprintf(command, sizeof(command), "chmod -R u+rwx '%s' && rm -rf '%s'", dir_path, dir_path);
	ck_assert_int_eq(system(command), 0);
}

static void mount_with(const struct hostfs_options *options)
{
	int fd = open(dir_path, O_PATH | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(hostfs_create(fd, options, &sb), 0);
}

static void setup(void)
{
	(void)umask(0);
	(void)snprintf(dir_path, sizeof(dir_path), "/tmp/trapline-hostfs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mount_with(&(struct hostfs_options){0});
}

static void setup_virtual(void)
{
	setup();
	super_unref(sb);
	mount_with(&(struct hostfs_options){.virtual_attrs = true});
}

static void teardown(void)
{
	super_unref(sb);
	(void)close(dir_fd);
	remove_tree();
}

/* ---- helpers ---- */

static struct inode *lookup(struct inode *dir, const char *name)
{
	struct inode *inode;
	ck_assert_int_eq(dir->ops->lookup(dir, name, &inode), 0);
	return inode;
}

static int lookup_error(struct inode *dir, const char *name)
{
	struct inode *inode;
	return dir->ops->lookup(dir, name, &inode);
}

static struct inode *create_as(struct inode *dir, const char *name, const struct vfs_create *how)
{
	struct inode *inode;
	ck_assert_int_eq(dir->ops->create(dir, name, how, &inode), 0);
	return inode;
}

static struct inode *create(struct inode *dir, const char *name, mode_t mode)
{
	const struct vfs_create how = {.mode = mode, .uid = geteuid(), .gid = getegid(), .target = "to"};
	return create_as(dir, name, &how);
}

static struct statx attributes(struct inode *inode)
{
	struct statx stx;
	ck_assert_int_eq(inode->ops->getattr(inode, &stx), 0);
	return stx;
}

static void write_host(const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void read_inode(struct inode *inode, char *buf, size_t size)
{
	struct vfs_opened opened;
	ck_assert_int_eq(inode->ops->open(inode, O_RDONLY, &opened), 0);
	ck_assert(!opened.blocks);
	ck_assert_int_eq(fcntl(opened.fd, F_GETFL) & O_NONBLOCK, 0);
	ssize_t n = read(opened.fd, buf, size - 1);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	(void)close(opened.fd);
}

static struct stat host_stat(const char *name)
{
	struct stat st;
	ck_assert_int_eq(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

struct listing {
	struct dir_reader reader;
	size_t room;		/* entries until emit says no */
	size_t count;
	char names[64][32];
	unsigned char types[64];
};

static bool collect(struct dir_reader *r, const char *name, size_t len, uint64_t ino UNUSED, unsigned char type,
		    uint64_t next)
{
	struct listing *l = (struct listing *)r;
	if (l->room == 0 || l->count == ARRAY_SIZE(l->names))
		return false;
	ck_assert_uint_ge(next, 3);
	ck_assert_uint_lt(len, sizeof(l->names[0]));
	memcpy(l->names[l->count], name, len + 1);
	l->types[l->count++] = type;
	l->room--;
	return true;
}

static size_t find_name(const struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->names[i], name) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* ---- names and files ---- */

START_TEST(finds_files_and_reads_them)
{
	write_host("a", "hello");
	struct inode *a = lookup(sb->root, "a");
	char buf[16];
	read_inode(a, buf, sizeof(buf));
	ck_assert_str_eq(buf, "hello");
	struct inode *again = lookup(sb->root, "a");
	ck_assert_ptr_eq(a, again);
	ck_assert_uint_eq(attributes(a).stx_ino, host_stat("a").st_ino);
	ck_assert_int_eq(lookup_error(sb->root, "b"), -ENOENT);
	inode_unref(again);
	inode_unref(a);
}
END_TEST

START_TEST(names_with_paths_are_refused)
{
	ck_assert_int_eq(lookup_error(sb->root, ".."), -EINVAL);
	ck_assert_int_eq(lookup_error(sb->root, "."), -EINVAL);
	ck_assert_int_eq(lookup_error(sb->root, "a/b"), -EINVAL);
}
END_TEST

START_TEST(symbolic_links_are_not_followed)
{
	ck_assert_int_eq(symlinkat("/etc", dir_fd, "out"), 0);
	struct inode *link = lookup(sb->root, "out");
	char buf[16];
	ck_assert(S_ISLNK(link->type));
	ck_assert_int_eq(link->ops->readlink(link, buf, sizeof(buf)), 4);
	ck_assert_int_eq(lookup_error(link, "passwd"), -ENOTDIR);
	struct vfs_opened opened;
	ck_assert_int_eq(link->ops->open(link, O_RDONLY, &opened), -ELOOP);
	inode_unref(link);
}
END_TEST

START_TEST(a_swapped_name_is_stale)
{
	write_host("a", "one");
	struct inode *a = lookup(sb->root, "a");
	ck_assert_int_eq(renameat(dir_fd, "a", dir_fd, "b"), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", dir_fd, "a"), 0);
	struct vfs_opened opened;
	struct statx stx;
	const struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0600};
	ck_assert_int_eq(a->ops->open(a, O_RDONLY, &opened), -ESTALE);
	ck_assert_int_eq(a->ops->open(a, O_RDWR | O_TRUNC, &opened), -ESTALE);
	ck_assert_int_eq(a->ops->getattr(a, &stx), -ESTALE);
	ck_assert_int_eq(a->ops->setattr(a, &attr), -ESTALE);
	ck_assert(!sb->root->ops->revalidate(sb->root, "a", a));
	/* Seen again, it is reached again. */
	struct inode *b = lookup(sb->root, "b");
	ck_assert_ptr_eq(a, b);
	ck_assert_uint_eq(attributes(a).stx_size, 3);
	inode_unref(b);
	inode_unref(a);
}
END_TEST

START_TEST(a_fifo_in_place_of_a_file_does_not_block)
{
	write_host("a", "one");
	struct inode *a = lookup(sb->root, "a");
	ck_assert_int_eq(unlinkat(dir_fd, "a", 0), 0);
	ck_assert_int_eq(mkfifoat(dir_fd, "a", 0600), 0);
	struct vfs_opened opened;
	ck_assert_int_eq(a->ops->open(a, O_RDONLY, &opened), -ESTALE);
	inode_unref(a);
}
END_TEST

START_TEST(revalidates)
{
	struct inode *root = sb->root;
	ck_assert(sb->flags & SUPER_REVALIDATES);
	ck_assert(root->ops->revalidate(root, "a", NULL));
	write_host("a", "");
	ck_assert(!root->ops->revalidate(root, "a", NULL));
	struct inode *a = lookup(root, "a");
	ck_assert(root->ops->revalidate(root, "a", a));
	ck_assert_int_eq(unlinkat(dir_fd, "a", 0), 0);
	ck_assert(!root->ops->revalidate(root, "a", a));
	inode_unref(a);
}
END_TEST

START_TEST(creates_every_type)
{
	static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct inode *inode = create(sb->root, "x", types[i] | 0754);
		ck_assert_uint_eq(inode->type, types[i]);
		ck_assert_uint_eq(host_stat("x").st_mode, S_ISLNK(types[i]) ? S_IFLNK | 0777 : types[i] | 0754);
		const struct vfs_create how = {.mode = types[i] | 0600, .target = "to"};
		struct inode *second;
		ck_assert_int_eq(sb->root->ops->create(sb->root, "x", &how, &second), -EEXIST);
		ck_assert_int_eq(sb->root->ops->unlink(sb->root, "x", inode), 0);
		inode_unref(inode);
	}
}
END_TEST

START_TEST(creates_and_opens_at_once)
{
	struct vfs_opened opened = {.fd = -1};
	const struct vfs_create how = {
		.mode = S_IFREG | 0400, .uid = geteuid(), .gid = getegid(), .open_flags = O_RDWR, .opened = &opened,
	};
	struct inode *inode = create_as(sb->root, "x", &how);
	ck_assert_int_eq(write(opened.fd, "abc", 3), 3);
	(void)close(opened.fd);
	ck_assert_uint_eq(attributes(inode).stx_size, 3);
	inode_unref(inode);
}
END_TEST

START_TEST(unlinked_files_live_on)
{
	struct inode *x = create(sb->root, "x", S_IFREG | 0644);
	write_host("x", "data");
	ck_assert_int_eq(sb->root->ops->unlink(sb->root, "x", x), 0);
	ck_assert_uint_eq(attributes(x).stx_nlink, 0);
	char buf[8];
	read_inode(x, buf, sizeof(buf));
	ck_assert_str_eq(buf, "data");
	inode_unref(x);
}
END_TEST

START_TEST(renames_carry_the_place_along)
{
	struct inode *d = create(sb->root, "d", S_IFDIR | 0755);
	struct inode *x = create(sb->root, "x", S_IFREG | 0644);
	struct inode *y = create(d, "y", S_IFREG | 0640);
	const struct inode_ops *ops = sb->root->ops;
	ck_assert_int_eq(ops->rename(sb->root, "x", x, d, "y", y, 0), 0);
	ck_assert_uint_eq(attributes(x).stx_mode & 0777, 0644);
	ck_assert_uint_eq(attributes(y).stx_nlink, 0);
	struct inode *z = create(sb->root, "z", S_IFREG | 0600);
	ck_assert_int_eq(ops->rename(sb->root, "z", z, d, "y", x, RENAME_EXCHANGE), 0);
	ck_assert_uint_eq(attributes(x).stx_mode & 0777, 0644);
	ck_assert_uint_eq(attributes(z).stx_mode & 0777, 0600);
	/* A directory below which somebody is. */
	ck_assert_int_eq(ops->rename(sb->root, "d", d, sb->root, "e", NULL, 0), 0);
	ck_assert_uint_eq(attributes(z).stx_mode & 0777, 0600);
	ck_assert_int_eq(ops->unlink(sb->root, "e", d), -ENOTEMPTY);
	inode_unref(x);
	inode_unref(y);
	inode_unref(z);
	inode_unref(d);
}
END_TEST

START_TEST(links_objects_of_any_type)
{
	static const mode_t types[] = {S_IFREG, S_IFLNK, S_IFIFO};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct inode *x = create(sb->root, "x", types[i] | 0600);
		ck_assert_int_eq(sb->root->ops->link(sb->root, "y", x), 0);
		ck_assert_uint_eq(attributes(x).stx_nlink, 2);
		struct inode *y = lookup(sb->root, "y");
		ck_assert_ptr_eq(x, y);
		ck_assert_int_eq(sb->root->ops->unlink(sb->root, "x", x), 0);
		ck_assert_uint_eq(attributes(x).stx_nlink, 1);
		ck_assert_int_eq(sb->root->ops->unlink(sb->root, "y", y), 0);
		inode_unref(x);
		inode_unref(y);
	}
}
END_TEST

START_TEST(tmpfiles_can_be_linked)
{
	struct vfs_opened opened = {.fd = -1};
	const struct vfs_create how = {
		.mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid(), .open_flags = O_RDWR, .opened = &opened,
	};
	struct inode *t;
	int r = sb->root->ops->tmpfile(sb->root, &how, &t);
	if (r == -EOPNOTSUPP)
		return;		/* the file system under /tmp has none */
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(write(opened.fd, "t", 1), 1);
	(void)close(opened.fd);
	ck_assert_uint_eq(attributes(t).stx_nlink, 0);
	ck_assert_int_eq(sb->root->ops->link(sb->root, "named", t), 0);
	ck_assert_int_eq(host_stat("named").st_size, 1);
	inode_unref(t);
}
END_TEST

START_TEST(changes_attributes)
{
	struct inode *x = create(sb->root, "x", S_IFREG | 0644);
	const struct vfs_attr attr = {
		.valid = STATX_MODE | STATX_SIZE | STATX_MTIME, .mode = 0751, .size = 1000, .mtime = {.tv_sec = 12345},
	};
	ck_assert_int_eq(x->ops->setattr(x, &attr), 0);
	struct stat st = host_stat("x");
	ck_assert_uint_eq(st.st_mode & 07777, 0751);
	ck_assert_int_eq(st.st_size, 1000);
	ck_assert_int_eq(st.st_mtime, 12345);
	struct inode *l = create(sb->root, "l", S_IFLNK | 0777);
	ck_assert_int_eq(l->ops->setattr(l, &(struct vfs_attr){.valid = STATX_MTIME, .mtime = {.tv_sec = 99}}), 0);
	ck_assert_int_eq(host_stat("l").st_mtime, 99);
	ck_assert_int_eq(l->ops->setattr(l, &(struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), -EOPNOTSUPP);
	inode_unref(l);
	inode_unref(x);
}
END_TEST

START_TEST(lists_in_pieces)
{
	char name[16];
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		write_host(name, "");
	}
	struct listing l = {.reader.emit = collect};
	size_t before;
	do {
		before = l.count;
		l.room = 3;
		ck_assert_int_eq(sb->root->ops->iterate(sb->root, &l.reader), 0);
	} while (l.count > before);
	ck_assert_uint_eq(l.count, 20);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		ck_assert_uint_lt(find_name(&l, name), 20);
	}
}
END_TEST

START_TEST(fifos_block_and_null_does_not)
{
	struct inode *f = create(sb->root, "f", S_IFIFO | 0600);
	struct vfs_opened opened;
	ck_assert_int_eq(f->ops->open(f, O_RDONLY, &opened), 0);
	ck_assert(opened.blocks);
	ck_assert_int_eq(fcntl(opened.fd, F_GETFL) & O_PATH, O_PATH);
	(void)close(opened.fd);
	ck_assert_int_eq(f->ops->open(f, O_RDONLY | O_NONBLOCK, &opened), 0);
	ck_assert(!opened.blocks);
	(void)close(opened.fd);
	inode_unref(f);
}
END_TEST

START_TEST(keeps_xattrs)
{
	struct inode *x = create(sb->root, "x", S_IFREG | 0600);
	int r = x->ops->setxattr(x, "user.test", "value", 5, 0);
	char buf[16];
	if (r != -EOPNOTSUPP) {
		ck_assert_int_eq(r, 0);
		ck_assert_int_eq(x->ops->getxattr(x, "user.test", buf, sizeof(buf)), 5);
		ck_assert_int_eq(x->ops->listxattr(x, buf, sizeof(buf)), sizeof("user.test"));
		ck_assert_int_eq(x->ops->removexattr(x, "user.test"), 0);
		ck_assert_int_eq(x->ops->getxattr(x, "user.test", buf, sizeof(buf)), -ENODATA);
	}
	inode_unref(x);
}
END_TEST

START_TEST(a_single_file_is_a_filesystem)
{
	write_host("only", "one");
	int fd = openat(dir_fd, "only", O_PATH | O_CLOEXEC);
	struct super *single;
	ck_assert_int_eq(hostfs_create(fd, &(struct hostfs_options){.readonly = true}, &single), 0);
	ck_assert(S_ISREG(single->root->type));
	ck_assert(single->flags & SUPER_READONLY);
	char buf[8];
	read_inode(single->root, buf, sizeof(buf));
	ck_assert_str_eq(buf, "one");
	super_unref(single);
}
END_TEST

START_TEST(works_with_few_descriptors)
{
	struct inode *chain[40];
	struct rlimit old, low;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){32, old.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	super_unref(sb);
	mount_with(&(struct hostfs_options){0});
	struct inode *dir = sb->root;
	for (size_t i = 0; i < ARRAY_SIZE(chain); i++) {
		struct inode *made;
		const struct vfs_create how = {.mode = S_IFDIR | 0755, .uid = geteuid(), .gid = getegid()};
		int r = dir->ops->create(dir, "d", &how, &made);
		/* Beyond the budget each level needs a descriptor for the moment, and one after the other. */
		if (r == -ENFILE) {
			ck_assert_uint_ge(i, 16);
			chain[i] = NULL;
			break;
		}
		ck_assert_int_eq(r, 0);
		chain[i] = dir = made;
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	for (size_t i = 0; i < ARRAY_SIZE(chain) && chain[i]; i++)
		inode_unref(chain[i]);
}
END_TEST

/* ---- virtual attributes ---- */

START_TEST(own_files_seem_to_be_roots)
{
	write_host("a", "");
	struct inode *a = lookup(sb->root, "a");
	ck_assert_uint_eq(attributes(a).stx_uid, 0);
	ck_assert_uint_eq(attributes(a).stx_gid, 0);
	inode_unref(a);
}
END_TEST

START_TEST(virtual_owner_and_mode_are_remembered)
{
	struct inode *x = create(sb->root, "x", S_IFREG | 0644);
	const struct vfs_attr attr = {.valid = STATX_UID | STATX_GID | STATX_MODE, .uid = 12, .gid = 34, .mode = 0040};
	ck_assert_int_eq(x->ops->setattr(x, &attr), 0);
	ck_assert_uint_eq(host_stat("x").st_mode & 07777, 0640);
	ck_assert_uint_eq(host_stat("x").st_uid, geteuid());
	inode_unref(x);
	x = lookup(sb->root, "x");
	struct statx stx = attributes(x);
	ck_assert_uint_eq(stx.stx_uid, 12);
	ck_assert_uint_eq(stx.stx_gid, 34);
	ck_assert_uint_eq(stx.stx_mode, S_IFREG | 0040);
	/* Another name is the same object; the last name that goes takes it all along. */
	ck_assert_int_eq(sb->root->ops->link(sb->root, "y", x), 0);
	ck_assert_int_eq(sb->root->ops->unlink(sb->root, "x", x), 0);
	ck_assert_uint_eq(attributes(x).stx_uid, 12);
	ck_assert_int_eq(sb->root->ops->unlink(sb->root, "y", x), 0);
	ck_assert_uint_eq(attributes(x).stx_uid, 12);
	inode_unref(x);
}
END_TEST

START_TEST(devices_are_placeholders)
{
	const struct vfs_create how = {.mode = S_IFBLK | 0660, .uid = 0, .gid = 6, .rdev = makedev(8, 1)};
	inode_unref(create_as(sb->root, "disk", &how));
	ck_assert(S_ISREG(host_stat("disk").st_mode));
	struct inode *disk = lookup(sb->root, "disk");
	ck_assert(S_ISBLK(disk->type));
	struct statx stx = attributes(disk);
	ck_assert_uint_eq(stx.stx_mode, S_IFBLK | 0660);
	ck_assert_uint_eq(stx.stx_rdev_major, 8);
	ck_assert_uint_eq(stx.stx_rdev_minor, 1);
	struct vfs_opened opened;
	ck_assert_int_eq(disk->ops->open(disk, O_RDONLY, &opened), -ENXIO);
	ck_assert_int_eq(disk->ops->setattr(disk, &(struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), 0);
	ck_assert_uint_eq(attributes(disk).stx_mode, S_IFBLK | 0600);
	inode_unref(disk);
	struct listing l = {.reader.emit = collect, .room = 10};
	ck_assert_int_eq(sb->root->ops->iterate(sb->root, &l.reader), 0);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_uint_eq(l.types[0], 6);	/* DT_BLK */
	ck_assert_int_eq(sb->root->ops->open(sb->root, O_RDONLY | O_DIRECTORY, &opened), -EOPNOTSUPP);
}
END_TEST

START_TEST(null_that_was_made_is_null)
{
	const struct vfs_create how = {.mode = S_IFCHR | 0666, .rdev = makedev(1, 3)};
	struct inode *null = create_as(sb->root, "null", &how);
	char buf[8];
	read_inode(null, buf, sizeof(buf));
	ck_assert_str_eq(buf, "");
	inode_unref(null);
}
END_TEST

START_TEST(directories_stay_usable)
{
	struct inode *d = create(sb->root, "d", S_IFDIR | 0000);
	ck_assert_uint_eq(attributes(d).stx_mode, S_IFDIR | 0000);
	ck_assert_uint_eq(host_stat("d").st_mode & 0777, 0700);
	inode_unref(create(d, "x", S_IFREG | 0));
	inode_unref(d);
}
END_TEST

START_TEST(what_was_closed_is_opened_up)
{
	ck_assert_int_eq(mkdirat(dir_fd, "d", 0700), 0);
	write_host("d/f", "secret");
	ck_assert_int_eq(fchmodat(dir_fd, "d/f", 0, 0) | fchmodat(dir_fd, "d", 0055, 0), 0);
	struct inode *d = lookup(sb->root, "d"), *f = lookup(d, "f");
	char buf[16];
	read_inode(f, buf, sizeof(buf));
	ck_assert_str_eq(buf, "secret");
	ck_assert_uint_eq(attributes(d).stx_mode, S_IFDIR | 0055);
	ck_assert_uint_eq(attributes(f).stx_mode, S_IFREG | 0);
	ck_assert_uint_eq(host_stat("d").st_mode, S_IFDIR | (geteuid() == 0 ? 0055 : 0755));
	inode_unref(f);
	inode_unref(d);
}
END_TEST

START_TEST(override_xattrs_outlive_the_mount)
{
	static const struct hostfs_options options = {.virtual_attrs = true, .xattrs = true};
	if (fsetxattr(dir_fd, "user.try", "", 0, 0) < 0)
		return;		/* no such attributes under /tmp */
	ck_assert_int_eq(fremovexattr(dir_fd, "user.try"), 0);
	super_unref(sb);
	mount_with(&options);
	const struct vfs_create how = {.mode = S_IFCHR | 0620, .uid = 1, .gid = 5, .rdev = makedev(136, 2)};
	inode_unref(create_as(sb->root, "tty", &how));
	struct inode *x = create_as(sb->root, "x", &(struct vfs_create){.mode = S_IFREG | 0604, .uid = 7, .gid = 8});
	char buf[64] = "";
	ck_assert_int_eq(x->ops->listxattr(x, buf, sizeof(buf)), 0);
	ck_assert_int_eq(x->ops->getxattr(x, "user.containers.override_stat", buf, sizeof(buf)), -ENODATA);
	inode_unref(x);
	super_unref(sb);
	mount_with(&options);
	struct listing l = {.reader.emit = collect, .room = 10};
	ck_assert_int_eq(sb->root->ops->iterate(sb->root, &l.reader), 0);
	ck_assert_uint_eq(l.types[find_name(&l, "tty")], 2);	/* DT_CHR */
	struct inode *tty = lookup(sb->root, "tty");
	struct statx stx = attributes(tty);
	ck_assert_uint_eq(stx.stx_mode, S_IFCHR | 0620);
	ck_assert_uint_eq(stx.stx_rdev_major, 136);
	ck_assert_uint_eq(stx.stx_gid, 5);
	inode_unref(tty);
	x = lookup(sb->root, "x");
	ck_assert_uint_eq(attributes(x).stx_uid, 7);
	inode_unref(x);
	int fd = openat(dir_fd, "tty", O_RDONLY);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_gt(fgetxattr(fd, "user.containers.override_stat", buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "1:5:0620:char-136-2");
	(void)close(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("hostfs");
	TCase *plain = tcase_create("host attributes");
	TCase *faked = tcase_create("virtual attributes");

	tcase_set_timeout(plain, 30);
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_add_test(plain, finds_files_and_reads_them);
	tcase_add_test(plain, names_with_paths_are_refused);
	tcase_add_test(plain, symbolic_links_are_not_followed);
	tcase_add_test(plain, a_swapped_name_is_stale);
	tcase_add_test(plain, a_fifo_in_place_of_a_file_does_not_block);
	tcase_add_test(plain, revalidates);
	tcase_add_test(plain, creates_every_type);
	tcase_add_test(plain, creates_and_opens_at_once);
	tcase_add_test(plain, unlinked_files_live_on);
	tcase_add_test(plain, renames_carry_the_place_along);
	tcase_add_test(plain, links_objects_of_any_type);
	tcase_add_test(plain, tmpfiles_can_be_linked);
	tcase_add_test(plain, changes_attributes);
	tcase_add_test(plain, lists_in_pieces);
	tcase_add_test(plain, fifos_block_and_null_does_not);
	tcase_add_test(plain, keeps_xattrs);
	tcase_add_test(plain, a_single_file_is_a_filesystem);
	tcase_add_test(plain, works_with_few_descriptors);
	suite_add_tcase(s, plain);
	tcase_set_timeout(faked, 30);
	tcase_add_checked_fixture(faked, setup_virtual, teardown);
	tcase_add_test(faked, own_files_seem_to_be_roots);
	tcase_add_test(faked, virtual_owner_and_mode_are_remembered);
	tcase_add_test(faked, devices_are_placeholders);
	tcase_add_test(faked, null_that_was_made_is_null);
	tcase_add_test(faked, directories_stay_usable);
	tcase_add_test(faked, what_was_closed_is_opened_up);
	tcase_add_test(faked, override_xattrs_outlive_the_mount);
	suite_add_tcase(s, faked);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
