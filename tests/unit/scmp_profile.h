/* An OCI profile given to libseccomp, the way crun and runc do it. */
#ifndef TRAPLINE_TESTS_SCMP_PROFILE_H
#define TRAPLINE_TESTS_SCMP_PROFILE_H

#include <jansson.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>

#include "base/strbuf.h"

/* A context for x86_64, i386 and x32, for a container with these capabilities (NULL-terminated); seccomp_release it. */
scmp_filter_ctx scmp_profile_filter(const json_t *root, const char *const *caps);
/* The instructions of its filter, at most max; their number. */
size_t scmp_profile_export(scmp_filter_ctx ctx, struct sock_filter *insns, size_t max);
bool scmp_profile_list_has(const json_t *list, const char *s);
/* The profile of containers-common; empty, and said, when it is not installed. */
void scmp_profile_shipped(struct strbuf *to);

#endif
