/* Constants by name. */
#include <errno.h>
#include <string.h>

#include "syscalls/table.h"
#include "syscalls/table_data.h"

const struct flag_set *flag_set_find(const char *name)
{
	size_t low = 0, high = flag_sets_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(flag_sets_sorted[mid]->name, name);

		if (!order)
			return flag_sets_sorted[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct flag_set *flag_set_for(const struct flag_set *set, enum call_abi abi)
{
	return set->variant[abi] ? set->variant[abi] : set;
}

int flag_set_value(const struct flag_set *set, const char *name, size_t len, uint64_t *ret_value)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!compare_name(set->names[i].name, name, len)) {
			*ret_value = set->names[i].value;
			return 0;
		}
	}
	return -ENOENT;
}

int flag_any_value(const char *name, size_t len, uint64_t *ret_value)
{
	size_t low = 0, high = constants_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct constant_ref *ref = &constants_sorted[mid];
		const struct flag_name *flag = &flag_sets_sorted[ref->set]->names[ref->flag];
		int order = compare_name(flag->name, name, len);

		if (!order) {
			*ret_value = flag->value;
			return 0;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -ENOENT;
}
