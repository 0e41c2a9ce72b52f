/* Look-ups in the generated tables. No state: everything is const, any thread may call. */
#include <linux/audit.h>
#include <string.h>

#include "syscalls/table.h"
#include "syscalls/table_data.h"

static const char *const abi_names[ABI_COUNT] = {
	[ABI_X86_64] = "x86_64", [ABI_AARCH64] = "aarch64", [ABI_I386] = "i386", [ABI_X32] = "x32",
};

static const uint32_t audit_arches[ABI_COUNT] = {
	[ABI_X86_64] = AUDIT_ARCH_X86_64, [ABI_AARCH64] = AUDIT_ARCH_AARCH64,
	[ABI_I386] = AUDIT_ARCH_I386, [ABI_X32] = AUDIT_ARCH_X86_64,
};

static const char *const group_names[GROUP_COUNT] = {
	[GROUP_FILE] = "file", [GROUP_DESC] = "desc", [GROUP_PROCESS] = "process", [GROUP_NETWORK] = "network",
	[GROUP_SIGNAL] = "signal", [GROUP_IPC] = "ipc", [GROUP_MEMORY] = "memory", [GROUP_CREDS] = "creds",
	[GROUP_CLOCK] = "clock", [GROUP_PURE] = "pure", [GROUP_STAT] = "stat", [GROUP_LSTAT] = "lstat",
	[GROUP_FSTAT] = "fstat", [GROUP_STATFS] = "statfs", [GROUP_FSTATFS] = "fstatfs",
	[GROUP_STATX] = "%stat", [GROUP_STATFSX] = "%statfs",
};

const struct call_desc *call_desc(enum call_id id)
{
	return &call_descs[id];
}

const struct call_desc *call_desc_for(enum call_id id, enum call_abi abi)
{
	size_t low = 0, high = call_variants_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct call_variant *v = &call_variants[mid];

		if (v->id == id && v->abi == abi)
			return &v->desc;
		if (v->id < id || (v->id == id && v->abi < abi))
			low = mid + 1;
		else
			high = mid;
	}
	return &call_descs[id];
}

enum call_id call_from_nr(enum call_abi abi, int64_t nr)
{
	if (nr < 0 || nr >= number_maps[abi].limit)
		return CALL_NONE;
	return (enum call_id)number_maps[abi].ids[nr];
}

int call_nr_limit(enum call_abi abi)
{
	return number_maps[abi].limit;
}

enum call_id call_from_name(const char *name, size_t len)
{
	size_t low = 0, high = CALL_COUNT;

	while (low < high) {
		size_t mid = (low + high) / 2;
		enum call_id id = (enum call_id)calls_by_name[mid];
		int order = compare_name(call_descs[id].name, name, len);

		if (!order)
			return id;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return CALL_NONE;
}

const char *call_abi_name(enum call_abi abi)
{
	return abi_names[abi];
}

uint32_t call_abi_audit_arch(enum call_abi abi)
{
	return audit_arches[abi];
}

const char *call_group_name(enum call_group group)
{
	return group_names[group];
}

int call_group_from_name(const char *name, size_t len)
{
	/* "%stat" is the group "stat", "%%stat" the group "%stat". */
	if (len && name[0] == '%') {
		name++;
		len--;
	}
	for (int g = 0; g < GROUP_COUNT; g++) {
		if (!compare_name(group_names[g], name, len))
			return g;
	}
	/* strace's older spelling */
	return !compare_name("net", name, len) ? GROUP_NETWORK : -1;
}
