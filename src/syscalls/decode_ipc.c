/* System V IPC and message queues. */
#include "syscalls/decode_priv.h"

#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

static void decode_key(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	if (v)
		show_hex(d, v);
	else
		show_symbol(d, "IPC_PRIVATE", v);
}

const struct decode_type decode_type_key = {.decode = decode_key};

/* IPC_CREAT|0600 */
static void decode_ipc_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	uint32_t flags = v & ~0777u;
	if (!flags) {
		show_octal(d, v & 0777);
		return;
	}
	char mode[8];
	(void)snprintf(mode, sizeof(mode), "%#03o", v & 0777);
	struct flag_name last = {mode, UINT64_C(1) << 63, UINT64_C(1) << 63};
	const struct flag_set *set = d->desc->params[i].set;
	struct flag_name names[17];
	size_t count = set->count < ARRAY_SIZE(names) - 1 ? set->count : ARRAY_SIZE(names) - 1;
	memcpy(names, set->names, count * sizeof(names[0]));
	names[count] = last;
	struct flag_set both = {.name = set->name, .names = names, .count = count + 1};
	show_flags(d, &both, flags | UINT64_C(1) << 63);
}

const struct decode_type decode_type_ipc_flags = {.decode = decode_ipc_flags};

#define IPC_64_FLAG 0x100u

static void decode_ipc_cmd(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const char *name = flag_set_name_of(d->desc->params[i].set, v & ~IPC_64_FLAG);
	if (name && v & IPC_64_FLAG)
		show_textf(d, "IPC_64|%s", name);
	else
		show_flags(d, d->desc->params[i].set, v);
}

const struct decode_type decode_type_ipc_cmd = {.decode = decode_ipc_cmd};

static void show_perm(struct decoder *d, const char *name, const struct ipc_perm *p)
{
	field(d, name);
	struct_begin(d);
	field_uint(d, "uid", p->uid);
	field_uint(d, "gid", p->gid);
	field(d, "mode");
	show_octal(d, p->mode);
	field_uint(d, "key", (uint32_t)p->__key);
	field_uint(d, "cuid", p->cuid);
	field_uint(d, "cgid", p->cgid);
	struct_end(d);
}

/* IPC_STAT writes what IPC_SET reads; the rest takes an address or nothing that is looked at. */
static bool ctl_waits(struct decoder *d, unsigned i)
{
	return (decode_link(d, i, 0) & ~IPC_64_FLAG) == IPC_STAT;
}

static void decode_msgctl_buf(struct decoder *d, unsigned i)
{
	struct msqid_ds ds;
	uint64_t cmd = decode_link(d, i, 0) & ~IPC_64_FLAG;
	uint64_t addr = decode_arg(d, i);
	if (d->i386 || cmd != IPC_STAT) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "msg_perm", &ds.msg_perm);
	field_sint(d, "msg_stime", ds.msg_stime);
	field_sint(d, "msg_rtime", ds.msg_rtime);
	field_sint(d, "msg_ctime", ds.msg_ctime);
	field_uint(d, "msg_qnum", ds.msg_qnum);
	field_uint(d, "msg_qbytes", ds.msg_qbytes);
	field_sint(d, "msg_lspid", ds.msg_lspid);
	field_sint(d, "msg_lrpid", ds.msg_lrpid);
	struct_end(d);
}

static void decode_shmctl_buf(struct decoder *d, unsigned i)
{
	struct shmid_ds ds;
	uint64_t cmd = decode_link(d, i, 0) & ~IPC_64_FLAG;
	uint64_t addr = decode_arg(d, i);
	if (d->i386 || cmd != IPC_STAT) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "shm_perm", &ds.shm_perm);
	field_uint(d, "shm_segsz", ds.shm_segsz);
	field_sint(d, "shm_cpid", ds.shm_cpid);
	field_sint(d, "shm_lpid", ds.shm_lpid);
	field_uint(d, "shm_nattch", ds.shm_nattch);
	field_sint(d, "shm_atime", ds.shm_atime);
	field_sint(d, "shm_dtime", ds.shm_dtime);
	field_sint(d, "shm_ctime", ds.shm_ctime);
	struct_end(d);
}

static void decode_semctl_arg(struct decoder *d, unsigned i)
{
	struct semid_ds ds;
	uint64_t cmd = decode_link(d, i, 0) & ~IPC_64_FLAG;
	uint64_t addr = decode_arg(d, i);
	if (d->i386 || cmd != IPC_STAT) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "sem_perm", &ds.sem_perm);
	field_sint(d, "sem_otime", ds.sem_otime);
	field_sint(d, "sem_ctime", ds.sem_ctime);
	field_uint(d, "sem_nsems", ds.sem_nsems);
	struct_end(d);
}

