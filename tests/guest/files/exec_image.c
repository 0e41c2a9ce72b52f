/*
 * What a program finds when it begins: auxiliary vector, stack, /proc of itself, descriptors; by its own name, a long
 * one, through scripts, with no arguments and many. Also linked static, and static and position-independent
 * (meson.build).
 */
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "files.h"

extern char **environ;
extern char _end[];
extern void _start(void);
static char data_of_mine[5000] = {1};	/* a segment with file contents and zeros behind them */
static char zeros[20000];

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* ---- the program ---- */

static size_t slurp(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	close(fd);
	return len;
}

/* The strings of a vector, one behind the other, are what /proc says. */
static void want_strings(const char *name, char **strings)
{
	static char buf[1 << 20];
	size_t len = slurp(name, buf, sizeof(buf)), at = 0;

	for (; *strings; strings++) {
		size_t n = strlen(*strings) + 1;

		CHECK(at + n <= len && memcmp(buf + at, *strings, n) == 0);
		at += n;
	}
	CHECK_EQ(at, len);
}

static void check_vector(const char *name)
{
	const ElfW(Phdr) *p = (const void *)getauxval(AT_PHDR);
	uint64_t own[128] = {0}, *at = (uint64_t *)environ;
	size_t len = slurp("/proc/self/auxv", (char *)own, sizeof(own)), loads = 0;
	bool interp = false;

	while (*at++)
		;
	/* /proc shows zeros behind the end. */
	for (size_t i = 0; i * sizeof(own[0]) < len && (i < 2 || at[i / 2 * 2]); i++)
		CHECK_EQ(at[i], own[i]);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(*p));
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		loads += p[i].p_type == PT_LOAD;
		interp |= p[i].p_type == PT_INTERP;
	}
	CHECK(loads >= 2);
	CHECK_EQ(interp, getauxval(AT_BASE) != 0);
	if (interp)
		CHECK(memcmp((void *)getauxval(AT_BASE), ELFMAG, SELFMAG) == 0);
	CHECK_EQ(getauxval(AT_ENTRY), (uintptr_t)_start);
	CHECK(memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG) == 0);
	CHECK(strcmp((char *)getauxval(AT_EXECFN), name) == 0);
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK(getauxval(AT_RANDOM) && strlen((char *)getauxval(AT_PLATFORM)) > 3);
}

static void check_memory(void)
{
	char *brk = sbrk(0), *more;

	for (size_t i = 0; i < sizeof(zeros); i++)
		CHECK_EQ(zeros[i], 0);
	CHECK_EQ(data_of_mine[0], 1);
	for (size_t i = 1; i < sizeof(data_of_mine); i++)
		CHECK_EQ(data_of_mine[i], 0);
	for (char *p = _end; (uintptr_t)p % 4096; p++)
		CHECK_EQ(*p, 0);
	/* One that could be an interpreter has its heap elsewhere (fs/binfmt_elf.c). */
	CHECK(!getauxval(AT_BASE) || (brk >= _end && brk < _end + (INT64_C(2) << 30)));
	more = sbrk(100000);
	CHECK(more == brk);
	memset(more, 1, 100000);
}

static void check_proc(const char *name, char **argv)
{
	const char *slash = strrchr(name, '/');
	char comm[16] = "", stat_line[1024] = "", *at;
	unsigned long long field[30] = {0};
	size_t len;

	want_strings("/proc/self/cmdline", argv);
	want_strings("/proc/self/environ", environ);
	CHECK(prctl(PR_GET_NAME, comm) == 0);
	CHECK(strncmp(comm, slash ? slash + 1 : name, 15) == 0);
	len = slurp("/proc/self/stat", stat_line, sizeof(stat_line) - 1);
	CHECK(len > 0);
	at = strrchr(stat_line, ')') + 4;
	for (int i = 4; i < 29; i++)
		field[i] = strtoull(at, &at, 10);
	CHECK(field[26] <= (uintptr_t)check_proc && (uintptr_t)check_proc < field[27]);
	CHECK(field[28] <= (uintptr_t)environ && (uintptr_t)argv - field[28] < 4096);
}

