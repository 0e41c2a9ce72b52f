/*
 * -e read=, -e write=: the bytes that a call moved, in hexadecimal and as text, on lines of their own behind the
 * call's.
 */
#include "syscalls/decode_priv.h"

#include <string.h>
#include <sys/socket.h>

#define LINE 16			/* bytes a line */
#define PIECE 4096		/* a multiple of it */
#define DUMP_MAX (4u << 20)	/* bytes shown of one call */
#define VECTORS_MAX 1024	/* the kernel's IOV_MAX */

bool dump_set_has(const struct dump_set *set, int fd)
{
	if (fd < 0 || (unsigned)fd >= DUMP_FDS)
		return fd >= 0 && set->rest;
	return set->bits[fd / 64] >> fd % 64 & 1;
}

enum dump_shape {
	DUMP_NONE,
	DUMP_BUFFER,	/* (fd, buffer, length) */
	DUMP_VECTOR,	/* (fd, vector, count) */
	DUMP_MESSAGE,	/* (fd, message) */
	DUMP_MESSAGES,	/* (fd, messages, count) */
};

static enum dump_shape shape_of(enum call_id id, bool *ret_reads)
{
	switch (id) {
	case CALL_read: case CALL_pread64: case CALL_recvfrom: case CALL_mq_timedreceive:
		*ret_reads = true;
		return DUMP_BUFFER;
	case CALL_write: case CALL_pwrite64: case CALL_sendto: case CALL_mq_timedsend:
		*ret_reads = false;
		return DUMP_BUFFER;
	case CALL_readv: case CALL_preadv: case CALL_preadv2:
		*ret_reads = true;
		return DUMP_VECTOR;
	case CALL_writev: case CALL_pwritev: case CALL_pwritev2: case CALL_vmsplice:
		*ret_reads = false;
		return DUMP_VECTOR;
	case CALL_recvmsg:
		*ret_reads = true;
		return DUMP_MESSAGE;
	case CALL_sendmsg:
		*ret_reads = false;
		return DUMP_MESSAGE;
	case CALL_recvmmsg: case CALL_recvmmsg_time64:
		*ret_reads = true;
		return DUMP_MESSAGES;
	case CALL_sendmmsg:
		*ret_reads = false;
		return DUMP_MESSAGES;
	default:
		return DUMP_NONE;
	}
}

static enum dump_shape wanted_shape(const struct decode_call *call, const struct decode_options *options, bool *ret_reads)
{
	enum dump_shape shape = options->dump ? shape_of(call->id, ret_reads) : DUMP_NONE;
	if (shape == DUMP_NONE)
		return DUMP_NONE;
	return dump_set_has(*ret_reads ? &options->dump->read : &options->dump->write, (int)call->args[0]) ? shape : DUMP_NONE;
}

bool decode_dumps(const struct decode_call *call, const struct decode_options *options)
{
	bool reads;
	return wanted_shape(call, options, &reads) != DUMP_NONE;
}

