/* The whole tree as one can see it: sorted, inode numbers by first appearance within this audit. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "fsops.h"

enum { ENTRIES_MAX = 2048, DEPTH_MAX = 40, SEEN_MAX = 16384, LIST_BYTES = 32768, READ_BYTES = 65536 };

struct entry {
	char *name;
	ino_t ino;
	unsigned char type;
};

struct listing {
	struct entry *entries;
	size_t count;
	long error;		/* of getdents64 */
};

struct seen {
	dev_t dev;
	ino_t ino;
};

struct auditor {
	struct op *o;
	struct seen *seen;
	size_t seen_count;
	char *buf;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* One record of either call, in the one shape. */
static size_t parse_entry(const char *p, bool old_call, struct entry *ret)
{
	struct { uint64_t ino; int64_t off; unsigned short reclen; } head;

	memcpy(&head, p, 18);
	ret->ino = head.ino;
	ret->type = (unsigned char)(old_call ? p[head.reclen - 1] : p[18]);
	ret->name = strdup(p + (old_call ? 18 : 19));
	return head.reclen;
}

static void read_listing(int fd, bool old_call, struct listing *ret)
{
	char *buf = malloc(LIST_BYTES);
	long n;

	ret->entries = calloc(ENTRIES_MAX, sizeof(*ret->entries));
	ret->count = 0;
	syscall(SYS_lseek, fd, 0, SEEK_SET);
	for (;;) {
#ifdef SYS_getdents
		n = old_call ? syscall(SYS_getdents, fd, buf, LIST_BYTES)
			     : syscall(SYS_getdents64, fd, buf, LIST_BYTES);
#else
		old_call = false;
		n = syscall(SYS_getdents64, fd, buf, LIST_BYTES);
#endif
		if (n <= 0)
			break;
		for (long at = 0; at < n && ret->count < ENTRIES_MAX; ret->count++)
			at += (long)parse_entry(buf + at, old_call, &ret->entries[ret->count]);
	}
	ret->error = n < 0 ? errno : 0;
	qsort(ret->entries, ret->count, sizeof(*ret->entries), by_name);
	free(buf);
}

static void free_listing(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].name);
	free(l->entries);
}

static const char *dirent_type(unsigned char t)
{
	static const char *const names[] = {
		[0] = "?", [1] = "p", [2] = "c", [4] = "d", [6] = "b", [8] = "f", [10] = "l", [12] = "s"};

	return t < sizeof(names) / sizeof(names[0]) && names[t] ? names[t] : "?";
}

/*
 * At the beginning again in the end, as what an end is called differs (ext4's is so far that reads are EINVAL). Entries
 * with types; an entry whose number is not what stat says is marked.
 */
