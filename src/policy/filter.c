/*
 * The generator. The program is emitted from its end to its beginning: a classic BPF jump only goes forward, so every
 * target is known when the jump to it is made, its distance too, and a far one (conditional jumps reach 255
 * instructions) gets an unconditional jump in between. A place in the program is named by how many instructions were
 * emitted when it was: the distance to it never changes.
 */
#include "policy/filter_private.h"

#include <linux/audit.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#define X32_BIT UINT32_C(0x40000000)	/* __X32_SYSCALL_BIT */

/* Numbers [first, next range's first) of one audit architecture. */
struct range {
	uint32_t first;
	uint32_t action;
};

static bool grow(struct builder *b)
{
	size_t cap = b->cap ? b->cap * 2 : 256;
	struct sock_filter *insns = reallocarray(b->insns, cap, sizeof(*insns));

	if (!insns) {
		b->error = -ENOMEM;
		return false;
	}
	b->insns = insns;
	b->cap = cap;
	return true;
}

place filter_emit(struct builder *b, struct sock_filter insn)
{
	if (!b->error && b->count >= BPF_MAXINSNS)
		b->error = -E2BIG;
	if (b->error || (b->count == b->cap && !grow(b)))
		return b->count;
	b->insns[b->count++] = insn;
	return b->count;
}

place filter_emit_ret(struct builder *b, uint32_t action)
{
	place at;

	for (unsigned i = 0; i < RET_CACHE; i++) {
		/* Leave room for the instructions that a caller puts between the jump and here. */
		if (b->rets[i].at && b->rets[i].action == action && filter_distance(b, b->rets[i].at) < FAR - 8)
			return b->rets[i].at;
	}
	at = filter_emit(b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
	b->rets[b->next_ret].action = action;
	b->rets[b->next_ret].at = at;
	b->next_ret = (b->next_ret + 1) % RET_CACHE;
	return at;
}

/* Make at reachable by a conditional jump that is at most extra instructions further on. */
static place within_reach(struct builder *b, place at, size_t extra)
{
	if (filter_distance(b, at) + extra <= FAR)
		return at;
	return filter_emit(b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)filter_distance(b, at)));
}

place filter_emit_jump(struct builder *b, unsigned op, uint32_t k, place yes, place no)
{
	yes = within_reach(b, yes, 1);	/* the second trampoline would push the first target one further away */
	no = within_reach(b, no, 0);
	return filter_emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, (uint8_t)filter_distance(b, yes),
						    (uint8_t)filter_distance(b, no)));
}

place filter_emit_load(struct builder *b, size_t offset)
{
	return filter_emit(b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Go to at, where control would fall through if at is the instruction emitted last. */
static void emit_goto(struct builder *b, place at)
{
	if (filter_distance(b, at))
		filter_emit(b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)filter_distance(b, at)));
}

/* One half of an argument, in the accumulator, compared with k; op is a BPF_J*. */
static place emit_half(struct builder *b, const struct filter_test *t, bool high, unsigned op, uint32_t k,
		       place yes, place no)
{
	uint32_t mask = (uint32_t)(high ? t->mask >> 32 : t->mask);
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	size_t offset = offsetof(struct seccomp_data, args) + 8u * t->arg + (high == little ? 4 : 0);
	bool ordered = t->op != FILTER_EQ && t->op != FILTER_NE;
	bool top = t->is_signed && ordered && (high || t->bits == 32);

	if (top)	/* a signed order is the unsigned order of the values shifted by half the range */
		k += UINT32_C(0x80000000);
	filter_emit_jump(b, op, k, yes, no);
	if (top)
		filter_emit(b, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, UINT32_C(0x80000000)));
	if (mask != UINT32_MAX)
		filter_emit(b, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	return filter_emit_load(b, offset);
}

static place emit_equal(struct builder *b, const struct filter_test *t, place yes, place no)
{
	bool wide = t->bits == 64;
	uint64_t width = wide ? UINT64_MAX : UINT32_MAX;
	place low;

	if (t->value & ~t->mask & width)
		return no;	/* asks for a bit that the mask clears */
	/* A half that the mask clears needs no look. */
	if (wide && !(uint32_t)t->mask && t->mask)
		return emit_half(b, t, true, BPF_JEQ, (uint32_t)(t->value >> 32), yes, no);
	low = emit_half(b, t, false, BPF_JEQ, (uint32_t)t->value, yes, no);
	if (!wide || !(t->mask >> 32))
		return low;
	return emit_half(b, t, true, BPF_JEQ, (uint32_t)(t->value >> 32), low, no);
}

