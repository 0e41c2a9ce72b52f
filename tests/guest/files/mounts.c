/* /proc/self/mountinfo agrees with stat(2), with fdinfo and with itself. */
#include "files.h"

#include <sys/sysmacros.h>

struct line {
	int id, parent;
	unsigned major, minor;
	char point[PATH_MAX];
};

static struct line lines[512];
static int count;

static void read_lines(void)
{
	char text[8192];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	CHECK(f != NULL);
	while (count < 512 && fgets(text, sizeof(text), f)) {
		struct line *l = &lines[count++];
		CHECK_EQ(sscanf(text, "%d %d %u:%u %*s %4095s", &l->id, &l->parent, &l->major, &l->minor, l->point), 5);
		CHECK(strstr(text, " - ") != NULL);
	}
	CHECK(fclose(f) == 0);
}

/* The last line of the longest name that leads to path. */
static const struct line *line_of(const char *path)
{
	const struct line *best = NULL;
	size_t best_len = 0;

	for (int i = 0; i < count; i++) {
		size_t len = strcmp(lines[i].point, "/") == 0 ? 0 : strlen(lines[i].point);
		bool in = strncmp(path, lines[i].point, len) == 0 && (path[len] == '/' || path[len] == '\0');
		if (in && (!best || len >= best_len)) {
			best = &lines[i];
			best_len = len;
		}
	}
	CHECK(best != NULL);
	return best;
}

static int mount_of_fd(int fd)
{
	char path[64], text[128];
	int id = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *f = fopen(path, "re");
	CHECK(f != NULL);
	while (fgets(text, sizeof(text), f))
		(void)sscanf(text, "mnt_id: %d", &id);
	CHECK(fclose(f) == 0);
	return id;
}

static void check(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	const struct line *l = line_of(path);
	CHECK(fstat(fd, &st) == 0);
	/* Some file systems of the host have several devices, as overlayfs for files. */
	if (S_ISDIR(st.st_mode) && getenv("TRAPLINE_TEST_TREE")) {
		CHECK_EQ(l->major, major(st.st_dev));
		CHECK_EQ(l->minor, minor(st.st_dev));
	}
	CHECK_EQ(mount_of_fd(fd), l->id);
	CHECK(close(fd) == 0);
}

int main(void)
{
	char file[PATH_MAX + 8];

	files_enter();
	files_write("file", "text");
	read_lines();
	/* Not so natively in a container, which does not see all. */
	for (int i = 0; getenv("TRAPLINE_TEST_TREE") && i < count; i++) {
		int parents = 0;
		for (int j = 0; j < count; j++) {
			CHECK(i == j || lines[i].id != lines[j].id);
			parents += lines[j].id == lines[i].parent;
		}
		CHECK_EQ(parents, strcmp(lines[i].point, "/") != 0);
	}
	check("/");
	check("/etc/passwd");
	check("/sys");
	check("/proc");
	check("/dev/shm");
	check(files_dir);
	snprintf(file, sizeof(file), "%s/file", files_dir);
	check(file);
	files_leave();
	return 0;
}
