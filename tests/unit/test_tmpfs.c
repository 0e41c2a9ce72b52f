/* tmpfs by its own operations, as the VFS calls them. */
#include <sys/mman.h>
#include <sys/xattr.h>

#include "run_suite.h"
#include "tmpfs_tree.h"

START_TEST(new_objects)
{
	struct statx stx = attrs(root);
	ck_assert_uint_eq(stx.stx_mode, S_IFDIR | 01777);
	ck_assert_uint_eq(stx.stx_uid, 1);
	ck_assert_uint_eq(stx.stx_nlink, 2);
	ck_assert_uint_eq(stx.stx_size, 40);
	ck_assert_uint_eq(stx.stx_ino, 1);
	struct inode *f = make(root, "f", S_IFREG | 0640);
	struct inode *d = make(root, "d", S_IFDIR | 0750);
	stx = attrs(f);
	ck_assert_uint_eq(stx.stx_mode, S_IFREG | 0640);
	ck_assert_uint_eq(stx.stx_uid, 7);
	ck_assert_uint_eq(stx.stx_gid, 8);
	ck_assert_uint_eq(stx.stx_nlink, 1);
	ck_assert_uint_eq(stx.stx_size, 0);
	ck_assert_uint_eq(stx.stx_dev_minor, sb->dev_minor);
	ck_assert(same(stx.stx_btime, stx.stx_mtime));
	ck_assert_uint_eq(attrs(d).stx_nlink, 2);
	stx = attrs(root);
	ck_assert_uint_eq(stx.stx_nlink, 3);
	ck_assert_uint_eq(stx.stx_size, 80);
	stx = attrs(make(root, "c", S_IFCHR | 0600));
	ck_assert_uint_eq(stx.stx_rdev_major, 1);
	ck_assert_uint_eq(stx.stx_rdev_minor, 3);
	struct inode *found;
	const struct vfs_create how = {.mode = S_IFREG};
	ck_assert_int_eq(root->ops->create(root, "f", &how, &found), -EEXIST);
	ck_assert_int_eq(root->ops->lookup(root, "g", &found), -ENOENT);
	ck_assert_int_eq(root->ops->lookup(root, "f", &found), 0);
	ck_assert_ptr_eq(found, f);
	inode_unref(found);
}
END_TEST

START_TEST(symlinks)
{
	char target[129];
	char buf[200];
	memset(target, 'x', sizeof(target));
	target[128] = '\0';
	for (int len = 128; len >= 127; len--) {
		struct inode *l;
		target[len] = '\0';
		const struct vfs_create how = {.mode = S_IFLNK | 0777, .target = target};
		ck_assert_int_eq(root->ops->create(root, len == 128 ? "long" : "short", &how, &l), 0);
		struct statx stx = attrs(l);
		ck_assert_uint_eq(stx.stx_size, (unsigned)len);
		ck_assert_uint_eq(stx.stx_blocks, len == 128 ? 8 : 0);
		ck_assert_int_eq(l->ops->readlink(l, buf, sizeof(buf)), len);
		ck_assert_int_eq(memcmp(buf, target, (size_t)len), 0);
		ck_assert_int_eq(l->ops->readlink(l, buf, 3), 3);
		int fd = open_fd(l, O_PATH);
		struct vfs_opened opened;
		ck_assert_int_eq(l->ops->open(l, O_RDONLY, &opened), -ELOOP);
		(void)close(fd);
		inode_unref(l);
	}
}
END_TEST

