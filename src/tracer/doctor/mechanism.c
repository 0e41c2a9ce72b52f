/* The session's own opinion of each mechanism, fetched over the pipe of an attempt as one number. */
#include <string.h>

#include "tracer/doctor/attempt.h"

enum {
	CAN_ANSWER = 1 << 0, CAN_READ_REGS = 1 << 1, CAN_WRITE_REGS = 1 << 2, SEES_RESULT = 1 << 3,
	NEEDS_PTRACE = 1 << 4, NEEDS_SECCOMP = 1 << 5, CAN_ATTACH = 1 << 6,
	ERRNO_SHIFT = 8,
};

static long ask(void *ctx)
{
	const struct mechanism_info *i = mechanism_info(*(enum mechanism *)ctx);

	return (i->can_answer ? CAN_ANSWER : 0) | (i->can_read_regs ? CAN_READ_REGS : 0) |
	       (i->can_write_regs ? CAN_WRITE_REGS : 0) | (i->sees_result ? SEES_RESULT : 0) |
	       (i->needs_ptrace ? NEEDS_PTRACE : 0) | (i->needs_seccomp ? NEEDS_SECCOMP : 0) |
	       (i->can_attach ? CAN_ATTACH : 0) | (long)-i->available << ERRNO_SHIFT;
}

void doctor_mechanism(enum mechanism m, struct mechanism_info *ret)
{
	struct attempt a = attempt_run(ask, &m);

	memset(ret, 0, sizeof(*ret));
	ret->name = mechanism_name(m);
	if (a.result < 0) {
		ret->available = (int)a.result;
		return;
	}
	ret->can_answer = a.result & CAN_ANSWER;
	ret->can_read_regs = a.result & CAN_READ_REGS;
	ret->can_write_regs = a.result & CAN_WRITE_REGS;
	ret->sees_result = a.result & SEES_RESULT;
	ret->needs_ptrace = a.result & NEEDS_PTRACE;
	ret->needs_seccomp = a.result & NEEDS_SECCOMP;
	ret->can_attach = a.result & CAN_ATTACH;
	ret->available = -(int)(a.result >> ERRNO_SHIFT);
}
