/* The floors: a notification received, (guest memory read once,) answered with a value or a descriptor; a filter; nothing else. */
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "bench/files.h"
#include "policy/filter.h"
#include "regs/regs.h"
#include "syscalls/table.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS	/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

struct shared {
	_Atomic int listener;
	bool installs;
	int source_fd;
};

static void read_name(int listener, const struct seccomp_notif *req)
{
	char text[256];
	struct iovec local = {text, sizeof(text)};
	struct iovec remote = {(void *)req->data.args[1], sizeof(text)};
	uint64_t id = req->id;
	if (process_vm_readv((pid_t)req->pid, &local, 1, &remote, 1, 0) < 0)
		return;	/* answered all the same: a floor does no more than it must */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

/* Ends with its parent, which is the guest. */
static void serve(struct shared *s)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int listener;
	while ((listener = atomic_load(&s->listener)) < 0)
		(void)sched_yield();
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL);
	for (;;) {
		struct seccomp_notif req = {0};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(1);
		}
		if (s->installs) {
			struct seccomp_notif_addfd add = {
				.id = req.id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)s->source_fd,
			};
			(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
			continue;
		}
		read_name(listener, &req);
		struct seccomp_notif_resp resp = {.id = req.id};
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

static int restrict_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* The kernel's own price of having any filter at all. */
static int install_pass(void)
{
	struct sock_filter pass = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct filter_prog prog = {.insns = &pass, .count = 1};
	int r = restrict_privileges();
	return r < 0 ? r : filter_install(&prog, 0);
}

static int install_notify(int nr)
{
	uint32_t actions[512] = {0};
	enum call_abi own = regs_arch_host() == REGS_X86_64 ? ABI_X86_64 : ABI_AARCH64;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		actions[i] = (int)i == nr ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW;
	struct filter_abi abi = {
		.audit_arch = call_abi_audit_arch(own), .actions = actions, .count = ARRAY_SIZE(actions),
		.unknown = SECCOMP_RET_ALLOW,
	};
	struct filter_spec spec = {.abis = &abi, .abi_count = 1, .other_abi = SECCOMP_RET_ALLOW};
	struct filter_prog prog = {0};
	int r = filter_build(&spec, &prog);
	if (r < 0)
		return r;
	r = restrict_privileges();
	if (r == 0)
		r = filter_install(&prog, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	filter_prog_finish(&prog);
	return r;
}

int files_floor_start(enum files_floor kind, int nr, int source_fd)
{
	if (kind == FLOOR_NONE)
		return -EINVAL;
	if (kind == FLOOR_FILTER)
		return install_pass();
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return -errno;
	atomic_store(&s->listener, -1);
	s->installs = kind == FLOOR_INSTALL;
	s->source_fd = source_fd;
	/* A process of its own, as a supervisor is, that shares the descriptors: the listener needs no sending. */
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		serve(s);
	int fd = install_notify(nr);
	if (fd < 0) {
		(void)kill((pid_t)pid, SIGKILL);
		return fd;
	}
	atomic_store(&s->listener, fd);
	return 0;
}
