/* /proc of this very process as the only guest, in a tree of a tmpfs and a procfs. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/task/uts.h"
#include "run_suite.h"

static struct vfs *vfs;
static struct tasks *tasks;
static struct cred *cred;
static struct uts uts;
static struct task_view view;

static void setup(void)
{
	const struct vfs_options vfs_options = {0};
	const struct tmpfs_options tmpfs_options = {.mode = 0755, .uid = getuid(), .gid = getgid()};
	struct super *sb;
	ck_assert_int_eq(cred_create_host(&cred), 0);
	ck_assert_int_eq(uts_init(&uts, "boxed", "5.4.0-box"), 0);
	ck_assert_int_eq(vfs_create(&vfs_options, &vfs), 0);
	ck_assert_int_eq(tasks_create(vfs, cred, &tasks), 0);
	ck_assert_int_eq(tmpfs_create(&tmpfs_options, &sb), 0);
	ck_assert_int_eq(vfs_mount(vfs, "/", sb, 0, "tmpfs"), 0);
	ck_assert_int_eq(procfs_create(vfs, tasks, &uts, &sb), 0);
	ck_assert_int_eq(vfs_mount(vfs, "/proc", sb, MOUNT_NOSUID, "my proc"), 0);
	ck_assert_int_eq(task_add_first(tasks, getpid()), 0);
	ck_assert_int_eq(task_view(tasks, getpid(), &view), 0);
}

static void teardown(void)
{
	task_view_finish(&view);
	tasks_destroy(tasks);
	vfs_destroy(vfs);
	uts_finish(&uts);
	cred_unref(cred);
}

static int try_open(const char *name, int flags)
{
	const struct vfs_open_how how = {.flags = flags, .mode = 0600};
	struct vfs_opened opened;
	int r = vfs_open(&view.env, NULL, name, &how, &opened, NULL);
	return r < 0 ? r : opened.fd;
}

static int open_fd(const char *name, int flags)
{
	int fd = try_open(name, flags);
	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
	return fd;
}

static const char *contents(const char *name)
{
	static char buf[1 << 22];	/* a sanitizer has many mappings */
	int fd = open_fd(name, O_RDONLY);
	size_t len = 0;
	ssize_t n;
	while (len < sizeof(buf) - 1 && (n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	(void)close(fd);
	return buf;
}

static const char *link_text(const char *name)
{
	static char buf[4096];
	struct path p;
	int r = vfs_walk(&view.env, NULL, name, 0, &p);
	ck_assert_msg(r == 0, "%s: %s", name, strerror(-r));
	ssize_t len = vfs_readlink(&view.env, &p, buf, sizeof(buf) - 1);
	path_put(&p);
	ck_assert_msg(len >= 0, "%s: %s", name, strerror((int)-len));
	buf[len] = '\0';
	return buf;
}

static const char *of_fd(int fd)
{
	static char name[64];
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

/* Is name in the listing of a directory? */
static bool lists(const char *dir, const char *name)
{
	char buf[4096];
	bool found = false;
	ssize_t n;
	struct path p;
	int fd = open_fd(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(vfs_identify(vfs, fd, &p), 0);
	while ((n = vfs_getdents64(&view.env, &p, fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(buf + at);
			found = found || strcmp(e->d_name, name) == 0;
			at += e->d_reclen;
		}
	}
	ck_assert_int_eq(n, 0);
	path_put(&p);
	(void)close(fd);
	return found;
}

START_TEST(who_is_there)
{
	char pid[16];
	char parent[32];
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_str_eq(link_text("/proc/self"), pid);
	ck_assert(lists("/proc", pid));
	ck_assert(lists("/proc/self/task", pid));
	ck_assert(lists("/proc", "meminfo"));
	ck_assert(lists("/proc/self", "status"));
	(void)snprintf(parent, sizeof(parent), "/proc/%d", (int)getppid());
	ck_assert_int_eq(try_open(parent, O_RDONLY), -ENOENT);
	ck_assert(!lists("/proc", parent + strlen("/proc/")));
	ck_assert_int_eq(try_open("/proc/kcore", O_RDONLY), -ENOENT);
	ck_assert_int_eq(try_open("/proc/kmsg", O_RDONLY), -ENOENT);
	ck_assert(!lists("/proc", "kcore"));
}
END_TEST

START_TEST(files_of_a_task)
{
	char line[64];
	(void)snprintf(line, sizeof(line), "\nPid:\t%d\n", (int)getpid());
	ck_assert_ptr_nonnull(strstr(contents("/proc/self/status"), line));
	ck_assert_ptr_nonnull(strstr(contents("/proc/thread-self/status"), line));
	ck_assert_int_gt(strlen(contents("/proc/self/stat")), 20);
	ck_assert_int_gt(strlen(contents("/proc/self/limits")), 20);
	ck_assert_int_eq(try_open("/proc/self/status", O_WRONLY), -EACCES);
	int fd = open_fd("/proc/self/comm", O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "renamed", 7), 7);
	(void)close(fd);
	ck_assert_str_eq(contents("/proc/self/comm"), "renamed\n");
}
END_TEST

START_TEST(credentials_in_status)
{
	struct cred *c;
	ck_assert_int_eq(cred_copy(cred, 1, &c), 0);
	cred_set_uid(c, 12);
	cred_set_gid(c, 34);
	ck_assert_int_eq(task_set_cred(tasks, getpid(), c), 0);
	task_view_finish(&view);
	ck_assert_int_eq(task_view(tasks, getpid(), &view), 0);
	const char *status = contents("/proc/self/status");
	ck_assert_ptr_nonnull(strstr(status, "\nUid:\t12\t12\t12\t12\n"));
	ck_assert_ptr_nonnull(strstr(status, "\nGid:\t34\t34\t34\t34\n"));
	ck_assert_ptr_nonnull(strstr(status, "\nCapEff:\t0000000000000000\n"));
}
END_TEST

START_TEST(descriptors)
{
	int pipes[2];
	char host[64];
	char shown[64];
	char c;
	int fd = open_fd("/file", O_RDWR | O_CREAT);
	int dir = open_fd("/proc", O_RDONLY);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_str_eq(link_text(of_fd(fd)), "/file");
	ck_assert_str_eq(link_text(of_fd(dir)), "/proc");
	int again = open_fd(of_fd(fd), O_RDONLY);
	ck_assert_int_eq(read(again, &c, 1), 1);
	ck_assert_int_eq(c, 'a');
	(void)snprintf(shown, sizeof(shown), "%d", fd);
	ck_assert(lists("/proc/self/fd", shown));
	ck_assert_int_eq(vfs_unlink(&view.env, NULL, "/file", false), 0);
	ck_assert_str_eq(link_text(of_fd(fd)), "/file (deleted)");
	(void)close(again);
	(void)close(fd);
	(void)close(dir);

	ck_assert_int_eq(pipe(pipes), 0);
	/* A number that nobody takes when it is closed. */
	int high = fcntl(pipes[0], F_DUPFD_CLOEXEC, 200);
	ck_assert_int_ge(high, 200);
	(void)close(pipes[0]);
	pipes[0] = high;
	(void)snprintf(host, sizeof(host), "/proc/self/fd/%d", pipes[0]);
	ssize_t len = readlink(host, shown, sizeof(shown) - 1);
	ck_assert_int_gt(len, 0);
	shown[len] = '\0';
	ck_assert_str_eq(link_text(host), shown);
	int writer = open_fd(host, O_WRONLY);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	ck_assert_str_eq(link_text(host), shown);
	(void)close(writer);
	(void)close(pipes[0]);
	(void)close(pipes[1]);

	/* A file of the host that was passed in. */
	int passed = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	ck_assert_int_ge(passed, 0);
	writer = open_fd(of_fd(passed), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(pread(passed, &c, 1, 0), 1);
	(void)close(writer);
	(void)close(passed);
	ck_assert_int_eq(try_open(host, O_RDONLY), -ENOENT);
}
END_TEST

/* A directory that was passed in would be a way out of the tree. */
START_TEST(no_way_out)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(try_open(of_fd(dir), O_RDONLY), -EACCES);
	(void)close(dir);
	ck_assert_str_eq(link_text("/proc/self/root"), "/");
	ck_assert_int_eq(try_open("/proc/self/root/etc", O_RDONLY), -ENOENT);
	ck_assert_int_eq(try_open("/proc/self/map_files/0-1000", O_RDONLY), -ENOENT);
}
END_TEST

START_TEST(links_to_objects)
{
	struct path p;
	ck_assert_ptr_nonnull(strstr(link_text("/proc/self/exe"), "test_procfs"));
	ck_assert_int_eq(vfs_mkdir(&view.env, NULL, "/d", 0755), 0);
	ck_assert_int_eq(vfs_walk(&view.env, NULL, "/d", 0, &p), 0);
	ck_assert_int_eq(task_set_cwd(tasks, getpid(), &p), 0);
	path_put(&p);
	ck_assert_str_eq(link_text("/proc/self/cwd"), "/d");
	int fd = open_fd("/proc/self/cwd/file", O_WRONLY | O_CREAT);
	(void)close(fd);
	fd = open_fd("/d/file", O_RDONLY);
	(void)close(fd);
	ck_assert_int_eq(vfs_walk(&view.env, NULL, "/d/file", 0, &p), 0);
	task_execed(tasks, getpid(), getpid(), &p);
	path_put(&p);
	ck_assert_str_eq(link_text("/proc/self/exe"), "/d/file");
	ck_assert_int_eq(strncmp(link_text("/proc/self/ns/mnt"), "mnt:[", 5), 0);
}
END_TEST

START_TEST(mappings)
{
	char expected[256];
	struct statx stx;
	struct path p;
	int fd = open_fd("/mapped file", O_RDWR | O_CREAT);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(vfs_walk(&view.env, NULL, "/mapped file", 0, &p), 0);
	ck_assert_int_eq(vfs_getattr(&p, &stx), 0);
	path_put(&p);
	unsigned long start = (unsigned long)map;
	unsigned long long ino = stx.stx_ino;
	int len = snprintf(expected, sizeof(expected), "%lx-%lx r--s 00000000 %02x:%02x %llu ", start, start + 4096,
			   stx.stx_dev_major, stx.stx_dev_minor, ino);
	(void)snprintf(expected + len, sizeof(expected) - (size_t)len, "%*s/mapped file\n", 73 - len, "");

	ck_assert_ptr_nonnull(strstr(contents("/proc/self/maps"), expected));
	ck_assert_ptr_nonnull(strstr(contents("/proc/self/smaps"), expected));
	(void)munmap(map, 4096);
	(void)close(fd);
}
END_TEST

START_TEST(mounts)
{
	ck_assert_str_eq(contents("/proc/mounts"),
			 "tmpfs / tmpfs rw,relatime 0 0\nmy\\040proc /proc proc rw,nosuid,relatime 0 0\n");
	ck_assert_ptr_nonnull(strstr(contents("/proc/self/mountinfo"),
				     " / /proc rw,nosuid,relatime - proc my\\040proc rw\n"));
	ck_assert_ptr_nonnull(strstr(contents("/proc/self/mountstats"),
				     "device tmpfs mounted on / with fstype tmpfs\n"));
}
END_TEST

START_TEST(the_machine)
{
	ck_assert_str_eq(contents("/proc/sys/kernel/hostname"), "boxed\n");
	ck_assert_int_gt(strlen(contents("/proc/sys/kernel/ostype")), 2);
	ck_assert_ptr_nonnull(strstr(contents("/proc/meminfo"), "MemTotal:"));
	ck_assert(lists("/proc/sys/kernel", "hostname"));
	ck_assert(lists("/proc/self/net", "dev"));
	ck_assert_int_eq(try_open("/proc/sys/kernel/panic", O_WRONLY), geteuid() == 0 ? -EROFS : -EACCES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("procfs");
	TCase *tests = tcase_create("tests");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, who_is_there);
	tcase_add_test(tests, files_of_a_task);
	tcase_add_test(tests, credentials_in_status);
	tcase_add_test(tests, descriptors);
	tcase_add_test(tests, no_way_out);
	tcase_add_test(tests, links_to_objects);
	tcase_add_test(tests, mappings);
	tcase_add_test(tests, mounts);
	tcase_add_test(tests, the_machine);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
