/*
 * Call sites. Patched is one shape alone, which compilers make of every wrapper of a C library:
 *
 *	b8 NR NR NR NR	mov $nr, %eax
 *	0f 05		syscall
 *
 * The first five bytes become a jump to a trampoline; the call's instruction stays, for who jumps to it, and for the
 * stub itself. Nobody may run there meanwhile: the process has one thread, and that waits for our answer.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tracer/stub/stub_private.h"

_Static_assert(sizeof(struct stub_room) == 0x440, "as loader/loader.lds has it");

enum { SITE_SIZE = 7, MOV_SIZE = 5 };

/*
 * Handlers of these answer with a value, or have done nothing yet: what else they say is said again when the call comes
 * by notification. Nor have they done anything before they write to the guest: that fails later here. And they wait for
 * nobody. An open goes by a line only to fail: programs look for files where they are not (headers, modules).
 * It is a cancellation point, from which a thread may be unwound; but a C library then calls from another place, and
 * threads mean that nothing is patched any more.
 */
bool stub_takes(enum call_id id, int *ret_path_arg)
{
	switch (id) {
	case CALL_fchdir:
	case CALL_fchmod:
	case CALL_fchown:
	case CALL_fgetxattr:
	case CALL_flistxattr:
	case CALL_fstat:
	case CALL_fstatfs:
	case CALL_getcwd:
		*ret_path_arg = -1;
		return true;
	case CALL_access:
	case CALL_chdir:
	case CALL_chmod:
	case CALL_chown:
	case CALL_getxattr:
	case CALL_lchown:
	case CALL_lgetxattr:
	case CALL_link:
	case CALL_listxattr:
	case CALL_llistxattr:
	case CALL_lstat:
	case CALL_mkdir:
	case CALL_open:
	case CALL_readlink:
	case CALL_rename:
	case CALL_rmdir:
	case CALL_stat:
	case CALL_statfs:
	case CALL_symlink:
	case CALL_unlink:
		*ret_path_arg = 0;
		return true;
	case CALL_faccessat:
	case CALL_faccessat2:
	case CALL_fchmodat:
	case CALL_fchmodat2:
	case CALL_fchownat:
	case CALL_linkat:
	case CALL_mkdirat:
	case CALL_newfstatat:
	case CALL_openat:
	case CALL_readlinkat:
	case CALL_renameat:
	case CALL_renameat2:
	case CALL_statx:
	case CALL_unlinkat:
	case CALL_utimensat:
		*ret_path_arg = 1;
		return true;
	default:
		return false;
	}
}

/* ---- memory of the guest that it may not write itself ---- */

static int open_memory(pid_t tid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_all(int memory, uint64_t addr, const void *from, size_t len)
{
	ssize_t n = pwrite(memory, from, len, (off_t)addr);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EFAULT;
}

int stub_write_room(pid_t tid, uint64_t addr, const void *from, size_t len)
{
	AUTO_CLOSE int memory = open_memory(tid);
	return memory < 0 ? memory : write_all(memory, addr, from, len);
}

/* ---- may it be patched? ---- */

struct wanted_range {
	uint64_t from, to;
	const char *name;	/* how the mapping's line ends; NULL: however */
	bool found;
};

/* Private, executable, not writable: what is written into it is the process' own, and is not what it writes itself. */
static void look_at_mapping(char *line, struct wanted_range *wanted, size_t count)
{
	unsigned long long from, to;
	char prot[5];
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %4s", &from, &to, prot) != 3 || strcmp(prot, "r-xp") != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct wanted_range *w = &wanted[i];
		size_t len = strlen(line), name = w->name ? strlen(w->name) : 0;
		bool named = !w->name || (len >= name && strcmp(line + len - name, w->name) == 0);
		w->found |= named && w->from >= from && w->to <= to;
	}
}

static bool have_mappings(pid_t tid, struct wanted_range *wanted, size_t count)
{
	char path[64], *line = NULL;
	size_t room = 0;
	bool all = false;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	while (f && !all && getline(&line, &room, f) > 0) {
		look_at_mapping(line, wanted, count);
		all = true;
		for (size_t i = 0; i < count; i++)
			all &= wanted[i].found;
	}
	free(line);
	return all;
}

static bool has_one_thread(pid_t tid)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", tid);
	return stat(path, &st) == 0 && st.st_nlink == 3;
}

static bool is_site(const unsigned char code[SITE_SIZE], int64_t nr)
{
	int32_t loaded;
	memcpy(&loaded, code + 1, sizeof(loaded));
	return code[0] == 0xb8 && loaded == nr && code[5] == 0x0f && code[6] == 0x05;
}