/* " | 00010  67 68 69 0a 01 ff                                 ghi...           |" */
static void add_line(struct strbuf *out, int width, uint64_t offset, const uint8_t *bytes, size_t len)
{
	strbuf_addf(out, " | %0*llx ", width, (unsigned long long)offset);
	for (size_t i = 0; i < LINE; i++) {
		if (i % 8 == 0)
			strbuf_addc(out, ' ');
		if (i < len)
			strbuf_addf(out, "%02x ", bytes[i]);
		else
			strbuf_adds(out, "   ");
	}
	strbuf_addc(out, ' ');
	for (size_t i = 0; i < LINE; i++)
		strbuf_addc(out, i >= len ? ' ' : bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.');
	strbuf_adds(out, " |\n");
}

struct dump {
	struct decode_source *src;
	struct strbuf *out;	/* NULL: only read */
	uint64_t room;		/* bytes that may still be shown */
	pid_t tid;		/* whose memory it is */
};

/* The memory ends before the bytes do. */
static void cannot_fetch(struct dump *d, uint64_t addr, uint64_t at, uint64_t len)
{
	uint64_t rest = len - at;
	if (d->out && at)
		strbuf_addf(d->out, " | <Cannot fetch %llu byte%s from pid %d @%#llx>\n", (unsigned long long)rest,
			    rest == 1 ? "" : "s", d->tid, (unsigned long long)(addr + at));
}

static void dump_buffer(struct dump *d, uint64_t addr, uint64_t len)
{
	uint8_t buf[PIECE];
	/* Five digits, or what the last line's offset has. */
	int width = 5;
	while (width < 16 && len && (len - 1) >> 4 * width)
		width++;
	for (uint64_t at = 0; at < len && d->room;) {
		size_t n = len - at < sizeof(buf) ? (size_t)(len - at) : sizeof(buf);
		n = n < d->room ? n : (size_t)d->room;
		if (d->src->ops->read(d->src, addr + at, buf, n) < 0) {
			cannot_fetch(d, addr, at, len);
			return;
		}
		for (size_t i = 0; d->out && i < n; i += LINE)
			add_line(d->out, width, at + i, buf + i, n - i < LINE ? n - i : LINE);
		at += n;
		d->room -= n;
	}
}

/* moved: how many bytes the call moved in all. As strace, no further than the first empty part. */
static void dump_vector(struct dump *d, uint64_t addr, uint64_t count, uint64_t moved, unsigned word)
{
	uint8_t b[16];
	for (uint64_t n = 0; n < count && n < VECTORS_MAX && moved; n++) {
		if (d->src->ops->read(d->src, addr + n * 2 * word, b, 2u * word) < 0)
			return;
		uint64_t len = decode_uint_at(b + word, word);
		len = len < moved ? len : moved;
		if (!len)
			return;
		if (d->out)
			strbuf_addf(d->out, " * %llu bytes in buffer %llu\n", (unsigned long long)len, (unsigned long long)n);
		dump_buffer(d, decode_uint_at(b, word), len);
		moved -= len;
	}
}

static void dump_message(struct dump *d, uint64_t addr, uint64_t moved, unsigned word)
{
	uint8_t b[56];
	/* struct msghdr: name, its length, the vector and its count, ... */
	if (d->src->ops->read(d->src, addr, b, 7u * word) == 0)
		dump_vector(d, decode_uint_at(b + 2 * word, word), decode_uint_at(b + 3 * word, word), moved, word);
}

/* As many messages as the call says, each with the length that the kernel wrote behind its header. */
static void dump_messages(struct dump *d, uint64_t addr, uint64_t count, unsigned word)
{
	uint8_t b[64];
	for (uint64_t n = 0; n < count && n < VECTORS_MAX; n++) {
		if (d->src->ops->read(d->src, addr + n * 8 * word, b, 8u * word) < 0)
			return;
		uint64_t buffers = decode_uint_at(b + 3 * word, word);
		if (d->out)
			strbuf_addf(d->out, " = %llu buffers in vector %llu\n", (unsigned long long)buffers,
				    (unsigned long long)n);
		dump_vector(d, decode_uint_at(b + 2 * word, word), buffers, decode_uint_at(b + 7 * word, 4), word);
	}
}

void decode_dump_text(const struct decode_call *call, const struct decode_result *result,
		      const struct decode_options *options, struct decode_source *src, struct strbuf *out)
{
	bool reads = false;
	enum dump_shape shape = wanted_shape(call, options, &reads);
	/* What was to be written is shown whatever became of it. */
	bool failed = result && result->is_error;
	if (shape == DUMP_NONE || !result || (failed && (reads || shape != DUMP_BUFFER)))
		return;
	struct dump d = {.src = src, .out = out, .room = DUMP_MAX, .tid = call->tid};
	unsigned word = call->abi == ABI_I386 || call->abi == ABI_X32 ? 4 : 8;
	uint64_t moved = reads ? (uint64_t)result->value : UINT64_MAX;
	if (shape == DUMP_BUFFER)
		dump_buffer(&d, call->args[1], reads ? moved : call->args[2]);
	else if (shape == DUMP_VECTOR)
		dump_vector(&d, call->args[1], call->args[2], moved, word);
	else if (shape == DUMP_MESSAGE)
		dump_message(&d, call->args[1], moved, word);
	else
		dump_messages(&d, call->args[1], (uint64_t)result->value, word);
}