#define CTL(name, fn) \
	const struct decode_type decode_type_##name = {.decode = (fn), .waits = ctl_waits, .needs = NEEDS_MEMORY}
CTL(msgctl_buf, decode_msgctl_buf);
CTL(shmctl_buf, decode_shmctl_buf);
CTL(semctl_arg, decode_semctl_arg);

#define SEMBUFS_MAX 64

static void decode_sembufs(struct decoder *d, unsigned i)
{
	struct sembuf ops[SEMBUFS_MAX];
	uint64_t count = decode_link(d, i, 0);
	uint64_t shown = count < d->options->string_limit ? count : d->options->string_limit;
	if (shown > SEMBUFS_MAX)
		shown = SEMBUFS_MAX;
	if (!decode_fetch(d, decode_arg(d, i), ops, shown * sizeof(ops[0])))
		return;
	array_begin(d);
	for (uint64_t n = 0; n < shown; n++) {
		element(d);
		struct_begin(d);
		field_uint(d, "sem_num", ops[n].sem_num);
		field_sint(d, "sem_op", ops[n].sem_op);
		field_flags(d, "sem_flg", &flag_set_sem_flags, (uint16_t)ops[n].sem_flg);
		struct_end(d);
	}
	if (shown < count)
		elided(d);
	array_end(d);
}

const struct decode_type decode_type_sembufs = {.decode = decode_sembufs, .needs = NEEDS_MEMORY};

static void show_msgbuf(struct decoder *d, uint64_t addr, uint64_t len)
{
	uint8_t type[8];
	if (!decode_fetch(d, addr, type, d->word))
		return;
	struct_begin(d);
	field_sint(d, "mtype", decode_sint_at(type, d->word));
	field(d, "mtext");
	show_bytes_at(d, addr + d->word, len);
	struct_end(d);
}

static void decode_msgbuf_in(struct decoder *d, unsigned i)
{
	show_msgbuf(d, decode_arg(d, i), decode_link(d, i, 0));
}

/* The buffer as it is, not only what the message filled: as strace. */
const struct decode_type decode_type_msgbuf_in = {.decode = decode_msgbuf_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_msgbuf_out = {.decode = decode_msgbuf_in, .needs = NEEDS_MEMORY};

/* ---- message queues ---- */

static bool mq_attr_present(struct decoder *d, unsigned i)
{
	return !has_link(d, i, 0) || decode_link(d, i, 0) & 0100 /* O_CREAT */;
}

static void decode_mq_attr(struct decoder *d, unsigned i)
{
	uint8_t b[64];
	unsigned w = d->word;
	if (!decode_fetch(d, decode_arg(d, i), b, 8u * w))
		return;
	struct_begin(d);
	field_flags(d, "mq_flags", &flag_set_pipe_flags, decode_word_at(d, b));
	field_sint(d, "mq_maxmsg", decode_sint_at(b + w, w));
	field_sint(d, "mq_msgsize", decode_sint_at(b + 2 * w, w));
	field_sint(d, "mq_curmsgs", decode_sint_at(b + 3 * w, w));
	struct_end(d);
}

const struct decode_type decode_type_mq_attr_in = {
	.decode = decode_mq_attr, .present = mq_attr_present, .needs = NEEDS_MEMORY,
};
const struct decode_type decode_type_mq_attr_out = {.decode = decode_mq_attr, .needs = NEEDS_MEMORY};

/* ---- i386's calls of many calls: the number's name; the arguments in hexadecimal ---- */

static void decode_ipc_call(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const char *name = flag_set_name_of(d->desc->params[i].set, v & 0xffff);
	if (v >> 16 && name)
		show_textf(d, "%u<<16|%s", v >> 16, name);
	else
		show_flags(d, d->desc->params[i].set, v);
}

static void decode_word(struct decoder *d, unsigned i)
{
	show_hex(d, decode_arg(d, i));
}

const struct decode_type decode_type_ipc_call = {.decode = decode_ipc_call};
const struct decode_type decode_type_ipc_arg = {.decode = decode_word};
const struct decode_type decode_type_socketcall_call = {0};

static void decode_socketcall_args(struct decoder *d, unsigned i)
{
	static const uint8_t counts[21] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};
	uint64_t call = decode_link(d, i, 0);
	uint64_t addr = decode_arg(d, i);
	uint32_t words[6];
	unsigned count = call < ARRAY_SIZE(counts) ? counts[call] : 0;
	if (!count || !decode_fetch(d, addr, words, count * sizeof(words[0]))) {
		if (!count)
			show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (unsigned n = 0; n < count; n++) {
		element(d);
		show_hex(d, words[n]);
	}
	array_end(d);
}

const struct decode_type decode_type_socketcall_args = {.decode = decode_socketcall_args, .needs = NEEDS_MEMORY};