/* "argument OP value" with OP one of > and >= (op: BPF_JGT or BPF_JGE). */
static place emit_greater(struct builder *b, const struct filter_test *t, unsigned op, place yes, place no)
{
	uint32_t high = (uint32_t)(t->value >> 32);
	place low = emit_half(b, t, false, op, (uint32_t)t->value, yes, no);
	place equal;

	if (t->bits == 32)
		return low;
	/* High half equal: the low half decides; else the high half alone does. */
	equal = emit_half(b, t, true, BPF_JEQ, high, low, no);
	return emit_half(b, t, true, BPF_JGT, high, yes, equal);
}

static place emit_test(struct builder *b, const struct filter_test *t, place yes, place no)
{
	switch ((enum filter_op)t->op) {
	case FILTER_EQ:
		return emit_equal(b, t, yes, no);
	case FILTER_NE:
		return emit_equal(b, t, no, yes);
	case FILTER_GT:
		return emit_greater(b, t, BPF_JGT, yes, no);
	case FILTER_LE:
		return emit_greater(b, t, BPF_JGT, no, yes);
	case FILTER_GE:
		return emit_greater(b, t, BPF_JGE, yes, no);
	case FILTER_LT:
		return emit_greater(b, t, BPF_JGE, no, yes);
	}
	b->error = -EINVAL;
	return no;
}

static place emit_clause(struct builder *b, const struct filter_clause *c, place yes, place no)
{
	place next = no;

	for (size_t i = c->count; i-- > 0;)
		next = emit_test(b, &c->tests[i], yes, next);
	return next;
}

static place emit_rule(struct builder *b, const struct filter_rule *r, place no)
{
	place next = filter_emit_ret(b, r->action);

	for (size_t i = r->count; i-- > 0;)
		next = emit_clause(b, &r->clauses[i], next, no);
	return next;
}

static place emit_chain(struct builder *b, const struct filter_chain *c)
{
	place next = filter_emit_ret(b, c->otherwise);

	for (size_t i = c->count; i > 0 && !b->error;) {
		size_t values, begin = filter_run_begin(c, i, &values);

		if (values >= VALUES_MIN) {
			next = filter_emit_values(b, c->rules + begin, i - begin, values, next);
			i = begin;
		} else {
			next = emit_rule(b, &c->rules[--i], next);
		}
	}
	return next;
}

static place emit_action(struct builder *b, uint32_t action)
{
	if (!filter_action_is_chain(action))
		return filter_emit_ret(b, action);
	return emit_chain(b, &b->spec->chains[action & SECCOMP_RET_DATA]);
}

/* Binary search: which of count ranges the number in the accumulator is in. */
static place emit_search(struct builder *b, const struct range *ranges, size_t count)
{
	size_t half = count / 2;
	place upper, lower;

	if (count == 1 || b->error)
		return emit_action(b, ranges[0].action);
	upper = emit_search(b, ranges + half, count - half);
	lower = emit_search(b, ranges, half);
	return filter_emit_jump(b, BPF_JGE, ranges[half].first, upper, lower);
}

/* ---- from the specification to ranges ---- */

struct ranges {
	struct range *v;
	size_t count;
};

static void add_range(struct ranges *r, uint32_t first, uint32_t action)
{
	if (r->count && r->v[r->count - 1].first == first)
		r->count--;	/* that one was empty */
	if (r->count && r->v[r->count - 1].action == action)
		return;
	r->v[r->count++] = (struct range){.first = first, .action = action};
}

static void add_abi(struct ranges *r, const struct filter_abi *abi, uint32_t base)
{
	for (size_t nr = 0; nr < abi->count; nr++)
		add_range(r, base + (uint32_t)nr, abi->actions[nr]);
	add_range(r, base + (uint32_t)abi->count, abi->unknown);
}

static const struct filter_abi *find_abi(const struct filter_spec *spec, uint32_t arch, bool x32)
{
	for (size_t i = 0; i < spec->abi_count; i++) {
		if (spec->abis[i].audit_arch == arch && spec->abis[i].x32 == x32)
			return &spec->abis[i];
	}
	return NULL;
}

/* The whole 32-bit number space of one audit architecture. r->v has room for every number and six more. */
static void collect_ranges(const struct filter_spec *spec, uint32_t arch, struct ranges *r)
{
	const struct filter_abi *plain = find_abi(spec, arch, false), *x32 = find_abi(spec, arch, true);

	if (plain)
		add_abi(r, plain, 0);
	else
		add_range(r, 0, spec->other_abi);
	if (plain && spec->kills) {
		add_range(r, FILTER_KILL_NR, SECCOMP_RET_KILL_PROCESS);
		add_range(r, FILTER_KILL_NR + 1, plain->unknown);
	}
	if (x32)
		add_abi(r, x32, X32_BIT);
	else if (arch == AUDIT_ARCH_X86_64)
		add_range(r, X32_BIT, spec->other_abi);
	if (arch == AUDIT_ARCH_X86_64)	/* syscall(-1) is nobody's x32 call */
		add_range(r, UINT32_C(0x80000000), plain ? plain->unknown : spec->other_abi);
}

