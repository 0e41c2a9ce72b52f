/* A seccomp filter that gives one call an action and lets every other run. */
#ifndef CONTRIB_BENCH_BARE_FILTER_H
#define CONTRIB_BENCH_BARE_FILTER_H

#include "bare.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
#define BARE_AUDIT_ARCH AUDIT_ARCH_X86_64
#else
#define BARE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

/* Returns what seccomp(2) returned: a listener with SECCOMP_FILTER_FLAG_NEW_LISTENER, else 0; -1 with errno. */
static inline int bare_filter(long call_number, uint32_t action, unsigned long flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BARE_AUDIT_ARCH, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call_number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

#endif
