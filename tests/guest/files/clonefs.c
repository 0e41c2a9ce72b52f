/* Working directory and umask: shared with CLONE_FS, copied by fork, one's own after unshare; getcwd tells the truth.
 */
#include <pthread.h>
#include <sched.h>

#include "files.h"

static void want_cwd(const char *below)
{
	char cwd[PATH_MAX], want[PATH_MAX + 32];

	snprintf(want, sizeof(want), "%s%s", files_dir, below);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	if (strcmp(cwd, want) != 0)
		dprintf(2, "cwd is %s, not %s\n", cwd, want);
	CHECK(strcmp(cwd, want) == 0);
}

static mode_t current_umask(void)
{
	mode_t m = umask(0);

	umask(m);
	return m;
}

static void shared_with_child(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		CHECK(chdir("sub") == 0);
		umask(077);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	want_cwd("/sub");
	CHECK_EQ(current_umask(), 077);
	CHECK(chdir("..") == 0);
	umask(022);
}

static void copied_by_fork(void)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		want_cwd("");
		CHECK(chdir("sub") == 0);
		umask(0);
		want_cwd("/sub");
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	want_cwd("");
	CHECK_EQ(current_umask(), 022);
}

static void *thread(void *arg)
{
	CHECK(chdir("sub") == 0);
	want_cwd("/sub");
	if (arg) {
		CHECK(unshare(CLONE_FS) == 0);
		CHECK(chdir("deeper") == 0);
		umask(0777);
		want_cwd("/sub/deeper");
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread, NULL) == 0 && pthread_join(t, NULL) == 0);
	want_cwd("/sub");
	CHECK(chdir("..") == 0);
	CHECK(pthread_create(&t, NULL, thread, (void *)1) == 0 && pthread_join(t, NULL) == 0);
	want_cwd("/sub");
	CHECK_EQ(current_umask(), 022);
	CHECK(chdir("..") == 0);
}

static void removed(void)
{
	char cwd[PATH_MAX];

	CHECK(mkdir("gone", 0755) == 0 && chdir("gone") == 0);
	CHECK(rename("../gone", "../went") == 0);
	want_cwd("/went");
	CHECK_ERRNO(syscall(SYS_getcwd, cwd, 3), ERANGE);
	CHECK(rmdir("../went") == 0);
	CHECK_ERRNO(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENOENT);
	CHECK_ERRNO(open("x", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK(access(".", F_OK) == 0);
	CHECK(chdir("..") == 0);
	want_cwd("");
}

static void modes(void)
{
	struct stat st;

	umask(027);
	CHECK(mkdir("m", 0777) == 0 && stat("m", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0750);
	CHECK(close(open("n", O_RDWR | O_CREAT, 0666)) == 0 && stat("n", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK(mkfifo("o", 0666) == 0 && stat("o", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	umask(022);
}

int main(void)
{
	files_enter();
	CHECK(mkdir("sub", 0755) == 0 && mkdir("sub/deeper", 0755) == 0);
	shared_with_child();
	copied_by_fork();
	threads();
	removed();
	modes();
	files_leave();
	return 0;
}
