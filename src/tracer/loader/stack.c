/* The stack that the kernel made for the loader becomes the program's. */
#include "loader.h"

enum { WORD = 8, PLATFORM_MAX = 64, RANDOM_SIZE = 16, STACK_ALIGN = 16, MOVED = 3 };

void stack_look(uint64_t *sp, struct stack *s)
{
	uint64_t *at = sp + 1 + *sp + 1;
	s->sp = sp;
	s->argc = *sp;
	s->argv = sp + 1;
	s->envp = at;
	while (*at++)
		;
	s->aux = (Elf64_auxv_t *)at;
	while (*at)
		at += 2;
	s->end = at + 2;
}

Elf64_auxv_t *stack_aux(const struct stack *s, uint64_t type)
{
	for (Elf64_auxv_t *a = s->aux; a->a_type; a++) {
		if (a->a_type == type)
			return a;
	}
	return NULL;
}

void stack_set_aux(const struct stack *s, uint64_t type, uint64_t value)
{
	Elf64_auxv_t *a = stack_aux(s, type);
	if (a)
		a->a_un.a_val = value;
}

/* Data of the kernel's between vector and strings, that may have to make room. */
struct moved {
	uint64_t type;
	size_t len;
	uint64_t to;
	char bytes[PLATFORM_MAX];
};

static void save(const struct stack *s, struct moved *m, uint64_t type, size_t len)
{
	const Elf64_auxv_t *a = stack_aux(s, type);
	m->type = type;
	m->len = 0;
	if (!a || !a->a_un.a_val)
		return;
	const char *from = (const char *)a->a_un.a_val;
	m->len = len ? len : length(from) + 1;
	if (m->len > PLATFORM_MAX)
		m->len = PLATFORM_MAX;
	copy(m->bytes, from, m->len);
}

/* The lowest string. */
static uint64_t first_string(const struct stack *s)
{
	if (s->argc)
		return s->argv[0];
	return s->envp[0] ? s->envp[0] : (uint64_t)s->end;
}

/* Where a script's strings go: directly below argv[1], as execve(2) would have put them. */
static uint64_t place_of_prefix(const struct loader_param *p, const struct stack *s)
{
	uint64_t first = first_string(s);
	if (s->argc)
		first += length((const char *)first) + 1;
	return first - p->prefix_size;
}

/* argc and argv's head; the strings themselves at. */
static void write_head(const struct loader_param *p, const char *prefix, uint64_t *sp, uint64_t argc, uint64_t at)
{
	sp[0] = argc;
	for (uint32_t i = 0; i < p->prefix_count; i++) {
		size_t len = length(prefix) + 1;
		sp[1 + i] = at;
		copy((void *)at, prefix, len);
		at += len;
		prefix += len;
	}
}

/*
 * The block of pointers moves towards lower addresses, first of all, since the strings may lie where it was; with
 * a script's strings it loses argv[0] and gets them instead. What is below which: pointers, name, moved data, prefix.
 */
static uint64_t make_room(const struct loader_param *p, const char *prefix, uint64_t name_at, struct stack *s)
{
	struct moved moved[MOVED];
	save(s, &moved[0], AT_RANDOM, RANDOM_SIZE);
	save(s, &moved[1], AT_PLATFORM, 0);
	save(s, &moved[2], AT_BASE_PLATFORM, 0);
	uint64_t drop = p->prefix_count && s->argc ? 1 : 0;
	uint64_t strings = p->prefix_count ? place_of_prefix(p, s) : 0;
	uint64_t below = (uint64_t)s->end;
	if (p->prefix_count && strings < below)
		below = strings;
	for (size_t i = 0; i < MOVED; i++)
		moved[i].to = below -= moved[i].len;
	if (!name_at)
		name_at = below -= p->name_size;
	uint64_t rest = (uint64_t)s->end - (uint64_t)(s->argv + drop);
	uint64_t argc = s->argc - drop + p->prefix_count;
	uint64_t *sp = (uint64_t *)((below - (1 + p->prefix_count) * WORD - rest) & ~(uint64_t)(STACK_ALIGN - 1));
	copy(sp + 1 + p->prefix_count, s->argv + drop, rest);
	write_head(p, prefix, sp, argc, strings);
	stack_look(sp, s);
	for (size_t i = 0; i < MOVED; i++) {
		if (!moved[i].len)
			continue;
		copy((void *)moved[i].to, moved[i].bytes, moved[i].len);
		stack_set_aux(s, moved[i].type, moved[i].to);
	}
	return name_at;
}

uint64_t stack_add_strings(const struct loader_param *p, const char *prefix, struct stack *s)
{
	const Elf64_auxv_t *own = stack_aux(s, AT_EXECFN);
	bool fits = own && p->name_size <= LOADER_PATH_SIZE;
	uint64_t at = fits ? own->a_un.a_val : 0;
	if (!fits || p->prefix_count)
		at = make_room(p, prefix, at, s);
	copy((void *)at, prefix + p->prefix_size, p->name_size);
	return at;
}
