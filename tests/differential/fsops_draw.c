/* Drawing arguments: all chance comes from the operation's own generator. */
#include <stdio.h>
#include <sys/mman.h>

#include "fsops.h"

uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint32_t draw(struct op *o, uint32_t below)
{
	o->rng = mix(o->rng);
	return (uint32_t)((o->rng >> 16) % below);
}

bool one_in(struct op *o, uint32_t n)
{
	return draw(o, n) == 0;
}

static void comma(struct op *o)
{
	if (o->drawn)
		say(o, ", ");
	o->drawn = true;
}

/* The last byte before a hole: a path or struct that starts there runs into nothing. */
static char *edge(void)
{
	static char *page;

	if (!page) {
		page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(page + 4096, 4096);
	}
	page[4095] = 'e';	/* a call that failed may have written it */
	return page + 4095;
}

void *bad_pointer(struct op *o)
{
	switch (draw(o, 4)) {
	case 0:
		return NULL;
	case 1:
		return (void *)8;
	case 2:
		return (void *)0xffff888000000000;
	default:
		return edge();
	}
}

void *arg_buffer(struct op *o, void *good)
{
	void *bad;

	if (!one_in(o, 60))
		return good;
	bad = bad_pointer(o);
	comma(o);
	say(o, "EFAULT");
	return bad;
}

static size_t put(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n + 1);
	return n;
}

static size_t put_many(char *at, char byte, size_t n)
{
	memset(at, byte, n);
	at[n] = '\0';
	return n;
}

/* a to d are directories more often than not, so that sequences have a tree to work in. */
static size_t put_name(struct op *o, char *at, bool last)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	uint32_t n = draw(o, 400), first = 0, of = 8;

	if (n < 20)
		return put(at, "..");
	if (n < 28)
		return put(at, ".");
	if (n < 32)
		return put_many(at, 'L', 255);
	if (n < 34)
		return put_many(at, 'M', 256);
	if (n < 40)
		return put(at, "\xff\xfe\x80");
	if (n < 44)
		return put(at, "sp ace\n\t");
	if (n < 46)
		return put(at, "...");
	if (!last || (o->makes_directory && !one_in(o, 4)))
		of = 4;
	else if (!one_in(o, 3))
		first = of = 4;
	return put(at, names[first + draw(o, of)]);
}

static size_t put_names(struct op *o, char *at)
{
	static const unsigned char counts[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 3};
	unsigned n = counts[draw(o, sizeof(counts))];
	size_t len = 0;

	for (unsigned i = 0; i < n; i++) {
		if (i)
			len += put(at + len, one_in(o, 20) ? "//" : "/");
		len += put_name(o, at + len, i == n - 1);
	}
	if (one_in(o, 25))
		len += put(at + len, one_in(o, 3) ? "//" : "/");
	return len;
}

/* As long as paths may be, one longer, or long through many components. */
static size_t put_long(struct op *o, char *at)
{
	size_t len = 0, want = draw(o, 2) ? 4094 : 4093 + draw(o, 5);

	while (len + 2 <= want)
		len += put(at + len, "./");
	while (len < want)
		len += put(at + len, "a");
	return len;
}

static void put_path(struct op *o, char *at)
{
	uint32_t n = draw(o, 1000);
	size_t len = 0;

	if (n < 15) {
		at[0] = '\0';
	} else if (n < 22) {
		put_long(o, at);
	} else if (n < 55) {
		len = (size_t)sprintf(at, "/proc/self/fd/%d", o->slots[draw(o, SLOTS)]);
		if (one_in(o, 3)) {
			at[len++] = '/';
			put_names(o, at + len);
		}
	} else if (n < 60) {
		len = put(at, one_in(o, 2) ? "/proc/self/cwd/" : "/proc/thread-self/root/");
		put_names(o, at + len);
	} else if (n < 66) {
		len = (size_t)sprintf(at, "/proc/%d/", (int)o->sh->pids[draw(o, WORKERS)]);
		if (one_in(o, 3))
			len += put(at + len, one_in(o, 4) ? "root" : "cwd");
		else
			len += (size_t)sprintf(at + len, "fd/%d", 3 + (int)draw(o, 6));
		if (one_in(o, 2)) {
			at[len++] = '/';
			put_names(o, at + len);
		}
	} else if (n < 90) {
		len = put(at, "/m/");
		put_names(o, at + len);
	} else if (n < 230) {
		len = put(at, "/");
		if (!one_in(o, 20))
			put_names(o, at + len);
	} else {
		put_names(o, at);
	}
}

const char *arg_target(struct op *o)
{
	char *path = o->paths[o->next_path++ % 2];

	if (one_in(o, 100)) {
		put_many(path, 't', one_in(o, 2) ? 4095 : 4096);
	} else {
		put_path(o, path);
	}
	/* the number of a process is chance, and so is its length */
	if (strncmp(path, "/proc/", 6) == 0 && path[6] >= '1' && path[6] <= '9')
		put(path, "/proc/self/cwd/f");
	comma(o);
	say_path(o, path);
	return path;
}

