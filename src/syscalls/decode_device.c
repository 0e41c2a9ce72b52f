/* What the rows of layouts/ cannot say about ioctl arguments: unions, and structures that end in data. */
#include <asm/termbits.h>
#include <linux/blkpg.h>
#include <linux/fiemap.h>
#include <linux/loop.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "syscalls/flag_sets.h"
#include "syscalls/decode_layouts.h"

/* ---- terminals ---- */

static void show_control_chars(struct decoder *d, const uint8_t *cc, unsigned count)
{
	static const char *const names[19] = {
		"VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VTIME", "VMIN", "VSWTC", "VSTART", "VSTOP", "VSUSP",
		"VEOL", "VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2",
	};
	array_begin(d);
	for (unsigned n = 0; n < count; n++) {
		element(d);
		d->p->ops->index(d->p, names[n], n);
		show_hex(d, cc[n]);
	}
	array_end(d);
}

void show_controls(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_control_chars(d, at, 19);
}

void show_short_controls(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_control_chars(d, at, 8);
}

/* ---- block devices ---- */

void show_blkpg_data(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint64_t addr = decode_word_at(d, at);
	uint32_t op = (uint32_t)decode_uint_at(whole, 4);
	uint8_t buf[256];
	if (op != BLKPG_ADD_PARTITION && op != BLKPG_DEL_PARTITION)
		show_pointer(d, addr);
	else if (decode_fetch(d, addr, buf, layout_blkpg_partition.size))
		show_struct(d, &layout_blkpg_partition, buf);
}

/* struct loop_info64's head and flags; without -v only what is often set. */
static void show_loop64(struct decoder *d, const struct loop_info64 *l)
{
	bool all = d->options->verbose;
	struct_begin(d);
	if (all) {
		field(d, "lo_device");
		show_dev(d, l->lo_device);
		field_uint(d, "lo_inode", l->lo_inode);
		field(d, "lo_rdevice");
		show_dev(d, l->lo_rdevice);
	}
	field_hex(d, "lo_offset", l->lo_offset);
	if (all)
		field_uint(d, "lo_sizelimit", l->lo_sizelimit);
	field_uint(d, "lo_number", l->lo_number);
	if (all || l->lo_encrypt_type) {
		field_flags(d, "lo_encrypt_type", &flag_set_loop_crypt, l->lo_encrypt_type);
		field_uint(d, "lo_encrypt_key_size", l->lo_encrypt_key_size);
	}
	field_flags(d, "lo_flags", &flag_set_loop_flags, l->lo_flags);
	field(d, "lo_file_name");
	show_chars(d, l->lo_file_name, sizeof(l->lo_file_name));
	if (all || l->lo_encrypt_type) {
		size_t size = l->lo_encrypt_key_size < sizeof(l->lo_encrypt_key) ? l->lo_encrypt_key_size
			: sizeof(l->lo_encrypt_key);
		field(d, "lo_crypt_name");
		show_chars(d, l->lo_crypt_name, sizeof(l->lo_crypt_name));
		field(d, "lo_encrypt_key");
		show_bytes(d, l->lo_encrypt_key, size, false);
	}
	if (all) {
		field(d, "lo_init");
		array_begin(d);
		for (unsigned i = 0; i < 2; i++) {
			element(d);
			show_hex(d, l->lo_init[i]);
		}
		array_end(d);
	} else {
		elided(d);
	}
	struct_end(d);
}

void show_loop_info64(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct loop_info64 l;
	if (decode_fetch(d, addr, &l, sizeof(l)))
		show_loop64(d, &l);
}

void show_loop_config(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct loop_config c;
	if (!decode_fetch(d, addr, &c, sizeof(c)))
		return;
	struct_begin(d);
	field(d, "fd");
	show_fd(d, (int)c.fd);
	field_uint(d, "block_size", c.block_size);
	field(d, "info");
	show_loop64(d, &c.info);
	if (memcmp(c.__reserved, (uint64_t[8]){0}, sizeof(c.__reserved)) != 0) {
		field(d, "__reserved");
		array_begin(d);
		for (unsigned i = 0; i < 8; i++) {
			element(d);
			show_hex(d, c.__reserved[i]);
		}
		array_end(d);
	}
	struct_end(d);
}

