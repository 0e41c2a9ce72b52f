#include "syscalls/copyio.h"

#include <string.h>
#include <sys/param.h>

int copy_in_versioned(struct call_event *ev, void *to, size_t known, struct guest_ptr from, size_t size)
{
	memset(to, 0, known);
	int r = copy_in(ev, to, from, MIN(known, size));
	char rest[256];
	for (size_t at = known; r == 0 && at < size; at += sizeof(rest)) {
		size_t len = MIN(sizeof(rest), size - at);
		r = copy_in(ev, rest, (struct guest_ptr){from.addr + at}, len);
		for (size_t i = 0; r == 0 && i < len; i++) {
			if (rest[i])
				return -E2BIG;
		}
	}
	return r;
}
