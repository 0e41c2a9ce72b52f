/* Which calls an identity changes. */
#ifndef TRAPLINE_SYSCALLS_IDENTITY_H
#define TRAPLINE_SYSCALLS_IDENTITY_H

#include "kernel/kernel.h"
#include "syscalls/call_set.h"

/* Add the calls whose answers differ from the host's under these options. */
void identity_calls(struct call_set *set, const struct kernel_options *options);
/* Add the calls that tell about the machine: uname, sethostname, setdomainname, sysinfo. */
void identity_host_calls(struct call_set *set);

#endif