void show_loop_info(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct loop_info l;
	bool all = d->options->verbose;
	if (d->i386) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &l, sizeof(l)))
		return;
	struct_begin(d);
	field_sint(d, "lo_number", l.lo_number);
	if (all) {
		field(d, "lo_device");
		show_dev(d, l.lo_device);
		field_uint(d, "lo_inode", l.lo_inode);
		field(d, "lo_rdevice");
		show_dev(d, l.lo_rdevice);
	}
	field_hex(d, "lo_offset", (uint32_t)l.lo_offset);
	if (all || l.lo_encrypt_type) {
		field_flags(d, "lo_encrypt_type", &flag_set_loop_crypt, (uint32_t)l.lo_encrypt_type);
		field_uint(d, "lo_encrypt_key_size", (uint32_t)l.lo_encrypt_key_size);
	}
	field_flags(d, "lo_flags", &flag_set_loop_flags, (uint32_t)l.lo_flags);
	field(d, "lo_name");
	show_chars(d, (const uint8_t *)l.lo_name, sizeof(l.lo_name));
	if (all || l.lo_encrypt_type) {
		size_t size = (uint32_t)l.lo_encrypt_key_size < sizeof(l.lo_encrypt_key)
			? (uint32_t)l.lo_encrypt_key_size : sizeof(l.lo_encrypt_key);
		field(d, "lo_encrypt_key");
		show_bytes(d, l.lo_encrypt_key, size, false);
	}
	if (all) {
		static const struct field_desc init = {.format = FIELD_HEX, .size = 8, .count = 2};
		static const struct field_desc reserved = {.format = FIELD_HEX, .size = 1, .count = 4};
		field(d, "lo_init");
		show_value(d, &init, (const uint8_t *)l.lo_init, NULL);
		field(d, "reserved");
		show_value(d, &reserved, (const uint8_t *)l.reserved, NULL);
	} else {
		elided(d);
	}
	struct_end(d);
}

/* ---- others ---- */

void show_random_pool(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct rand_pool_info info;
	if (!decode_fetch(d, addr, &info, sizeof(info)))
		return;
	struct_begin(d);
	field_sint(d, "entropy_count", info.entropy_count);
	field_sint(d, "buf_size", info.buf_size);
	field(d, "buf");
	show_bytes_at(d, addr + sizeof(info), info.buf_size > 0 ? (uint64_t)info.buf_size : 0);
	struct_end(d);
}

void show_bits(struct decoder *d, const struct flag_set *set, uint64_t bits)
{
	char text[512];
	size_t used = 0;
	uint64_t rest = bits;
	for (size_t n = 0; n < set->count; n++) {
		uint64_t bit = UINT64_C(1) << (set->names[n].value & 63);
		if (!(rest & bit) || used >= sizeof(text))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s1<<%s", used ? "|" : "", set->names[n].name);
		rest &= ~bit;
	}
	if (used && rest && used < sizeof(text))
		(void)snprintf(text + used, sizeof(text) - used, "|%#llx", (unsigned long long)rest);
	if (used) {
		show_hex_symbol(d, text, bits);
		return;
	}
	show_hex(d, bits);
	/* Sets whose numbers are only ever shown as bits say so themselves. */
	if (bits && set->unknown && strncmp(set->unknown, "1<<", 3) == 0 && d->options->consts != CONST_RAW)
		show_comment(d, set->unknown);
}

void show_uffd_ioctls(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_bits(d, &flag_set_uffd_ioctls, decode_uint_at(at, 8));
}

void show_long_fd(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_fd(d, (int)decode_sint_at(at, 8));
}

void show_ifr_address(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_sockaddr(d, at, sizeof(struct sockaddr));
}

void show_ifreq_index(struct decoder *d, const uint8_t *at UNUSED, const uint8_t *whole)
{
	show_sint(d, decode_sint_at(whole + 16, 4));
}

/* A bridge's name: at most 15 bytes count. */
void show_bridge_name(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	char name[17];
	bool complete = false;
	ssize_t n = d->src->ops->read_string(d->src, addr, name, 16, &complete);
	if (n < 0)
		show_pointer(d, addr);
	else
		d->p->ops->string(d->p, name, (size_t)n, !complete, true);
}

/* ---- RTC_PARAM_GET, RTC_PARAM_SET ---- */

static void show_rtc_value(struct decoder *d, const struct rtc_param *p)
{
	switch (p->param) {
	case RTC_PARAM_FEATURES:
		field(d, "uvalue");
		show_bits(d, &flag_set_rtc_features, p->uvalue);
		return;
	case RTC_PARAM_CORRECTION:
		field_sint(d, "svalue", p->svalue);
		return;
	case RTC_PARAM_BACKUP_SWITCH_MODE:
		field_flags(d, "uvalue", &flag_set_rtc_backup_modes, p->uvalue);
		return;
	default:
		field_hex(d, "uvalue", p->uvalue);
		return;
	}
}

