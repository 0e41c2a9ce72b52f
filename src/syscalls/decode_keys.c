/* Keys and keyrings. */
#include "syscalls/decode_value_at.h"

#include <linux/keyctl.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

static void show_key_serial(struct decoder *d, uint64_t v)
{
	const char *name = flag_set_name_of(&flag_set_key_serials, (uint64_t)(int64_t)(int32_t)v);
	if (!name)
		name = flag_set_name_of(&flag_set_key_serials, (uint32_t)v);
	if (name)
		show_symbol(d, name, (uint64_t)(int64_t)(int32_t)v);
	else
		show_sint(d, (int32_t)v);
}

static void decode_key_serial(struct decoder *d, unsigned i)
{
	show_key_serial(d, decode_arg(d, i));
}

const struct decode_type decode_type_key_serial = {.decode = decode_key_serial};

/*
 * Arguments of each operation: s a key, i an id, u a number, x hexadecimal, p an address, t a string, m permissions,
 * r a keyring for requests, b bytes of the length that follows, o the same for the kernel to write, z with a NUL as its
 * last, v vectors of the count that follows, c capabilities, e an errno, f flags of a move. Of public keys: h what to
 * compute, k how to derive, q what is supported, P and V parameters, after which I, O and J are bytes of their lengths.
 */
static const char *keyctl_arguments(uint64_t operation)
{
	switch (operation) {
	case KEYCTL_GET_KEYRING_ID: return "sd";
	case KEYCTL_JOIN_SESSION_KEYRING: return "t";
	case KEYCTL_UPDATE: return "sbu";
	case KEYCTL_REVOKE: case KEYCTL_CLEAR: case KEYCTL_INVALIDATE: case KEYCTL_ASSUME_AUTHORITY: return "s";
	case KEYCTL_CHOWN: return "sii";
	case KEYCTL_SETPERM: return "sm";
	case KEYCTL_READ: return "sou";
	case KEYCTL_DESCRIBE: case KEYCTL_GET_SECURITY: return "szu";
	case KEYCTL_LINK: case KEYCTL_UNLINK: return "ss";
	case KEYCTL_SEARCH: return "stts";
	case KEYCTL_RESTRICT_KEYRING: return "stt";
	case KEYCTL_INSTANTIATE: return "sbus";
	case KEYCTL_INSTANTIATE_IOV: return "svus";
	case KEYCTL_NEGATE: return "sws";
	case KEYCTL_REJECT: return "swes";
	case KEYCTL_SET_REQKEY_KEYRING: return "r";
	case KEYCTL_SET_TIMEOUT: return "sw";
	case KEYCTL_SESSION_TO_PARENT: return "";
	case KEYCTL_GET_PERSISTENT: return "is";
	case KEYCTL_DH_COMPUTE: return "houk";
	case KEYCTL_PKEY_QUERY: return "sxtq";
	case KEYCTL_PKEY_ENCRYPT: case KEYCTL_PKEY_DECRYPT: case KEYCTL_PKEY_SIGN: return "PtIO";
	case KEYCTL_PKEY_VERIFY: return "VtIJ";
	case KEYCTL_MOVE: return "sssf";
	case KEYCTL_CAPABILITIES: return "cu";
	default: return "xxxx";
	}
}

static char keyctl_argument(struct decoder *d, unsigned i)
{
	return keyctl_arguments(decode_link(d, i, 0))[d->desc->params[i].reg - 1];
}

static bool keyctl_arg_present(struct decoder *d, unsigned i)
{
	return d->desc->params[i].reg - 1u < strlen(keyctl_arguments(decode_link(d, i, 0)));
}

static bool keyctl_arg_waits(struct decoder *d, unsigned i)
{
	return keyctl_arg_present(d, i) && strchr("ozcqO", keyctl_argument(d, i));
}

/* At most as many bytes as there is room for, which may be fewer than there are. */
static void show_key_answer(struct decoder *d, uint64_t addr, uint64_t room, bool nul)
{
	if (!d->result || d->result->is_error) {
		show_pointer(d, addr);
		return;
	}
	uint64_t len = (uint64_t)d->result->value;
	if (len > room)
		show_bytes_at(d, addr, room);
	else
		show_bytes_at(d, addr, nul && len ? len - 1 : len);
}

static void show_request_keyring(struct decoder *d, int32_t v)
{
	const char *name = flag_set_name_of(&flag_set_key_reqkeys, (uint64_t)(int64_t)v);
	if (!name)
		name = flag_set_name_of(&flag_set_key_reqkeys, (uint32_t)v);
	if (name) {
		show_symbol(d, name, (uint64_t)(int64_t)v);
		return;
	}
	show_sint(d, v);
	if (d->options->consts != CONST_RAW)
		show_comment(d, flag_set_key_reqkeys.unknown);
}