START_TEST(opens_are_descriptions)
{
	char buf[8] = "";
	struct inode *f = make(root, "f", S_IFREG | 0600);
	int a = open_fd(f, O_RDWR);
	int b = open_fd(f, O_WRONLY | O_APPEND);
	int c = open_fd(f, O_RDONLY);
	ck_assert_int_eq(write(a, "ab", 2), 2);
	ck_assert_int_eq(lseek(b, 0, SEEK_CUR), 0);
	ck_assert_int_eq(write(b, "cd", 2), 2);
	ck_assert_int_eq(read(c, buf, sizeof(buf)), 4);
	ck_assert_str_eq(buf, "abcd");
	ck_assert_int_eq(write(c, "x", 1), -1);
	ck_assert_uint_eq(attrs(f).stx_size, 4);
	ck_assert_uint_eq(attrs(f).stx_blocks, 8);
	int d = open_fd(f, O_RDWR | O_TRUNC);
	ck_assert_uint_eq(attrs(f).stx_size, 0);
	ck_assert_int_eq(fcntl(d, F_GETFL) & O_ACCMODE, O_RDWR);
	int p = open_fd(f, O_PATH);
	ck_assert_int_eq(read(p, buf, 1), -1);
	const int fds[] = {a, b, c, d, p};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(create_opens)
{
	struct vfs_opened opened = {.fd = -1};
	const struct vfs_create how = {.mode = S_IFREG | 04400, .open_flags = O_WRONLY, .opened = &opened};
	struct inode *f;
	ck_assert_int_eq(root->ops->create(root, "f", &how, &f), 0);
	ck_assert_int_ge(opened.fd, 0);
	ck_assert_int_eq(write(opened.fd, "x", 1), 1);
	ck_assert_uint_eq(attrs(f).stx_size, 1);
	(void)close(opened.fd);
	inode_unref(f);
}
END_TEST

/* What changes which time is what Linux's tmpfs with relatime does; seen on 6.18. */
START_TEST(times_of_files)
{
	char c;
	struct inode *f = make(root, "f", S_IFREG | 0600);
	struct statx before = attrs(f);
	int fd = open_fd(f, O_RDWR);
	ck_assert_str_eq(changed(f, &before), "");
	ck_assert_int_eq(pwrite(fd, "ab", 2, 0), 2);
	ck_assert_str_eq(changed(f, &before), "mc");
	ck_assert_int_eq(pread(fd, &c, 1, 0), 1);
	ck_assert_str_eq(changed(f, &before), "a");
	ck_assert_int_eq(pread(fd, &c, 1, 0), 1);
	ck_assert_str_eq(changed(f, &before), "");
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0644};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "c");
	ck_assert_uint_eq(before.stx_mode, S_IFREG | 0644);
	attr = (struct vfs_attr){.valid = STATX_UID | STATX_GID, .uid = 3, .gid = 4};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "c");
	attr = (struct vfs_attr){.valid = STATX_SIZE, .size = 2};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "mc");
	attr.size = 1;
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "mc");
	attr = (struct vfs_attr){.valid = STATX_ATIME | STATX_MTIME, .atime = {5, 6}, .mtime = {7, 8}};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "amc");
	ck_assert_int_eq(before.stx_atime.tv_sec, 5);
	ck_assert_uint_eq(before.stx_atime.tv_nsec, 6);
	ck_assert_int_eq(before.stx_mtime.tv_sec, 7);
	attr.atime.tv_nsec = UTIME_NOW;
	attr.valid = STATX_ATIME;
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "ac");
	(void)close(fd);
}
END_TEST

START_TEST(times_without_a_host_object)
{
	struct inode *f = make(root, "f", S_IFREG | 0600);
	struct vfs_attr attr = {.valid = STATX_ATIME | STATX_MTIME, .atime = {5, 6}, .mtime = {7, 8}};
	struct statx before = attrs(f);
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "amc");
	int fd = open_fd(f, O_RDONLY);
	ck_assert_str_eq(changed(f, &before), "");
	ck_assert_int_eq(before.stx_mtime.tv_sec, 7);
	(void)close(fd);
	attr = (struct vfs_attr){.valid = STATX_SIZE, .size = 0};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_str_eq(changed(f, &before), "");
}
END_TEST

START_TEST(times_of_directories)
{
	struct inode *d = make(root, "d", S_IFDIR | 0700);
	struct statx before = attrs(d);
	struct inode *f = make(d, "f", S_IFREG | 0600);
	ck_assert_str_eq(changed(d, &before), "mc");
	struct statx of_file = attrs(f);
	ck_assert_int_eq(d->ops->link(d, "g", f), 0);
	ck_assert_str_eq(changed(d, &before), "mc");
	ck_assert_str_eq(changed(f, &of_file), "c");
	ck_assert_uint_eq(of_file.stx_nlink, 2);
	ck_assert_int_eq(d->ops->rename(d, "g", f, root, "h", NULL, 0), 0);
	ck_assert_str_eq(changed(d, &before), "mc");
	ck_assert_str_eq(changed(f, &of_file), "c");
	ck_assert_int_eq(d->ops->unlink(d, "f", f), 0);
	ck_assert_str_eq(changed(d, &before), "mc");
	ck_assert_str_eq(changed(f, &of_file), "c");
	ck_assert_uint_eq(of_file.stx_nlink, 1);
	ck_assert_uint_eq(before.stx_size, 40);
}
END_TEST

