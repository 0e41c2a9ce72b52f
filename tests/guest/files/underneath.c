/*
 * Looks at a tree that others change (underneath.py): "look" prints what names, held descriptors and the working
 * directory say; "race" uses names that are replaced all the time, of which there is always one.
 */
#include "files.h"

static int held[2] = {-1, -1};

static const char *result(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

static void look_at(const char *name)
{
	char buf[64];
	struct stat st;
	ssize_t n;
	int fd;

	printf("%s: lstat ", name);
	if (lstat(name, &st) < 0)
		printf("%s", strerrorname_np(errno));
	else
		printf("%o links %lu size %ld", st.st_mode, S_ISDIR(st.st_mode) ? 0 : (unsigned long)st.st_nlink,
		       S_ISREG(st.st_mode) ? (long)st.st_size : 0);
	n = readlink(name, buf, sizeof(buf));
	printf(" readlink %s", result(n));
	fd = open(name, O_RDONLY);
	printf(" open %s", result(fd));
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (n > 0)
		printf(" '%.*s'", (int)n, buf);
	printf(" write %s access %s\n", result(close(open(name, O_WRONLY))), result(access(name, X_OK)));
	if (fd >= 0)
		close(fd);
}

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *name)
{
	struct dirent **entries;
	int n = scandir(name, &entries, NULL, compare);

	printf("%s:", name);
	if (n < 0)
		printf(" %s", strerrorname_np(errno));
	for (int i = 0; i < n; i++) {
		printf(" %s/%d", entries[i]->d_name, entries[i]->d_type);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	printf("\n");
}

static void look_at_held(int fd)
{
	char link[64], name[PATH_MAX];
	struct stat st;
	char c;

	if (fd < 0)
		return;
	CHECK(fstat(fd, &st) == 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, name, sizeof(name));

	printf("held: %o links %lu", st.st_mode, S_ISDIR(st.st_mode) ? 0 : (unsigned long)st.st_nlink);
	printf(" '%.*s'", (int)n, name);
	printf(" read %s", result(pread(fd, &c, 1, 0)));
	printf(" below %s\n", result(S_ISDIR(st.st_mode) ? faccessat(fd, "f", F_OK, 0) : 0));
}

static void look(void)
{
	static const char *const names[] = {"d", "d/f", "d/g", "d/sub", "d/sub/x", "d/late", "l", "l/f", "d2", "d2/f"};
	char cwd[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		look_at(names[i]);
	list("d");
	list("d/sub");
	look_at_held(held[0]);
	look_at_held(held[1]);
	printf("cwd: %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerrorname_np(errno));
}

/* Each of these is replaced by another in one step: there is always one. */
static void race(int rounds)
{
	char buf[8];
	struct stat st;
	int failed = 0;

	for (int i = 0; i < rounds; i++) {
		int fd = open("r/f", O_RDONLY);

		failed += fd < 0 || read(fd, buf, sizeof(buf)) != 4;
		if (fd < 0)
			printf("open: %s\n", strerrorname_np(errno));
		close(fd);
		fd = open("r/a/x", O_RDWR);
		if (fd < 0)
			printf("open below: %s\n", strerrorname_np(errno));
		failed += fd < 0;
		close(fd);
		failed += stat("r/a/x", &st) < 0;
		failed += access("r/f", R_OK) < 0;
		failed += chmod("r/f", 0644) < 0;
		failed += readlink("r/l", buf, sizeof(buf)) != 1;
	}
	printf("failed %d\n", failed);
}

/* The other side: replaces all that "race" uses, each in one step, until it is killed. */
static void swap_all(void)
{
	for (unsigned i = 0;; i++) {
		const char target[2] = {(char)('0' + i % 10), '\0'};

		files_write("r/new", "0123");
		CHECK(rename("r/new", "r/f") == 0);
		CHECK(renameat2(AT_FDCWD, "r/a", AT_FDCWD, "r/b", RENAME_EXCHANGE) == 0);
		CHECK(symlink(target, "r/new") == 0);
		CHECK(rename("r/new", "r/l") == 0);
	}
}

int main(int argc, char **argv)
{
	char line[256];

	if (argc > 1 && strcmp(argv[1], "swap") == 0)
		swap_all();

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "look") == 0)
			look();
		else if (strncmp(line, "race ", 5) == 0)
			race(atoi(line + 5));
		else if (strncmp(line, "hold ", 5) == 0)
			held[held[0] >= 0] = open(line + 5, O_RDONLY);
		else if (strncmp(line, "cd ", 3) == 0)
			printf("%s\n", result(chdir(line + 3)));
		else if (strncmp(line, "make ", 5) == 0)
			printf("%s\n", result(close(open(line + 5, O_WRONLY | O_CREAT | O_EXCL, 0644))));
		printf("end\n");
	}
	return 0;
}
