/*
 * Besides the license of the whole, the instructions of program_code() may be used under MIT or GPL-2.0: the kernel
 * asks programs that read a task's memory to say so.
 */
#include "tracer/ptrace/ends_program.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { PROGRAM_MAX = 96, RING_BYTES = 4096, JUMPS_MAX = 16 };

/* Where programs are put together: jumps go forward, to one of two ends that are placed behind them. */
struct assembly {
	struct bpf_insn code[PROGRAM_MAX];
	unsigned len;
	struct jumps {
		unsigned at[JUMPS_MAX], count;
	} to_done, to_end;
};

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));
	return r < 0 ? -errno : (int)r;
}

static struct bpf_insn *add(struct assembly *a, unsigned code, unsigned dst, unsigned src, int off, int32_t imm)
{
	struct bpf_insn *insn = &a->code[a->len++];
	*insn = (struct bpf_insn){
		.code = (uint8_t)code, .dst_reg = (uint8_t)(dst & 15), .src_reg = (uint8_t)(src & 15), .off = (int16_t)off, .imm = imm,
	};
	return insn;
}

static void copy(struct assembly *a, unsigned dst, unsigned src)
{
	(void)add(a, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set(struct assembly *a, unsigned dst, int32_t value)
{
	(void)add(a, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

/* A constant of 64 bits, or what pseudo says that the value is (a map, by its descriptor). */
static void set_wide(struct assembly *a, unsigned dst, unsigned pseudo, uint64_t value)
{
	(void)add(a, BPF_LD | BPF_DW | BPF_IMM, dst, pseudo, 0, (int32_t)(uint32_t)value);
	(void)add(a, 0, 0, 0, 0, (int32_t)(uint32_t)(value >> 32));
}

static void load(struct assembly *a, unsigned size, unsigned dst, unsigned base, size_t off)
{
	(void)add(a, BPF_LDX | BPF_MEM | size, dst, base, (int)off, 0);
}

static void store(struct assembly *a, unsigned size, unsigned base, int off, unsigned src)
{
	(void)add(a, BPF_STX | BPF_MEM | size, base, src, off, 0);
}

static void call(struct assembly *a, int32_t helper)
{
	(void)add(a, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void add_to(struct assembly *a, unsigned dst, int32_t value)
{
	(void)add(a, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value);
}

static void jump_if(struct assembly *a, struct jumps *to, unsigned op, unsigned reg, int32_t value)
{
	to->at[to->count++] = a->len;
	(void)add(a, BPF_JMP | op | BPF_K, reg, 0, 0, value);
}

static void land(struct assembly *a, const struct jumps *from)
{
	for (unsigned i = 0; i < from->count; i++)
		a->code[from->at[i]].off = (int16_t)(a->len - from->at[i] - 1);
}

#define SLOT(field) offsetof(struct end_slot, field)

enum { R0, R1, R2, R3, R4, R5, CTX, TID, AT, RESULT, FRAME };

/*
 * The task's id as our PID namespace has it, and its slot, in TID and AT; to the end if there is none that waits for
 * it.
 */
static void find_slot(struct assembly *a, const struct ends_program *p, const struct stat *ns)
{
	uint64_t dev = (uint64_t)major(ns->st_dev) << 20 | minor(ns->st_dev);
	set_wide(a, R1, 0, dev);
	set_wide(a, R2, 0, ns->st_ino);
	copy(a, R3, FRAME);
	add_to(a, R3, -8);
	set(a, R4, sizeof(struct bpf_pidns_info));
	call(a, BPF_FUNC_get_ns_current_pid_tgid);
	jump_if(a, &a->to_end, BPF_JNE, R0, 0);
	(void)add(a, BPF_LDX | BPF_MEM | BPF_W, TID, FRAME, -8, 0);
	copy(a, R1, TID);
	(void)add(a, BPF_ALU64 | BPF_AND | BPF_K, R1, 0, 0, ENDS_SLOTS - 1);
	store(a, BPF_W, FRAME, -12, R1);
	set_wide(a, R1, BPF_PSEUDO_MAP_FD, (uint64_t)p->slots_fd);
	copy(a, R2, FRAME);
	add_to(a, R2, -12);
	call(a, BPF_FUNC_map_lookup_elem);
	jump_if(a, &a->to_end, BPF_JEQ, R0, 0);
	copy(a, AT, R0);
	load(a, BPF_W, R1, AT, SLOT(tid));
	a->to_end.at[a->to_end.count++] = a->len;
	(void)add(a, BPF_JMP | BPF_JNE | BPF_X, R1, TID, 0, 0);
	load(a, BPF_W, R1, AT, SLOT(armed));
	jump_if(a, &a->to_end, BPF_JEQ, R1, 0);
}

/* What a call that succeeded has put into memory; the kernel has just written there, so it is present. */
static void bring_memory(struct assembly *a)
{
	jump_if(a, &a->to_done, BPF_JSLT, RESULT, 0);
	load(a, BPF_W, R2, AT, SLOT(want));
	load(a, BPF_W, R1, AT, SLOT(by_result));
	(void)add(a, BPF_JMP | BPF_JEQ | BPF_K, R1, 0, 2, 0);
	(void)add(a, BPF_JMP | BPF_JLE | BPF_X, R2, RESULT, 1, 0);
	copy(a, R2, RESULT);
	jump_if(a, &a->to_done, BPF_JEQ, R2, 0);
	jump_if(a, &a->to_done, BPF_JGT, R2, ENDS_DATA);
	store(a, BPF_W, AT, SLOT(got), R2);
	copy(a, R1, AT);
	add_to(a, R1, SLOT(data));
	load(a, BPF_DW, R3, AT, SLOT(addr));
	call(a, BPF_FUNC_probe_read_user);
	jump_if(a, &a->to_done, BPF_JEQ, R0, 0);
	set(a, R1, 0);
	store(a, BPF_W, AT, SLOT(got), R1);
}

/* The arguments of the tracepoint are the task's registers and the result (include/trace/events/syscalls.h). */
static void program_code(struct assembly *a, const struct ends_program *p, const struct stat *ns)
{
	copy(a, CTX, R1);
	find_slot(a, p, ns);
	load(a, BPF_DW, RESULT, CTX, sizeof(uint64_t));
	store(a, BPF_DW, AT, SLOT(result), RESULT);
	call(a, BPF_FUNC_ktime_get_ns);
	store(a, BPF_DW, AT, SLOT(time_ns), R0);
	set(a, R1, 0);
	store(a, BPF_W, AT, SLOT(got), R1);
	bring_memory(a);
	land(a, &a->to_done);
	/* The exchange orders what is above before it, and the question below behind it. */
	set(a, R1, 0);
	(void)add(a, BPF_STX | BPF_ATOMIC | BPF_W, AT, R1, SLOT(armed), BPF_XCHG);
	load(a, BPF_W, R1, AT, SLOT(tells));
	jump_if(a, &a->to_end, BPF_JEQ, R1, 0);
	set_wide(a, R1, BPF_PSEUDO_MAP_FD, (uint64_t)p->ring_fd);
	copy(a, R2, AT);
	set(a, R3, sizeof(uint64_t));
	set(a, R4, BPF_RB_FORCE_WAKEUP);
	call(a, BPF_FUNC_ringbuf_output);
	land(a, &a->to_end);
	set(a, R0, 0);
	(void)add(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int make_map(enum bpf_map_type type, unsigned key, unsigned value, unsigned entries, unsigned flags)
{
	union bpf_attr attr = {0};
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = entries;
	attr.map_flags = flags;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int load_program(const struct ends_program *p)
{
	struct assembly a = {.len = 0};
	union bpf_attr attr = {0};
	struct stat ns;
	if (stat("/proc/self/ns/pid", &ns) < 0)
		return -errno;
	program_code(&a, p, &ns);
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uint64_t)(uintptr_t)a.code;
	attr.insn_cnt = a.len;
	attr.license = (uint64_t)(uintptr_t)"Dual MIT/GPL";
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int program_fd)
{
	union bpf_attr attr = {0};
	attr.raw_tracepoint.name = (uint64_t)(uintptr_t)"sys_exit";
	attr.raw_tracepoint.prog_fd = (uint32_t)program_fd;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

static int map_pages(struct ends_program *p)
{
	void *slots = mmap(NULL, ENDS_SLOTS * sizeof(struct end_slot), PROT_READ | PROT_WRITE, MAP_SHARED, p->slots_fd, 0);
	if (slots == MAP_FAILED)
		return -errno;
	p->slots = slots;
	void *page = mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, p->ring_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	p->consumed = page;
	return 0;
}

int ends_program_allowed(void)
{
	int fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(uint64_t), 1, BPF_F_MMAPABLE);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int ends_program_open(struct ends_program *ret)
{
	unsigned page = (unsigned)getpagesize();
	struct ends_program p = {.slots_fd = -1, .ring_fd = -1, .program_fd = -1, .link_fd = -1};
	int r = p.slots_fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct end_slot), ENDS_SLOTS, BPF_F_MMAPABLE);
	if (r >= 0)
		r = p.ring_fd = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, page > RING_BYTES ? page : RING_BYTES, 0);
	if (r >= 0)
		r = map_pages(&p);
	if (r >= 0)
		r = p.program_fd = load_program(&p);
	if (r >= 0)
		r = p.link_fd = attach(p.program_fd);
	if (r < 0) {
		ends_program_close(&p);
		return r;
	}
	*ret = p;
	return 0;
}

/* Behind the page of the consumer is the producer's (kernel/bpf/ringbuf.c); all that was told is the same. */
void ends_program_drain(struct ends_program *p)
{
	size_t page = (size_t)getpagesize();
	void *produced = mmap(NULL, page, PROT_READ, MAP_SHARED, p->ring_fd, (off_t)page);
	if (produced == MAP_FAILED)
		return;
	atomic_store(p->consumed, atomic_load((_Atomic unsigned long *)produced));
	(void)munmap(produced, page);
}

void ends_program_close(struct ends_program *p)
{
	const int fds[] = {p->link_fd, p->program_fd, p->ring_fd, p->slots_fd};
	if (p->slots)
		(void)munmap(p->slots, ENDS_SLOTS * sizeof(struct end_slot));
	if (p->consumed)
		(void)munmap((void *)p->consumed, (size_t)getpagesize());
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	*p = (struct ends_program){.slots_fd = -1, .ring_fd = -1, .program_fd = -1, .link_fd = -1};
}