struct listing {
	struct dir_reader reader;
	size_t room;		/* entries before emit says no */
	size_t count;
	char names[64][16];
};

static bool collect(struct dir_reader *r, const char *name, size_t len, uint64_t ino, unsigned char type, uint64_t next)
{
	struct listing *l = (struct listing *)r;
	if (l->room == 0)
		return false;
	l->room--;
	ck_assert_uint_eq(len, strlen(name));
	ck_assert_uint_ne(ino, 0);
	ck_assert_uint_ne(type, 0);
	ck_assert_uint_lt(l->count, ARRAY_SIZE(l->names));
	(void)snprintf(l->names[l->count++], sizeof(l->names[0]), "%s", name);
	r->cursor = next;
	return true;
}

static void list_some(struct inode *dir, struct listing *l, size_t room)
{
	l->reader.emit = collect;
	l->room = room;
	ck_assert_int_eq(dir->ops->iterate(dir, &l->reader), 0);
}

static size_t times_listed(const struct listing *l, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < l->count; i++)
		n += strcmp(l->names[i], name) == 0;
	return n;
}

START_TEST(listing_while_it_changes)
{
	char name[16];
	struct listing l = {.reader.cursor = 2};
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "old%d", i);
		(void)make(root, name, S_IFREG | 0600);
	}
	list_some(root, &l, 5);
	ck_assert_uint_eq(l.count, 5);
	for (int i = 0; i < 20; i += 2) {
		struct inode *gone;
		(void)snprintf(name, sizeof(name), "old%d", i);
		ck_assert_int_eq(root->ops->lookup(root, name, &gone), 0);
		ck_assert_int_eq(root->ops->unlink(root, name, gone), 0);
		inode_unref(gone);
	}
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "new%d", i);
		(void)make(root, name, S_IFREG | 0600);
	}
	list_some(root, &l, 3);
	list_some(root, &l, 100);
	for (int i = 1; i < 20; i += 2) {
		(void)snprintf(name, sizeof(name), "old%d", i);
		ck_assert_uint_eq(times_listed(&l, name), 1);
	}
	size_t count = l.count;
	list_some(root, &l, 100);
	ck_assert_uint_eq(l.count, count);
}
END_TEST

/* A program that makes a file for each that it finds comes to an end. */
START_TEST(listing_ends)
{
	char name[16];
	struct listing l = {.reader.cursor = 2};
	(void)make(root, "a", S_IFREG | 0600);
	(void)make(root, "b", S_IFREG | 0600);
	for (int i = 0; i < 10; i++) {
		list_some(root, &l, 1);
		(void)snprintf(name, sizeof(name), "new%d", i);
		(void)make(root, name, S_IFREG | 0600);
	}
	ck_assert_uint_eq(l.count, 2);
}
END_TEST

START_TEST(renames)
{
	struct inode *d = make(root, "d", S_IFDIR | 0700);
	struct inode *e = make(root, "e", S_IFDIR | 0700);
	struct inode *sub = make(d, "sub", S_IFDIR | 0700);
	struct inode *f = make(root, "f", S_IFREG | 0600);
	struct inode *found;
	ck_assert_uint_eq(attrs(d).stx_nlink, 3);
	ck_assert_int_eq(root->ops->rename(root, "e", e, root, "d", d, 0), -ENOTEMPTY);
	ck_assert_int_eq(d->ops->rename(d, "sub", sub, root, "f", f, RENAME_EXCHANGE), 0);
	ck_assert_uint_eq(attrs(d).stx_nlink, 2);
	ck_assert_uint_eq(attrs(root).stx_nlink, 5);
	ck_assert_int_eq(root->ops->rename(root, "f", sub, root, "e", e, 0), 0);
	ck_assert_uint_eq(attrs(root).stx_nlink, 4);
	ck_assert_int_eq(root->ops->lookup(root, "f", &found), -ENOENT);
	ck_assert_int_eq(d->ops->rename(d, "sub", f, root, "w", NULL, RENAME_WHITEOUT), 0);
	ck_assert_int_eq(d->ops->lookup(d, "sub", &found), 0);
	ck_assert_uint_eq(attrs(found).stx_mode, S_IFCHR);
	ck_assert_int_eq(d->ops->unlink(d, "sub", found), 0);
	inode_unref(found);
	ck_assert_int_eq(root->ops->rename(root, "w", f, d, "w", NULL, 0x80), -EINVAL);
	ck_assert_int_eq(root->ops->unlink(root, "d", d), 0);
}
END_TEST

