/*
 * socketcall and ipc of i386: one number for many calls, with the arguments in memory or in other registers. Recorded
 * as the calls that they stand for, as strace shows them; they are filtered, answered and decided on as what they are.
 */
#ifndef TRAPLINE_TRACER_MULTIPLEXED_H
#define TRAPLINE_TRACER_MULTIPLEXED_H

#include "syscalls/decode.h"

/*
 * Put the call that is meant in the place of the other, with its arguments. Without an effect if there is none or no
 * memory.
 */
void multiplexed_resolve(struct decode_call *call);
/*
 * What the call returned, as the one that was resolved would: shmat's address is in memory. made: as the task made it.
 */
int64_t multiplexed_result(const struct decode_call *made, const struct decode_call *resolved, int64_t value);
/* Calls that are recorded must stop also where they are made in this way. */
void multiplexed_include(struct call_set *set);

#endif
