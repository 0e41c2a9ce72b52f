#include "tracer/loads.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include "kernel/task/cred.h"
#include "tracer/loader_code.h"
#include "tracer/loader/line.h"
#include "regs/regs.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U	/* Linux 6.3 */
#endif

enum { LOADER_ROOM = LOADER_PARAM_SIZE - LOADER_STACK_SIZE, OPS_MAX = 2 * (4 * ELF_SEGMENTS_MAX) };

const struct loader_symbols loader_symbols = {
	.stub_entry = STUB_ENTRY, .stub_room = STUB_ROOM, .stub_copies = STUB_COPIES, .stub_fault = STUB_FAULT,
};

struct load {
	struct load *next;
	pid_t tid;
	uint64_t base;
	int fds[2];		/* by LOADER_ASK_PROGRAM, LOADER_ASK_INTERP; owned; -1: asked for, or none */
	bool say_done;
	bool done;		/* one call is left: the loader's own unmapping */
	/* a number of the program's that the loader has for a moment, and what it stood for (owned); -1: none */
	int borrowed, kept;
};

/* ---- the image ---- */

static const struct {
	uint16_t machine;
	uint64_t program_base;	/* where a program that can be anywhere is: two thirds up (ELF_ET_DYN_BASE) */
	unsigned random_bits;	/* of pages */
	uint64_t brk_random;
} machines[] = {
	[REGS_X86_64] = {EM_X86_64, 0x555555554000, 28, 0x02000000},
	[REGS_AARCH64] = {EM_AARCH64, 0xaaaaaaaa0000, 18, 0x40000000},
};

static void fill_head(const struct loads *l, char *head)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	Elf64_Ehdr h = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN, .e_machine = machines[regs_arch_host()].machine, .e_version = EV_CURRENT,
		.e_entry = LOADER_ENTRY, .e_phoff = sizeof(h), .e_ehsize = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = STUB_ENTRY ? 4 : 3,
	};
	const uint64_t code = LOADER_CODE_OFFSET + sizeof(loader_code);
	/* What is reserved is of the file, so that it is known by its name; no page of it is ever read. */
	const Elf64_Phdr p[4] = {
		{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = code, .p_memsz = code, .p_align = page},
		{
			.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = LOADER_PARAM_OFFSET, .p_memsz = LOADER_PARAM_SIZE,
			.p_align = page,
		},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16},
		{
			.p_type = PT_LOAD, .p_vaddr = LOADER_RESERVED_OFFSET, .p_filesz = STUB_RESERVED_SIZE,
			.p_memsz = STUB_RESERVED_SIZE, .p_align = page,
		},
	};
	_Static_assert(sizeof(h) + sizeof(p) <= LOADER_PATH_OFFSET, "the headers fit before the path");
	memcpy(head, &h, sizeof(h));
	memcpy(head + sizeof(h), p, sizeof(p));
	memcpy(head + LOADER_PATH_OFFSET, l->path, sizeof(l->path));
	memcpy(head + LOADER_CODE_OFFSET, loader_code, sizeof(loader_code));
}

