/*
 * A program that is executed again and again is what its file is at that moment: also when its headers, its mode or its
 * name have changed since, and nothing but its times tells.
 */
#include <elf.h>
#include <sys/mman.h>

#include "files.h"

static char self[PATH_MAX];

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Its exit status, or 100 and the errno of execve. */
static int run(const char *file)
{
	pid_t pid = guest_fork();
	int status;

	if (pid == 0) {
		execv(file, (char *[]){text("prog"), text("ok"), NULL});
		_exit(100 + errno);
	}
	status = guest_wait(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void patch(const char *file, const void *bytes, size_t len, off_t at)
{
	int fd = open(file, O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, bytes, len, at), (ssize_t)len);
	CHECK(close(fd) == 0);
}

/* Through a mapping that was read before, of which tmpfs keeps no time. */
static void patch_mapped(const char *file, char byte, off_t at)
{
	int fd = open(file, O_RDWR);
	volatile char *map;

	CHECK(fd >= 0);
	map = mmap(NULL, (size_t)at + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(map[at] != byte);
	map[at] = byte;
	CHECK(munmap((void *)(uintptr_t)map, (size_t)at + 1) == 0);
	CHECK(close(fd) == 0);
}

static off_t place_of_interp(const char *file)
{
	int fd = open(file, O_RDONLY);
	Elf64_Ehdr h;
	Elf64_Phdr p = {.p_type = PT_NULL};

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &h, sizeof(h), 0), (ssize_t)sizeof(h));
	for (int i = 0; i < h.e_phnum && p.p_type != PT_INTERP; i++)
		CHECK_EQ(pread(fd, &p, sizeof(p), (off_t)(h.e_phoff + (size_t)i * sizeof(p))), (ssize_t)sizeof(p));
	CHECK_EQ(p.p_type, PT_INTERP);
	CHECK(close(fd) == 0);
	return (off_t)p.p_offset;
}

static void know(const char *file)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(run(file), 42);
}

static void changed_headers(void)
{
	off_t interp = place_of_interp("prog");

	know("prog");
	patch("prog", "x", 1, interp);		/* a change just behind the making */
	CHECK_EQ(run("prog"), 100 + ENOENT);
	patch("prog", "/", 1, interp);
	sleep(3);				/* what was written so long ago may be kept in mind */
	know("prog");
	patch("prog", "x", 1, interp);
	CHECK_EQ(run("prog"), 100 + ENOENT);
	patch("prog", "/", 1, interp);
	sleep(3);
	know("prog");
	patch_mapped("prog", 'x', interp);
	CHECK_EQ(run("prog"), 100 + ENOENT);
	patch_mapped("prog", '/', interp);
	know("prog");
}

static void other_reasons(void)
{
	Elf64_Ehdr broken = {.e_ident = {0}};
	int fd;

	CHECK(chmod("prog", 0644) == 0);
	CHECK_EQ(run("prog"), 100 + EACCES);
	CHECK(chmod("prog", 0755) == 0);
	know("prog");
	fd = open("prog", O_WRONLY);
	CHECK(fd >= 0);
	CHECK_EQ(run("prog"), 100 + ETXTBSY);
	CHECK(close(fd) == 0);
	know("prog");
	know("other");
	patch("other", &broken, sizeof(broken.e_ident), 0);
	CHECK(rename("other", "prog") == 0);
	CHECK_EQ(run("prog"), 100 + ENOEXEC);
}

static volatile sig_atomic_t leased = -1;

static void give_up(int sig)
{
	(void)sig;
	fcntl(leased, F_SETLEASE, F_UNLCK);
}

/* Who executes it waits for the lease's end; under trapline it is busy, and nobody waits for anybody. */
static void with_lease(void)
{
	int fd = open("prog", O_RDONLY), status;

	know("prog");
	leased = fd;
	CHECK(signal(SIGIO, give_up) != SIG_ERR);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		status = run("prog");
		CHECK(status == 42 || status == 100 + ETXTBSY);
		CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0 || errno == EAGAIN);
	}
	CHECK(close(fd) == 0);
	know("prog");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "ok") == 0 ? 42 : 1;
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	files_enter();
	files_copy_program(self, "prog", O_TRUNC);
	files_copy_program(self, "other", O_TRUNC);
	changed_headers();
	sleep(3);
	with_lease();
	other_reasons();
	files_leave();
	return 0;
}
