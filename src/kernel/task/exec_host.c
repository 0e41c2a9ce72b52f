#include "kernel/task/exec_host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* ---- before ---- */

bool exec_host_finds(pid_t tid, const char *name, const struct stat *opened)
{
	char cwd[64];
	struct stat named;
	AUTO_CLOSE int dir = -1;
	if (*name != '/') {
		(void)snprintf(cwd, sizeof(cwd), "/proc/%d/cwd", tid);
		dir = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return false;
	}
	return fstatat(dir, name, &named, 0) == 0 && named.st_dev == opened->st_dev && named.st_ino == opened->st_ino;
}

bool exec_host_may_run(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_mode & (S_ISUID | S_ISGID))
		return false;
	return faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0 && fgetxattr(fd, "security.capability", NULL, 0) < 0;
}

/* ---- a mapping's file ---- */

#ifndef PROCMAP_QUERY
/* Linux 6.11 */
struct procmap_query {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)
#endif

struct mapped {
	/* as /proc/PID/maps has it: on some filesystems another device than stat tells */
	struct exec_file_id id;
	char name[VFS_PATH_MAX];
};

static int search_maps(int fd, uint64_t addr, struct mapped *ret)
{
	char line[VFS_PATH_MAX + 128];
	AUTO_FCLOSE FILE *f = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 3), "re");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long from, to, ino;
		unsigned dev_major, dev_minor;
		int at = 0;
		if (sscanf(line, "%llx-%llx %*s %*x %x:%x %llu %n", &from, &to, &dev_major, &dev_minor, &ino, &at) == 5 &&
		    from <= addr && addr < to) {
			ret->id = (struct exec_file_id){makedev(dev_major, dev_minor), ino};
			line[strcspn(line, "\n")] = '\0';
			(void)snprintf(ret->name, sizeof(ret->name), "%s", line + at);
			return 0;
		}
	}
	return -ENOENT;
}

static int mapped_at(pid_t tid, uint64_t addr, struct mapped *ret)
{
	char maps[64];
	struct procmap_query q = {
		.size = sizeof(q), .query_addr = addr,
		.vma_name_addr = (uint64_t)(uintptr_t)ret->name, .vma_name_size = sizeof(ret->name),
	};
	(void)snprintf(maps, sizeof(maps), "/proc/%d/maps", tid);
	AUTO_CLOSE int fd = open(maps, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret->name = '\0';
	if (ioctl(fd, PROCMAP_QUERY, &q) == 0) {
		ret->id = (struct exec_file_id){makedev(q.dev_major, q.dev_minor), q.inode};
		return 0;
	}
	return errno == ENOTTY ? search_maps(fd, addr, ret) : -errno;
}

static int id_when_mapped(int fd, struct exec_file_id *ret)
{
	const size_t len = 1;
	void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	struct mapped m;
	int r = mapped_at(getpid(), (uint64_t)(uintptr_t)p, &m);
	(void)munmap(p, len);
	if (r == 0)
		*ret = m.id;
	return r;
}

/* ---- after ---- */

static void close_files(struct exec_plan *p)
{
	cleanup_close(&p->program.fd);
	cleanup_close(&p->interp.fd);
	p->program.fd = p->interp.fd = -1;
}

int exec_host_expect(struct exec_plan *p)
{
	struct stat st;
	if (fstat(p->program.fd, &st) < 0)
		return -errno;
	p->exe_id = (struct exec_file_id){st.st_dev, st.st_ino};
	int r = p->interp.fd >= 0 ? id_when_mapped(p->interp.fd, &p->interp_id) : 0;
	if (r == 0)
		close_files(p);
	return r;
}

static bool same_file(const struct exec_file_id *a, const struct exec_file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

int exec_host_check(pid_t tid, const struct exec_plan *p, uint64_t ip)
{
	char name[64];
	struct stat st;
	struct mapped m;
	(void)snprintf(name, sizeof(name), "/proc/%d/exe", tid);
	if (stat(name, &st) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (!same_file(&p->exe_id, &(struct exec_file_id){st.st_dev, st.st_ino}))
		return -EPERM;
	if (!*p->program.interp)
		return 0;
	/* The program begins in its interpreter. */
	int r = mapped_at(tid, ip, &m);
	return r < 0 ? r : same_file(&p->interp_id, &m.id) ? 0 : -EPERM;
}

int exec_host_names(pid_t tid, uint64_t ip, char exe[VFS_PATH_MAX], char interp[VFS_PATH_MAX])
{
	char name[64];
	struct mapped m;
	(void)snprintf(name, sizeof(name), "/proc/%d/exe", tid);
	ssize_t n = readlink(name, exe, VFS_PATH_MAX - 1);
	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	exe[n] = '\0';
	int r = mapped_at(tid, ip, &m);
	if (r == 0)
		memcpy(interp, m.name, sizeof(m.name));
	return r;
}