START_TEST(removed_directories_stay_empty)
{
	struct inode *d = make(root, "d", S_IFDIR | 0700);
	(void)make(d, "f", S_IFREG | 0600);
	ck_assert_int_eq(root->ops->unlink(root, "d", d), -ENOTEMPTY);
	struct inode *f;
	ck_assert_int_eq(d->ops->lookup(d, "f", &f), 0);
	ck_assert_int_eq(d->ops->unlink(d, "f", f), 0);
	inode_unref(f);
	(void)inode_ref(d);
	ck_assert_int_eq(root->ops->unlink(root, "d", d), 0);
	ck_assert_uint_eq(attrs(d).stx_nlink, 0);
	const struct vfs_create how = {.mode = S_IFREG};
	ck_assert_int_eq(d->ops->create(d, "f", &how, &f), -ENOENT);
	inode_unref(d);
}
END_TEST

START_TEST(files_without_a_name)
{
	struct vfs_opened opened;
	const struct vfs_create how = {.mode = S_IFREG | 0600, .open_flags = O_RDWR, .opened = &opened};
	struct inode *f;
	ck_assert_int_eq(root->ops->tmpfile(root, &how, &f), 0);
	ck_assert_uint_eq(attrs(f).stx_nlink, 0);
	ck_assert_int_eq(write(opened.fd, "x", 1), 1);
	ck_assert_int_eq(root->ops->link(root, "named", f), 0);
	ck_assert_uint_eq(attrs(f).stx_nlink, 1);
	ck_assert_uint_eq(attrs(f).stx_size, 1);
	(void)close(opened.fd);
	inode_unref(f);
}
END_TEST

START_TEST(in_use)
{
	struct inode *f = make(root, "f", S_IFREG | 0600);
	ck_assert(!f->ops->in_use(f));
	int fd = open_fd(f, O_RDWR);
	ck_assert(f->ops->in_use(f));
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	(void)close(fd);
	ck_assert(f->ops->in_use(f));
	ck_assert_int_eq(munmap(map, 4096), 0);
	ck_assert(!f->ops->in_use(f));
	fd = open_fd(f, O_RDONLY);
	ck_assert(f->ops->in_use(f));
	(void)close(fd);
	ck_assert(!f->ops->in_use(f));
}
END_TEST

START_TEST(fifos)
{
	char c;
	struct inode *f = make(root, "f", S_IFIFO | 0600);
	struct vfs_opened opened;
	ck_assert_int_eq(f->ops->open(f, O_WRONLY | O_NONBLOCK, &opened), -ENXIO);
	int r = open_fd(f, O_RDONLY | O_NONBLOCK);
	ck_assert_int_eq(f->ops->open(f, O_WRONLY, &opened), 0);
	ck_assert(opened.blocks);
	ck_assert_int_eq(opened.flags, O_WRONLY);
	(void)close(opened.fd);
	int w = open_fd(f, O_WRONLY | O_NONBLOCK);
	struct statx before = attrs(f);
	ck_assert_int_eq(write(w, "x", 1), 1);
	ck_assert_str_eq(changed(f, &before), "mc");
	ck_assert_int_eq(read(r, &c, 1), 1);
	ck_assert_uint_eq(before.stx_size, 0);
	(void)close(r);
	(void)close(w);
}
END_TEST

START_TEST(devices)
{
	char c = 1;
	struct inode *null = make(root, "null", S_IFCHR | 0600);
	int fd = open_fd(null, O_RDWR);
	ck_assert_int_eq(write(fd, &c, 1), 1);
	ck_assert_int_eq(read(fd, &c, 1), 0);
	(void)close(fd);
	const struct vfs_create how = {.mode = S_IFBLK, .rdev = makedev(1, 3)};
	struct inode *disk;
	ck_assert_int_eq(root->ops->create(root, "disk", &how, &disk), 0);
	struct vfs_opened opened;
	ck_assert_int_eq(disk->ops->open(disk, O_RDONLY, &opened), -ENXIO);
	inode_unref(disk);
}
END_TEST