static int make_memfd(void)
{
	int fd = memfd_create("trapline-loader", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("trapline-loader", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

void loads_pad_path(char path[LOADER_PATH_SIZE], const char *name)
{
	size_t len = strlen(name), slashes = LOADER_PATH_SIZE - 1 - len;
	memset(path, '/', slashes);
	memcpy(path + slashes, name, len + 1);
}

static void set_path(struct loads *l, int fd)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "/proc/%d/fd/%d", getpid(), fd);
	loads_pad_path(l->path, name);
}

static int write_image(const struct loads *l, int fd)
{
	char head[LOADER_CODE_OFFSET + sizeof(loader_code)] = {0};
	fill_head(l, head);
	ssize_t written = pwrite(fd, head, sizeof(head), 0);
	if (written < 0 || fchmod(fd, 0555) < 0)
		return -errno;
	if (written < (ssize_t)sizeof(head))
		return -EFBIG;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

static void read_randomization(struct loads *l)
{
	char level = '2';
	AUTO_CLOSE int fd = open("/proc/sys/kernel/randomize_va_space", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &level, 1) != 1)
		level = '2';
	l->randomize = level >= '1';
	l->randomize_brk = level >= '2';
}

int loads_init(struct loads *l)
{
	char name[64];
	*l = (struct loads){.image = -1};
	(void)pthread_mutex_init(&l->lock, NULL);
	read_randomization(l);
	l->fixed = personality(0xffffffff) & ADDR_NO_RANDOMIZE;
	AUTO_CLOSE int fd = make_memfd();
	if (fd < 0)
		return fd;
	/*
	 * The kernel executes nothing that is open for writing; and the path in it has to name the descriptor that
	 * stays.
	 */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	l->image = open(name, O_RDONLY | O_CLOEXEC);
	if (l->image < 0)
		return -errno;
	set_path(l, l->image);
	int r = write_image(l, fd);
	return r < 0 ? r : fstat(l->image, &l->image_stat) < 0 ? -errno : 0;
}

bool loads_is_image(const struct loads *l, const struct stat *st)
{
	return st->st_dev == l->image_stat.st_dev && st->st_ino == l->image_stat.st_ino;
}

uint64_t loads_base(uint64_t ip)
{
	return ip - LOADER_ENTRY;
}

/* ---- parameters ---- */

struct builder {
	struct loader_op ops[OPS_MAX];
	uint32_t count;
	uint64_t page;
};

static uint64_t down(const struct builder *b, uint64_t addr)
{
	return addr & ~(b->page - 1);
}

static uint64_t up(const struct builder *b, uint64_t addr)
{
	return (addr + b->page - 1) & ~(b->page - 1);
}

static void add_op(struct builder *b, enum loader_op_kind kind, uint64_t addr, uint64_t end, uint64_t offset, int prot)
{
	if (end > addr)
		b->ops[b->count++] = (struct loader_op){addr, end - addr, offset, (uint32_t)prot, kind};
}

/* One PT_LOAD: its part of the file, what of the last page is no longer of the file, and fresh memory behind. */
static void add_segment(struct builder *b, const struct elf_segment *s)
{
	uint64_t file_end = s->addr + s->file_size;
	uint64_t fresh = down(b, s->addr);
	if (s->file_size) {
		fresh = up(b, file_end);
		add_op(b, LOADER_MAP, down(b, s->addr), fresh, down(b, s->offset), s->prot);
		if (s->size > s->file_size && s->prot & PROT_WRITE)
			add_op(b, LOADER_ZERO, file_end, fresh, 0, 0);
	}
	add_op(b, LOADER_ANON, fresh, up(b, s->addr + s->size), 0, s->prot);
}

static void add_object(struct builder *b, const struct elf_image *e, uint32_t ask, struct loader_object *ret)
{
	uint32_t before = b->count;
	for (size_t i = 0; i < e->segment_count; i++) {
		const struct elf_segment *s = &e->segments[i];
		add_segment(b, s);
		/* The hole that a program may have between two segments stays one. */
		if (e->moves && i + 1 < e->segment_count && e->segments[i + 1].addr > s->addr + s->size)
			add_op(b, LOADER_UNMAP, up(b, s->addr + s->size), down(b, e->segments[i + 1].addr), 0, 0);
	}
	*ret = (struct loader_object){
		.start = e->start, .size = e->moves ? up(b, e->end) - e->start : 0, .align = e->align, .entry = e->entry,
		.ask = ask, .op_count = b->count - before,
	};
}

static void set_ranges(const struct elf_image *e, struct loader_param *p)
{
	p->code_start = UINT64_MAX;
	for (size_t i = 0; i < e->segment_count; i++) {
		const struct elf_segment *s = &e->segments[i];
		uint64_t end = s->addr + s->file_size;
		if (s->prot & PROT_EXEC && s->addr < p->code_start)
			p->code_start = s->addr;
		if (s->prot & PROT_EXEC && end > p->code_end)
			p->code_end = end;
		if (s->addr > p->data_start)
			p->data_start = s->addr;
		if (end > p->data_end)
			p->data_end = end;
	}
	if (p->code_start >= p->code_end)
		p->code_start = e->start, p->code_end = e->start + 1;
	if (p->data_end < p->data_start)
		p->data_end = p->data_start;
}

static void set_random(const struct loads *l, const struct builder *b, const struct exec_plan *plan, struct loader_param *p)
{
	uint64_t random[2] = {0};
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		random[0] = 0;
	/*
	 * A program without an interpreter may be one: it is put where libraries are, out of the way of what it loads.
	 */
	if (plan->program.moves && plan->interp.fd >= 0) {
		p->program.hint = machines[regs_arch_host()].program_base + p->program.start;
		if (l->randomize)
			p->program.random = (random[0] & ((UINT64_C(1) << machines[regs_arch_host()].random_bits) - 1)) * b->page;
	}
	/*
	 * There nothing could grow behind it: its heap is where the kernel has put the loader's, by the same reasoning.
	 */
	if (plan->program.moves && plan->interp.fd < 0)
		return;
	p->brk_start = up(b, plan->program.end);
	if (l->randomize_brk)
		p->brk_random = down(b, random[1] % machines[regs_arch_host()].brk_random);
}

/* Has the guest asked for addresses that are always the same (setarch -R)? */
static bool is_fixed(const struct loads *l, pid_t tid)
{
	char path[64];
	char text[16] = "";
	if (l->follows_personality && !atomic_load_explicit(&l->personality_set, memory_order_relaxed))
		return l->fixed;
	(void)snprintf(path, sizeof(path), "/proc/%d/personality", tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	return strtoul(text, NULL, 16) & ADDR_NO_RANDOMIZE;
}

ssize_t loads_fill(const struct loads *l, pid_t tid, const struct exec_plan *plan, const struct cred *cred, bool say_done,
		   void *buf)
{
	struct builder b = {.page = (uint64_t)sysconf(_SC_PAGESIZE)};
	struct loader_param p = {
		.phdr = plan->program.phdr, .phnum = plan->program.phnum, .ids = {cred->ruid, cred->euid, cred->rgid, cred->egid},
		.exec_stack = plan->program.exec_stack, .say_done = say_done, .prefix_count = plan->prefix_count,
		.random = l->randomize && !is_fixed(l, tid),
		.prefix_size = (uint32_t)plan->prefix.len, .name_size = (uint32_t)strlen(plan->shown) + 1,
	};
	_Static_assert(sizeof(p.comm) == sizeof(plan->comm), "as long as the kernel's");
	memcpy(p.comm, plan->comm, sizeof(p.comm));
	add_object(&b, &plan->program, LOADER_ASK_PROGRAM, &p.program);
	if (plan->interp.fd >= 0)
		add_object(&b, &plan->interp, LOADER_ASK_INTERP, &p.interp);
	set_ranges(&plan->program, &p);
	set_random(l, &b, plan, &p);
	size_t ops = b.count * sizeof(b.ops[0]);
	if (sizeof(p) + ops + p.prefix_size + p.name_size > LOADER_ROOM)
		return -E2BIG;
	char *at = buf;
	memcpy(at, &p, sizeof(p));
	memcpy(at += sizeof(p), b.ops, ops);
	if (p.prefix_size)
		memcpy(at + ops, plan->prefix.data, p.prefix_size);
	memcpy(at + ops + p.prefix_size, plan->shown, p.name_size);
	return (ssize_t)(sizeof(p) + ops + p.prefix_size + p.name_size);
}

/* ---- loads under way ---- */

static void load_destroy(struct load *d)
{
	cleanup_close(&d->fds[0]);
	cleanup_close(&d->fds[1]);
	cleanup_close(&d->kept);
	free(d);
}

/* The lock is held. */
static struct load **find(struct loads *l, pid_t tid)
{
	struct load **at = &l->list;
	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

/* The lock is held. What is left of it is the caller's. */
static struct load *take(struct loads *l, pid_t tid)
{
	struct load **at = find(l, tid);
	struct load *d = *at;
	if (d) {
		*at = d->next;
		atomic_fetch_sub(&l->count, 1);
	}
	return d;
}

/* The lock is held. */
static void add(struct loads *l, struct load *d)
{
	d->next = l->list;
	l->list = d;
	atomic_fetch_add(&l->count, 1);
}

/* Is there nothing left to ask for? The lock is held. */
static bool is_complete(const struct load *d)
{
	return !d->say_done && d->fds[LOADER_ASK_PROGRAM] < 0 && d->fds[LOADER_ASK_INTERP] < 0;
}

int loads_add(struct loads *l, pid_t tid, uint64_t base, struct exec_plan *plan, bool say_done)
{
	struct load *d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct load){
		.tid = tid, .base = base, .fds = {plan->program.fd, plan->interp.fd}, .say_done = say_done,
		.borrowed = -1, .kept = -1,
	};
	plan->program.fd = plan->interp.fd = -1;
	loads_forget(l, tid);
	(void)pthread_mutex_lock(&l->lock);
	add(l, d);
	(void)pthread_mutex_unlock(&l->lock);
	return 0;
}

void loads_forget(struct loads *l, pid_t tid)
{
	if (!atomic_load(&l->count))
		return;
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = take(l, tid);
	(void)pthread_mutex_unlock(&l->lock);
	if (d)
		load_destroy(d);
}

static bool in_code(const struct load *d, uint64_t ip)
{
	return ip > d->base && ip - d->base <= LOADER_CODE_OFFSET + sizeof(loader_code);
}

bool loads_made(struct loads *l, pid_t tid, uint64_t ip, enum call_id id)
{
	struct load *over = NULL;
	if (!atomic_load_explicit(&l->count, memory_order_relaxed))
		return false;
	(void)pthread_mutex_lock(&l->lock);
	const struct load *d = *find(l, tid);
	bool made = d && in_code(d, ip) && (!d->done || id == CALL_munmap);
	/* The program runs, or is about to: from now on the page is as good as any other. */
	if (d && (d->done || !made))
		over = take(l, tid);
	(void)pthread_mutex_unlock(&l->lock);
	if (over)
		load_destroy(over);
	return made;
}

bool loads_is_call(const struct call_event *ev)
{
	return (ev->id == CALL_openat || ev->id == CALL_nfsservctl) && ev->args[0] == LOADER_CALL;
}

int loads_raise_limit(pid_t tid, struct rlimit *ret)
{
	enum { MORE = 8 };
	if (prlimit(tid, RLIMIT_NOFILE, NULL, ret) < 0)
		return -errno;
	struct rlimit more = {ret->rlim_cur + MORE, ret->rlim_max};
	if (more.rlim_max < more.rlim_cur)
		more.rlim_max = more.rlim_cur;
	return prlimit(tid, RLIMIT_NOFILE, &more, NULL) < 0 ? -errno : 0;
}

void loads_lower_limit(pid_t tid, const struct rlimit *old)
{
	(void)prlimit(tid, RLIMIT_NOFILE, old, NULL);
}

/* ---- a task without a free descriptor ---- */

/* By its fdinfo: not opened with O_PATH, which cannot be installed again, and without locks. */
static bool may_make_room(int dir, const char *name)
{
	char line[256];
	unsigned flags = O_PATH;
	bool locked = false;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	AUTO_FCLOSE FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	if (!f && fd >= 0)
		(void)close(fd);
	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "flags: %o", &flags);
		locked |= strncmp(line, "lock:", 5) == 0;
	}
	return !(flags & O_PATH) && !locked;
}

