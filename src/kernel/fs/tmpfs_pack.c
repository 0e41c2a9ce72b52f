/*
 * tmpfs: files that nobody has open give their memfd back when descriptors of the supervisor get scarce. What they hold
 * is kept on the heap and becomes a memfd again with the next open. Only small files, so that a step is short: the ones
 * that come in tens of thousands.
 */
#include "kernel/fs/tmpfs_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

enum {
	PACK_MAX = 1 << 20,	/* bytes of data that are worth moving */
	BATCH = 64,		/* files that are looked at before an open */
};

struct extent {
	off_t at;
	size_t len;
};

struct tmpfs_packed {
	off_t size;
	blkcnt_t blocks;	/* of 512 bytes, as the memfd had */
	size_t count;
	struct extent *extents;	/* behind this; then the bytes of all of them */
	char *bytes;
};

void tmpfs_packed_stat(const struct tmpfs_inode *ti, struct stat *st)
{
	st->st_size = ti->packed->size;
	st->st_blocks = ti->packed->blocks;
}

uint64_t tmpfs_packed_blocks(const struct tmpfs_inode *ti)
{
	return ti->packed ? (uint64_t)ti->packed->blocks : 0;
}

void tmpfs_free_packed(struct tmpfs_inode *ti)
{
	free(ti->packed);
	ti->packed = NULL;
}

/* ---- the files that have a memfd, the next to be looked at first ---- */

static void remove_from_list(struct tmpfs_super *sb, struct tmpfs_inode *ti)
{
	if (ti->prev_memfd)
		ti->prev_memfd->next_memfd = ti->next_memfd;
	else
		sb->first_memfd = ti->next_memfd;
	if (ti->next_memfd)
		ti->next_memfd->prev_memfd = ti->prev_memfd;
	else
		sb->last_memfd = ti->prev_memfd;
}

static void append_to_list(struct tmpfs_super *sb, struct tmpfs_inode *ti)
{
	ti->next_memfd = NULL;
	ti->prev_memfd = sb->last_memfd;
	if (ti->prev_memfd)
		ti->prev_memfd->next_memfd = ti;
	else
		sb->first_memfd = ti;
	sb->last_memfd = ti;
}

void tmpfs_count_memfd(struct tmpfs_inode *ti)
{
	struct tmpfs_super *sb = tmpfs_super(ti);
	(void)pthread_mutex_lock(&sb->memfds_lock);
	append_to_list(sb, ti);
	sb->memfds++;
	(void)pthread_mutex_unlock(&sb->memfds_lock);
}

void tmpfs_uncount_memfd(struct tmpfs_inode *ti)
{
	struct tmpfs_super *sb = tmpfs_super(ti);
	(void)pthread_mutex_lock(&sb->memfds_lock);
	remove_from_list(sb, ti);
	sb->memfds--;
	(void)pthread_mutex_unlock(&sb->memfds_lock);
}

/* ---- packing ---- */

/* The pieces of a file that hold data, at most max. Their number, or -1: more. */
static ssize_t find_extents(int fd, off_t size, struct extent *ret, size_t max)
{
	size_t count = 0;
	off_t at = 0;
	while (at < size && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(fd, at, SEEK_HOLE);
		if (end < 0 || count == max)
			return -1;
		ret[count++] = (struct extent){at, (size_t)(end - at)};
		at = end;
	}
	return (ssize_t)count;
}

static size_t total_bytes(const struct extent *extents, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += extents[i].len;
	return sum;
}

/* Pages that were allocated but never written would not come back: such a file stays as it is. */
static bool all_is_data(const struct extent *extents, size_t count, const struct stat *st)
{
	blkcnt_t blocks = 0;
	for (size_t i = 0; i < count; i++)
		blocks += (blkcnt_t)((extents[i].len + TMPFS_PAGE - 1) / TMPFS_PAGE * (TMPFS_PAGE / 512));
	return blocks == st->st_blocks;
}

