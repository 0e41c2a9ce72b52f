/*
 * The floors: a notification received, (guest memory read once,) answered with a value or a descriptor; a filter;
 * nothing else. The least: the same with the host calls that the answer needs. An open is answered in two steps, as
 * tracer/notify/answer.c says why, and does not look at what it opened.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "bench/files.h"
#include "policy/filter.h"
#include "regs/regs.h"
#include "syscalls/table.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS	/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { NAME_ROOM = 256, LOOPS_MAX = 8 };

struct shared {
	_Atomic int listener;
	enum files_floor kind;
	int source_fd;
};

/* Whatever goes wrong, the call is answered: a floor does no more than it must. */
static bool read_name(const struct seccomp_notif *req, char *text, size_t size)
{
	struct iovec local = {text, size};
	struct iovec remote = {(void *)req->data.args[1], size};
	return process_vm_readv((pid_t)req->pid, &local, 1, &remote, 1, 0) >= 0;
}

static void reply(int listener, const struct seccomp_notif *req, int64_t value)
{
	struct seccomp_notif_resp resp = {.id = req->id, .val = value};
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static int64_t install(int listener, const struct seccomp_notif *req, int fd, uint32_t flags)
{
	struct seccomp_notif_addfd add = {.id = req->id, .flags = flags, .srcfd = (uint32_t)fd};
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
}

static void answer_read(int listener, const struct seccomp_notif *req)
{
	char text[NAME_ROOM];
	uint64_t id = req->id;
	if (read_name(req, text, sizeof(text)))
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
	reply(listener, req, 0);
}

static void answer_stat(int listener, const struct seccomp_notif *req)
{
	char text[NAME_ROOM];
	struct statx stx;
	struct stat st = {0};
	struct iovec local = {&st, sizeof(st)};
	struct iovec remote = {(void *)req->data.args[2], sizeof(st)};
	if (read_name(req, text, sizeof(text)) &&
	    statx(AT_FDCWD, text, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx) == 0) {
		st.st_ino = stx.stx_ino;
		(void)process_vm_writev((pid_t)req->pid, &local, 1, &remote, 1, 0);
	}
	reply(listener, req, 0);
}

static void answer_open(int listener, const struct seccomp_notif *req)
{
	char text[NAME_ROOM];
	int64_t r = -1;
	if (read_name(req, text, sizeof(text))) {
		int fd = open(text, O_RDONLY | O_CLOEXEC);
		r = install(listener, req, fd, 0);
		(void)close(fd);
	}
	reply(listener, req, r);
}

static void answer(const struct shared *s, int listener, const struct seccomp_notif *req)
{
	switch (s->kind) {
	case FLOOR_INSTALL:
		(void)install(listener, req, s->source_fd, SECCOMP_ADDFD_FLAG_SEND);
		return;
	case FLOOR_STAT:
		answer_stat(listener, req);
		return;
	case FLOOR_OPEN:
		answer_open(listener, req);
		return;
	default:
		answer_read(listener, req);
		return;
	}
}

/* Ends with its parent, which is the guest. */
static void serve(struct shared *s)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int listener;
	while ((listener = atomic_load(&s->listener)) < 0)
		(void)sched_yield();
	(void)unshare(CLONE_FILES);
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL);
	for (;;) {
		struct seccomp_notif req = {0};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(1);
		}
		answer(s, listener, &req);
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

/* A process of its own, as a supervisor is, that shares the descriptors at first: so the listener needs no sending. */
static pid_t start_loop(struct shared *s)
{
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		serve(s);
	return pid < 0 ? -errno : (pid_t)pid;
}

int files_floor_start(enum files_floor kind, int nr, int source_fd, unsigned loops)
{
	pid_t pids[LOOPS_MAX];
	unsigned started = 0;
	int fd = 0;
	if (kind == FLOOR_NONE || loops > LOOPS_MAX)
		return -EINVAL;
	if (kind == FLOOR_FILTER)
		return install_pass();
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return -errno;
	atomic_store(&s->listener, -1);
	s->kind = kind;
	s->source_fd = source_fd;
	for (; fd >= 0 && started < loops; started += fd >= 0)
		fd = pids[started] = start_loop(s);
	if (fd >= 0)
		fd = install_notify(nr);
	for (unsigned i = 0; fd < 0 && i < started; i++)
		(void)kill(pids[i], SIGKILL);
	atomic_store(&s->listener, fd);
	return fd < 0 ? fd : 0;
}