static place emit_arch(struct builder *b, uint32_t arch, place other)
{
	size_t room = 6;
	AUTO_FREE struct range *v = NULL;
	struct ranges r = {0};

	for (size_t i = 0; i < b->spec->abi_count; i++)
		room += b->spec->abis[i].audit_arch == arch ? b->spec->abis[i].count : 0;
	v = calloc(room, sizeof(*v));
	if (!v) {
		b->error = -ENOMEM;
		return other;
	}
	r.v = v;
	collect_ranges(b->spec, arch, &r);
	/*
	 * The action cache is filled for a number by interpreting the program: it follows these loads and jumps only.
	 */
	emit_goto(b, emit_search(b, r.v, r.count));
	return filter_emit_load(b, offsetof(struct seccomp_data, nr));
}

static void emit_program(struct builder *b)
{
	const struct filter_spec *spec = b->spec;
	place other = filter_emit_ret(b, spec->other_abi);

	/* The first ABI of the specification is asked first. */
	for (size_t i = spec->abi_count; i-- > 0 && !b->error;) {
		const struct filter_abi *abi = &spec->abis[i];
		place body;

		if (find_abi(spec, abi->audit_arch, !abi->x32) && abi->x32)
			continue;	/* comes with the other half of its architecture */
		body = emit_arch(b, abi->audit_arch, other);
		other = filter_emit_jump(b, BPF_JEQ, abi->audit_arch, body, other);
	}
	emit_goto(b, other);
	filter_emit_load(b, offsetof(struct seccomp_data, arch));
}

static bool action_is_sound(const struct filter_spec *spec, uint32_t action)
{
	return !filter_action_is_chain(action) || (action & SECCOMP_RET_DATA) < spec->chain_count;
}

static int check_spec(const struct filter_spec *spec)
{
	if (!spec->abi_count || filter_action_is_chain(spec->other_abi))
		return -EINVAL;
	for (size_t i = 0; i < spec->abi_count; i++) {
		const struct filter_abi *abi = &spec->abis[i];

		if (find_abi(spec, abi->audit_arch, abi->x32) != abi || filter_action_is_chain(abi->unknown) ||
		    abi->count >= X32_BIT)
			return -EINVAL;
		for (size_t nr = 0; nr < abi->count; nr++) {
			if (!action_is_sound(spec, abi->actions[nr]))
				return -EINVAL;
		}
	}
	return 0;
}

static void turn_round(struct sock_filter *insns, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct sock_filter last = insns[count - 1 - i];

		insns[count - 1 - i] = insns[i];
		insns[i] = last;
	}
}

int filter_build(const struct filter_spec *spec, struct filter_prog *ret)
{
	struct builder b = {.spec = spec};
	int r = check_spec(spec);

	if (r < 0)
		return r;
	emit_program(&b);
	if (b.error) {
		free(b.insns);
		return b.error;
	}
	turn_round(b.insns, b.count);
	ret->insns = b.insns;
	ret->count = b.count;
	return 0;
}

void filter_prog_finish(struct filter_prog *prog)
{
	free(prog->insns);
	*prog = (struct filter_prog){0};
}

size_t filter_chain_size(const struct filter_chain *chain)
{
	size_t size = 1;

	for (size_t i = chain->count; i > 0;) {
		size_t values, begin = filter_run_begin(chain, i, &values);
		const struct filter_rule *r = &chain->rules[i - 1];

		if (values >= VALUES_MIN) {
			size += values + values / (VALUES_LEAF / 2) + values / 64 + 8;
			i = begin;
			continue;
		}
		size += 1;
		for (size_t j = 0; j < r->count; j++) {
			/* At most three looks at a half: load, mask, shift, two trampolines, jump. */
			for (size_t k = 0; k < r->clauses[j].count; k++)
				size += r->clauses[j].tests[k].bits == 64 ? 9 : 4;
		}
		i--;
	}
	return size;
}

int filter_install(const struct filter_prog *prog, unsigned flags)
{
	struct sock_fprog fprog = {.len = (unsigned short)prog->count, .filter = prog->insns};
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);

	return r < 0 ? -errno : (int)r;
}
