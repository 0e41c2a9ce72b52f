#include "kernel/kernel.h"

#include <string.h>

#include "base/log.h"

static int make_cred(const struct kernel_options *options, struct cred **ret)
{
	struct cred *host;
	int r = cred_create_host(&host);
	if (r < 0)
		return r;
	struct cred *c;
	r = cred_copy(host, host->group_count ? host->group_count : 1, &c);
	cred_unref(host);
	if (r < 0)
		return r;
	if (options->has_uid)
		cred_set_uid(c, options->uid);
	if (options->has_gid)
		cred_set_gid(c, options->gid);
	*ret = c;
	return 0;
}

static int init(struct kernel *k, const struct kernel_options *options)
{
	int r = make_cred(options, &k->cred);
	if (r < 0)
		return r;
	r = uts_init(&k->uts, options->hostname, options->release);
	if (r < 0) {
		cred_unref(k->cred);
		return r;
	}
	return 0;
}

int kernel_init(struct kernel *k, const struct kernel_options *options)
{
	*k = (struct kernel){0};
	int r = init(k, options);
	if (r < 0) {
		log_error("cannot make the kernel layer: %s", log_cause(-r));
		return r;
	}
	if (options->files)
		r = files_init(k, options->files);
	if (r < 0)
		kernel_finish(k);
	return r;
}

void kernel_finish(struct kernel *k)
{
	files_finish(k);
	uts_finish(&k->uts);
	cred_unref(k->cred);
}
