#include "base/log.h"

#include <string.h>

/* strerrorname_np (glibc 2.32) knows every errno of Linux but names aliases once, as the kernel does. */
const char *errno_name(int err)
{
	const char *name = err > 0 ? strerrorname_np(err) : NULL;
	return name;
}

int errno_from_name(const char *name)
{
	if (strcmp(name, "EWOULDBLOCK") == 0)
		return EAGAIN;
	if (strcmp(name, "EDEADLOCK") == 0)
		return EDEADLK;
	if (strcmp(name, "ENOTSUP") == 0)
		return EOPNOTSUPP;
	for (int err = 1; err < 134; err++) {
		const char *have = strerrorname_np(err);
		if (have && strcmp(have, name) == 0)
			return err;
	}
	return -1;
}