START_TEST(xattrs)
{
	char buf[64];
	struct inode *f = make(root, "f", S_IFREG | 0600);
	struct inode *l = make(root, "l", S_IFLNK | 0777);
	struct statx before = attrs(f);
	ck_assert_int_eq(f->ops->getxattr(f, "user.a", buf, sizeof(buf)), -ENODATA);
	ck_assert_int_eq(f->ops->setxattr(f, "user.b", "vb", 2, XATTR_REPLACE), -ENODATA);
	ck_assert_int_eq(f->ops->setxattr(f, "user.b", "vb", 2, 0), 0);
	ck_assert_str_eq(changed(f, &before), "c");
	ck_assert_int_eq(f->ops->setxattr(f, "user.b", "vb", 2, XATTR_CREATE), -EEXIST);
	ck_assert_int_eq(f->ops->setxattr(f, "user.a", "", 0, 0), 0);
	ck_assert_int_eq(f->ops->setxattr(f, "trusted.t", "1234", 4, XATTR_CREATE), 0);
	ck_assert_int_eq(f->ops->getxattr(f, "user.b", buf, 0), 2);
	ck_assert_int_eq(f->ops->getxattr(f, "user.b", buf, 1), -ERANGE);
	ck_assert_int_eq(f->ops->getxattr(f, "user.b", buf, 2), 2);
	ck_assert_int_eq(memcmp(buf, "vb", 2), 0);
	ck_assert_int_eq(f->ops->listxattr(f, buf, 0), 24);
	ck_assert_int_eq(f->ops->listxattr(f, buf, 23), -ERANGE);
	ck_assert_int_eq(f->ops->listxattr(f, buf, 24), 24);
	ck_assert_int_eq(memcmp(buf, "trusted.t\0user.a\0user.b", 24), 0);
	ck_assert_int_eq(f->ops->removexattr(f, "user.a"), 0);
	ck_assert_int_eq(f->ops->removexattr(f, "user.a"), -ENODATA);
	ck_assert_int_eq(f->ops->setxattr(f, "user.", "", 0, 0), -EINVAL);
	ck_assert_int_eq(f->ops->setxattr(f, "other.a", "", 0, 0), -EOPNOTSUPP);
	ck_assert_int_eq(l->ops->setxattr(l, "user.a", "", 0, 0), -EPERM);
	ck_assert_int_eq(l->ops->setxattr(l, "security.a", "", 0, 0), 0);
}
END_TEST

START_TEST(devfs)
{
	char buf[32];
	struct inode *found;
	ck_assert_int_eq(devfs_create(&sb), 0);
	root = sb->root;
	ck_assert_int_eq(root->ops->lookup(root, "zero", &found), 0);
	ck_assert_uint_eq(attrs(found).stx_mode, S_IFCHR | 0666);
	ck_assert_uint_eq(attrs(found).stx_rdev_minor, 5);
	int fd = open_fd(found, O_RDONLY);
	ck_assert_int_eq(read(fd, buf, sizeof(buf)), sizeof(buf));
	(void)close(fd);
	inode_unref(found);
	ck_assert_int_eq(root->ops->lookup(root, "fd", &found), 0);
	ck_assert_int_eq(found->ops->readlink(found, buf, sizeof(buf)), 13);
	inode_unref(found);
	ck_assert_int_eq(root->ops->lookup(root, "kmsg", &found), -ENOENT);
	unmount();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tmpfs");
	TCase *plain = tcase_create("plain");
	tcase_add_checked_fixture(plain, mount_plain, unmount);
	tcase_add_test(plain, new_objects);
	tcase_add_test(plain, symlinks);
	tcase_add_test(plain, opens_are_descriptions);
	tcase_add_test(plain, create_opens);
	tcase_add_test(plain, times_of_files);
	tcase_add_test(plain, times_without_a_host_object);
	tcase_add_test(plain, times_of_directories);
	tcase_add_test(plain, listing_while_it_changes);
	tcase_add_test(plain, listing_ends);
	tcase_add_test(plain, renames);
	tcase_add_test(plain, removed_directories_stay_empty);
	tcase_add_test(plain, files_without_a_name);
	tcase_add_test(plain, in_use);
	tcase_add_test(plain, fifos);
	tcase_add_test(plain, devices);
	tcase_add_test(plain, xattrs);
	suite_add_tcase(suite, plain);
	TCase *others = tcase_create("others");
	tcase_add_test(others, devfs);
	suite_add_tcase(suite, others);
	return run_suite(suite);
}