void show_key_at(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_key_serial(d, decode_uint_at(at, 4));
}

void show_kdf_otherinfo(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint64_t len = decode_uint_at(whole + 2u * d->word, 4);
	if (len)
		show_bytes_at(d, decode_word_at(d, at), len);
	else
		show_pointer(d, decode_word_at(d, at));
}

static void show_key_struct(struct decoder *d, const struct layout *layout, uint64_t addr)
{
	bool given = d->given;
	d->given = true;	/* also of a call that has failed */
	show_struct_at(d, &(struct layout_pair){layout, layout}, addr);
	d->given = given;
}

/* Bytes as many as the parameters in the first argument say: member 1 or 2 of them. */
static void show_pkey_bytes(struct decoder *d, uint64_t addr, unsigned member, bool out)
{
	uint32_t params[10];	/* struct keyctl_pkey_params */
	if ((out && decode_failed(d)) || !decode_read(d, d->call->args[1], params, sizeof(params)))
		show_pointer(d, addr);
	else
		show_bytes_at(d, addr, out ? (uint64_t)d->result->value : params[member]);
}

/* A byte of flags for each element; no set is known for more than two. */
static void show_key_capabilities(struct decoder *d, uint64_t addr, uint64_t room)
{
	static const struct flag_set *const sets[] = {&flag_set_keyctl_capabilities0, &flag_set_keyctl_capabilities1};
	uint8_t bytes[8];
	if (!d->result || d->result->is_error || !addr) {
		show_pointer(d, addr);
		return;
	}
	uint64_t count = (uint64_t)d->result->value < room ? (uint64_t)d->result->value : room;
	if (count > sizeof(bytes))
		count = sizeof(bytes);
	if (count && !decode_read(d, addr, bytes, count)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < count; n++) {
		element(d);
		if (n < ARRAY_SIZE(sets))
			show_flags(d, sets[n], bytes[n]);
		else
			show_hex(d, bytes[n]);
	}
	array_end(d);
}

static void show_reject_errno(struct decoder *d, uint32_t v)
{
	const char *name = v < 4096 ? strerrorname_np((int)v) : NULL;
	if (v && name)
		show_symbol(d, name, v);
	else
		show_uint(d, v);
}

/* What only operations on public keys take. False: it is none. */
static bool show_pkey_arg(struct decoder *d, char what, uint64_t v)
{
	switch (what) {
	case 'h': show_key_struct(d, &layout_keyctl_dh_params, v); return true;
	case 'k': show_key_struct(d, d->i386 ? &layout_keyctl_kdf_params_i386 : &layout_keyctl_kdf_params, v); return true;
	case 'q':
		if (decode_failed(d))
			show_pointer(d, v);
		else
			show_key_struct(d, &layout_keyctl_pkey_query, v);
		return true;
	case 'P': show_key_struct(d, &layout_keyctl_pkey_params, v); return true;
	case 'V': show_key_struct(d, &layout_keyctl_pkey_verify, v); return true;
	case 'I': show_pkey_bytes(d, v, 1, false); return true;
	case 'J': show_pkey_bytes(d, v, 2, false); return true;
	case 'O': show_pkey_bytes(d, v, 2, true); return true;
	default: return false;
	}
}

static void decode_keyctl_arg(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	unsigned reg = d->desc->params[i].reg;
	uint64_t next = reg < 5 ? d->call->args[reg + 1] : 0;
	if (show_pkey_arg(d, keyctl_argument(d, i), v))
		return;
	switch (keyctl_argument(d, i)) {
	case 'c': show_key_capabilities(d, v, next); return;
	case 'e': show_reject_errno(d, (uint32_t)v); return;
	case 'f': show_flags(d, &flag_set_keyctl_move_flags, (uint32_t)v); return;
	case 's': show_key_serial(d, v); return;
	case 'd': show_sint(d, (int32_t)v); return;
	case 'i': show_uid(d, (uint32_t)v); return;
	case 'u': show_uint(d, v); return;
	case 'w': show_uint(d, (uint32_t)v); return;
	case 'p': show_pointer(d, v); return;
	case 't': show_string_at(d, v); return;
	case 'm': show_flags(d, &flag_set_key_permissions, (uint32_t)v); return;
	case 'r': show_request_keyring(d, (int32_t)v); return;
	case 'b': show_bytes_at(d, v, next); return;
	case 'o': show_key_answer(d, v, next, false); return;
	case 'z': show_key_answer(d, v, next, true); return;
	case 'v': show_iov_at(d, v, next, UINT64_MAX, true); return;
	default: show_hex(d, v); return;
	}
}

const struct decode_type decode_type_keyctl_arg = {
	.decode = decode_keyctl_arg, .present = keyctl_arg_present, .waits = keyctl_arg_waits, .needs = NEEDS_MEMORY,
};
