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
		show_hex_symbol(d, "IPC_PRIVATE", v);
}

const struct decode_type decode_type_key = {.decode = decode_key};

/* The size of huge pages in shmget's flags. */
#define HUGE_SHIFT 26
#define HUGE_MASK 0x3fu

static void show_huge_shift(struct decoder *d, uint32_t huge)
{
	static const char *const names[] = {
		[CONST_ABBREV] = "SHM_HUGE_SHIFT", [CONST_RAW] = "26", [CONST_VERBOSE] = "26 /* SHM_HUGE_SHIFT */",
	};
	show_textf(d, "%u<<%s", huge, names[d->options->consts]);
	wrap(d, "|");
}

/* IPC_CREAT|0600, SHM_HUGETLB|21<<SHM_HUGE_SHIFT|0600; in JSON an array of all. */
static void decode_ipc_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const struct flag_set *set = d->desc->params[i].set;
	uint32_t huge = set == &flag_set_shm_get_flags ? v >> HUGE_SHIFT & HUGE_MASK : 0;
	uint32_t flags = v & ~(0777u | huge << HUGE_SHIFT);
	if (d->p->ops->joins || !(flags | huge)) {
		if (flags) {
			show_flags(d, set, flags);
			wrap(d, "|");
		}
		if (huge)
			show_huge_shift(d, huge);
		show_octal(d, v & 0777);
		return;
	}
	char mode[8];
	(void)snprintf(mode, sizeof(mode), "%#03o", v & 0777);
	struct flag_name names[17];
	size_t count = set->count < ARRAY_SIZE(names) - 1 ? set->count : ARRAY_SIZE(names) - 1;
	memcpy(names, set->names, count * sizeof(names[0]));
	names[count] = (struct flag_name){mode, UINT64_C(1) << 63, UINT64_C(1) << 63};
	struct flag_set both = {.name = set->name, .names = names, .count = count + 1};
	show_flags(d, &both, (v & ~0777u) | UINT64_C(1) << 63);
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

/* ---- msgctl, shmctl, semctl ---- */

/* What the commands that all three have do with their structures, and those of their own that do the same. */
enum ctl_kind {
	CTL_OTHER,
	CTL_SET,	/* the structure is read */
	CTL_STAT,	/* it is written */
	CTL_INFO,	/* limits are written */
	CTL_USAGE,	/* what is used of them is written */
};

static enum ctl_kind ctl_kind_of(struct decoder *d, unsigned i)
{
	uint64_t cmd = decode_link(d, i, 0) & ~(uint64_t)IPC_64_FLAG;
	bool sem = d->call->id == CALL_semctl;
	bool shm = d->call->id == CALL_shmctl;
	switch (cmd) {
	case IPC_SET:
		return CTL_SET;
	case IPC_STAT:
		return CTL_STAT;
	case 3 /* IPC_INFO */:
		return CTL_INFO;
	default:
		break;
	}
	uint64_t stat = sem ? 18 : shm ? 13 : 11;	/* SEM_STAT, SHM_STAT, MSG_STAT; *_INFO is behind it */
	uint64_t stat_any = sem ? 20 : shm ? 15 : 13;
	if (cmd == stat || cmd == stat_any)
		return CTL_STAT;
	return cmd == stat + 1 ? CTL_USAGE : CTL_OTHER;
}

static bool ctl_waits(struct decoder *d, unsigned i)
{
	return ctl_kind_of(d, i) >= CTL_STAT;
}

static void show_perm(struct decoder *d, const char *name, const struct ipc_perm *p, bool all)
{
	field(d, name);
	struct_begin(d);
	field(d, "uid");
	show_uid(d, p->uid);
	field(d, "gid");
	show_uid(d, p->gid);
	field(d, "mode");
	show_octal(d, p->mode);
	if (all) {
		field_uint(d, "key", (uint32_t)p->__key);
		field(d, "cuid");
		show_uid(d, p->cuid);
		field(d, "cgid");
		show_uid(d, p->cgid);
	}
	struct_end(d);
}

static void show_msqid(struct decoder *d, uint64_t addr, bool all)
{
	struct msqid_ds ds;
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "msg_perm", &ds.msg_perm, all);
	if (all) {
		field_uint(d, "msg_stime", (uint64_t)ds.msg_stime);
		field_uint(d, "msg_rtime", (uint64_t)ds.msg_rtime);
		field_uint(d, "msg_ctime", (uint64_t)ds.msg_ctime);
		field_uint(d, "msg_qnum", ds.msg_qnum);
	}
	field_uint(d, "msg_qbytes", ds.msg_qbytes);
	if (all) {
		field_sint(d, "msg_lspid", ds.msg_lspid);
		field_sint(d, "msg_lrpid", ds.msg_lrpid);
	}
	struct_end(d);
}

static void show_shmid(struct decoder *d, uint64_t addr, bool all)
{
	struct shmid_ds ds;
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "shm_perm", &ds.shm_perm, all);
	if (all) {
		field_uint(d, "shm_segsz", ds.shm_segsz);
		field_sint(d, "shm_cpid", ds.shm_cpid);
		field_sint(d, "shm_lpid", ds.shm_lpid);
		field_uint(d, "shm_nattch", ds.shm_nattch);
		field_uint(d, "shm_atime", (uint64_t)ds.shm_atime);
		field_uint(d, "shm_dtime", (uint64_t)ds.shm_dtime);
		field_uint(d, "shm_ctime", (uint64_t)ds.shm_ctime);
	}
	struct_end(d);
}

