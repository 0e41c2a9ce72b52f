/* The seccomp filter of a session: which numbers stop, which are notified, what other ABIs get. */
#ifndef TRAPLINE_TRACER_FILTER_PLAN_H
#define TRAPLINE_TRACER_FILTER_PLAN_H

#include "base/errors.h"
#include "policy/filter.h"
#include "syscalls/table.h"

/* What our own SECCOMP_RET_TRACE carries: a guest's own filter may ask for a tracer too, and we are not that one. */
#define FILTER_STOP_DATA 0x7472

struct session;

/* The ABI of a call, and its number there, from what a stop or notification tells. */
enum call_abi call_abi_of(uint32_t audit_arch, uint64_t nr, int64_t *ret_number);

/* The caller finishes the program. -ENOMEM, or what filter_build gives. */
MUST_CHECK int filter_plan_build(const struct session *s, struct filter_prog *ret);

#endif