static int program(int argc, char **argv)
{
	char *name = getenv("NAME_THAT_IS_WANTED");

	CHECK(name != NULL);
	CHECK_EQ((uintptr_t)__builtin_frame_address(0) % 16, 0);
	CHECK(argv[argc] == NULL);
	for (int fd = 3; fd < 40; fd++)
		CHECK(fcntl(fd, F_GETFD) < 0);
	check_vector(name);
	check_memory();
	check_proc(name, argv);
	for (int i = 0; i < argc; i++)
		printf("%s%c", *argv[i] == '/' ? strrchr(argv[i], '/') : strlen(argv[i]) > 100 ? "long" : argv[i],
		       i + 1 < argc ? ' ' : '\n');
	return 42;
}

/* ---- who runs it ---- */

static void run(const char *name, char **argv)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		CHECK(setenv("NAME_THAT_IS_WANTED", name, 1) == 0);
		execve(name, argv, environ);
		_exit(100 + errno);
	}
	guest_wait_exit(pid, 42);
}

static void script(const char *name, const char *line)
{
	files_write(name, line);
	CHECK(chmod(name, 0755) == 0);
}

int main(int argc, char **argv)
{
	char *const plain[] = {text("prog"), text("child"), text(""), text("last"), NULL};
	char absolute[PATH_MAX + 64], line[PATH_MAX + 128];
	char *many[600], deep[PATH_MAX] = "", *big = malloc(100000);

	if (getenv("NAME_THAT_IS_WANTED"))
		return program(argc, argv);
	CHECK(close_range(3, ~0U, 0) == 0);
	setvbuf(stdout, NULL, _IONBF, 0);
	files_enter();
	files_copy_program("/proc/self/exe", "prog", O_EXCL);
	run("prog", (char **)plain);
	run("./prog", (char **)(char *[]){text("other name"), NULL});
	run("prog", (char **)(char *[]){NULL});
	memset(big, 'b', 99999);
	big[99999] = '\0';
	for (int i = 0; i < 599; i++)
		many[i] = text("m");
	many[3] = big;
	many[599] = NULL;
	run("prog", many);
	/* By absolute names, which on the host's own files are the host's to execute. */
	snprintf(absolute, sizeof(absolute), "%s/prog", files_dir);
	run(absolute, (char **)plain);
	run(absolute, many);
	snprintf(line, sizeof(line), "#!%s an argument\n", absolute);
	script("plain-script", line);
	run("plain-script", (char **)plain);
	snprintf(absolute, sizeof(absolute), "%s//./plain-script", files_dir);
	run(absolute, (char **)plain);
	run(absolute, many);
	CHECK(symlink("prog", "another-name") == 0);
	snprintf(absolute, sizeof(absolute), "%s/another-name", files_dir);
	run(absolute, (char **)plain);
	for (int i = 0; i < 15; i++) {
		strcat(deep, "a-directory-with-a-name-of-some-length/");
		CHECK(mkdir(deep, 0755) == 0);
	}
	strcat(deep, "prog");
	CHECK(rename("prog", deep) == 0);
	run(deep, (char **)plain);
	script("s1", "#!prog2 one argument \n");
	CHECK(link(deep, "prog2") == 0);
	run("s1", (char **)plain);
	run("s1", many);
	run("s1", (char **)(char *[]){NULL});
	script("s2", "#!s1\n");
	script("s3", "#! s2  x\n");
	run("s3", (char **)plain);
	deep[strlen(deep) - 4] = '\0';
	strcat(deep, "script");
	script(deep, "#!prog2");
	run(deep, (char **)plain);
	run(deep, many);
	free(big);
	files_leave();
	return 0;
}
