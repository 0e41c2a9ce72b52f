/*
 * execve in the tree of the file kernel, at its two stops.
 *
 *   filter stop   the name is resolved by the kernel layer; the call is made to execute the loader's image
 *   exec event    the new program is the image, or it is killed before it runs; it is told what to load
 *
 * Where the host finds the same files by the same names its own execve is left to be made, with the caller's own
 * memory. What it has executed is looked at just so. A name may lead elsewhere meanwhile: that is right if it does so
 * in the guest's tree too.
 *
 * The path of the image must be somewhere in the caller's memory. A program that the loader has loaded has it in the
 * page that the loader leaves; the command has it in what it inherited of the supervisor; others map a page for it.
 * That another thread changes it in time for the kernel to read something else shows in what was executed.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "kernel/kernel.h"
#include "kernel/task/exec_host.h"
#include "kernel/task/task.h"
#include "syscalls/file_call.h"
#include "tracer/auxv.h"
#include "tracer/memory.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/exec.h"
#include "tracer/ptrace/remote.h"
#include "tracer/ptrace/lend.h"
#include "tracer/stub/stub.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000	/* Linux 6.14 */
#endif

bool exec_is(const struct session *s, const struct tracee *t)
{
	return s->files && (t->call.id == CALL_execve || t->call.id == CALL_execveat) && t->call.abi == host_abi();
}

void exec_forget(struct tracee *t)
{
	if (t->exec)
		task_execs(t->by->session->options->kernel->tasks, t->tid, NULL, 0, 0);
	exec_plan_destroy(t->exec);
	t->exec = NULL;
}

/* ---- the request ---- */

/* What the call asks for, with what it refers to. */
struct asked {
	struct exec_request request;
	struct name_arg name;
	struct object object;
	char shown[VFS_PATH_MAX + 32];
};

static void asked_put(struct asked *a)
{
	name_put(&a->name);
	object_put(&a->object);
}

/* Is the caller's descriptor closed by the execve? */
static bool closes(pid_t tid, int fd)
{
	char flags[32];
	return proc_fdinfo_field(tid, fd, "flags", flags, sizeof(flags)) && strtoul(flags, NULL, 8) & O_CLOEXEC;
}

/* A policy has read the name already: what it decided on is what is executed. */
static int take_name(struct file_call *c, struct guest_ptr from, const struct fact_copy *checked, bool empty,
		     struct name_arg *n)
{
	if (!checked || !checked->data)
		return name_copy_in(c, from, empty ? NAME_EMPTY : 0, n);
	*n = (struct name_arg){.null = false};
	if (checked->len > sizeof(n->text))
		return -ENAMETOOLONG;
	memcpy(n->text, checked->data, checked->len);
	n->text[sizeof(n->text) - 1] = '\0';
	return *n->text || empty ? 0 : -ENOENT;
}

static int ask_by_fd(struct file_call *c, int fd, struct asked *a)
{
	int r = object_of_fd(c, fd, true, &a->object);
	if (r < 0)
		return r;
	(void)snprintf(a->shown, sizeof(a->shown), "/dev/fd/%d", fd);
	a->request.shown = a->shown;
	a->request.fd = a->object.fd;
	a->request.object = object_is_foreign(&a->object) ? NULL : &a->object.path;
	a->request.unreachable = closes(c->ev->tid, fd);
	return 0;
}

static int ask_by_name(struct file_call *c, int dirfd, struct asked *a)
{
	int r = name_find_base(c, dirfd, &a->name);
	if (r < 0)
		return r;
	a->request.name = a->request.shown = a->name.text;
	a->request.base = name_base(&a->name);
	if (!a->request.base)
		return 0;
	(void)snprintf(a->shown, sizeof(a->shown), "/dev/fd/%d/%s", dirfd, a->name.text);
	a->request.shown = a->shown;
	a->request.unreachable = closes(c->ev->tid, dirfd);
	return 0;
}

static int ask_for(struct file_call *c, const struct fact_copy *checked, struct asked *a)
{
	const struct call_event *ev = c->ev;
	bool at = ev->id == CALL_execveat;
	int flags = at ? (int)ev->args[4] : 0;
	int dirfd = at ? (int)ev->args[0] : AT_FDCWD;
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK))
		return -EINVAL;
	a->request.no_follow = flags & AT_SYMLINK_NOFOLLOW;
	a->request.only_check = flags & AT_EXECVE_CHECK;
	int r = take_name(c, arg_ptr(ev, at ? 1 : 0), checked, flags & AT_EMPTY_PATH, &a->name);
	if (r < 0)
		return r;
	if (*a->name.text)
		return ask_by_name(c, dirfd, a);
	return dirfd == AT_FDCWD ? -EACCES : ask_by_fd(c, dirfd, a);
}

