#include "kernel/kernel.h"

int kernel_init(struct kernel *k, const struct kernel_options *options)
{
	cred_init_host(&k->cred);
	if (options->has_uid)
		cred_set_uid(&k->cred, options->uid);
	if (options->has_gid)
		cred_set_gid(&k->cred, options->gid);
	return uts_init(&k->uts, options->hostname);
}

void kernel_finish(struct kernel *k)
{
	uts_finish(&k->uts);
}
