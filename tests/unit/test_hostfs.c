/* hostfs: names, files and attributes that are the host's. */
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "hostfs_tree.h"
#include "run_suite.h"

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

static size_t open_descriptors(void)
{
	size_t n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(other_names_of_files_in_use_need_no_descriptors)
{
	struct inode *made[60], *again;
	struct rlimit old, low;
	const struct vfs_create how = {.mode = S_IFREG | 0644, .uid = geteuid(), .gid = getegid()};
	char name[16];
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){32, old.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	super_unref(sb);
	mount_with(&(struct hostfs_options){0});
	size_t before = open_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		(void)snprintf(name, sizeof(name), "a%zu", i);
		ck_assert_int_eq(sb->root->ops->create(sb->root, name, &how, &made[i]), 0);
		name[0] = 'b';
		ck_assert_int_eq(sb->root->ops->link(sb->root, name, made[i]), 0);
		ck_assert_int_eq(sb->root->ops->lookup(sb->root, name, &again), 0);
		ck_assert_ptr_eq(again, made[i]);
		inode_unref(again);
	}
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		struct statx stx;
		(void)snprintf(name, sizeof(name), "b%zu", i);
		ck_assert_int_eq(sb->root->ops->unlink(sb->root, name, made[i]), 0);
		ck_assert_int_eq(made[i]->ops->getattr(made[i], &stx), 0);
		ck_assert_uint_eq(stx.stx_nlink, 1);
	}
	ck_assert_uint_le(open_descriptors(), before + 6);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		inode_unref(made[i]);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostfs");
	TCase *plain = tcase_create("host attributes");

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
	tcase_add_test(plain, other_names_of_files_in_use_need_no_descriptors);
	suite_add_tcase(s, plain);
	return run_suite(s);
}