static uint16_t machine_of_host(void)
{
	return host_abi() == ABI_X86_64 ? EM_X86_64 : EM_AARCH64;
}

static int resolve(struct session *s, struct call_event *ev, const struct fact_copy *checked, struct exec_plan **ret)
{
	AUTO_FILE_CALL struct file_call c;
	if (!file_call_begin(&c, s->options->kernel, ev))
		return -ESRCH;
	struct asked a = {
		.request = {.machine = machine_of_host(), .programs = s->options->kernel->files->programs, .fd = -1},
		.object = {.fd = -1},
	};
	int r = ask_for(&c, checked, &a);
	if (r == 0)
		r = exec_resolve(&c.task.env, &a.request, ret);
	asked_put(&a);
	return r;
}

/* ---- the filter stop ---- */

static bool has_path(const struct tracee *t, const char path[LOADER_PATH_SIZE])
{
	char there[LOADER_PATH_SIZE];
	return t->loader_path && memory_read(t->tid, t->loader_path, there, sizeof(there)) == 0 &&
	       memcmp(there, path, sizeof(there)) == 0;
}

/*
 * A page for the path, which the task maps itself: it needs no descriptor, and need not be safe from others. If the
 * execve fails it stays for the next one; so it does for who lent us its memory (vfork).
 */
static int make_page(struct session *s, struct tracee *t, const char path[LOADER_PATH_SIZE])
{
	const uint64_t args[6] = {
		0, (uint64_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0,
	};
	struct remote r;
	int64_t addr = -ENOMEM;
	int err = remote_begin(&r, s, t);
	if (err < 0)
		return err;
	err = remote_call(&r, CALL_mmap, args, &addr);
	int back = err == -ESRCH ? err : remote_end(&r);
	if (err == 0 && addr < 0 && addr >= -4095)
		err = (int)addr;
	if (err == 0)
		err = back;
	if (err == 0)
		err = memory_write(t->tid, (uint64_t)addr, path, LOADER_PATH_SIZE);
	if (err < 0)
		return err;
	t->loader_path = (uint64_t)addr;
	struct tracee *maker = t->parent ? tracee_find_own(t->by, t->parent) : NULL;
	if (maker && !has_path(maker, path))
		maker->loader_path = t->loader_path;
	return 0;
}

static int carry(struct session *s, struct tracee *t, unsigned reg, const struct fact_copy *copy, struct applied *a)
{
	a->copies[reg] = *copy;
	a->carried = (uint8_t)(1u << reg);
	int r = carry_place(s, t, a);
	a->carried = 0;
	return r;
}

/* A task with other ids than ours reaches the image by a path of its own. */
static int place_path(struct session *s, struct tracee *t, unsigned reg, struct applied *a)
{
	char name[64], path[LOADER_PATH_SIZE];
	lend_end(t);
	int len = lend_path(s, t, s->loads.image, name, sizeof(name));
	if (len < 0)
		return len;
	loads_pad_path(path, name);
	int r = has_path(t, path) ? 0 : make_page(s, t, path);
	a->args[reg] = t->loader_path;
	a->changed |= (uint8_t)(1u << reg);
	return r;
}

static bool leave_to_host(struct exec_plan *p)
{
	p->native = p->native && exec_host_expect(p) == 0;
	return p->native;
}

static bool only_checks(const struct call_event *ev)
{
	return ev->id == CALL_execveat && ev->args[4] & AT_EXECVE_CHECK;
}

int exec_prepare(struct session *s, struct call_event *ev, const struct fact_copy *checked, struct exec_plan **ret)
{
	int r = resolve(s, ev, checked, ret);
	if (r == 0)
		(*ret)->native = !only_checks(ev) && s->options->stub != STUB_ALWAYS && leave_to_host(*ret);
	return r;
}

/* Where a file system may not answer a worker has found it already. */
static int take_prepared(struct session *s, struct tracee *t, struct call_event *ev, const struct fact_copy *checked)
{
	struct aside_answer answer;
	if (!aside_take(&s->aside, ev, &answer))
		return exec_prepare(s, ev, checked, &t->exec);
	t->exec = answer.plan;
	return t->exec ? 0 : (int)answer.verdict.value;
}

/* For /proc/PID/exe, and whoever writes to the program, from the moment that the kernel executes it. */
static void announce(const struct session *s, const struct tracee *t)
{
	const struct exec_plan *p = t->exec;
	const struct stat *image = &s->loads.image_stat;
	if (p->exe.mount)
		task_execs(s->options->kernel->tasks, t->tid, &p->exe, p->native ? p->exe_id.dev : image->st_dev,
			   p->native ? p->exe_id.ino : image->st_ino);
}

void exec_redirect(struct session *s, struct tracee *t, struct call_event *ev, struct applied *a)
{
	bool at = ev->id == CALL_execveat;
	unsigned reg = at ? 1 : 0;
	const struct fact_copy checked = a->carried >> reg & 1 ? a->copies[reg] : (struct fact_copy){.data = NULL};
	exec_forget(t);
	a->carried = 0;
	int r = take_prepared(s, t, ev, &checked);
	bool only_check = r == 0 && only_checks(ev);
	bool native = r == 0 && t->exec->native;
	if (native && checked.data)
		r = carry(s, t, reg, &checked, a);
	else if (r == 0 && !only_check && !native)
		r = place_path(s, t, reg, a);
	if (r < 0 || only_check) {
		exec_forget(t);
		a->kind = APPLIED_VALUE;
		a->value = r;
		return;
	}
	if (at && !native) {
		a->args[4] = 0;
		a->changed |= 1u << 4;
	}
	announce(s, t);
}

/* ---- the exec event ---- */

static bool is_loader(const struct session *s, pid_t tid)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	return stat(path, &st) == 0 && loads_is_image(&s->loads, &st);
}

