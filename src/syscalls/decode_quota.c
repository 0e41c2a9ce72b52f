/* quotactl: what each command's arguments are is a row. */
#include "syscalls/decode_priv.h"

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

enum quota_data {
	DATA_NONE,
	DATA_PATH,
	DATA_IN,
	DATA_OUT,
};

enum quota_id { ID_NONE, ID_FORMAT, ID_USER };

struct quota_row {
	uint32_t command;
	uint8_t id;		/* enum quota_id */
	uint8_t data;		/* enum quota_data */
	const struct layout *layout;	/* of data; NULL: 32 bits of .set */
	const struct flag_set *set;
};

static const struct quota_row rows[] = {
	{0x800001 /* Q_SYNC */, ID_NONE, DATA_NONE, NULL, NULL},
	{0x800002 /* Q_QUOTAON */, ID_FORMAT, DATA_PATH, NULL, NULL},
	{0x800003 /* Q_QUOTAOFF */, ID_NONE, DATA_NONE, NULL, NULL},
	{0x800004 /* Q_GETFMT */, ID_NONE, DATA_OUT, NULL, &flag_set_quota_formats},
	{0x800005 /* Q_GETINFO */, ID_NONE, DATA_OUT, &layout_quota_info, NULL},
	{0x800006 /* Q_SETINFO */, ID_NONE, DATA_IN, &layout_quota_info, NULL},
	{0x800007 /* Q_GETQUOTA */, ID_USER, DATA_OUT, &layout_quota_block, NULL},
	{0x800008 /* Q_SETQUOTA */, ID_USER, DATA_IN, &layout_quota_block, NULL},
	{0x800009 /* Q_GETNEXTQUOTA */, ID_USER, DATA_OUT, &layout_quota_next_block, NULL},
	{0x5801 /* Q_XQUOTAON */, ID_NONE, DATA_IN, NULL, &flag_set_xfs_quota_flags},
	{0x5802 /* Q_XQUOTAOFF */, ID_NONE, DATA_IN, NULL, &flag_set_xfs_quota_flags},
	{0x5803 /* Q_XGETQUOTA */, ID_USER, DATA_OUT, &layout_xfs_quota, NULL},
	{0x5804 /* Q_XSETQLIM */, ID_USER, DATA_IN, &layout_xfs_quota, NULL},
	{0x5805 /* Q_XGETQSTAT */, ID_NONE, DATA_OUT, &layout_xfs_quota_stat, NULL},
	{0x5806 /* Q_XQUOTARM */, ID_NONE, DATA_IN, NULL, &flag_set_xfs_quota_kinds},
	{0x5807 /* Q_XQUOTASYNC */, ID_NONE, DATA_NONE, NULL, NULL},
	{0x5808 /* Q_XGETQSTATV */, ID_NONE, DATA_OUT, &layout_xfs_quota_statv, NULL},
	{0x5809 /* Q_XGETNEXTQUOTA */, ID_USER, DATA_OUT, &layout_xfs_quota, NULL},
};

static const struct quota_row *row_of(struct decoder *d, unsigned i)
{
	uint32_t command = (uint32_t)decode_link(d, i, 0) >> 8;
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		if (rows[n].command == command)
			return &rows[n];
	}
	return NULL;
}

static bool quota_id_present(struct decoder *d, unsigned i)
{
	const struct quota_row *row = row_of(d, i);
	return !row || row->id != ID_NONE;
}

static void decode_quota_id(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const struct quota_row *row = row_of(d, i);
	if (row && row->id == ID_FORMAT)
		show_flags(d, &flag_set_quota_formats, v);
	else
		show_uid(d, v);
}

const struct decode_type decode_type_quota_id = {.decode = decode_quota_id, .present = quota_id_present};

static bool quota_data_present(struct decoder *d, unsigned i)
{
	const struct quota_row *row = row_of(d, i);
	return !row || row->data != DATA_NONE;
}

static bool quota_data_waits(struct decoder *d, unsigned i)
{
	const struct quota_row *row = row_of(d, i);
	return row && row->data == DATA_OUT;
}

static void decode_quota_data(struct decoder *d, unsigned i)
{
	uint8_t buf[LAYOUT_SIZE_MAX];
	uint64_t addr = decode_arg(d, i);
	const struct quota_row *row = row_of(d, i);
	if (!row || d->i386 || (row->data == DATA_OUT && (!d->result || d->result->is_error))) {
		show_pointer(d, addr);
		return;
	}
	if (row->data == DATA_PATH) {
		show_path_at(d, addr);
		return;
	}
	if (!addr || !decode_read(d, addr, buf, row->layout ? row->layout->size : 4)) {
		show_pointer(d, addr);
		return;
	}
	if (row->layout) {
		show_struct(d, row->layout, buf);
		return;
	}
	wrap(d, "[");
	show_flags(d, row->set, decode_uint_at(buf, 4));
	wrap(d, "]");
}

const struct decode_type decode_type_quota_data = {
	.decode = decode_quota_data, .present = quota_data_present, .waits = quota_data_waits, .needs = NEEDS_MEMORY,
};
