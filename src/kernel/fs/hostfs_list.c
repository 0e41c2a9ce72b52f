/* hostfs: listing a directory, with the host's own positions as cursors. */
#include "kernel/fs/hostfs_private.h"

#include <dirent.h>
#include <sys/syscall.h>

enum { LIST_BUFFER_SIZE = 32 * 1024 };

/* As getdents64(2) writes it; glibc's struct dirent64 is the same but for its size. */
struct host_entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* Cursors from 3 on are the host's offsets moved by 2; the last one stands for the end. */
static uint64_t cursor_of(int64_t off)
{
	return off < INT64_MAX - 2 ? (uint64_t)off + 2 : INT64_MAX;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* false: the reader wants no more. */
static bool emit_entry(struct inode *dir, int fd, struct dir_reader *reader, const struct host_entry *e)
{
	struct hostfs *fs = hostfs_of(dir);
	unsigned char type = e->type;

	if (is_dots(e->name))
		return true;
	if (fs->options.virtual_attrs && type == DT_REG)
		type = IFTODT(hostfs_virtual_type(fs, &hostfs_inode(dir)->id, e->ino, S_IFREG, fd, e->name));
	return reader->emit(reader, e->name, strlen(e->name), e->ino, type, cursor_of(e->off));
}

/* 1: there may be more. */
static int list_some(struct inode *dir, int fd, struct dir_reader *reader)
{
	_Alignas(struct host_entry) char buf[LIST_BUFFER_SIZE];
	long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

	if (n < 0)
		return hostfs_errno();
	for (long at = 0; at < n;) {
		const struct host_entry *e = (const struct host_entry *)(buf + at);
		if (!emit_entry(dir, fd, reader, e))
			return 0;
		reader->cursor = cursor_of(e->off);
		at += e->reclen;
	}
	return n > 0;
}

int hostfs_iterate(struct inode *dir, struct dir_reader *reader)
{
	if (reader->cursor >= INT64_MAX)
		return 0;
	AUTO_CLOSE int fd = hostfs_reopen(hostfs_inode(dir), O_RDONLY | O_DIRECTORY | (reader->quiet ? O_NOATIME : 0));
	if (fd == -EPERM)	/* O_NOATIME is for owners */
		fd = hostfs_reopen(hostfs_inode(dir), O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	if (reader->cursor >= 3 && lseek(fd, (off_t)(reader->cursor - 2), SEEK_SET) < 0)
		return hostfs_errno();
	int r;
	do {
		r = list_some(dir, fd, reader);
	} while (r > 0);
	return r;
}
