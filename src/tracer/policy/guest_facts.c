#include "tracer/policy/guest_facts.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "kernel/task/cred.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/*
 * What execve gives: root all that it may have at most, others what is ambient. Without CAP_SYS_ADMIN a filter needs
 * no_new_privs, and then nothing is gained.
 */
static uint64_t guest_caps(const struct cred *c)
{
	uint64_t caps = c->euid == 0 && !(c->securebits & SECBIT_NOROOT) ? c->bounding | c->inheritable : c->ambient;
	return c->effective & CAP_BIT(CAP_SYS_ADMIN) ? caps : caps & c->permitted;
}

void guest_facts_init(struct guest_facts *g)
{
	const struct flag_set *names = flag_set_find("capabilities");
	struct cred *cred = NULL;
	struct utsname u;
	size_t n = 0;
	*g = (struct guest_facts){.facts.caps = g->caps};
	if (uname(&u) < 0 || sscanf(u.release, "%3u.%3u", &g->facts.kernel_major, &g->facts.kernel_minor) != 2)
		g->facts.kernel_major = g->facts.kernel_minor = 0;
	if (!names || cred_create_host(&cred) < 0)
		return;
	uint64_t caps = guest_caps(cred);
	for (size_t i = 0; i < names->count && n + 1 < ARRAY_SIZE(g->caps); i++) {
		if (names->names[i].value < 64 && caps >> names->names[i].value & 1)
			g->caps[n++] = names->names[i].name;
	}
	cred_unref(cred);
}
