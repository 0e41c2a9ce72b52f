/*
 * What is in a file, through anything that changes it: random writes, maps, truncations, holes, copies, through several
 * descriptions, by several names, closed and opened between; after each step size and bytes are what a model of them in
 * memory says. Arguments: seed, steps (for long runs by hand).
 */
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "files.h"

enum { LONGEST = 1 << 18, HANDLES = 4, PAGE = 4096 };

static unsigned char model[LONGEST], seen[LONGEST];
static off_t size;
static int handles[HANDLES];
static unsigned long long state;
static int step;
static const char *doing;
static bool modes_lacking[256];

static unsigned int roll(unsigned int bound)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(state >> 33) % bound;
}

/* A range that is small, or aligned to pages, or any. */
static void pick(off_t end, off_t *at, size_t *length)
{
	off_t last;

	*at = (off_t)roll((unsigned int)end + 1);
	last = *at + (off_t)roll(roll(2) ? 64 : 3 * PAGE * PAGE / 256) + 1;
	if (roll(3) == 0) {
		*at &= ~(off_t)(PAGE - 1);
		last = (last + PAGE - 1) & ~(off_t)(PAGE - 1);
	}
	if (last > LONGEST)
		last = LONGEST;
	if (*at >= last)
		*at = last - 1;
	*length = (size_t)(last - *at);
}

static void grown(off_t end)
{
	if (end > size)
		size = end;
}

static void fill(off_t at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		model[at + (off_t)i] = (unsigned char)roll(256);
}

static void fail(const char *what)
{
	dprintf(2, "step %d, %s, size %lld: %s\n", step, doing, (long long)size, what);
	CHECK(false);
}

static int any(void)
{
	return handles[roll(HANDLES)];
}

/* All that a reader sees; each time by another way. */
static void compare(void)
{
	struct stat st;
	int fd = any();
	ssize_t got;
	void *map;

	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_size, size);
	switch (roll(3)) {
	case 0:
		got = pread(fd, seen, LONGEST, 0);
		if (got != size || memcmp(seen, model, (size_t)size) != 0)
			fail("read");
		break;
	case 1:
		map = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
		CHECK(map != MAP_FAILED);
		if (size > 0 && memcmp(map, model, (size_t)size) != 0)
			fail("map");
		CHECK(size == 0 || munmap(map, (size_t)size) == 0);
		break;
	default:
		CHECK(stat(roll(2) ? "one" : "two", &st) == 0);
		CHECK_EQ(st.st_size, size);
	}
}

static void do_write(void)
{
	struct iovec parts[2];
	off_t at;
	size_t length;

	pick(LONGEST - 1, &at, &length);
	fill(at, length);
	parts[0] = (struct iovec){model + at, length / 2};
	parts[1] = (struct iovec){model + at + length / 2, length - length / 2};
	CHECK_EQ(roll(2) ? pwrite(any(), model + at, length, at) : pwritev(any(), parts, 2, at), length);
	grown(at + (off_t)length);
}

static void do_append(void)
{
	int fd = open(roll(2) ? "one" : "two", O_WRONLY | O_APPEND);
	size_t length = roll(PAGE) + 1;

	CHECK(fd >= 0);
	if (size + (off_t)length <= LONGEST) {
		fill(size, length);
		CHECK_EQ(write(fd, model + size, length), length);
		size += (off_t)length;
	}
	CHECK(close(fd) == 0);
}

static void do_map(void)
{
	unsigned char *map;
	off_t at;
	size_t length;

	if (size == 0)
		return;
	pick(size - 1, &at, &length);
	if (at + (off_t)length > size)
		length = (size_t)(size - at);
	map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, any(), 0);
	CHECK(map != MAP_FAILED);
	fill(at, length);
	memcpy(map + at, model + at, length);
	if (roll(2))
		CHECK(msync(map, (size_t)size, roll(2) ? MS_SYNC : MS_ASYNC) == 0);
	CHECK(munmap(map, (size_t)size) == 0);
}

static void do_truncate(void)
{
	off_t to = (off_t)roll(roll(4) ? LONGEST / 2 : PAGE);

	if (roll(2))
		CHECK(ftruncate(any(), to) == 0);
	else
		CHECK(truncate(roll(2) ? "one" : "two", to) == 0);
	if (to > size)
		memset(model + size, 0, (size_t)(to - size));
	memset(model + to, 0, (size_t)(LONGEST - to));
	size = to;
}

