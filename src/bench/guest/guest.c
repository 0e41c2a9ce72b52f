/*
 * The fidelity guest: loads known random values into every register, makes a call, and counts what came back different
 * from what Linux leaves behind. It knows nothing of who watches it; run without a supervisor it is the oracle.
 */
#include <sys/mman.h>

#include "base/log.h"
#include "bench/guest/shared.h"

void fidelity_tally_add(struct fidelity_tally *t, const char *name)
{
	uint32_t i = 0;

	t->total++;
	while (i < t->used && strncmp(t->row[i].name, name, sizeof(t->row[i].name)) != 0)
		i++;
	if (i == FIDELITY_TALLY_MAX)
		return;
	if (i == t->used) {
		(void)snprintf(t->row[i].name, sizeof(t->row[i].name), "%s", name);
		t->used++;
	}
	t->row[i].count++;
}

static void count(void *ctx, const char *name)
{
	struct fidelity_shared *shared = ctx;

	fidelity_tally_add(&shared->left, name);
}

struct guest {
	struct fidelity_shared *shared;
	struct fidelity_state *state;
	struct fidelity_compare compare;
	struct fidelity_identity who;
	struct random random;
	uint8_t *stack;
};

static void make_call(struct guest *g, uint64_t n)
{
	struct fidelity_shared *shared = g->shared;
	uint8_t red_zone[FIDELITY_RED_ZONE];

	fidelity_choose(n, shared->answered, &g->who, &g->random, &shared->call);
	fidelity_state_fill(&g->compare, g->state, &g->random, &shared->call, (uint64_t)(uintptr_t)g->stack);
	uint8_t *below = (uint8_t *)(uintptr_t)fidelity_state_sp(g->state) - FIDELITY_RED_ZONE;
	random_fill(&g->random, red_zone, sizeof(red_zone));
	memcpy(below, red_zone, sizeof(red_zone));
	atomic_store_explicit(&shared->armed, n, memory_order_release);
	(void)fidelity_call(g->state);
	atomic_store_explicit(&shared->armed, 0, memory_order_release);
	fidelity_state_left(&g->compare, g->state, shared->call.result, count, shared);
	if (memcmp(below, red_zone, sizeof(red_zone)) != 0)
		count(shared, "red-zone");
	atomic_store_explicit(&shared->done, n, memory_order_release);
}

static int guest_init(struct guest *g, int shared_fd)
{
	struct fidelity_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
	void *stack = mmap(NULL, FIDELITY_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED || stack == MAP_FAILED)
		return -errno;
	g->shared = shared;
	g->state = (struct fidelity_state *)shared->state;
	g->stack = stack;
	g->who = (struct fidelity_identity){.self = getpid(), .parent = getppid()};
	random_init(&g->random, shared->seed);
	int err = fidelity_compare_init(&g->compare);
	if (err < 0)
		return err;
	fidelity_state_init(g->state);
	fidelity_state_describe(g->state, shared->parts, sizeof(shared->parts));
	return 0;
}

int fidelity_guest(int shared_fd)
{
	struct guest g = {0};
	int err = guest_init(&g, shared_fd);

	if (err < 0) {
		log_error("bench fidelity: the guest cannot start: %s", strerror(-err));
		return 1;
	}
	for (uint64_t n = 1; n <= g.shared->calls; n++)
		make_call(&g, n);
	fidelity_compare_finish(&g.compare);
	return 0;
}