/* ---- the trampoline ---- */

struct code {
	unsigned char bytes[STUB_TRAMPOLINE_SIZE];
	size_t len;
	uint64_t at;		/* where it will be */
	bool far;		/* a distance does not fit */
};

static void add_bytes(struct code *c, const char *bytes, size_t len)
{
	memcpy(c->bytes + c->len, bytes, len);
	c->len += len;
}

static void add_u32(struct code *c, uint32_t value)
{
	memcpy(c->bytes + c->len, &value, sizeof(value));
	c->len += sizeof(value);
}

/* From the end of the field. */
static void add_distance(struct code *c, uint64_t to)
{
	int64_t distance = (int64_t)(to - (c->at + c->len + 4));
	c->far |= distance != (int32_t)distance;
	add_u32(c, (uint32_t)distance);
}

static void make_trampoline(struct code *c, uint64_t stub, uint64_t ip, uint32_t nr, int path_arg)
{
	add_bytes(c, "\x48\x8d\x64\x24\x80", 5);		/* lea -128(%rsp), %rsp: the red zone */
	add_bytes(c, "\x68", 1);				/* push $site */
	add_u32(c, STUB_SITE(nr, path_arg));
	add_bytes(c, "\xe8", 1);				/* call stub_entry */
	add_distance(c, stub);
	add_bytes(c, "\x48\x8d\xa4\x24\x88\x00\x00\x00", 8);	/* lea 136(%rsp), %rsp */
	add_bytes(c, "\xe3\x0c", 2);				/* jrcxz 1f */
	add_bytes(c, "\x48\x8d\x0d", 3);			/* lea behind the call, %rcx */
	add_distance(c, ip);
	add_bytes(c, "\xe9", 1);				/* jmp behind the call */
	add_distance(c, ip);
	add_bytes(c, "\xb8", 1);				/* 1: mov $nr, %eax */
	add_u32(c, nr);
	add_bytes(c, "\xe9", 1);				/* jmp to the call */
	add_distance(c, ip - 2);
}

/* What is there already leads somewhere: a site of which this space does not know. */
static bool is_unused(int memory, uint64_t at)
{
	static const unsigned char none[STUB_TRAMPOLINE_SIZE];
	unsigned char there[STUB_TRAMPOLINE_SIZE];
	return pread(memory, there, sizeof(there), (off_t)at) == sizeof(there) && memcmp(there, none, sizeof(none)) == 0;
}

static int write_patch(int memory, const struct code *trampoline, uint64_t site)
{
	struct code jump = {.at = site};
	add_bytes(&jump, "\xe9", 1);
	add_distance(&jump, trampoline->at);
	if (trampoline->far || jump.far)
		return -ERANGE;
	int r = write_all(memory, trampoline->at, trampoline->bytes, trampoline->len);
	return r < 0 ? r : write_all(memory, site, jump.bytes, jump.len);
}

int stub_patch(struct stub_space *space, const struct call_event *ev)
{
	unsigned char code[SITE_SIZE];
	uint64_t site = ev->ip - SITE_SIZE, room = space->base + loader_symbols.stub_room;
	struct wanted_range wanted[] = {
		{.from = site, .to = ev->ip},
		{.from = room, .to = room + sizeof(struct stub_room), .name = " /memfd:trapline-loader (deleted)"},
	};
	int path_arg;
	const unsigned used = atomic_load(&space->trampolines);
	if (used == STUB_SITES || !stub_takes(ev->id, &path_arg))
		return -ENOSPC;
	AUTO_CLOSE int memory = open_memory(ev->tid);
	if (memory < 0)
		return memory;
	if (pread(memory, code, sizeof(code), (off_t)site) != sizeof(code) || !is_site(code, ev->nr))
		return -ENOENT;
	if (!has_one_thread(ev->tid) || !have_mappings(ev->tid, wanted, ARRAY_SIZE(wanted)))
		return -EBUSY;
	struct code trampoline = {.at = room + offsetof(struct stub_room, trampolines) + used * STUB_TRAMPOLINE_SIZE};
	make_trampoline(&trampoline, space->base + loader_symbols.stub_entry, ev->ip, (uint32_t)ev->nr, path_arg);
	int r = is_unused(memory, trampoline.at) ? write_patch(memory, &trampoline, site) : -EEXIST;
	if (r == 0)
		atomic_store(&space->trampolines, used + 1);
	return r;
}
