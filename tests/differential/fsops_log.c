/* The log: what must be equal everywhere, and nothing else. A field " ~name:value" may be left out by run.py. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "fsops.h"

void say(struct op *o, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(o->line + o->len, LINE_MAX_BYTES - o->len, fmt, args);
	va_end(args);
	if (n > 0)
		o->len += (size_t)n < LINE_MAX_BYTES - o->len ? (size_t)n : LINE_MAX_BYTES - o->len - 1;
}

void say_bytes(struct op *o, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	say(o, "\"");
	for (size_t i = 0, run; i < len; i += run) {
		for (run = 1; i + run < len && p[i + run] == p[i];)
			run++;
		if (run > 8) {
			say(o, p[i] > ' ' && p[i] < 0x7f ? "{%c*%zu}" : "{\\x%02x*%zu}", p[i], run);
			continue;
		}
		run = 1;
		if (p[i] == '.' && i + 64 < len && strncmp((const char *)p + i, "./././././././././", 16) == 0) {
			while (i + run + 1 < len && p[i + run] == '/' && p[i + run + 1] == '.')
				run += 2;
			say(o, "{./*%zu}", run);
		} else if (p[i] < ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\') {
			say(o, "\\x%02x", p[i]);
		} else {
			say(o, "%c", p[i]);
		}
	}
	say(o, "\"");
}

void say_path(struct op *o, const char *path)
{
	char *end;
	long pid = strncmp(path, "/proc/", 6) == 0 ? strtol(path + 6, &end, 10) : 0;

	for (int i = 0; i < WORKERS && pid > 0; i++) {
		if (o->sh->pids[i] == pid) {
			say(o, "w%d ", i);
			path = end;
			break;
		}
	}
	say_bytes(o, path, strlen(path));
}

uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

void say_hash(struct op *o, const void *bytes, size_t len)
{
	say(o, " h=%08x", (unsigned)mix(hash_bytes(0xcbf29ce484222325, bytes, len)));
}

const char *error_name(int code)
{
	const char *name = strerrorname_np(code);

	return name ? name : "E?";
}

long result(struct op *o, long r)
{
	int code = errno;

	if (r < 0)
		say(o, ") = %s", error_name(code));
	else
		say(o, ") = %ld", r);
	errno = code;
	return r;
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "reg";
	case S_IFDIR: return "dir";
	case S_IFLNK: return "lnk";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "sock";
	case S_IFCHR: return "chr";
	case S_IFBLK: return "blk";
	default: return "none";
	}
}

/* Times that a guest set are long past and must agree to the nanosecond; others are "now". */
static void say_time(struct op *o, const char *what, const struct timespec *t)
{
	if (t->tv_sec < 1000000000)
		say(o, " ~%s:%lld.%09ld", what, (long long)t->tv_sec, t->tv_nsec);
}

void say_stat(struct op *o, const struct stat *st)
{
	bool dir = S_ISDIR(st->st_mode);

	say(o, " [%s 0%o u%d g%d", type_name(st->st_mode), st->st_mode & 07777, st->st_uid, st->st_gid);
	if (st->st_dev == o->sh->dev_root && st->st_ino == o->sh->ino_root)
		say(o, " root");	/* what is mounted in it may be made up */
	else if (dir)
		say(o, " ~dirnlink:%lu ~dirsize:%lld", (unsigned long)st->st_nlink, (long long)st->st_size);
	else
		say(o, " n%lu s%lld", (unsigned long)st->st_nlink, (long long)st->st_size);
	say(o, " ~blocks:%lld", (long long)st->st_blocks);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		say(o, " r%u:%u", major(st->st_rdev), minor(st->st_rdev));
	else
		say(o, " ~blksize:%ld", (long)st->st_blksize);
	say(o, " dev%c", st->st_dev == o->sh->dev_root ? '/' : st->st_dev == o->sh->dev_second ? 'm' : '?');
	say_time(o, "atime", &st->st_atim);
	say_time(o, S_ISFIFO(st->st_mode) ? "fifotime" : "mtime", &st->st_mtim);
	say(o, "]");
}

/*
 * Flags of an open description; those that only say how its name was looked up stand apart where no directory has them.
 */
