/*
 * OCI seccomp profiles (the "seccomp" object of the runtime specification, as Docker, Podman and containers-common ship
 * it: defaultAction, archMap, syscalls with args, includes and excludes) to policy text and back.
 *
 * A profile's rules have no order: what names a call without arguments goes before what looks at arguments, as
 * libseccomp has it. Arguments are compared as whole registers (arg0 to arg5), as libseccomp compares them. Where the
 * import differs: a value of more than 32 bits is not cut to its low half for i386 and x32 calls, it never matches
 * there; KILL_THREAD kills the process; LOG is said by trapline.
 */
#ifndef TRAPLINE_POLICY_OCI_H
#define TRAPLINE_POLICY_OCI_H

#include "base/errors.h"
#include "base/strbuf.h"
#include "policy/model.h"

/*
 * Append policy text for a profile. 0; -EINVAL with message set when it is none, or asks for what no policy can say;
 * -ENOMEM.
 */
MUST_CHECK int oci_import(const char *json, size_t len, struct strbuf *out, char *message, size_t message_size);

/* Append a profile for a policy. 0; -EINVAL with message set when no profile can say it; -ENOMEM. */
MUST_CHECK int oci_export(const struct policy *p, struct strbuf *out, char *message, size_t message_size);

#endif
