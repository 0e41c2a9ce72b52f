/* tmpfs: the super, its clock and its limits. */
#include "kernel/fs/tmpfs_private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sysinfo.h>

static const struct super_ops tmpfs_super_ops;

struct timespec tmpfs_now(struct tmpfs_super *sb)
{
	struct stat st;
	if (fchmod(sb->clock_fd, 0600) == 0 && fstat(sb->clock_fd, &st) == 0)
		return st.st_ctim;
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now;
}

int tmpfs_charge_inode(struct tmpfs_super *sb)
{
	(void)pthread_mutex_lock(&sb->lock);
	bool full = sb->options.inodes && sb->inode_count >= sb->options.inodes;
	if (!full)
		sb->inode_count++;
	(void)pthread_mutex_unlock(&sb->lock);
	return full ? -ENOSPC : 0;
}

void tmpfs_uncharge_inode(struct tmpfs_super *sb)
{
	(void)pthread_mutex_lock(&sb->lock);
	sb->inode_count--;
	(void)pthread_mutex_unlock(&sb->lock);
}

static uint64_t blocks_of(struct tmpfs_inode *ti)
{
	struct stat st;
	if (ti->inode.type != S_IFREG)
		return 0;
	(void)pthread_mutex_lock(&ti->lock);
	uint64_t blocks = tmpfs_packed_blocks(ti);
	if (ti->backing >= 0 && fstat(ti->backing, &st) == 0)
		blocks = (uint64_t)st.st_blocks;
	(void)pthread_mutex_unlock(&ti->lock);
	return blocks;
}

/* sb->lock is held. */
static uint64_t count_data_pages(const struct tmpfs_super *sb)
{
	uint64_t blocks = 0;
	for (struct tmpfs_inode *ti = sb->inodes; ti; ti = ti->next)
		blocks += blocks_of(ti);
	return blocks / (TMPFS_PAGE / 512);
}

static uint64_t limit_pages(const struct tmpfs_super *sb)
{
	return (sb->options.size + TMPFS_PAGE - 1) / TMPFS_PAGE;
}

/* Linux's default size is half of the memory; unlimited, this is what is shown. */
static uint64_t half_of_memory(void)
{
	struct sysinfo info;
	if (sysinfo(&info) < 0)
		return 0;
	return (uint64_t)info.totalram * info.mem_unit / 2 / TMPFS_PAGE;
}

uint64_t tmpfs_shown_size(void)
{
	return half_of_memory() * TMPFS_PAGE;
}

static int tmpfs_statfs(struct super *super, struct statfs *ret)
{
	struct tmpfs_super *sb = (struct tmpfs_super *)super;
	uint64_t blocks = sb->options.size ? limit_pages(sb) : half_of_memory();
	uint64_t inodes = sb->options.inodes ? sb->options.inodes : half_of_memory();
	(void)pthread_mutex_lock(&sb->lock);
	uint64_t used = count_data_pages(sb);
	uint64_t used_inodes = sb->inode_count;
	(void)pthread_mutex_unlock(&sb->lock);
	*ret = (struct statfs){
		.f_type = TMPFS_MAGIC, .f_bsize = TMPFS_PAGE, .f_frsize = TMPFS_PAGE, .f_namelen = VFS_NAME_MAX,
		.f_blocks = blocks, .f_bfree = blocks > used ? blocks - used : 0,
		.f_files = inodes, .f_ffree = inodes > used_inodes ? inodes - used_inodes : 0,
		.f_fsid = {{(int)super->dev_major, (int)super->dev_minor}},
	};
	ret->f_bavail = ret->f_bfree;
	return 0;
}

bool tmpfs_limited(const struct super *super)
{
	return super->ops == &tmpfs_super_ops && ((const struct tmpfs_super *)super)->options.size;
}

