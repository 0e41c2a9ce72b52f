/*
 * Programs made in the tree: #! lines nested four and five deep, relative ones, fexecve, and each errno that exec has.
 * With arguments it is the program that is run: "ok" exits 42, "exe NAME" checks /proc/self/exe, "args" its arguments.
 */
#include <sys/resource.h>

#include "files.h"

static char self[PATH_MAX];

static void script(const char *name, const char *line)
{
	files_write(name, line);
	CHECK(chmod(name, 0755) == 0);
}

/* Run in a child: its exit status, or 200 + errno. */
static int run(const char *file, char *const argv[])
{
	pid_t pid = guest_fork();
	int status;

	if (pid == 0) {
		execv(file, argv);
		_exit(100 + errno);
	}
	status = guest_wait(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(file, ...) run(file, (char *const[]){(char *)(uintptr_t)file, __VA_ARGS__ __VA_OPT__(,) NULL})

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void programs(void)
{
	char path[PATH_MAX + 8];

	files_copy_program(self, "prog", O_TRUNC);
	CHECK_EQ(RUN("prog", text("ok")), 42);
	CHECK_EQ(RUN("./prog", text("ok")), 42);
	snprintf(path, sizeof(path), "%s/prog", files_dir);
	CHECK_EQ(RUN(path, text("exe"), path), 42);
	CHECK(symlink("prog", "link") == 0);
	CHECK_EQ(RUN("link", text("exe"), path), 42);		/* the file's own name */
	CHECK(rename("prog", "moved") == 0);
	snprintf(path, sizeof(path), "%s/moved", files_dir);
	CHECK_EQ(RUN("moved", text("exe"), path), 42);
}

static void scripts(void)
{
	char line[PATH_MAX + 32], name[16];

	snprintf(line, sizeof(line), "#!%s/moved args\n", files_dir);
	script("s1", line);
	CHECK_EQ(RUN("s1", text("x")), 43);		/* moved args s1 x */
	snprintf(line, sizeof(line), "#! %s/moved\targs  \n", files_dir);
	script("blank", line);
	CHECK_EQ(RUN("./blank", text("x")), 43);
	for (int i = 2; i <= 6; i++) {
		snprintf(line, sizeof(line), "#!%s/s%d\n", files_dir, i - 1);
		snprintf(name, sizeof(name), "s%d", i);
		script(name, line);
	}
	CHECK_EQ(RUN("s4"), 43);
	CHECK_EQ(RUN("s5"), 43);
	CHECK_EQ(RUN("s6"), 100 + ELOOP);
	script("relative", "#!moved ok\n");
	CHECK_EQ(RUN("relative"), 42);
	script("nowhere", "#!/no/such/interpreter\n");
	CHECK_EQ(RUN("nowhere"), 100 + ENOENT);
	script("empty-line", "#!\n");
	CHECK_EQ(RUN("empty-line"), 100 + ENOEXEC);
	script("directory", "#!/\n");
	CHECK_EQ(RUN("directory"), 100 + EACCES);
}

static void refusals(void)
{
	int fd;

	CHECK_EQ(RUN("none"), 100 + ENOENT);
	CHECK_EQ(RUN("."), 100 + EACCES);
	CHECK_EQ(RUN("moved/x"), 100 + ENOTDIR);
	script("nonsense", "neither a program nor a script\n");
	CHECK_EQ(RUN("nonsense"), 100 + ENOEXEC);
	script("elf", "\177ELF but no more");
	CHECK_EQ(RUN("elf"), 100 + ENOEXEC);
	script("void", "");
	CHECK_EQ(RUN("void"), 100 + ENOEXEC);
	files_copy_program(self, "noexec", O_TRUNC);
	CHECK(chmod("noexec", 0644) == 0);
	CHECK_EQ(RUN("noexec", text("ok")), 100 + EACCES);
	files_copy_program(self, "busy", O_TRUNC);
	fd = open("busy", O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ(RUN("busy", text("ok")), 100 + ETXTBSY);
	close(fd);
	CHECK_EQ(RUN("busy", text("ok")), 42);
}

static void too_big(void)
{
	char **argv = calloc(2000, sizeof(*argv));
	char *big = malloc(200000);

	memset(big, 'b', 199999);
	big[199999] = '\0';
	argv[0] = text("moved");
	argv[1] = big;				/* longer than MAX_ARG_STRLEN */
	CHECK_EQ(run("moved", argv), 100 + E2BIG);
	big[100000] = '\0';
	for (int i = 1; i < 1000; i++)
		argv[i] = big;			/* longer in all than a quarter of the stack */
	CHECK_EQ(run("moved", argv), 100 + E2BIG);
	argv[1] = text("ok");
	argv[20] = NULL;
	CHECK_EQ(run("moved", argv), 42);
	free(argv);
	free(big);
}

static int run_fd(int fd, const char *path, int flags, const char *what)
{
	char *const argv[] = {text("name"), text(what), NULL};
	pid_t pid = guest_fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, path, argv, environ, flags);
		_exit(100 + errno);
	}
	return WEXITSTATUS(guest_wait(pid));
}

static void descriptors(void)
{
	int fd = open("moved", O_RDONLY | O_CLOEXEC), dir = open(".", O_PATH), path = open("moved", O_PATH);
	int text_fd = open("s1", O_RDONLY), closing = open("s1", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(run_fd(fd, "", AT_EMPTY_PATH, "ok"), 42);
	CHECK_EQ(run_fd(path, "", AT_EMPTY_PATH, "ok"), 42);
	CHECK_EQ(run_fd(dir, "moved", 0, "ok"), 42);
	CHECK_EQ(run_fd(fd, "", 0, "ok"), 100 + ENOENT);
	CHECK_EQ(run_fd(999, "moved", 0, "ok"), 100 + EBADF);
	CHECK_EQ(run_fd(dir, "link", AT_SYMLINK_NOFOLLOW, "ok"), 100 + ELOOP);
	CHECK_EQ(run_fd(text_fd, "", AT_EMPTY_PATH, "x"), 43);
	CHECK_EQ(run_fd(closing, "", AT_EMPTY_PATH, "x"), 100 + ENOENT);	/* its /dev/fd name is gone by then */
	CHECK(unlink("moved") == 0);
	CHECK_EQ(run_fd(fd, "", AT_EMPTY_PATH, "ok"), 42);
}

/* What vfork waits for is that the program is executed: from then on it is what /proc says, and nobody writes to it. */
static void at_once(void)
{
	char *argv[] = {text("prog"), text("pause"), NULL};
	char link[64], exe[PATH_MAX], want[PATH_MAX];

	files_copy_program(self, "prog", O_TRUNC);
	CHECK(realpath("prog", want) != NULL);
	for (int i = 0; i < 30; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execv("./prog", argv);
			_exit(9);
		}
		CHECK(pid > 0);
		int fd = open("prog", O_WRONLY), err = errno;
		snprintf(link, sizeof(link), "/proc/%d/exe", pid);
		ssize_t n = readlink(link, exe, sizeof(exe) - 1);
		CHECK(kill(pid, SIGKILL) == 0);
		guest_wait_signal(pid, SIGKILL);
		CHECK(fd == -1 && err == ETXTBSY);
		CHECK(n > 0);
		exe[n] = '\0';
		CHECK(strcmp(exe, want) == 0);
	}
}

/* One that came to nothing changes neither. */
static void not_at_all(void)
{
	char *argv[] = {text("prog"), NULL, NULL}, *long_text = calloc(1, 200001), exe[PATH_MAX];

	files_copy_program(self, "prog", O_TRUNC);
	CHECK(long_text != NULL);
	memset(long_text, 'x', 200000);
	argv[1] = long_text;
	CHECK_ERRNO(execv("./prog", argv), E2BIG);
	CHECK(close(open("prog", O_WRONLY)) == 0);
	CHECK(readlink("/proc/self/exe", exe, sizeof(exe)) == (ssize_t)strlen(self));
	free(long_text);
}

static int program(int argc, char **argv)
{
	char exe[PATH_MAX];
	ssize_t n;

	if (strcmp(argv[1], "ok") == 0)
		return 42;
	if (strcmp(argv[1], "pause") == 0)
		return pause();
	if (strcmp(argv[1], "args") == 0)
		return argc >= 3 ? 43 : 2;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	CHECK(n > 0);
	exe[n] = '\0';
	if (strcmp(exe, argv[2]) != 0)
		dprintf(2, "/proc/self/exe is %s\n", exe);
	return strcmp(exe, argv[2]) == 0 ? 42 : 3;
}

/* The dynamic linker needs one descriptor, and execve none. */
static void one_descriptor(void)
{
	pid_t pid = guest_fork();
	struct rlimit limit;
	int status;

	if (pid == 0) {
		int lowest = open("/dev/null", O_RDONLY);

		CHECK(lowest >= 0 && close(lowest) == 0);
		CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
		limit.rlim_cur = (rlim_t)lowest + 1;
		CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		execv("./prog", (char *const[]){text("prog"), text("ok"), NULL});
		_exit(100 + errno);
	}
	status = guest_wait(pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
}

int main(int argc, char **argv)
{
	ssize_t n;

	if (argc > 1)
		return program(argc, argv);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	CHECK(n > 0);
	self[n] = '\0';
	files_enter();
	programs();
	scripts();
	refusals();
	too_big();
	descriptors();
	at_once();
	one_descriptor();
	not_at_all();
	files_leave();
	return 0;
}
