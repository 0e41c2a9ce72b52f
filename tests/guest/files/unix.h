/* AF_UNIX sockets by name. */
#ifndef TRAPLINE_TESTS_GUEST_FILES_UNIX_H
#define TRAPLINE_TESTS_GUEST_FILES_UNIX_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "files.h"

/* The length of the address, with the name's NUL. */
static inline socklen_t unix_address(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	CHECK(strlen(path) < sizeof(a->sun_path));
	strcpy(a->sun_path, path);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static inline int unix_bound(int type, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, path);
	int s = socket(AF_UNIX, type, 0);

	CHECK(s >= 0 && bind(s, (struct sockaddr *)&a, len) == 0);
	return s;
}

static inline void unix_connect(int s, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, path);

	CHECK(connect(s, (struct sockaddr *)&a, len) == 0);
}

#endif