/* The end of what may be written of [pos, end) when pages more may be allocated, which are taken off *pages. */
static uint64_t writable_end(int fd, uint64_t pos, uint64_t end, uint64_t *pages)
{
	pos -= pos % TMPFS_PAGE;
	while (pos < end) {
		off_t at = lseek(fd, (off_t)pos, SEEK_DATA);
		uint64_t data = at < 0 || (uint64_t)at > end ? end : (uint64_t)at;
		uint64_t hole = (data - pos + TMPFS_PAGE - 1) / TMPFS_PAGE;
		if (hole > *pages) {
			pos += *pages * TMPFS_PAGE;
			*pages = 0;
			return pos;
		}
		*pages -= hole;
		if (at < 0 || (uint64_t)at >= end)
			break;
		at = lseek(fd, at, SEEK_HOLE);
		if (at < 0)
			break;
		pos = ((uint64_t)at + TMPFS_PAGE - 1) / TMPFS_PAGE * TMPFS_PAGE;
	}
	return end;
}

size_t tmpfs_room(struct inode *inode, uint64_t offset, size_t len)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (len == 0 || !tmpfs_limited(inode->super) || inode->type != S_IFREG || ti->backing < 0)
		return len;
	uint64_t end;
	if (__builtin_add_overflow(offset, len, &end) || end > INT64_MAX - TMPFS_PAGE)
		return len;	/* the host says EFBIG */
	struct tmpfs_super *sb = tmpfs_super(ti);
	uint64_t pages = (end + TMPFS_PAGE - 1) / TMPFS_PAGE - offset / TMPFS_PAGE;
	(void)pthread_mutex_lock(&sb->lock);
	if (pages <= sb->budget) {
		sb->budget -= pages;
	} else {
		uint64_t limit = limit_pages(sb);
		uint64_t used = count_data_pages(sb);
		sb->budget = limit > used ? limit - used : 0;
		end = writable_end(ti->backing, offset, end, &sb->budget);
	}
	(void)pthread_mutex_unlock(&sb->lock);
	return end > offset ? (size_t)(end - offset) : 0;
}

static void tmpfs_shutdown(struct super *super)
{
	tmpfs_empty_dir(tmpfs_inode(super->root));
}

static void tmpfs_destroy_super(struct super *super)
{
	struct tmpfs_super *sb = (struct tmpfs_super *)super;
	(void)close(sb->clock_fd);
	if (sb->self_fds >= 0)
		(void)close(sb->self_fds);
	(void)pthread_mutex_destroy(&sb->lock);
	(void)pthread_mutex_destroy(&sb->memfds_lock);
	free(sb);
}

static const struct super_ops tmpfs_super_ops = {
	.statfs = tmpfs_statfs,
	.shutdown = tmpfs_shutdown,
	.destroy = tmpfs_destroy_super,
};

static int make_root(struct tmpfs_super *sb)
{
	const struct vfs_create how = {
		.mode = S_IFDIR | (sb->options.mode ? sb->options.mode & 07777 : 01777),
		.uid = sb->options.uid, .gid = sb->options.gid,
	};
	struct tmpfs_inode *root;
	int r = tmpfs_new_inode(sb, &how, tmpfs_now(sb), &root);
	if (r < 0)
		return r;
	root->nlink = 2;
	sb->super.root = &root->inode;
	return 0;
}

int tmpfs_create_type(const struct tmpfs_options *options, const char *type, struct super **ret)
{
	struct tmpfs_super *sb = calloc(1, sizeof(*sb));
	if (!sb)
		return -ENOMEM;
	sb->options = *options;
	sb->next_ino = 1;
	sb->pack_from = tmpfs_memfds_allowed();
	if (getrandom(&sb->hash_key, sizeof(sb->hash_key), GRND_NONBLOCK) < 0)
		sb->hash_key = (uintptr_t)sb;
	sb->clock_fd = memfd_create("tmpfs-clock", MFD_CLOEXEC);
	if (sb->clock_fd < 0) {
		int r = errno == EMFILE ? -ENFILE : -errno;
		free(sb);
		return r;
	}
	sb->self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)pthread_mutex_init(&sb->lock, NULL);
	(void)pthread_mutex_init(&sb->memfds_lock, NULL);
	super_init(&sb->super, &tmpfs_super_ops, type, SUPER_KEEPS_ACLS | SUPER_IN_MEMORY);
	int r = make_root(sb);
	if (r < 0) {
		tmpfs_destroy_super(&sb->super);
		return r;
	}
	*ret = &sb->super;
	return 0;
}

int tmpfs_create(const struct tmpfs_options *options, struct super **ret)
{
	return tmpfs_create_type(options, "tmpfs", ret);
}
