#include "tracer/multiplexed.h"

#include <string.h>

#include "base/errors.h"
#include "tracer/memory.h"

/*
 * What a word of the call that is meant is, of ipc(call, first, second, third, ptr, fifth): net/ipc's registers by
 * number.
 */
enum ipc_word { FIRST = 1, SECOND, THIRD, PTR, FIFTH };

/* include/uapi/linux/net.h. send and recv have no numbers of their own. */
static const struct {
	enum call_id id;
	unsigned args;
} socket_calls[] = {
	[1] = {CALL_socket, 3}, [2] = {CALL_bind, 3}, [3] = {CALL_connect, 3}, [4] = {CALL_listen, 2}, [5] = {CALL_accept, 3},
	[6] = {CALL_getsockname, 3}, [7] = {CALL_getpeername, 3}, [8] = {CALL_socketpair, 4}, [9] = {CALL_sendto, 4},
	[10] = {CALL_recvfrom, 4}, [11] = {CALL_sendto, 6}, [12] = {CALL_recvfrom, 6}, [13] = {CALL_shutdown, 2},
	[14] = {CALL_setsockopt, 5}, [15] = {CALL_getsockopt, 5}, [16] = {CALL_sendmsg, 3}, [17] = {CALL_recvmsg, 3},
	[18] = {CALL_accept4, 4}, [19] = {CALL_recvmmsg, 5}, [20] = {CALL_sendmmsg, 4},
};

/* include/uapi/linux/ipc.h, and ipc/syscall.c for the order. */
static const struct {
	enum call_id id;
	uint8_t words[5];
} ipc_calls[] = {
	[1] = {CALL_semop, {FIRST, PTR, SECOND}}, [2] = {CALL_semget, {FIRST, SECOND, THIRD}},
	[3] = {CALL_semctl, {FIRST, SECOND, THIRD, PTR}}, [4] = {CALL_semtimedop, {FIRST, PTR, SECOND, FIFTH}},
	[11] = {CALL_msgsnd, {FIRST, PTR, SECOND, THIRD}}, [12] = {CALL_msgrcv, {FIRST, PTR, SECOND, FIFTH, THIRD}},
	[13] = {CALL_msgget, {FIRST, SECOND}}, [14] = {CALL_msgctl, {FIRST, SECOND, PTR}},
	[21] = {CALL_shmat, {FIRST, PTR, SECOND}}, [22] = {CALL_shmdt, {PTR}},
	[23] = {CALL_shmget, {FIRST, SECOND, THIRD}}, [24] = {CALL_shmctl, {FIRST, SECOND, PTR}},
};

static void resolve_socketcall(struct decode_call *call)
{
	uint32_t words[6] = {0};
	uint64_t which = call->args[0];
	if (which >= ARRAY_SIZE(socket_calls) || socket_calls[which].args == 0)
		return;
	if (memory_read(call->tid, call->args[1], words, socket_calls[which].args * sizeof(words[0])) < 0)
		return;
	call->id = socket_calls[which].id;
	for (unsigned i = 0; i < 6; i++)
		call->args[i] = words[i];
}

static void resolve_ipc(struct decode_call *call)
{
	uint32_t pair[2] = {0};
	uint64_t args[6] = {0};
	unsigned which = call->args[0] & 0xffff;
	unsigned version = (uint32_t)call->args[0] >> 16;
	if (which >= ARRAY_SIZE(ipc_calls) || ipc_calls[which].words[0] == 0)
		return;
	enum call_id id = ipc_calls[which].id;
	for (unsigned i = 0; i < 5 && ipc_calls[which].words[i]; i++)
		args[i] = call->args[ipc_calls[which].words[i]];
	if (id == CALL_semctl) {
		if (memory_read(call->tid, args[3], pair, sizeof(pair[0])) < 0)
			return;
		args[3] = pair[0];
	} else if (id == CALL_msgrcv && version == 0) {
		if (memory_read(call->tid, args[1], pair, sizeof(pair)) < 0)
			return;
		args[1] = pair[0];
		args[3] = pair[1];
	}
	call->id = id;
	memcpy(call->args, args, sizeof(args));
}

void multiplexed_resolve(struct decode_call *call)
{
	if (call->abi != ABI_I386)
		return;
	if (call->id == CALL_socketcall)
		resolve_socketcall(call);
	else if (call->id == CALL_ipc)
		resolve_ipc(call);
}

int64_t multiplexed_result(const struct decode_call *made, const struct decode_call *resolved, int64_t value)
{
	uint32_t addr;
	if (made->id != CALL_ipc || resolved->id != CALL_shmat || value != 0)
		return value;
	return memory_read(made->tid, made->args[THIRD], &addr, sizeof(addr)) < 0 ? value : (int64_t)addr;
}

void multiplexed_include(struct call_set *set)
{
	for (size_t i = 1; i < ARRAY_SIZE(socket_calls); i++) {
		if (call_set_has(set, socket_calls[i].id))
			call_set_add(set, CALL_socketcall);
	}
	for (size_t i = 1; i < ARRAY_SIZE(ipc_calls); i++) {
		if (ipc_calls[i].words[0] && call_set_has(set, ipc_calls[i].id))
			call_set_add(set, CALL_ipc);
	}
}
