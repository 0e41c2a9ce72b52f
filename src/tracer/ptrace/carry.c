/*
 * A memfd, mapped in the guest for reading and in the supervisor for writing, cut into slots: one for each call under
 * way.
 *
 * Why the guest cannot change what is in a slot:
 *   - F_SEAL_FUTURE_WRITE: once the supervisor has mapped it, nobody gets a writable mapping or writes to it, through
 *     whatever descriptor or /proc link, and mprotect cannot make the guest's own mapping writable;
 *   - it is shared memory: /proc/PID/mem and ptrace do not write through a mapping that is read-only (mm/gup.c,
 *     check_vma_flags);
 *   - mseal (Linux 6.10): the mapping cannot be unmapped, moved or replaced.
 * Between memfd_create and the seal another thread could map it for writing: the guest's mappings of it are counted
 * behind the seal, and there must be one. fork inherits mapping and seal; since a child made with MADV_DONTFORK would
 * not, each process is looked at once before a slot is trusted in it.
 */
#include "tracer/ptrace/carry.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/log.h"
#include "tracer/memory.h"
#include "tracer/ptrace/remote.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* An area has fewer slots where the supervisor may not make so long a file (RLIMIT_FSIZE counts memfds). */
enum { SLOT_SIZE = 16384, MAX_SLOTS = 512 };

/* What /proc/PID/maps shows, where the guest's /proc is not ours (fs/procfs_maps.c leaves it out). */
static const char area_name[] = "trapline-copies";

struct carry_area {
	unsigned refs;			/* tasks */
	uint8_t *map;			/* ours, writable; owned */
	uint64_t addr;			/* the guest's */
	unsigned slots;
	dev_t dev;
	ino_t ino;
	bool used[MAX_SLOTS];
	unsigned next;			/* where to look for a free one */
};

static unsigned slots_allowed(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= (rlim_t)SLOT_SIZE * MAX_SLOTS)
		return MAX_SLOTS;
	return (unsigned)(limit.rlim_cur / SLOT_SIZE);
}

static size_t area_size(const struct carry_area *a)
{
	return (size_t)SLOT_SIZE * a->slots;
}

int carry_available(void)
{
	if (slots_allowed() == 0)
		return -EFBIG;
	long page = sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, (size_t)page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* Length 0 seals nothing and says whether the call is there. */
	int r = syscall(SYS_mseal, p, 0, 0) < 0 ? -errno : 0;
	(void)munmap(p, (size_t)page);
	return r;
}

static void unref(struct carry_area *area)
{
	if (!area || --area->refs)
		return;
	if (area->map)
		(void)munmap(area->map, area_size(area));
	free(area);
}

void carry_release(struct tracee *t)
{
	if (t->slot)
		t->area->used[t->slot - 1] = false;
	t->slot = 0;
}

void carry_forget(struct tracee *t)
{
	carry_release(t);
	unref(t->area);
	t->area = NULL;
	t->area_checked = 0;
}

void carry_inherit(struct tracee *child, const struct tracee *parent)
{
	if (child->area || !parent->area)
		return;
	child->area = parent->area;
	child->area->refs++;
}

/* ---- the guest's mappings ---- */

/* How often the process maps the area's memory; *ret_there: at the right place, for reading. -ESRCH. */
static int count_mappings(pid_t tid, const struct carry_area *a, bool *ret_there)
{
	char path[64];
	char line[512];
	int count = 0;
	*ret_there = false;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long from, to, ino;
		unsigned dev_major, dev_minor;
		char rights[5];
		if (sscanf(line, "%llx-%llx %4s %*x %x:%x %llu", &from, &to, rights, &dev_major, &dev_minor, &ino) != 6)
			continue;
		if (ino != a->ino || makedev(dev_major, dev_minor) != a->dev)
			continue;
		count++;
		if (from == a->addr && to - from == area_size(a) && strcmp(rights, "r--s") == 0)
			*ret_there = true;
	}
	return f ? count : -ESRCH;
}

/* ---- making an area ---- */

/* The supervisor's half: its own mapping, then the seal. */
static int adopt_memory(struct carry_area *a, pid_t tid, int guest_fd)
{
	char path[64];
	struct stat st;
	size_t size = area_size(a);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, guest_fd);
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	a->map = map;
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static int remote_value(struct remote *r, enum call_id id, const uint64_t args[6], int64_t *ret)
{
	int err = remote_call(r, id, args, ret);
	if (err == 0 && *ret < 0 && *ret >= -4095)
		err = (int)*ret;
	return err;
}

/* i386's mmap takes its arguments from memory. */
static enum call_id mapping_call(const struct tracee *t)
{
	return t->call.abi == ABI_I386 ? CALL_mmap2 : CALL_mmap;
}