static void do_allocate(void)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE};
	int mode = modes[roll(sizeof(modes) / sizeof(modes[0]))];
	off_t at, tail;
	size_t length;

	pick(LONGEST - 1, &at, &length);
	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
		at &= ~(off_t)(PAGE - 1);
		length = (roll(4) + 1) * PAGE;
		if (at + (off_t)length >= size || ((mode & FALLOC_FL_INSERT_RANGE) && size + (off_t)length > LONGEST))
			return;
	}
	if (modes_lacking[mode])
		return;
	if (fallocate(any(), mode, at, (off_t)length) != 0) {
		CHECK_EQ(errno, EOPNOTSUPP);
		modes_lacking[mode] = true;
		return;
	}
	if (mode & FALLOC_FL_COLLAPSE_RANGE) {
		tail = size - at - (off_t)length;
		memmove(model + at, model + at + length, (size_t)tail);
		size -= (off_t)length;
		memset(model + size, 0, length);
		return;
	}
	if (mode & FALLOC_FL_INSERT_RANGE) {
		memmove(model + at + length, model + at, (size_t)(size - at));
		size += (off_t)length;
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE))
		memset(model + at, 0, length);
	if (!(mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_INSERT_RANGE)))
		grown(at + (off_t)length);
}

/* From one place of the file to another that does not overlap it. */
static void do_copy(void)
{
	off_t from, to, target;
	size_t length;
	ssize_t n;
	int fd;

	pick(LONGEST / 2 - 1, &from, &length);
	if (from + (off_t)length > LONGEST / 2)
		length = (size_t)(LONGEST / 2 - from);
	if (from + (off_t)length > size)
		return;
	to = target = LONGEST / 2 + from;
	if (roll(2)) {
		off_t source = from;

		n = copy_file_range(any(), &source, any(), &to, length, 0);
	} else {
		fd = open("two", O_WRONLY);
		CHECK(fd >= 0 && lseek(fd, target, SEEK_SET) == target);
		n = sendfile(fd, any(), &(off_t){from}, length);
		CHECK(close(fd) == 0);
	}
	CHECK(n > 0);
	memcpy(model + target, model + from, (size_t)n);
	grown(target + n);
}

static void do_open(void)
{
	int i = (int)roll(HANDLES);

	if (roll(4) == 0)
		for (int j = 0; j < HANDLES; j++)	/* nobody has it open for a moment */
			CHECK(close(handles[j]) == 0);
	else
		CHECK(close(handles[i]) == 0);
	for (int j = 0; j < HANDLES; j++)
		if (fcntl(handles[j], F_GETFD) < 0)
			CHECK_EQ(open(roll(2) ? "one" : "two", O_RDWR | (roll(3) ? 0 : O_SYNC)), handles[j]);
}

/* Other names, another mode; and a program that empties it on opening. */
static void do_names(void)
{
	int fd;

	switch (roll(4)) {
	case 0:
		CHECK(unlink("two") == 0 && link("one", "two") == 0);
		break;
	case 1:
		CHECK(rename("one", "three") == 0 && rename("two", "one") == 0 && rename("three", "two") == 0);
		break;
	case 2:
		CHECK(fchmod(any(), roll(2) ? 0600 : 0755) == 0);
		break;
	default:
		fd = open("one", O_RDWR | O_TRUNC);
		CHECK(fd >= 0 && close(fd) == 0);
		memset(model, 0, sizeof(model));
		size = 0;
	}
}

static void do_sync(void)
{
	CHECK((roll(2) ? fsync(any()) : fdatasync(any())) == 0);
	CHECK_EQ(posix_fadvise(any(), 0, 0, POSIX_FADV_DONTNEED), 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} actions[] = {
	{"write", do_write}, {"write", do_write}, {"append", do_append}, {"map", do_map}, {"map", do_map}, {"truncate", do_truncate},
	{"allocate", do_allocate}, {"allocate", do_allocate}, {"copy", do_copy}, {"open", do_open}, {"names", do_names}, {"sync", do_sync},
};

int main(int argc, char **argv)
{
	int steps = argc > 2 ? atoi(argv[2]) : 1500;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	files_enter();
	files_write("one", "");
	CHECK(link("one", "two") == 0);
	for (int i = 0; i < HANDLES; i++) {
		handles[i] = open("one", O_RDWR);
		CHECK(handles[i] >= 0);
	}
	for (step = 0; step < steps; step++) {
		unsigned int what = roll(sizeof(actions) / sizeof(actions[0]));

		doing = actions[what].name;
		actions[what].run();
		compare();
	}
	for (int i = 0; i < HANDLES; i++)
		CHECK(close(handles[i]) == 0);
	files_leave();
	return 0;
}
