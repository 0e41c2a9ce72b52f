#include "kernel/task/uts.h"

#include <stdio.h>
#include <string.h>

int uts_init(struct uts *u, const char *hostname, const char *release)
{
	if ((hostname && strlen(hostname) > UTS_NAME_MAX) || (release && strlen(release) > UTS_NAME_MAX))
		return -EINVAL;
	if (uname(&u->name) < 0)
		return -errno;
	(void)pthread_mutex_init(&u->lock, NULL);
	if (hostname)
		uts_set_nodename(u, hostname, strlen(hostname));
	if (release)
		(void)snprintf(u->name.release, sizeof(u->name.release), "%s", release);
	return 0;
}

void uts_finish(struct uts *u)
{
	(void)pthread_mutex_destroy(&u->lock);
}

void uts_get(struct uts *u, struct utsname *ret)
{
	(void)pthread_mutex_lock(&u->lock);
	*ret = u->name;
	(void)pthread_mutex_unlock(&u->lock);
}

static void set(struct uts *u, char *field, const char *name, size_t len)
{
	(void)pthread_mutex_lock(&u->lock);
	memset(field, 0, UTS_NAME_MAX + 1);
	memcpy(field, name, len);
	(void)pthread_mutex_unlock(&u->lock);
}

void uts_set_nodename(struct uts *u, const char *name, size_t len)
{
	set(u, u->name.nodename, name, len);
}

void uts_set_domainname(struct uts *u, const char *name, size_t len)
{
	set(u, u->name.domainname, name, len);
}
