/* The UTS namespace (uname(2), sethostname(2)): one for all guests of a session. */
#ifndef TRAPLINE_KERNEL_TASK_UTS_H
#define TRAPLINE_KERNEL_TASK_UTS_H

#include <pthread.h>
#include <sys/utsname.h>

#include "base/errors.h"

enum { UTS_NAME_MAX = 64 };	/* __NEW_UTS_LEN */

struct uts {
	pthread_mutex_t lock;
	struct utsname name;	/* lock */
};

/* The host's names, with another host name and kernel release if not NULL. -EINVAL: longer than UTS_NAME_MAX. */
MUST_CHECK int uts_init(struct uts *u, const char *hostname, const char *release);
void uts_finish(struct uts *u);
void uts_get(struct uts *u, struct utsname *ret);
/* len <= UTS_NAME_MAX bytes without a NUL. */
void uts_set_nodename(struct uts *u, const char *name, size_t len);
void uts_set_domainname(struct uts *u, const char *name, size_t len);

#endif
