#include "policy/sim.h"

#include <string.h>

struct machine {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
	const struct seccomp_data *data;
};

static uint32_t load_word(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t v;

	memcpy(&v, (const char *)data + offset, sizeof(v));
	return v;
}

static bool is_load(const struct sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return f->k < sizeof(struct seccomp_data) && f->k % 4 == 0;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return f->k < BPF_MEMWORDS;
	default:
		return false;
	}
}

static bool is_alu(const struct sock_filter *f)
{
	if (BPF_CLASS(f->code) != BPF_ALU)
		return false;
	switch (BPF_OP(f->code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return true;
	case BPF_DIV:
		return BPF_SRC(f->code) == BPF_X || f->k != 0;
	case BPF_LSH:
	case BPF_RSH:
		return BPF_SRC(f->code) == BPF_X || f->k < 32;
	case BPF_NEG:
		return BPF_SRC(f->code) == BPF_K;
	default:
		return false;
	}
}

static bool is_jump(const struct sock_filter *f, size_t left)
{
	if (BPF_CLASS(f->code) != BPF_JMP)
		return false;
	if (f->code == (BPF_JMP | BPF_JA))
		return f->k < left;
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
	case BPF_JGE:
	case BPF_JGT:
	case BPF_JSET:
		return f->jt < left && f->jf < left;
	default:
		return false;
	}
}

static bool is_return(const struct sock_filter *f)
{
	return f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
}

static bool is_move(const struct sock_filter *f)
{
	return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
}

int sim_check(const struct sock_filter *insns, size_t count)
{
	if (count == 0 || count > BPF_MAXINSNS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *f = &insns[i];

		if (!is_load(f) && !is_alu(f) && !is_jump(f, count - i - 1) && !is_return(f) && !is_move(f))
			return -EINVAL;
	}
	return is_return(&insns[count - 1]) ? 0 : -EINVAL;
}

static void run_load(struct machine *m, const struct sock_filter *f)
{
	uint32_t *to = BPF_CLASS(f->code) == BPF_LD ? &m->a : &m->x;

	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		*to = load_word(m->data, f->k);
		break;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
		*to = sizeof(struct seccomp_data);
		break;
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
		*to = f->k;
		break;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		*to = m->mem[f->k];
		break;
	default:
		m->mem[f->k] = BPF_CLASS(f->code) == BPF_ST ? m->a : m->x;
	}
}

/* False: a division by zero, which ends the program with 0 (KILL_THREAD). */
static bool run_alu(struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_ADD:
		m->a += v;
		break;
	case BPF_SUB:
		m->a -= v;
		break;
	case BPF_MUL:
		m->a *= v;
		break;
	case BPF_AND:
		m->a &= v;
		break;
	case BPF_OR:
		m->a |= v;
		break;
	case BPF_XOR:
		m->a ^= v;
		break;
	case BPF_LSH:
		m->a <<= v & 31;
		break;
	case BPF_RSH:
		m->a >>= v & 31;
		break;
	case BPF_NEG:
		m->a = -m->a;
		break;
	default:
		if (!v)
			return false;
		m->a /= v;
	}
	return true;
}

static bool jump_taken(const struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return m->a == v;
	case BPF_JGE:
		return m->a >= v;
	case BPF_JGT:
		return m->a > v;
	default:
		return m->a & v;
	}
}

/* Run one instruction at pc; the next pc. *ret_done: the program ended with *ret_action. */
static size_t step(struct machine *m, const struct sock_filter *f, size_t pc, bool *ret_done, uint32_t *ret_action)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_ALU:
		*ret_done = !run_alu(m, f);
		*ret_action = 0;
		break;
	case BPF_JMP:
		if (f->code == (BPF_JMP | BPF_JA))
			return pc + 1 + f->k;
		return pc + 1 + (jump_taken(m, f) ? f->jt : f->jf);
	case BPF_RET:
		*ret_done = true;
		*ret_action = BPF_RVAL(f->code) == BPF_A ? m->a : f->k;
		break;
	case BPF_MISC:
		if (BPF_MISCOP(f->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		break;
	default:
		run_load(m, f);
	}
	return pc + 1;
}

uint32_t sim_run(const struct sock_filter *insns, size_t count, const struct seccomp_data *data, size_t *ret_steps)
{
	struct machine m = {.data = data};
	uint32_t action = 0;
	bool done = false;
	size_t steps = 0;

	for (size_t pc = 0; pc < count && !done; steps++)
		pc = step(&m, &insns[pc], pc, &done, &action);
	if (ret_steps)
		*ret_steps = steps;
	return action;
}

static bool cache_can_follow(const struct sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return f->k == offsetof(struct seccomp_data, nr) || f->k == offsetof(struct seccomp_data, arch);
	case BPF_RET | BPF_K:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_ALU | BPF_AND | BPF_K:
		return true;
	default:
		return false;
	}
}

bool sim_is_const_allow(const struct sock_filter *insns, size_t count, uint32_t arch, int nr)
{
	struct seccomp_data data = {.nr = nr, .arch = arch};
	struct machine m = {.data = &data};
	uint32_t action = 0;
	bool done = false;

	for (size_t pc = 0; pc < count && !done;) {
		if (!cache_can_follow(&insns[pc]))
			return false;
		pc = step(&m, &insns[pc], pc, &done, &action);
	}
	return done && action == SECCOMP_RET_ALLOW;
}