/* The place, which holds the memory's name until the memory is there. Read-only, so that no limit on data counts it. */
static int hold_place(struct remote *r, struct carry_area *a)
{
	const uint64_t map[6] = {0, area_size(a), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0};
	int64_t addr;
	int err = remote_value(r, mapping_call(r->t), map, &addr);
	if (err < 0)
		return err;
	a->addr = (uint64_t)addr;
	return memory_poke(r->t->tid, a->addr, area_name, sizeof(area_name));
}

/* The guest's half. */
static int map_in_guest(struct remote *r, struct carry_area *a)
{
	const uint64_t size = area_size(a);
	int64_t fd, ignored;
	int err = hold_place(r, a);
	if (err < 0)
		return err;
	const uint64_t create[6] = {a->addr, MFD_CLOEXEC | MFD_ALLOW_SEALING};
	err = remote_value(r, CALL_memfd_create, create, &fd);
	if (err < 0)
		return err;
	const uint64_t map[6] = {a->addr, size, PROT_READ, MAP_SHARED | MAP_FIXED, (uint64_t)fd, 0};
	const uint64_t close_args[6] = {(uint64_t)fd};
	err = adopt_memory(a, r->t->tid, (int)fd);
	if (err == 0)
		err = remote_value(r, mapping_call(r->t), map, &ignored);
	int closed = err == -ESRCH ? err : remote_value(r, CALL_close, close_args, &ignored);
	if (err < 0 || closed < 0)
		return err < 0 ? err : closed;
	const uint64_t seal[6] = {a->addr, size, 0};
	return remote_value(r, CALL_mseal, seal, &ignored);
}

static int make_area(struct session *s, struct tracee *t)
{
	struct remote r;
	bool there = false;
	struct carry_area *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->refs = 1;
	a->slots = slots_allowed();
	int err = remote_begin(&r, s, t);
	if (err == 0) {
		err = map_in_guest(&r, a);
		int back = err == -ESRCH ? err : remote_end(&r);
		err = err < 0 ? err : back;
	}
	if (err == 0 && (count_mappings(t->tid, a, &there) != 1 || !there))
		err = -EACCES;	/* somebody was quicker with a mapping of its own */
	if (err < 0) {
		unref(a);
		return err;
	}
	t->area = a;
	t->area_checked = tracee_tgid(t);
	return 0;
}

/* Another thread of the process may have made one since this thread began. */
static void borrow_area(struct session *s, struct tracee *t)
{
	for (size_t i = 0; i < s->table_size && !t->area; i++) {
		for (struct tracee *o = s->table[i]; o; o = o->next) {
			if (o->area && o != t && tracee_tgid(o) == tracee_tgid(t)) {
				carry_inherit(t, o);
				break;
			}
		}
	}
}

static int have_area(struct session *s, struct tracee *t)
{
	bool there;
	if (!t->area)
		borrow_area(s, t);
	if (t->area && t->area_checked != tracee_tgid(t)) {
		if (count_mappings(t->tid, t->area, &there) != 1 || !there)
			carry_forget(t);
		t->area_checked = tracee_tgid(t);
	}
	return t->area ? 0 : make_area(s, t);
}

static int take_slot(struct tracee *t)
{
	struct carry_area *a = t->area;
	for (unsigned i = 0; i < a->slots; i++) {
		unsigned slot = (a->next + i) % a->slots;
		if (a->used[slot])
			continue;
		a->used[slot] = true;
		a->next = slot + 1;
		t->slot = slot + 1;
		return 0;
	}
	return -ENOMEM;
}

void carry_patch(struct tracee *t, uint64_t addr, const void *bytes, size_t len)
{
	memcpy(t->area->map + (addr - t->area->addr), bytes, len);
}

int carry_place(struct session *s, struct tracee *t, struct applied *a)
{
	size_t at = 0;
	carry_release(t);
	int err = have_area(s, t);
	/* Made by a 64-bit call of the process, it is where a 32-bit one cannot point to. */
	if (err == 0 && t->call.abi == ABI_I386 && t->area->addr > UINT32_MAX - area_size(t->area))
		err = -ENOSYS;
	if (err == 0)
		err = take_slot(t);
	if (err < 0)
		return err;
	size_t base = (size_t)(t->slot - 1) * SLOT_SIZE;
	for (unsigned reg = 0; reg < 6; reg++) {
		const struct fact_copy *c = &a->copies[reg];
		if (!(a->carried >> reg & 1))
			continue;
		if (at + c->len > SLOT_SIZE)
			return -ENAMETOOLONG;
		memcpy(t->area->map + base + at, c->data, c->len);
		a->args[reg] = t->area->addr + base + at;
		a->changed |= (uint8_t)(1u << reg);
		at = (at + c->len + 15) & ~(size_t)15;
	}
	return 0;
}