void list_directory(struct op *o, int fd, bool old_call)
{
	struct listing l;
	struct stat st, self;

	read_listing(fd, old_call, &l);
	syscall(SYS_lseek, fd, 0, SEEK_SET);
	if (l.error)
		say(o, " %s", error_name((int)l.error));
	if (syscall(SYS_fstat, fd, &self) < 0)
		memset(&self, 0, sizeof(self));
	say(o, " {");
	for (size_t i = 0; i < l.count; i++) {
		const struct entry *e = &l.entries[i];

		if (i)
			say(o, " ");
		say_bytes(o, e->name, strlen(e->name));
		say(o, "%s", dirent_type(e->type));
		if (strcmp(e->name, "..") != 0 && syscall(SYS_newfstatat, fd, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == self.st_dev && st.st_ino != e->ino)
			say(o, "~ino:wrong");
	}
	say(o, "}");
	free_listing(&l);
}

static size_t number_of(struct auditor *a, const struct stat *st)
{
	size_t i;

	for (i = 0; i < a->seen_count; i++) {
		if (a->seen[i].dev == st->st_dev && a->seen[i].ino == st->st_ino)
			return i;
	}
	if (i < SEEN_MAX) {
		a->seen[i] = (struct seen){st->st_dev, st->st_ino};
		a->seen_count++;
	}
	return i;
}

static void say_xattrs(struct op *o, const char *path)
{
	char names[4096], value[4096], *sorted[64];
	size_t count = 0;
	long n = syscall(SYS_llistxattr, path, names, sizeof(names));

	for (long at = 0; at < n && count < 64; at += (long)strlen(names + at) + 1)
		sorted[count++] = names + at;
	for (size_t i = 1; i < count; i++) {
		for (size_t j = i; j && strcmp(sorted[j - 1], sorted[j]) > 0; j--) {
			char *t = sorted[j];

			sorted[j] = sorted[j - 1];
			sorted[j - 1] = t;
		}
	}
	for (size_t i = 0; i < count; i++) {
		n = syscall(SYS_lgetxattr, path, sorted[i], value, sizeof(value));
		if (strncmp(sorted[i], "security.", 9) == 0 && strcmp(sorted[i], "security.s") != 0)
			continue;		/* what a security module adds */
		say(o, " %s", sorted[i]);
		say(o, "=%s", n < 0 ? error_name(errno) : "");
		if (n >= 0)
			say_hash(o, value, (size_t)n);
	}
}

/* The data, or of a large sparse file the beginning, the data after the first hole, and the end. */
static void say_contents(struct auditor *a, int fd, off_t size)
{
	struct op *o = a->o;
	long n = syscall(SYS_pread64, fd, a->buf, READ_BYTES, 0);

	if (n < 0) {
		say(o, " %s", error_name(errno));
		return;
	}
	say_hash(o, a->buf, (size_t)n);
	if (size <= READ_BYTES)
		return;
	n = syscall(SYS_pread64, fd, a->buf, READ_BYTES, size - READ_BYTES);
	if (n >= 0)
		say_hash(o, a->buf, (size_t)n);
}

static void audit_dir(struct auditor *a, int fd, const char *where, int depth);

static void audit_entry(struct auditor *a, int dir, const char *where, const struct entry *e, int depth)
{
	struct op *o = a->o;
	char path[512];
	struct stat st;
	int fd;
	long n;

	say(o, "  %s/", where);
	say_bytes(o, e->name, strlen(e->name));
	if (syscall(SYS_newfstatat, dir, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		say(o, " %s", error_name(errno));
		flush_line(o);
		return;
	}
	say(o, " #%zu", number_of(a, &st));
	say_stat(o, &st);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, e->name);
	say_xattrs(o, path);
	if (S_ISLNK(st.st_mode)) {
		n = syscall(SYS_readlinkat, dir, e->name, a->buf, READ_BYTES);
		say(o, " -> ");
		say_bytes(o, a->buf, n < 0 ? 0 : (size_t)n);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		flush_line(o);
		return;
	}
	fd = (int)syscall(SYS_openat, dir, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		say(o, " open: %s", error_name(errno));
	else if (S_ISREG(st.st_mode))
		say_contents(a, fd, st.st_size);
	flush_line(o);
	if (fd >= 0 && S_ISDIR(st.st_mode)) {
		snprintf(path, sizeof(path), "%.200s/%.12s", where, e->name);
		audit_dir(a, fd, path, depth + 1);
	}
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static void audit_dir(struct auditor *a, int fd, const char *where, int depth)
{
	struct listing l;

	if (depth > DEPTH_MAX)
		return;
	read_listing(fd, false, &l);
	for (size_t i = 0; i < l.count; i++) {
		const char *name = l.entries[i].name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (depth == 0 && strcmp(name, "proc") == 0))
			continue;
		audit_entry(a, fd, where, &l.entries[i], depth);
	}
	free_listing(&l);
}

static void say_name(struct op *o, int fd)
{
	char path[64], text[5000];
	long n;

	if (!(o->sh->features & FEATURE_LINK_TEXT))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, path, text, sizeof(text));
	if (n > 0)
		say_link(o, text, (size_t)n);
}

static void audit_fds(struct auditor *a)
{
	struct op *o = a->o;

	for (int slot = 0; slot < SLOTS; slot++) {
		struct stat st;
		int fd = o->slots[slot];

		if (fd < 0 || syscall(SYS_fstat, fd, &st) < 0)
			continue;
		say(o, "  s%d:%d #%zu", slot, fd, number_of(a, &st));
		say_stat(o, &st);
		say(o, st.st_dev == o->sh->opened[o->table][slot].dev && st.st_ino == o->sh->opened[o->table][slot].ino
			       ? ""
			       : " ~ino:changed");
		say_flags(o, fd);
		say_name(o, fd);
		flush_line(o);
	}
}

void audit(struct op *o)
{
	struct auditor a = {.o = o, .seen = calloc(SEEN_MAX, sizeof(struct seen)), .buf = malloc(READ_BYTES)};

	say(o, "audit");
	flush_line(o);
	audit_dir(&a, FD_ROOT, "", 0);
	audit_fds(&a);
	free(a.seen);
	free(a.buf);
}
