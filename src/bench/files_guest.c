/* What the benchmark of files runs as its guest: one operation, over and over, timed from inside. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/thread.h"
#include "bench/files.h"

enum { BLOCK = 4096, SMALL = 16, BATCHES = 25, LISTED = 50 };

struct guest {
	const char *dir;
	int fd;			/* an open file of BLOCK bytes */
	void *map;
	char file[512], deep[512], link[512], name[512], other[512], list[512];
	char block[BLOCK];
};

static int make_file(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);
	char block[BLOCK] = {0};
	if (fd < 0)
		return -errno;
	return write(fd, block, sizeof(block)) == sizeof(block) ? 0 : -EIO;
}

static int make_dir(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_deep(struct guest *g)
{
	size_t n = (size_t)snprintf(g->deep, sizeof(g->deep), "%s", g->dir);
	int r = 0;
	for (char c = 'a'; r == 0 && c < 'e'; c++) {
		n += (size_t)snprintf(g->deep + n, sizeof(g->deep) - n, "/%c", c);
		r = make_dir(g->deep);
	}
	(void)snprintf(g->deep + n, sizeof(g->deep) - n, "/file");
	return r ? r : make_file(g->deep);
}

static int make_list(struct guest *g)
{
	char path[600];
	int r = make_dir(g->list);
	for (int i = 0; r == 0 && i < LISTED; i++) {
		(void)snprintf(path, sizeof(path), "%s/entry%d", g->list, i);
		r = make_file(path);
	}
	return r;
}

static int set_up(struct guest *g)
{
	(void)snprintf(g->file, sizeof(g->file), "%s/file", g->dir);
	(void)snprintf(g->link, sizeof(g->link), "%s/link", g->dir);
	(void)snprintf(g->name, sizeof(g->name), "%s/name", g->dir);
	(void)snprintf(g->other, sizeof(g->other), "%s/other", g->dir);
	(void)snprintf(g->list, sizeof(g->list), "%s/list", g->dir);
	int r = make_file(g->file);
	if (r == 0)
		r = make_deep(g);
	if (r == 0)
		r = make_list(g);
	if (r == 0)
		r = make_file(g->name);
	if (r == 0 && symlink("file", g->link) < 0 && errno != EEXIST)
		r = -errno;
	if (r < 0)
		return r;
	g->fd = open(g->file, O_RDWR | O_CLOEXEC);
	return g->fd < 0 ? -errno : 0;
}

static int do_read(struct guest *g)
{
	return pread(g->fd, g->block, BLOCK, 0) == BLOCK ? 0 : -EIO;
}

static int do_write(struct guest *g)
{
	return pwrite(g->fd, g->block, BLOCK, 0) == BLOCK ? 0 : -EIO;
}

static int do_read_small(struct guest *g)
{
	return pread(g->fd, g->block, SMALL, 0) == SMALL ? 0 : -EIO;
}

static int do_write_small(struct guest *g)
{
	return pwrite(g->fd, g->block, SMALL, 0) == SMALL ? 0 : -EIO;
}

static int do_lseek(struct guest *g)
{
	return lseek(g->fd, 7, SEEK_SET) == 7 ? 0 : -EIO;
}

static int do_fstat(struct guest *g)
{
	struct stat st;
	return syscall(SYS_fstat, g->fd, &st) < 0 ? -errno : 0;
}

/* glibc 2.33 to 2.38 ask for a descriptor by an empty name, which no filter can tell from another. */
static int do_fstat_libc(struct guest *g)
{
	struct stat st;
	return fstat(g->fd, &st) < 0 ? -errno : 0;
}

static int do_mmap(struct guest *g)
{
	volatile char *p = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, g->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	char c = *p;
	(void)c;
	return munmap((void *)p, BLOCK) < 0 ? -errno : 0;
}

static int do_open(struct guest *g)
{
	int fd = open(g->file, O_RDONLY | O_CLOEXEC);
	return fd < 0 || close(fd) < 0 ? -errno : 0;
}

static int do_stat(struct guest *g)
{
	struct stat st;
	return stat(g->file, &st) < 0 ? -errno : 0;
}

static int do_stat_deep(struct guest *g)
{
	struct stat st;
	return stat(g->deep, &st) < 0 ? -errno : 0;
}

static int do_access(struct guest *g)
{
	return access(g->file, R_OK) < 0 ? -errno : 0;
}

static int do_readlink(struct guest *g)
{
	return readlink(g->link, g->block, BLOCK) == 4 ? 0 : -EIO;
}

static int do_list(struct guest *g)
{
	AUTO_CLOSE int fd = open(g->list, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n = fd < 0 ? -1 : 1;
	while (n > 0)
		n = syscall(SYS_getdents64, fd, g->block, BLOCK);
	return n < 0 ? -errno : 0;
}

static int do_create(struct guest *g)
{
	int fd = open(g->other, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return unlink(g->other) < 0 ? -errno : 0;
}

static int do_mkdir(struct guest *g)
{
	return mkdir(g->other, 0755) < 0 || rmdir(g->other) < 0 ? -errno : 0;
}

static int do_rename(struct guest *g)
{
	return rename(g->name, g->other) < 0 || rename(g->other, g->name) < 0 ? -errno : 0;
}

static const struct {
	const char *name;
	int (*run)(struct guest *g);
	enum files_floor floor, least;
	int floor_nr;		/* what the bare loops answer */
} ops[FILES_OPS] = {
	[FILES_READ] = {"read 4 KiB", do_read, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_WRITE] = {"write 4 KiB", do_write, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_READ_SMALL] = {"read 16 bytes", do_read_small, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_WRITE_SMALL] = {"write 16 bytes", do_write_small, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_LSEEK] = {"lseek", do_lseek, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_FSTAT] = {"fstat(2)", do_fstat, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_FSTAT_LIBC] = {"fstat of libc", do_fstat_libc, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_MMAP] = {"mmap, fault, munmap", do_mmap, FLOOR_FILTER, FLOOR_NONE, 0},
	[FILES_OPEN_CLOSE] = {"open, close", do_open, FLOOR_INSTALL, FLOOR_OPEN, SYS_openat},
	[FILES_STAT] = {"stat", do_stat, FLOOR_READ, FLOOR_STAT, SYS_newfstatat},
	[FILES_STAT_DEEP] = {"stat, 5 levels down", do_stat_deep, FLOOR_READ, FLOOR_STAT, SYS_newfstatat},
	[FILES_ACCESS] = {"access", do_access, FLOOR_NONE, FLOOR_NONE, 0},
	[FILES_READLINK] = {"readlink", do_readlink, FLOOR_NONE, FLOOR_NONE, 0},
	[FILES_LIST] = {"list 50 entries", do_list, FLOOR_NONE, FLOOR_NONE, 0},
	[FILES_CREATE_UNLINK] = {"create, unlink", do_create, FLOOR_NONE, FLOOR_NONE, 0},
	[FILES_MKDIR_RMDIR] = {"mkdir, rmdir", do_mkdir, FLOOR_NONE, FLOOR_NONE, 0},
	[FILES_RENAME] = {"rename, rename", do_rename, FLOOR_NONE, FLOOR_NONE, 0},
};

const char *files_op_name(enum files_op op)
{
	return ops[op].name;
}

enum files_floor files_op_floor(enum files_op op, enum files_way way)
{
	return way == FILES_FLOOR ? ops[op].floor : way == FILES_LEAST ? ops[op].least : FLOOR_NONE;
}

static uint64_t now_ps(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) * 1000;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The median of the batches, for one operation. */
static int measure(struct guest *g, enum files_op op, uint64_t calls, uint64_t *ret_ps)
{
	uint64_t each[BATCHES];
	uint64_t batch = calls / BATCHES ? calls / BATCHES : 1;
	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = now_ps();
		for (uint64_t n = 0; n < batch; n++) {
			int r = ops[op].run(g);
			if (r < 0)
				return r;
		}
		each[i] = (now_ps() - start) / batch;
	}
	qsort(each, BATCHES, sizeof(each[0]), compare);
	*ret_ps = each[BATCHES / 2];
	return 0;
}

struct helper {
	struct guest *guest;
	enum files_op op;
	uint64_t calls;
	int result;
};

static void *help(void *arg)
{
	struct helper *h = arg;
	for (uint64_t n = 0; h->result == 0 && n < h->calls; n++)
		h->result = ops[h->op].run(h->guest);
	return NULL;
}

/* All threads do .calls each: picoseconds of wall time for one operation of any of them. */
static int measure_threads(struct guest *g, enum files_op op, uint64_t calls, unsigned threads, uint64_t *ret_ps)
{
	struct helper helpers[8] = {0};
	pthread_t ids[8];
	unsigned started = 0;
	int r = 0;
	uint64_t start = now_ps();
	for (; started < threads && started < ARRAY_SIZE(helpers); started++) {
		helpers[started] = (struct helper){.guest = g, .op = op, .calls = calls};
		r = thread_start(&ids[started], help, &helpers[started]);
		if (r < 0)
			break;
	}
	for (unsigned i = 0; i < started; i++) {
		(void)pthread_join(ids[i], NULL);
		r = r ? r : helpers[i].result;
	}
	*ret_ps = (now_ps() - start) / (calls * threads);
	return r;
}

int files_guest_run(enum files_op op, uint64_t calls, const char *dir, enum files_way way, unsigned threads)
{
	struct guest g = {.dir = dir, .fd = -1};
	uint64_t ps = 0;
	int r = set_up(&g);
	if (r == 0 && way != FILES_NATIVE)
		r = files_floor_start(files_op_floor(op, way), ops[op].floor_nr, g.fd, threads ? threads : 1);
	if (r == 0)
		r = threads ? measure_threads(&g, op, calls, threads, &ps) : measure(&g, op, calls, &ps);
	if (r < 0)
		return r;
	(void)printf("%llu\n", (unsigned long long)ps);
	return 0;
}
