/*
 * Starting the command.
 *
 * The child shares the supervisor's descriptor table (CLONE_FILES) until its execve, which unshares it: so the listener
 * that seccomp(2) installs in the child is the supervisor's descriptor at once, and nothing has to be sent through a
 * call that the filter itself may intercept. Child and supervisor talk through one shared page; the child waits on a
 * futex there until it has been seized. Between clone and execve the child makes system calls only.
 */

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "kernel/kernel.h"
#include "policy/filter.h"
#include "tracer/filter_plan.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

enum launch_step { STEP_FILTER = 1, STEP_USER, STEP_EXEC };

struct launch_page {
	_Atomic uint32_t go;		/* futex: the child may start */
	_Atomic int listener;		/* -1 until the filter is installed; then its descriptor, or -errno - 1 */
	_Atomic int failed_step;
	_Atomic int error;		/* errno of the failed step */
};

static void futex_wait_for(_Atomic uint32_t *word)
{
	while (atomic_load(word) == 0)
		(void)syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void fail_child(struct launch_page *page, enum launch_step step, int err)
{
	atomic_store(&page->error, err);
	atomic_store(&page->failed_step, step);
	_exit(err == ENOENT ? 127 : 126);
}

static void install_filter(struct launch_page *page, const struct filter_prog *prog, unsigned flags)
{
	/* Without CAP_SYS_ADMIN a filter needs no_new_privs; with it, the guest keeps what set-user-ID gives it. */
	int fd = filter_install(prog, flags);
	if (fd == -EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			fail_child(page, STEP_FILTER, errno);
		fd = filter_install(prog, flags);
	}
	if (fd == -EINVAL && flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		fd = filter_install(prog, flags & ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	if (fd < 0)
		fail_child(page, STEP_FILTER, -fd);
	atomic_store(&page->listener, fd);
}

/* By system calls: the C library's functions speak to threads, which this process has not. */
static void become(struct launch_page *page, const struct session_user *u)
{
	if (syscall(SYS_setgroups, u->group_count, u->groups) < 0 || syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0 ||
	    syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
		fail_child(page, STEP_USER, errno);
}

/* What the child needs, made before it exists. */
struct command {
	char *path;		/* owned */
	const char **shell;	/* owned: "sh", path, the arguments: for a script without "#!" */
	const struct filter_prog *prog;	/* NULL: no filter */
	unsigned flags;
};

static void command_finish(struct command *c)
{
	free(c->path);
	free(c->shell);
}

static void run_child(struct session *s, struct launch_page *page, const struct command *c)
{
	futex_wait_for(&page->go);
	(void)prctl(PR_SET_PDEATHSIG, 0);
	signals_restore_in_child(s);
	if (s->files)
		files_restore_in_child(s->options->kernel);
	if (c->prog)
		install_filter(page, c->prog, c->flags);
	if (s->options->user)
		become(page, s->options->user);
	char **inherited = environ;
	char *const *envp = s->options->envp ? s->options->envp : inherited;
	(void)execve(c->path, s->options->argv, envp);
	int err = errno;
	if (err == ENOEXEC)
		(void)execve("/bin/sh", (char *const *)c->shell, envp);
	fail_child(page, STEP_EXEC, err);
}

/* In the guest's tree, as the command will see it. ret_there: something is by that name. */
static int check_in_tree(struct kernel *k, const char *path, bool *ret_there)
{
	struct walk_env env = {.vfs = k->vfs, .cred = k->cred, .cwd = k->files->cwd};
	struct path p;
	vfs_root(k->vfs, &env.root);
	int r = vfs_walk(&env, NULL, path, WALK_FOLLOW, &p);
	*ret_there = r == 0;
	if (r == 0) {
		r = path_inode(&p)->type == S_IFREG ? vfs_permission(&env, &p, X_OK) : -EACCES;
		path_put(&p);
	}
	path_put(&env.root);
	return r;
}

static int check_command(const struct session *s, const char *path, bool *ret_there)
{
	struct stat st;
	if (s->files)
		return check_in_tree(s->options->kernel, path, ret_there);
	*ret_there = stat(path, &st) == 0;
	if (!*ret_there)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

/*
 * The file that a shell would run, as execvp(3) finds it; but a directory that may not be searched has no such command,
 * where execvp says EACCES. The path is the caller's.
 */
static int find_command(const struct session *s, const char *name, char **ret)
{
	bool there;
	if (strchr(name, '/') || !*name) {
		int r = *name ? check_command(s, name, &there) : -ENOENT;
		if (r < 0)
			return r;
		*ret = strdup(name);
		return *ret ? 0 : -ENOMEM;
	}
	const char *dirs = getenv("PATH");
	if (!dirs)
		dirs = "/bin:/usr/bin";
	int result = -ENOENT;
	for (const char *dir = dirs;; dir++) {
		size_t len = strcspn(dir, ":");
		char *path;
		if (asprintf(&path, "%.*s%s%s", (int)len, dir, len ? "/" : "", name) < 0)
			return -ENOMEM;
		int r = check_command(s, path, &there);
		if (r == 0) {
			*ret = path;
			return 0;
		}
		free(path);
		if (r == -EACCES && there)
			result = r;
		dir += len;
		if (!*dir)
			return result;
	}
}

/* Seize the child and leave it running towards its execve, in the way that the mechanism wants. */
static int seize_child(struct session *s, pid_t pid)
{
	struct tracee *t;
	int r = ops_seize(pid, session_seize_flags(s));
	if (r < 0)
		return r;
	r = tracee_add(&s->traps[0], pid, &t);
	if (r < 0)
		return r;
	t->tgid = pid;
	t->announced = true;
	t->launching = true;
	t->loader_path = (uint64_t)(uintptr_t)s->loads.path;	/* the child is a copy of us */
	if (s->files)
		r = files_first_task(s->options->kernel, pid);
	if (r < 0)
		return r;
	r = ops_interrupt(pid);
	if (r < 0)
		return r;
	int status;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -ECHILD;
	t->live = true;
	return tracee_resume(s, t, 0);
}

static void kill_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

struct child_start {
	struct session *session;
	const struct command *command;
};

static void guarded_child(void *arg)
{
	const struct child_start *start = arg;
	run_child(start->session, start->session->launch, start->command);
}

/* Until it is seized nothing else ends the child with its supervisor. */
static void die_with(pid_t supervisor)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(1);
}

static int spawn(struct session *s, const struct command *command, pid_t *ret)
{
	if (!s->uses_ptrace) {
		struct child_start start = {s, command};
		return guard_start(&s->guard, guarded_child, &start, ret);
	}
	pid_t supervisor = getpid();
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		die_with(supervisor);
	if (pid == 0)
		run_child(s, s->launch, command);
	*ret = (pid_t)pid;
	return pid < 0 ? -errno : 0;
}

static int start_child(struct session *s, const struct command *command)
{
	struct launch_page *page = s->launch;
	pid_t pid = 0;
	int err = spawn(s, command, &pid);
	if (err < 0) {
		log_error("cannot start a process: %s", log_cause(-err));
		return err;
	}
	s->main_pid = pid;
	int r = s->uses_ptrace ? seize_child(s, pid) : 0;
	if (r < 0) {
		kill_child(pid);
		s->main_pid = 0;
		/* Notifications work without a tracer too, with a guard in its place; another file tree does not. */
		if (s->mechanism == MECHANISM_NOTIFY && s->uses_ptrace && !s->tracee_count && !s->files) {
			s->uses_ptrace = false;
			if (s->decides)
				apply_without_ptrace(&s->apply);
			return start_child(s, command);
		}
		if (s->files)
			log_error("another file tree needs ptrace, which is not to be had here: %s (see `trapline doctor`)", strerror(-r));
		else
			session_unavailable(s, r);
		return r;
	}
	atomic_store(&page->go, 1);
	(void)syscall(SYS_futex, &page->go, FUTEX_WAKE, 1, NULL, NULL, 0);
	return 0;
}

static const char *command_name(const struct session *s)
{
	return s->options->program ? s->options->program : s->options->argv[0];
}

static int make_command(struct session *s, struct command *c)
{
	char *const *argv = s->options->argv;
	const char *name = command_name(s);
	int r = find_command(s, name, &c->path);
	if (r < 0) {
		log_error("cannot run '%s': %s", name,
			  r == -ENOENT && !strchr(name, '/') ? "command not found" : log_cause(-r));
		s->result->exec_errno = -r;
		return r;
	}
	size_t count = 0;
	while (argv[count])
		count++;
	c->shell = calloc(count + 2, sizeof(*c->shell));
	if (!c->shell)
		return -ENOMEM;
	c->shell[0] = "sh";
	c->shell[1] = c->path;
	for (size_t i = 1; i < count; i++)
		c->shell[i + 1] = argv[i];
	return 0;
}

static int make_page(struct session *s)
{
	void *page = mmap(NULL, sizeof(*s->launch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	s->launch = page;
	atomic_store(&s->launch->listener, -1);
	return 0;
}

static int start_filtered(struct session *s, struct command *c)
{
	struct filter_prog prog = {0};
	int r = s->decides ? 0 : filter_plan_build(s, &prog);
	if (r < 0) {
		log_error("cannot build the seccomp filter: %s", log_cause(-r));
		return r;
	}
	c->prog = s->decides ? &s->apply.runtime->plan->filter : &prog;
	if (!call_set_empty(&s->notified))
		c->flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	r = start_child(s, c);
	filter_prog_finish(&prog);
	return r;
}

/*
 * Who reads or writes the other end of a pipe of the command's is to see it closed when the command has closed it.
 * Until its execve the command shares our descriptors.
 */
void launch_done(struct session *s)
{
	if (!s->options->release_standard)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDOUT_FILENO; fd++) {
		if (null > STDOUT_FILENO && fcntl(fd, F_GETFD) >= 0)
			(void)dup2(null, fd);
	}
	if (null > STDOUT_FILENO)
		(void)close(null);
}

int launch_start(struct session *s)
{
	CLEANUP(command_finish) struct command c = {0};
	int r = make_command(s, &c);
	if (s->result->exec_errno)
		return 0;
	if (r == 0)
		r = make_page(s);
	if (r < 0) {
		log_error("cannot start the command: %s", log_cause(-r));
		return r;
	}
	return s->uses_filter ? start_filtered(s, &c) : start_child(s, &c);
}

int launch_await_listener(struct session *s)
{
	struct launch_page *page = s->launch;
	const struct timespec pause = {.tv_nsec = 20000};
	int fd;
	/* The child was let go a moment ago and is two system calls away from it. */
	while ((fd = atomic_load(&page->listener)) < 0) {
		if (atomic_load(&page->failed_step))
			return -atomic_load(&page->error);
		if (kill(s->main_pid, 0) < 0 || atomic_load(&s->failure))
			return -ESRCH;
		(void)nanosleep(&pause, NULL);
	}
	return fd;
}

int launch_exec_errno(const struct session *s)
{
	if (!s->launch || !atomic_load(&s->launch->failed_step))
		return 0;
	int err = atomic_load(&s->launch->error);
	if (atomic_load(&s->launch->failed_step) == STEP_FILTER) {
		log_error("cannot install the seccomp filter: %s (see `trapline doctor`)",
			  err == EBUSY ? "another supervisor is notified of this process's calls already" : strerror(err));
		return -err;
	}
	if (atomic_load(&s->launch->failed_step) == STEP_USER) {
		log_error("cannot become another user: %s", strerror(err));
		return -err;
	}
	log_error("cannot run '%s': %s", command_name(s), log_cause(err));
	return err;
}

void launch_finish(struct session *s)
{
	if (s->launch)
		(void)munmap(s->launch, sizeof(*s->launch));
	s->launch = NULL;
}
