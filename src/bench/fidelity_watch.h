/* Private to bench fidelity: the session's probe. */
#ifndef TRAPLINE_BENCH_FIDELITY_WATCH_H
#define TRAPLINE_BENCH_FIDELITY_WATCH_H

#include <pthread.h>

#include "bench/fidelity.h"
#include "syscalls/dispatch.h"

struct fidelity_watch {
	const struct fidelity_options *options;
	struct fidelity_shared *shared;		/* not owned; guests write it, but only between stops */
	struct fidelity_result *result;		/* under .lock */
	enum call_abi abi;
	struct fidelity_compare compare;	/* under .lock */
	uint64_t last;				/* under .lock: the number of the call seen last */
	pthread_mutex_t lock;			/* notify answers from several threads */
};

MUST_CHECK int fidelity_watch_init(struct fidelity_watch *w, const struct fidelity_options *options,
				   struct fidelity_shared *shared, struct fidelity_result *result);
void fidelity_watch_finish(struct fidelity_watch *w);
struct session_probe fidelity_watch_probe(struct fidelity_watch *w, enum fidelity_mode mode);

#endif
