#include "kernel/unix_names.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct name {
	uint64_t id;		/* 0: none */
	struct sockaddr_un addr;
	socklen_t len;
};

struct unix_names {
	pthread_mutex_t lock;
	uint64_t last;			/* lock */
	struct name names[UNIX_NAMES_MAX];	/* lock; by id modulo their number */
};

static const char prefix[] = ".trapline-socket-";

int unix_names_create(struct unix_names **ret)
{
	/* Untouched pages of it cost nothing. */
	struct unix_names *n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	(void)pthread_mutex_init(&n->lock, NULL);
	*ret = n;
	return 0;
}

void unix_names_destroy(struct unix_names *n)
{
	if (!n)
		return;
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}

/* unix_mkname_bsd of Linux: the name ends with its first NUL, which is counted. */
static socklen_t shown_len(const struct sockaddr_un *addr, socklen_t len)
{
	const socklen_t head = offsetof(struct sockaddr_un, sun_path);
	if (len <= head)
		return len;
	len = head + (socklen_t)strnlen(addr->sun_path, len - head) + 1;
	return len < sizeof(*addr) ? len : sizeof(*addr);
}

void unix_names_add(struct unix_names *n, const struct sockaddr_un *addr, socklen_t len, char ret[UNIX_HOST_NAME_SIZE])
{
	pthread_mutex_lock(&n->lock);
	uint64_t id = ++n->last;
	struct name *name = &n->names[id % UNIX_NAMES_MAX];
	*name = (struct name){.id = id, .len = shown_len(addr, len)};
	memcpy(&name->addr, addr, len < sizeof(*addr) ? len : sizeof(*addr));
	pthread_mutex_unlock(&n->lock);
	(void)snprintf(ret, UNIX_HOST_NAME_SIZE, "%s%d-%llx", prefix, getpid(), (unsigned long long)id);
}

/* The number in a host's name of this process, or 0. */
static uint64_t id_of(const struct sockaddr_un *addr, socklen_t len)
{
	char path[sizeof(addr->sun_path) + 1] = "";
	if (addr->sun_family != AF_UNIX || len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(*addr))
		return 0;
	memcpy(path, addr->sun_path, len - offsetof(struct sockaddr_un, sun_path));
	const char *base = strrchr(path, '/');
	if (!base || strncmp(base + 1, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	char *end;
	long pid = strtol(base + sizeof(prefix), &end, 10);
	if (pid != getpid() || *end != '-')
		return 0;
	return strtoull(end + 1, NULL, 16);
}

bool unix_names_show(struct unix_names *n, struct sockaddr_un *addr, socklen_t *len)
{
	uint64_t id = id_of(addr, *len);
	if (!id)
		return false;
	pthread_mutex_lock(&n->lock);
	const struct name *name = &n->names[id % UNIX_NAMES_MAX];
	bool known = name->id == id;
	if (known) {
		*addr = name->addr;
		*len = name->len;
	}
	pthread_mutex_unlock(&n->lock);
	return known;
}