void show_rtc_param(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	bool set = (uint32_t)decode_arg(d, 1) == RTC_PARAM_SET;
	struct rtc_param p;
	bool known = addr && decode_read(d, addr, &p, sizeof(p));
	if (d->exiting && !d->call->carry[0])
		return;
	if (d->exiting)
		d->p->ops->changed(d->p);
	if (!known || (d->exiting && decode_failed(d))) {
		show_pointer(d, addr);
		return;
	}
	d->call->carry[0] = 1;	/* was shown at entry */
	struct_begin(d);
	if (!d->exiting)
		field_flags(d, "param", &flag_set_rtc_params, p.param);
	if (set || d->exiting)
		show_rtc_value(d, &p);
	if (!d->exiting)
		field_uint(d, "index", p.index);
	if (p.__pad)
		field_hex(d, "__pad", p.__pad);
	struct_end(d);
}

/* ---- SIOCGIFCONF ---- */

static void show_ifreq(struct decoder *d, const uint8_t *at)
{
	show_struct(d, &layout_ifreq_addr, at);
}

static void show_ifreq_bytes(struct decoder *d, int32_t len, unsigned size)
{
	show_sint(d, len);
	if (len > 0 && len % (int)size == 0)
		show_commentf(d, "%d * sizeof(struct ifreq)", len / (int)size);
}

/* struct ifconf: a length that the kernel lowers, or raises if there is no buffer. */
void show_interfaces(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint8_t conf[16] = {0};
	unsigned size = d->i386 ? 32 : 40;
	bool known = addr && decode_read(d, addr, conf, 2u * d->word);
	int32_t bytes = (int32_t)decode_sint_at(conf, 4);
	if (!d->exiting) {
		d->call->carry[0] = known ? UINT64_C(1) << 32 | (uint32_t)bytes : 0;
		return;
	}
	if (!known) {
		show_pointer(d, addr);
		return;
	}
	uint64_t buf = decode_word_at(d, conf + d->word);
	int32_t before = (int32_t)d->call->carry[0];
	struct_begin(d);
	field(d, "ifc_len");
	if (buf && d->call->carry[0] && before != bytes) {
		show_ifreq_bytes(d, before, size);
		d->p->ops->changed(d->p);
	}
	show_ifreq_bytes(d, bytes, size);
	field(d, "ifc_buf");
	if (!buf || decode_failed(d) || bytes < 0)
		show_pointer(d, buf);
	else
		show_elements_at(d, buf, (uint64_t)bytes / size, size, show_ifreq);
	struct_end(d);
}

/* ---- FS_IOC_FIEMAP ---- */

#define EXTENTS_MAX 512

static void show_extents(struct decoder *d, uint64_t addr, uint32_t count)
{
	struct fiemap_extent e;
	field(d, "fm_extents");
	if (count && !decode_read(d, addr, &e, sizeof(e))) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint32_t n = 0; n < count; n++) {
		if (n == EXTENTS_MAX) {
			elided(d);
			break;
		}
		element(d);
		if (!decode_read(d, addr + n * sizeof(e), &e, sizeof(e))) {
			wrap(d, "... /* ");
			show_pointer(d, addr + n * sizeof(e));
			wrap(d, " */");
			break;
		}
		struct_begin(d);
		field_uint(d, "fe_logical", e.fe_logical);
		field_uint(d, "fe_physical", e.fe_physical);
		field_uint(d, "fe_length", e.fe_length);
		field_flags(d, "fe_flags", &flag_set_fiemap_extent_flags, e.fe_flags);
		struct_end(d);
	}
	array_end(d);
}

void show_fiemap(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct fiemap m;
	if (d->exiting && !d->call->carry[0])
		return;
	if (!decode_fetch(d, addr, &m, sizeof(m)))
		return;
	d->call->carry[0] = 1;	/* was shown at entry */
	if (d->exiting)
		d->p->ops->changed(d->p);
	struct_begin(d);
	if (!d->exiting) {
		field_uint(d, "fm_start", m.fm_start);
		field_uint(d, "fm_length", m.fm_length);
	}
	field_flags(d, "fm_flags", &flag_set_fiemap_flags, m.fm_flags);
	if (!d->exiting) {
		field_uint(d, "fm_extent_count", m.fm_extent_count);
	} else {
		field_uint(d, "fm_mapped_extents", m.fm_mapped_extents);
		if (!d->options->verbose)
			elided(d);
		else
			show_extents(d, addr + sizeof(m), m.fm_mapped_extents);
	}
	struct_end(d);
}