static int tell_loader(struct session *s, struct tracee *t)
{
	AUTO_FREE void *buf = malloc(LOADER_PARAM_SIZE);
	struct task_view v;
	struct regs r;
	uint64_t ip;
	bool say_done = s->decides || !call_set_empty(&s->recorded);
	if (!buf)
		return -ENOMEM;
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	int err = regs_get(&r, REG_IP, &ip);
	if (err == 0)
		err = task_view(s->options->kernel->tasks, t->tid, &v);
	if (err < 0)
		return err;
	ssize_t len = loads_fill(&s->loads, t->tid, t->exec, v.cred, say_done, buf);
	task_view_finish(&v);
	if (len < 0)
		return (int)len;
	uint64_t base = loads_base(ip);
	t->loader_path = base + LOADER_PATH_OFFSET;
	stub_execed(s, t->tid, t->tid, base);
	err = memory_write(t->tid, base + LOADER_PARAM_OFFSET, buf, (size_t)len);
	return err < 0 ? err : loads_add(&s->loads, t->tid, base, t->exec, say_done);
}

/*
 * Something else was executed than the name led to before. If it is in the caller's tree, and its to execute, the name
 * may have led there a moment later; then t->exec becomes the plan of that.
 */
static int find_executed(struct tracee *t, const struct walk_env *env, uint64_t ip)
{
	struct exec_plan *p;
	char exe[VFS_PATH_MAX], interp[VFS_PATH_MAX];
	const struct exec_request request = {
		.machine = machine_of_host(), .name = exe, .shown = exe, .fd = -1, .executed = true, .interp = interp,
	};
	int r = exec_host_names(t->tid, ip, exe, interp);
	if (r == 0)
		r = exec_resolve(env, &request, &p);
	if (r < 0)
		return r;
	r = p->native ? exec_host_expect(p) : -EPERM;
	if (r == 0)
		r = exec_host_check(t->tid, p, ip);
	if (r == 0) {
		exec_forget(t);
		t->exec = p;
	} else {
		exec_plan_destroy(p);
	}
	return r;
}

/* The host's execve was made. former: the id that the caller had. */
static int accept_native(struct session *s, struct tracee *t, pid_t former)
{
	struct regs r;
	struct task_view v;
	uint64_t ip, sp;
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	int err = regs_get(&r, REG_IP, &ip);
	if (err == 0)
		err = regs_get(&r, REG_SP, &sp);
	if (err == 0)
		err = task_view(s->options->kernel->tasks, former, &v);
	if (err < 0)
		return err;
	err = exec_host_check(t->tid, t->exec, ip);
	if (err == -EPERM)
		err = find_executed(t, &v.env, ip);
	if (err == 0 && v.cred->faked)
		err = auxv_set_ids(t->tid, sp, v.cred);
	task_view_finish(&v);
	t->loader_path = 0;
	return err;
}

void exec_done(struct session *s, struct tracee *t, pid_t former)
{
	bool native = t->exec && t->exec->native;
	int r = native ? accept_native(s, t, former) : t->exec && is_loader(s, t->tid) ? 0 : -EPERM;
	task_execed(s->options->kernel->tasks, former, t->tid, t->exec && t->exec->exe.mount ? &t->exec->exe : NULL);
	stub_execed(s, former, t->tid, 0);
	if (r == 0 && !native)
		r = tell_loader(s, t);
	if (r < 0 && r != -ESRCH)
		log_debug("process %d is killed: its execve was tampered with or cannot be carried out: %s", t->tid,
			  strerror(-r));
	if (r < 0)
		(void)kill(t->tid, SIGKILL);
	exec_forget(t);
	lend_end(t);
}
