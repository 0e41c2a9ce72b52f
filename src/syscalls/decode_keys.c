/* Keys and keyrings. */
#include "syscalls/decode_priv.h"

#include <linux/keyctl.h>
#include <string.h>

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
 * last, v vectors of the count that follows.
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
	case KEYCTL_REJECT: return "swws";
	case KEYCTL_SET_REQKEY_KEYRING: return "r";
	case KEYCTL_SET_TIMEOUT: return "sw";
	case KEYCTL_SESSION_TO_PARENT: return "";
	case KEYCTL_GET_PERSISTENT: return "is";
	case KEYCTL_CAPABILITIES: return "ou";
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
	return keyctl_arg_present(d, i) && strchr("oz", keyctl_argument(d, i));
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

static void decode_keyctl_arg(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	unsigned reg = d->desc->params[i].reg;
	uint64_t next = reg < 5 ? d->call->args[reg + 1] : 0;
	switch (keyctl_argument(d, i)) {
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