static void show_semid(struct decoder *d, uint64_t addr, bool all)
{
	struct semid_ds ds;
	if (!decode_fetch(d, addr, &ds, sizeof(ds)))
		return;
	struct_begin(d);
	show_perm(d, "sem_perm", &ds.sem_perm, all);
	if (all) {
		field_uint(d, "sem_otime", (uint64_t)ds.sem_otime);
		field_uint(d, "sem_ctime", (uint64_t)ds.sem_ctime);
		field_uint(d, "sem_nsems", ds.sem_nsems);
	}
	struct_end(d);
}

static const struct field_desc msginfo_fields[] = {
	FIELD(struct msginfo, msgpool, FIELD_SINT),
	FIELD(struct msginfo, msgmap, FIELD_SINT),
	FIELD(struct msginfo, msgmax, FIELD_SINT),
	FIELD(struct msginfo, msgmnb, FIELD_SINT),
	FIELD(struct msginfo, msgmni, FIELD_SINT),
	FIELD(struct msginfo, msgssz, FIELD_SINT),
	FIELD(struct msginfo, msgtql, FIELD_SINT),
	FIELD(struct msginfo, msgseg, FIELD_UINT),
};
static const struct layout msginfo_layout = LAYOUT(struct msginfo, msginfo_fields);

static const struct field_desc seminfo_fields[] = {
	FIELD(struct seminfo, semmap, FIELD_SINT),
	FIELD(struct seminfo, semmni, FIELD_SINT),
	FIELD(struct seminfo, semmns, FIELD_SINT),
	FIELD(struct seminfo, semmnu, FIELD_SINT),
	FIELD(struct seminfo, semmsl, FIELD_SINT),
	FIELD(struct seminfo, semopm, FIELD_SINT),
	FIELD(struct seminfo, semume, FIELD_SINT),
	FIELD(struct seminfo, semusz, FIELD_SINT),
	FIELD(struct seminfo, semvmx, FIELD_SINT),
	FIELD(struct seminfo, semaem, FIELD_SINT),
};
static const struct layout seminfo_layout = LAYOUT(struct seminfo, seminfo_fields);

static const struct field_desc shminfo_fields[] = {
	FIELD(struct shminfo, shmmax, FIELD_UINT),
	FIELD(struct shminfo, shmmin, FIELD_UINT),
	FIELD(struct shminfo, shmmni, FIELD_UINT),
	FIELD(struct shminfo, shmseg, FIELD_UINT),
	FIELD(struct shminfo, shmall, FIELD_UINT),
};
static const struct layout shminfo_layout = LAYOUT(struct shminfo, shminfo_fields);

static const struct field_desc shm_info_fields[] = {
	FIELD(struct shm_info, used_ids, FIELD_SINT),
	FIELD(struct shm_info, shm_tot, FIELD_UINT),
	FIELD(struct shm_info, shm_rss, FIELD_UINT),
	FIELD(struct shm_info, shm_swp, FIELD_UINT),
	FIELD(struct shm_info, swap_attempts, FIELD_UINT),
	FIELD(struct shm_info, swap_successes, FIELD_UINT),
};
static const struct layout shm_info_layout = LAYOUT(struct shm_info, shm_info_fields);

typedef void show_ds_fn(struct decoder *d, uint64_t addr, bool all);

static void show_ctl(struct decoder *d, unsigned i, show_ds_fn *show, const struct layout *info, const struct layout *usage)
{
	enum ctl_kind kind = ctl_kind_of(d, i);
	uint64_t addr = decode_arg(d, i);
	struct layout_pair pair = {.native = kind == CTL_INFO ? info : usage};
	d->given = kind == CTL_SET;
	if (d->i386 || kind == CTL_OTHER)
		show_pointer(d, addr);
	else if (kind == CTL_SET || kind == CTL_STAT)
		show(d, addr, kind == CTL_STAT);
	else
		show_struct_at(d, &pair, addr);
}

static void decode_msgctl_buf(struct decoder *d, unsigned i)
{
	show_ctl(d, i, show_msqid, &msginfo_layout, &msginfo_layout);
}

static void decode_shmctl_buf(struct decoder *d, unsigned i)
{
	show_ctl(d, i, show_shmid, &shminfo_layout, &shm_info_layout);
}

static void decode_semctl_arg(struct decoder *d, unsigned i)
{
	show_ctl(d, i, show_semid, &seminfo_layout, &seminfo_layout);
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
	uint64_t addr = decode_arg(d, i);
	uint64_t readable = addr ? read_elements(d, addr, shown, sizeof(ops[0]), ops) : 0;
	if (!addr || (shown && !readable)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < readable; n++) {
		element(d);
		struct_begin(d);
		field_uint(d, "sem_num", ops[n].sem_num);
		field_sint(d, "sem_op", ops[n].sem_op);
		field_flags(d, "sem_flg", &flag_set_sem_flags, (uint16_t)ops[n].sem_flg);
		struct_end(d);
	}
	show_array_rest(d, addr, readable, shown, count, sizeof(ops[0]));
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
	/* mq_open takes none. */
	if (d->call->id == CALL_mq_open)
		field_hex(d, "mq_flags", decode_word_at(d, b));
	else
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