static struct tmpfs_packed *read_data(int fd, const struct stat *st)
{
	struct extent extents[PACK_MAX / TMPFS_PAGE];
	ssize_t found = find_extents(fd, st->st_size, extents, ARRAY_SIZE(extents));
	if (found < 0 || !all_is_data(extents, (size_t)found, st))
		return NULL;
	size_t count = (size_t)found;
	struct tmpfs_packed *p = malloc(sizeof(*p) + count * sizeof(struct extent) + total_bytes(extents, count));
	if (!p)
		return NULL;
	*p = (struct tmpfs_packed){.size = st->st_size, .blocks = st->st_blocks, .count = count};
	p->extents = (struct extent *)(p + 1);
	p->bytes = (char *)(p->extents + count);
	char *to = p->bytes;
	for (size_t i = 0; i < count; i++) {
		p->extents[i] = extents[i];
		if (pread(fd, to, extents[i].len, extents[i].at) != (ssize_t)extents[i].len) {
			free(p);
			return NULL;
		}
		to += extents[i].len;
	}
	return p;
}

/* ti->lock and the super's are held. Did it give its memfd back? */
static bool pack(struct tmpfs_inode *ti)
{
	struct stat st;
	if (ti->pinned)
		return false;
	AUTO_CLOSE int fd = tmpfs_open_if_idle(ti);
	if (fd < 0 || tmpfs_refresh(ti, &st) < 0 || st.st_blocks > PACK_MAX / 512)
		return false;
	ti->packed = read_data(fd, &st);
	if (!ti->packed)
		return false;
	(void)close(ti->backing);
	ti->backing = -1;
	return true;
}

/* The file that has not been looked at for the longest time; next time it is the last. */
static struct tmpfs_inode *next_file(struct tmpfs_super *sb)
{
	(void)pthread_mutex_lock(&sb->memfds_lock);
	struct tmpfs_inode *ti = sb->first_memfd;
	if (ti) {
		remove_from_list(sb, ti);
		append_to_list(sb, ti);
	}
	(void)pthread_mutex_unlock(&sb->memfds_lock);
	return ti;
}

/* sb->lock keeps the files from being freed. */
static size_t pack_some(struct tmpfs_super *sb, size_t looks)
{
	struct tmpfs_inode *ti;
	size_t packed = 0;
	(void)pthread_mutex_lock(&sb->lock);
	for (; looks > 0 && (ti = next_file(sb)); looks--) {
		(void)pthread_mutex_lock(&ti->lock);
		if (pack(ti)) {
			tmpfs_uncount_memfd(ti);
			packed++;
		}
		(void)pthread_mutex_unlock(&ti->lock);
	}
	(void)pthread_mutex_unlock(&sb->lock);
	return packed;
}

/* A quarter of all descriptors: there may be other filesystems, and directories and opens need theirs. */
size_t tmpfs_memfds_allowed(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	return limit.rlim_cur / 4;
}

void tmpfs_before_memfd(struct tmpfs_super *sb)
{
	if (atomic_load(&sb->memfds) < sb->pack_from)
		return;
	/* Where all are in use, looking at them again at every open would help nobody. */
	if (pack_some(sb, BATCH) == 0)
		sb->pack_from += BATCH;
	else if (sb->pack_from > tmpfs_memfds_allowed())
		sb->pack_from -= BATCH;
}

bool tmpfs_after_shortage(struct tmpfs_super *sb)
{
	return pack_some(sb, BATCH * BATCH) > 0;
}

/* ---- unpacking ---- */

int tmpfs_unpack(const struct tmpfs_inode *ti, int fd)
{
	const struct tmpfs_packed *p = ti->packed;
	const char *from = p->bytes;
	if (ftruncate(fd, p->size) < 0)
		return -errno;
	for (size_t i = 0; i < p->count; i++) {
		ssize_t n = pwrite(fd, from, p->extents[i].len, p->extents[i].at);
		if (n < 0)
			return -errno;
		if ((size_t)n != p->extents[i].len)
			return -ENOSPC;
		from += n;
	}
	return 0;
}
