/*
 * Programs that the host can execute itself, by names that lead elsewhere while it does: what runs is what the guest's
 * own tree has under that name, at some moment between, or the process is killed; never a program that the tree does
 * not have.
 */
#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "files.h"

extern char **environ;

enum { ROUNDS = 150, KILLED = 1000 };

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* An exit status, 100 and the errno of execve, or KILLED. */
static int outcome(pid_t pid)
{
	int status = guest_wait(pid);

	if (WIFSIGNALED(status)) {
		CHECK_EQ(WTERMSIG(status), SIGKILL);
		return KILLED;
	}
	return WEXITSTATUS(status);
}

static pid_t start(const char *name)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		execve(name, (char *[]){text("program"), NULL}, environ);
		_exit(100 + errno);
	}
	return pid;
}

/* ---- the name's bytes ---- */

static char name[128] = "/bin/false";
static char other[128];

static void *swap_bytes(void *unused)
{
	(void)unused;
	for (;;) {
		strcpy(name, other);
		strcpy(name, "/bin/false");
	}
	return NULL;
}

/* hidden is a program of the host's and not of the tree's; it would exit with 0. */
static void bytes(const char *hidden)
{
	snprintf(other, sizeof(other), "%s", hidden);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = guest_fork();
		int got;

		if (pid == 0) {
			pthread_t thread;

			CHECK(pthread_create(&thread, NULL, swap_bytes, NULL) == 0);
			execve(name, (char *[]){text("program"), NULL}, environ);
			_exit(100 + errno);
		}
		got = outcome(pid);
		if (got < 100)
			CHECK_EQ(got, 1);
	}
}

/* ---- links ---- */

static void swap_link(const char *link, const char *a, const char *b)
{
	char fresh[PATH_MAX + 8];

	snprintf(fresh, sizeof(fresh), "%s.new", link);
	CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	for (;;) {
		CHECK(symlink(a, fresh) == 0 && rename(fresh, link) == 0);
		CHECK(symlink(b, fresh) == 0 && rename(fresh, link) == 0);
	}
}

/* A name that leads to two programs by turns: one of them is executed. */
static void links(void)
{
	char link[PATH_MAX + 8];
	pid_t swapper;

	snprintf(link, sizeof(link), "%s/link", files_dir);
	CHECK(symlink("/bin/true", "link") == 0);
	swapper = guest_fork();
	if (swapper == 0)
		swap_link("link", "/bin/true", "/bin/false");
	for (int i = 0; i < ROUNDS; i++) {
		int got = outcome(start(link));

		if (got != 0)
			CHECK_EQ(got, 1);
	}
	CHECK(kill(swapper, SIGKILL) == 0);
	guest_wait_signal(swapper, SIGKILL);
	(void)unlink("link.new");
}

/* ---- PT_INTERP ---- */

static char *slurp(const char *from, size_t *len)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	char *bytes = malloc(1 << 20);

	CHECK(fd >= 0 && bytes);
	*len = (size_t)read(fd, bytes, 1 << 20);
	CHECK(*len > 1000 && *len < 1 << 20 && close(fd) == 0);
	return bytes;
}

/* /bin/false with another interpreter; the name that it had goes to former. */
static void make_program(const char *to, const char *interp, char *former)
{
	size_t len;
	char *bytes = slurp("/bin/false", &len);
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)bytes;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(bytes + h->e_phoff);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);

	while (p->p_type != PT_INTERP)
		p++;
	strcpy(former, bytes + p->p_offset);
	CHECK(strlen(interp) < p->p_filesz);
	/* An interpreter's name ends where its segment does; slashes make it as long as it was. */
	memset(bytes + p->p_offset, '/', p->p_filesz - 1);
	strcpy(bytes + p->p_offset + p->p_filesz - 1 - strlen(interp), interp);
	CHECK_EQ(write(fd, bytes, len), (ssize_t)len);
	CHECK(close(fd) == 0);
	free(bytes);
}

static void interpreters(const char *hidden)
{
	char dir[] = "/tmp/tl-XXXXXX", interp[64], program[32], former[256];
	pid_t swapper;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(interp, sizeof(interp), "%s/ld", dir);
	snprintf(program, sizeof(program), "%s/p", dir);
	make_program(program, interp, former);
	CHECK(symlink(former, interp) == 0);
	CHECK_EQ(outcome(start(program)), 1);
	swapper = guest_fork();
	if (swapper == 0)
		swap_link(interp, former, hidden);
	for (int i = 0; i < ROUNDS; i++) {
		int got = outcome(start(program));

		if (got < 100)
			CHECK_EQ(got, 1);
	}
	CHECK(kill(swapper, SIGKILL) == 0);
	guest_wait_signal(swapper, SIGKILL);
	CHECK(unlink(interp) == 0 && unlink(program) == 0);
	strcat(interp, ".new");
	(void)unlink(interp);
	CHECK(rmdir(dir) == 0);
}

int main(void)
{
	const char *hidden = getenv("TRAPLINE_TEST_HIDDEN");

	files_enter();
	links();
	if (hidden) {
		CHECK_EQ(outcome(start(hidden)), 100 + ENOENT);
		bytes(hidden);
		interpreters(hidden);
	}
	files_leave();
	return 0;
}