const char *arg_path(struct op *o, int dirfd)
{
	char *path = o->paths[o->next_path++ % 2];

	comma(o);
	if (one_in(o, 120)) {
		say(o, "EFAULT");
		return bad_pointer(o);
	}
	put_path(o, path);
	say_path(o, path);
	if (o->watch.wanted && !o->watch.armed)
		watch_start(o, dirfd, path);
	return path;
}

/* A slot in use, mostly, and of the wanted type, mostly. */
static int any_fd(struct op *o, mode_t type)
{
	static const int bad[] = {-1, 999, -101, 0x7fffffff};
	int slot = (int)draw(o, SLOTS);
	bool pick = !one_in(o, 20), fits = !one_in(o, 4);

	if (one_in(o, 50)) {
		int fd = bad[draw(o, 4)];

		say(o, "bad %d", fd);
		return fd;
	}
	for (int i = 0; pick && i < 2 * SLOTS; i++) {
		int at = (slot + i) % SLOTS;

		if (o->slots[at] >= 0 && (!fits || i >= SLOTS || (o->sh->opened[o->table][at].mode & S_IFMT) == type)) {
			slot = at;
			break;
		}
	}
	say(o, "s%d:%d", slot, o->slots[slot]);
	return o->slots[slot];
}

static bool has_directory(const struct op *o)
{
	for (int i = 0; i < SLOTS; i++) {
		if (o->slots[i] >= 0 && S_ISDIR(o->sh->opened[o->table][i].mode))
			return true;
	}
	return false;
}

int arg_dirfd(struct op *o)
{
	comma(o);
	if (draw(o, 100) < (has_directory(o) ? 45 : 90)) {
		say(o, "cwd");
		return AT_FDCWD;
	}
	return any_fd(o, S_IFDIR);
}

int arg_fd(struct op *o)
{
	int fd;

	comma(o);
	fd = any_fd(o, one_in(o, 3) ? S_IFDIR : S_IFREG);
	if (o->watch.wanted && !o->watch.armed)
		watch_start(o, fd, NULL);
	return fd;
}

int arg_slot(struct op *o)
{
	return (int)draw(o, SLOTS);
}

mode_t arg_mode(struct op *o)
{
	static const mode_t usual[] = {0644, 0600, 0755,  0777,	 0700,	0666,  0,     0400,
				       0200, 0100, 04755, 02755, 02644, 01777, 06777, 0111};
	mode_t mode = usual[draw(o, sizeof(usual) / sizeof(usual[0]))];

	if (one_in(o, 10))
		mode = draw(o, 010000);
	comma(o);
	say(o, "0%o", mode);
	return mode;
}

int64_t arg_offset(struct op *o)
{
	static const int64_t far[] = {5LL << 30, (5LL << 30) + 7, -1, INT64_MIN, INT64_MAX, INT64_MAX - 100, 1LL << 44};
	int64_t at;
	uint32_t n = draw(o, 100);

	if (n < 50)
		at = draw(o, 300);
	else if (n < 80)
		at = draw(o, 20000);
	else if (n < 94)
		at = (int64_t)draw(o, 10) * 4096;
	else
		at = far[draw(o, sizeof(far) / sizeof(far[0]))];
	return arg_number(o, "at", at);
}

size_t arg_size(struct op *o)
{
	static const unsigned sizes[] = {0, 1, 2, 7, 64, 100, 511, 512, 1000, 4095, 4096, 4097, 8192, 12288};

	return (size_t)arg_number(o, "n", sizes[draw(o, sizeof(sizes) / sizeof(sizes[0]))]);
}

long arg_number(struct op *o, const char *what, long value)
{
	comma(o);
	say(o, "%s=%ld", what, value);
	return value;
}

unsigned arg_flags(struct op *o, const char *what, const unsigned *bits, size_t count, uint32_t rarity)
{
	unsigned flags = 0;

	for (size_t i = 0; i < count; i++) {
		if (one_in(o, rarity))
			flags |= bits[i];
	}
	comma(o);
	say(o, "%s=%#x", what, flags);
	return flags;
}

const char *arg_xattr(struct op *o)
{
	static const char *const names[] = {"user.a", "user.b", "user.a",    "user.a",	   "user.a",
					    "user.a", "user.b", "trusted.t", "security.s", "user.",
					    "user",   "none.x", "",	     "system.x"};
	char *path;
	const char *name;

	comma(o);
	if (one_in(o, 80)) {
		say(o, "EFAULT");
		return bad_pointer(o);
	}
	name = names[draw(o, sizeof(names) / sizeof(names[0]))];
	/*
	 * overlayfs asks the layer below before it looks at the prefix, and copies up before that one refuses an empty
	 * suffix: the ctime is then new although nothing was set
	 */
	if (!(o->sh->features & FEATURE_LONG_LISTS) && (!strchr(name, '.') || !strcmp(name, "user.")))
		name = "user.n";
	if (one_in(o, 60)) {
		path = o->paths[o->next_path++ % 2];
		size_t n = put(path, "user.");

		put_many(path + n, 'x', one_in(o, 2) ? 250 : 251);
		name = path;
	}
	say_bytes(o, name, strlen(name));
	return name;
}