void say_flags(struct op *o, int fd)
{
	struct stat st;
	long flags = syscall(SYS_fcntl, fd, F_GETFL);
	bool all = !(flags & O_PATH) && syscall(SYS_fstat, fd, &st) == 0 && S_ISDIR(st.st_mode);
	const long lookup = all ? 0 : O_NOFOLLOW | O_DIRECTORY | (O_TMPFILE & ~O_DIRECTORY);

	if (flags < 0)
		say(o, " fl=%s", error_name(errno));
	else
		say(o, " fl=%#lx ~lookup:%#lx", flags & ~lookup, flags & lookup);
}

void flush_line(struct op *o)
{
	size_t done = 0;

	say(o, "\n");
	while (done < o->len) {
		ssize_t n = write(1, o->line + done, o->len - done);

		if (n <= 0)
			_exit(3);
		done += (size_t)n;
	}
	o->len = 0;
}

void new_fd(struct op *o, int slot, long fd)
{
	struct stat st;

	if (fd < 0)
		return;
	if (o->slots[slot] >= 0)
		syscall(SYS_close, o->slots[slot]);
	o->slots[slot] = (int)fd;
	say(o, " in s%d", slot);
	if (syscall(SYS_fstat, fd, &st) == 0) {
		o->sh->opened[o->table][slot].dev = st.st_dev;
		o->sh->opened[o->table][slot].ino = st.st_ino;
		o->sh->opened[o->table][slot].mode = st.st_mode;
	}
}

/* ---- which times an operation changed ---- */

static bool watch_stat(int dirfd, const char *path, struct stat *st)
{
	return syscall(SYS_newfstatat, dirfd, path, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What holds the last component, by the text alone. */
static void parent_of(const char *path, char *parent)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0) {
		strcpy(parent, ".");
	} else {
		memcpy(parent, path, n);
		parent[n] = '\0';
	}
}

void watch_start(struct op *o, int dirfd, const char *path)
{
	struct watch *w = &o->watch;
	struct timespec tick;

	/* Two changes within one tick of the clock have the same time. */
	clock_getres(CLOCK_REALTIME_COARSE, &tick);
	tick.tv_nsec += tick.tv_nsec / 10;
	nanosleep(&tick, NULL);
	w->armed = true;
	w->dirfd = dirfd;
	w->is_fd = !path;
	if (w->is_fd) {
		w->have_self = syscall(SYS_fstat, dirfd, &w->self) == 0;
		w->have_above = false;
		return;
	}
	strcpy(w->path, path);
	parent_of(path, w->parent);
	w->have_self = watch_stat(dirfd, w->path, &w->self);
	w->have_above = watch_stat(dirfd, w->parent, &w->above);
}

static bool differs(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static void say_changes(struct op *o, const char *what, const struct stat *a, const struct stat *b)
{
	if (a->st_ino != b->st_ino || a->st_dev != b->st_dev) {
		say(o, " %s:other", what);
		return;
	}
	/* An inode in /proc is made when it is looked up and forgotten when it may: its times say when that was. */
	if (a->st_dev != o->sh->dev_root && a->st_dev != o->sh->dev_second)
		return;
	say(o, S_ISFIFO(a->st_mode) ? " ~fifo%s:=%s%s" : " %s:%s%s", what, differs(&a->st_mtim, &b->st_mtim) ? "m" : "",
	    differs(&a->st_ctim, &b->st_ctim) ? "c" : "");
}

void watch_end(struct op *o)
{
	struct watch *w = &o->watch;
	struct stat now;

	if (!w->armed)
		return;
	if (w->is_fd) {
		if (w->have_self && syscall(SYS_fstat, w->dirfd, &now) == 0)
			say_changes(o, "times", &w->self, &now);
		return;
	}
	if (w->have_self && watch_stat(w->dirfd, w->path, &now))
		say_changes(o, "times", &w->self, &now);
	if (w->have_above && watch_stat(w->dirfd, w->parent, &now))
		say_changes(o, "above", &w->above, &now);
}

/* Numbers that are chance: of a file that never had a name ("/#123 (deleted)"), of a process in /proc. */
void say_link(struct op *o, const char *text, size_t len)
{
	char shown[5000];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		shown[n++] = text[i];
		bool thread = i >= 5 && strncmp(text, "/proc/", 6) == 0 && strncmp(text + i - 5, "/task/", 6) == 0;

		if ((text[i] == '#' && i && text[i - 1] == '/') || (i == 5 && strncmp(text, "/proc/", 6) == 0) || thread) {
			while (i + 1 < len && text[i + 1] >= '0' && text[i + 1] <= '9')
				i++;
		}
	}
	say(o, " -> ");
	say_bytes(o, shown, n);
}
