/* tmpfs: its limits, ours, and what is too much at once. */
#include <sys/resource.h>

#include "run_suite.h"
#include "tmpfs_tree.h"

START_TEST(inode_limit)
{
	const struct tmpfs_options options = {.inodes = 4};
	mount_with(&options);
	struct inode *f = make(root, "1", S_IFREG | 0600);
	struct inode *more;
	(void)make(root, "2", S_IFDIR | 0700);
	ck_assert_int_eq(root->ops->link(root, "3", f), 0);
	const struct vfs_create how = {.mode = S_IFREG};
	ck_assert_int_eq(root->ops->create(root, "4", &how, &more), -ENOSPC);
	ck_assert_int_eq(root->ops->link(root, "4", f), -ENOSPC);
	struct statfs sf;
	ck_assert_int_eq(sb->ops->statfs(sb, &sf), 0);
	ck_assert_uint_eq(sf.f_files, 4);
	ck_assert_uint_eq(sf.f_ffree, 0);
	ck_assert_int_eq(root->ops->unlink(root, "3", f), 0);
	ck_assert_int_eq(root->ops->create(root, "4", &how, &more), 0);
	inode_unref(more);
	unmount();
}
END_TEST

START_TEST(size_limit)
{
	static const char page[4096];
	const struct tmpfs_options options = {.size = 10 * 4096};
	mount_with(&options);
	ck_assert(tmpfs_limited(sb));
	struct inode *f = make(root, "f", S_IFREG | 0600);
	int fd = open_fd(f, O_RDWR);
	ck_assert_uint_eq(tmpfs_room(f, 0, 100000), 40960);
	ck_assert_int_eq(pwrite(fd, page, 4096, 8192), 4096);
	struct statfs sf;
	ck_assert_int_eq(sb->ops->statfs(sb, &sf), 0);
	ck_assert_uint_eq(sf.f_blocks, 10);
	ck_assert_uint_eq(sf.f_bfree, 9);
	/* What is there already costs nothing. */
	ck_assert_uint_eq(tmpfs_room(f, 0, 100000), 40960);
	ck_assert_int_eq(pwrite(fd, page, 4096, 0), 4096);
	for (int i = 3; i < 11; i++)
		ck_assert_int_eq(pwrite(fd, page, 4096, i * 4096), 4096);
	ck_assert_uint_eq(tmpfs_room(f, 11 * 4096, 1), 0);
	ck_assert_uint_eq(tmpfs_room(f, 100, 3996), 3996);
	ck_assert_uint_eq(tmpfs_room(f, 100, 5000), 3996);
	struct vfs_attr attr = {.valid = STATX_SIZE, .size = 4096};
	ck_assert_int_eq(f->ops->setattr(f, &attr), 0);
	ck_assert_uint_eq(tmpfs_room(f, 4096, 100), 100);
	(void)close(fd);
	unmount();
}
END_TEST

static void check_packed_file(struct inode *dir, int i)
{
	char name[16];
	char buf[16] = "";
	struct inode *f;
	(void)snprintf(name, sizeof(name), "%d", i);
	ck_assert_int_eq(dir->ops->lookup(dir, name, &f), 0);
	struct statx before = attrs(f);
	ck_assert_uint_eq(before.stx_size, 20000 + strlen(name));
	ck_assert_uint_eq(before.stx_blocks, 8);
	int fd = open_fd(f, O_RDWR);
	ck_assert_str_eq(changed(f, &before), "");
	ck_assert_uint_eq(before.stx_blocks, 8);
	ck_assert_int_eq(pread(fd, buf, sizeof(buf), 20000), (ssize_t)strlen(name));
	ck_assert_str_eq(buf, name);
	ck_assert_int_eq(pread(fd, buf, 1, 19999), 1);
	ck_assert_int_eq(buf[0], 0);
	(void)close(fd);
	inode_unref(f);
}

/* More files than the process may have descriptors. */
START_TEST(scarce_descriptors)
{
	enum { FILES = 500 };
	const struct rlimit limit = {200, 200};
	const struct tmpfs_options options = {0};
	char name[16];
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	mount_with(&options);
	int kept = open_fd(make(root, "kept", S_IFREG | 0600), O_RDWR);
	ck_assert_int_eq(write(kept, "kept", 4), 4);
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		int fd = open_fd(make(root, name, S_IFREG | 0600), O_WRONLY);
		ck_assert_int_eq(pwrite(fd, name, strlen(name), 20000), (ssize_t)strlen(name));
		(void)close(fd);
	}
	struct statfs sf;
	ck_assert_int_eq(sb->ops->statfs(sb, &sf), 0);
	ck_assert_uint_eq(sf.f_blocks - sf.f_bfree, FILES + 1);
	for (int i = 0; i < FILES; i++)
		check_packed_file(root, i);
	ck_assert_int_eq(pread(kept, name, 4, 0), 4);
	struct inode *f;
	ck_assert_int_eq(root->ops->lookup(root, "kept", &f), 0);
	ck_assert(f->ops->in_use(f));
	ck_assert_uint_eq(attrs(f).stx_size, 4);
	inode_unref(f);
	(void)close(kept);
	unmount();
}
END_TEST

START_TEST(deep_trees_end)
{
	const struct tmpfs_options options = {0};
	mount_with(&options);
	struct inode *dir = root;
	for (int i = 0; i < 30000; i++)
		dir = make(dir, "d", S_IFDIR | 0700);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)make(dir, name, S_IFREG | 0600);
	}
	unmount();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tmpfs, limits");
	TCase *limits = tcase_create("limits");
	tcase_add_test(limits, inode_limit);
	tcase_add_test(limits, size_limit);
	tcase_add_test(limits, scarce_descriptors);
	tcase_add_test(limits, deep_trees_end);
	suite_add_tcase(suite, limits);
	return run_suite(suite);
}