int loads_choose(pid_t tid)
{
	char path[64];
	int number = -EMFILE;
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo", tid);
	DIR *d = opendir(path);
	for (const struct dirent *e; d && number < 0 && (e = readdir(d));) {
		if (e->d_name[0] != '.' && may_make_room(dirfd(d), e->d_name))
			number = atoi(e->d_name);
	}
	if (d)
		(void)closedir(d);
	return number;
}

int loads_borrow(struct loads *l, pid_t tid, uint64_t ip, int number, int fd)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct load *fresh = malloc(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	/* Its code is in the image's first page. */
	*fresh = (struct load){.tid = tid, .base = ip & ~(page - 1), .fds = {-1, -1}, .borrowed = number, .kept = fd};
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = *find(l, tid);
	if (d) {
		d->borrowed = number;
		d->kept = fd;
	} else {
		add(l, fresh);
		fresh = NULL;
	}
	(void)pthread_mutex_unlock(&l->lock);
	free(fresh);
	return 0;
}

int loads_return(struct loads *l, pid_t tid, int *ret_fd)
{
	int number = -ENOENT;
	struct load *over = NULL;
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = *find(l, tid);
	if (d && d->borrowed >= 0) {
		number = d->borrowed;
		*ret_fd = d->kept;
		d->borrowed = d->kept = -1;
		if (is_complete(d))
			over = take(l, tid);
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (over)
		load_destroy(over);
	return number;
}

int loads_take_interp(struct loads *l, pid_t tid)
{
	int fd = -1;
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = *find(l, tid);
	if (d) {
		fd = d->fds[LOADER_ASK_INTERP];
		d->fds[LOADER_ASK_INTERP] = -1;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return fd;
}

void loads_gave_interp(struct loads *l, pid_t tid, int fd, bool given)
{
	struct load *done = NULL;
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = *find(l, tid);
	if (d && !given) {
		d->fds[LOADER_ASK_INTERP] = fd;
		fd = -1;
	}
	if (d && is_complete(d))
		done = take(l, tid);
	(void)pthread_mutex_unlock(&l->lock);
	cleanup_close(&fd);
	if (done)
		load_destroy(done);
}

struct verdict loads_answer(struct loads *l, const struct call_event *ev)
{
	int fd = -1;
	struct load *done = NULL;
	uint64_t what = ev->args[1];
	if (what > LOADER_ASK_DONE)
		return verdict_value(-ENOSYS);
	(void)pthread_mutex_lock(&l->lock);
	struct load *d = *find(l, ev->tid);
	if (d && !in_code(d, ev->ip))
		d = NULL;
	if (d && what != LOADER_ASK_DONE) {
		fd = d->fds[what];
		d->fds[what] = -1;
	}
	if (d && what == LOADER_ASK_DONE)
		d->done = true;
	if (d && is_complete(d))
		done = take(l, ev->tid);
	(void)pthread_mutex_unlock(&l->lock);
	if (done)
		load_destroy(done);
	if (fd >= 0)
		return (struct verdict){.kind = VERDICT_FD, .fd = fd, .cloexec = true};
	return verdict_value(d && what == LOADER_ASK_DONE ? 0 : -ENOSYS);
}

void loads_finish(struct loads *l)
{
	while (l->list) {
		struct load *d = l->list;
		l->list = d->next;
		load_destroy(d);
	}
	cleanup_close(&l->image);
	(void)pthread_mutex_destroy(&l->lock);
}
