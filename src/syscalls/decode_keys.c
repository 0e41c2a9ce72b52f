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
		show_symbol(d, name, v);
	else
		show_sint(d, (int32_t)v);
}

static void decode_key_serial(struct decoder *d, unsigned i)
{
	show_key_serial(d, decode_arg(d, i));
}

const struct decode_type decode_type_key_serial = {.decode = decode_key_serial};

/* Arguments of each operation: s a key, d a number, x hexadecimal, p an address, t a string. */
static const char *keyctl_arguments(uint64_t operation)
{
	switch (operation) {
	case KEYCTL_GET_KEYRING_ID: return "sd";
	case KEYCTL_JOIN_SESSION_KEYRING: return "t";
	case KEYCTL_UPDATE: return "spu";
	case KEYCTL_REVOKE: case KEYCTL_CLEAR: case KEYCTL_INVALIDATE: case KEYCTL_ASSUME_AUTHORITY: return "s";
	case KEYCTL_CHOWN: return "sdd";
	case KEYCTL_SETPERM: return "sx";
	case KEYCTL_DESCRIBE: case KEYCTL_READ: case KEYCTL_GET_SECURITY: return "spu";
	case KEYCTL_LINK: case KEYCTL_UNLINK: return "ss";
	case KEYCTL_SEARCH: return "stts";
	case KEYCTL_INSTANTIATE: return "spus";
	case KEYCTL_NEGATE: return "sus";
	case KEYCTL_SET_REQKEY_KEYRING: return "d";
	case KEYCTL_SET_TIMEOUT: return "su";
	case KEYCTL_SESSION_TO_PARENT: return "";
	case KEYCTL_GET_PERSISTENT: return "ds";
	default: return "xxxx";
	}
}

static bool keyctl_arg_present(struct decoder *d, unsigned i)
{
	return d->desc->params[i].reg - 1u < strlen(keyctl_arguments(decode_link(d, i, 0)));
}

static void decode_keyctl_arg(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	switch (keyctl_arguments(decode_link(d, i, 0))[d->desc->params[i].reg - 1]) {
	case 's':
		show_key_serial(d, v);
		return;
	case 'd':
		show_sint(d, (int32_t)v);
		return;
	case 'u':
		show_uint(d, v);
		return;
	case 'p':
		show_pointer(d, v);
		return;
	case 't':
		show_string_at(d, v);
		return;
	default:
		show_hex(d, v);
		return;
	}
}

const struct decode_type decode_type_keyctl_arg = {
	.decode = decode_keyctl_arg, .present = keyctl_arg_present, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};
