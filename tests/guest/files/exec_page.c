/*
 * trapline's loader leaves a page in each program, which its next execve uses. What a program does to that page changes
 * nothing: it is overwritten, unmapped, and overwritten by another thread while execve is made. Natively there is none.
 */
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/uio.h>

#include "files.h"

/* src/tracer/loader/image.h */
enum { PATH_AT = 0x140, PATH_SIZE = 192 };

extern char **environ;
static char *page;

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* It is told by its name of the supervisor's, padded with slashes. /proc does not show it. */
static char *find_page(void)
{
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), span = 32 << 20;

	for (uintptr_t at = vdso - span; at < vdso + span; at += 4096) {
		char bytes[512];
		struct iovec to = {bytes, sizeof(bytes)}, from = {(void *)at, sizeof(bytes)};

		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)sizeof(bytes) &&
		    memcmp(bytes, "\177ELF", 4) == 0 && memcmp(bytes + PATH_AT, "////////", 8) == 0)
			return (char *)at;
	}
	return NULL;
}

static void *overwrite(void *own)
{
	for (;;) {
		memcpy(page + PATH_AT, own, PATH_SIZE);
		memset(page + PATH_AT, '/', 160);
		strcpy(page + PATH_AT + 150, "/bin/true");
	}
	return NULL;
}

/* /bin/false, or the process is killed: never what the page says. */
static void run(bool race)
{
	static char own[PATH_SIZE];
	pid_t pid = guest_fork();
	int status;

	if (pid == 0) {
		pthread_t thread;

		if (race) {
			memcpy(own, page + PATH_AT, sizeof(own));
			CHECK(pthread_create(&thread, NULL, overwrite, own) == 0);
		}
		execve("/bin/false", (char *[]){text("false"), NULL}, environ);
		_exit(100);
	}
	status = guest_wait(pid);
	CHECK((race && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && WEXITSTATUS(status) == 1));
}

/*
 * A program of the host's own, by its absolute name, the host executes; one by a relative name below a new directory we
 * do.
 */
static void run_by_loader(void)
{
	pid_t pid;

	files_enter();
	files_copy_program("/proc/self/exe", "prog", O_EXCL);
	pid = guest_fork();
	if (pid == 0) {
		execl("prog", "prog", "again", NULL);
		_exit(100);
	}
	guest_wait_exit(pid, 0);
	files_leave();
}

int main(int argc, char **argv)
{
	(void)argv;
	page = find_page();
	run(false);
	if (argc == 1)
		run_by_loader();
	if (!page)
		return argc > 1 && getenv("TRAPLINE_TEST_TREE");
	CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	for (int i = 0; i < 200; i++)
		run(true);
	strcpy(page + PATH_AT, "/bin/true");
	run(false);
	CHECK(munmap(page, 4096) == 0);
	run(false);
	run(false);
	return 0;
}
