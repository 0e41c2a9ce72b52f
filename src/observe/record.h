/*
 * What the trap loop tells the writer thread: one record per event, in the order in which the supervisor saw them.
 * A record is a fixed head and, behind it, .payload bytes of a read log (syscalls/decode.h) or of what the kind says.
 */
#ifndef TRAPLINE_OBSERVE_RECORD_H
#define TRAPLINE_OBSERVE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "syscalls/table.h"

enum record_kind {
	RECORD_ENTER,		/* a call was entered; payload: read log of decode_enter */
	RECORD_EXIT,		/* it returned; payload: read log of decode_exit, then decode_result_text */
	RECORD_SIGNAL,		/* delivery of a signal; payload: siginfo_t, read log of decode_siginfo */
	RECORD_GROUP_STOP,	/* "--- stopped by SIGTSTP ---"; .result is the signal */
	RECORD_TASK_NEW,	/* a new task; .result is the parent's tid (0: started or attached by us) */
	RECORD_TASK_EXITED,	/* "+++ exited with N +++"; .result is the status */
	RECORD_TASK_KILLED,	/* "+++ killed by SIGKILL +++"; .result the signal; .is_error: core dumped */
	/* "+++ superseded by execve in pid N +++"; .result is N (the former tid of the exec'ing thread) */
	RECORD_SUPERSEDED,
	RECORD_DETACHED,	/* " <detached ...>" */
	/* stack of .tid's call, put between its ENTER and EXIT; payload: one line a frame, see below */
	RECORD_STACK,
	RECORD_ABI_CHANGE,	/* "[ Process PID=N runs in 32 bit mode. ]"; .abi is the new one */
	RECORD_COMM,		/* with -Y: the task's command is known, or another; payload: its bytes, at most 16 */
};

/*
 * RECORD_STACK's payload: for each frame, innermost first,
 *   MODULE \t SYMBOL \t OFFSET-HEX \t IP-HEX \t FILE \t LINE \n
 * with empty fields where unknown.
 */

struct record {
	uint32_t size;		/* head and payload, without padding */
	uint8_t kind;		/* enum record_kind */
	uint8_t abi;		/* enum call_abi */
	bool is_error;		/* EXIT: .result is a negative errno or restart code */
	bool emulated;		/* EXIT: answered by trapline */
	int32_t id;		/* enum call_id; CALL_NONE if the number is unknown */
	pid_t tid;
	pid_t tgid;
	/* EXIT: bit 0: result was injected by a rule, bit 1: delayed, bit 2: signal added, bit 3: memory overwritten */
	uint32_t injected;
	uint64_t time_ns;	/* CLOCK_MONOTONIC when the stop was received */
	int64_t nr;		/* raw number */
	uint64_t ip;		/* instruction pointer, 0 if not fetched */
	uint64_t args[6];	/* ENTER and EXIT (as at entry) */
	int64_t result;
	uint64_t cpu_ns;	/* EXIT: system time the call used, if asked for (-c without -w), else 0 */
};

#endif
