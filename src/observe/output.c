#include "observe/output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"

enum { PACE = 64 << 10 };

static void output_init(struct output *o)
{
	*o = (struct output){.fd = -1, .command_fd = -1};
	strbuf_init(&o->text);
}

static int fail_open(struct output *o, int err)
{
	log_error("cannot open %s: %s", o->name, strerror(-err));
	free(o->name);
	o->name = NULL;
	return err;
}

static int open_file(struct output *o, const char *file, bool append)
{
	o->fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC), 0666);
	if (o->fd < 0)
		return fail_open(o, -errno);
	o->owns_fd = true;
	struct stat st;
	o->keeps_lines = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && !append;
	return 0;
}

/* ---- commands ---- */

/* In the grandchild. Signals were blocked and SIGPIPE may be ignored by us: the command gets the defaults back. */
_Noreturn static void run_command(const char *command, int input)
{
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(input, STDIN_FILENO) >= 0)
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/*
 * The command is a grandchild: the session waits for all children of this process and must not meet one that is no
 * guest. The child in between hands over the grandchild's pid by its pipe.
 */
static int spawn_command(struct output *o, const char *command)
{
	int input[2], pid_pipe[2];
	if (pipe2(input, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(pid_pipe, O_CLOEXEC) < 0) {
		int err = -errno;
		(void)close(input[0]);
		(void)close(input[1]);
		return err;
	}
	pid_t child = fork();
	if (child == 0) {
		pid_t pid = fork();
		if (pid == 0)
			run_command(command, input[0]);
		_exit(write(pid_pipe[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
	}
	int err = child < 0 ? -errno : 0;
	(void)close(input[0]);
	(void)close(pid_pipe[1]);
	pid_t pid = -1;
	if (!err && (read(pid_pipe[0], &pid, sizeof(pid)) != sizeof(pid) || pid < 0))
		err = -EAGAIN;
	if (!err)
		/* ESRCH: it has ended already, and there is nothing to wait for. */
		o->command_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	(void)close(pid_pipe[0]);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	if (err)
		(void)close(input[1]);
	else
		o->fd = input[1];
	return err;
}

/* Whether files may be made beside this one: said before the command runs, not by each of its tasks. */
static int check_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	AUTO_FREE char *dir = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	if (!dir)
		return -ENOMEM;
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	int err = -errno;
	log_error("cannot write files %s.PID: %s", file, strerror(-err));
	return err;
}

int output_open_tasks(struct output *o, const char *file)
{
	int err = output_open(o, NULL, false);
	return err || !file ? err : check_directory(file);
}

int output_open(struct output *o, const char *file, bool append)
{
	output_init(o);
	o->name = strdup(file ? file : "standard error");
	if (!o->name)
		return -ENOMEM;
	if (!file) {
		o->fd = STDERR_FILENO;
		return 0;
	}
	if (*file != '|' && *file != '!')
		return open_file(o, file, append);
	o->owns_fd = true;
	int err = spawn_command(o, file + 1);
	return err ? fail_open(o, err) : 0;
}

int output_open_task(struct output *o, const char *file, pid_t tid, bool append)
{
	output_init(o);
	if (asprintf(&o->name, "%s.%d", file, tid) < 0) {
		o->name = NULL;
		return -ENOMEM;
	}
	int err = open_file(o, o->name, append);
	if (err)
		return err;
	(void)close(o->fd);
	o->fd = -1;
	o->owns_fd = false;
	o->opened = true;
	return 0;
}

/* ---- writing ---- */

/* Other programs may have made a shared stderr non-blocking. */
static void wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	(void)poll(&p, 1, -1);
}

/* All len bytes, or a negative errno; *ret_done says how many left in either case. */
static int write_all(int fd, const char *bytes, size_t len, size_t *ret_done)
{
	*ret_done = 0;
	while (*ret_done < len) {
		ssize_t n = write(fd, bytes + *ret_done, len - *ret_done);
		if (n >= 0)
			*ret_done += (size_t)n;
		else if (errno == EAGAIN)
			wait_writable(fd);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* The disk is full in the middle of a line: take its beginning back, so that what is there can be parsed. */
static void cut_partial_line(struct output *o, int fd, size_t done)
{
	const char *end = done ? memrchr(o->text.data, '\n', done) : NULL;
	if (o->keeps_lines && end)
		(void)!ftruncate(fd, lseek(fd, 0, SEEK_CUR) - (off_t)(o->text.data + done - (end + 1)));
}

static void fail(struct output *o, int err)
{
	o->error = err;
	if (err == -EPIPE)
		log_error("%s reads no more: the rest of the trace is lost", o->name);
	else
		log_error("cannot write %s: %s: the rest of the trace is lost", o->name, strerror(-err));
}

static void drop(struct output *o, size_t len)
{
	o->written += len;
	o->text.len -= len;
	if (o->text.len)
		memmove(o->text.data, o->text.data + len, o->text.len);
	if (o->text.data)
		o->text.data[o->text.len] = '\0';
}

static void send_bytes(struct output *o, size_t len)
{
	if (!o->error && strbuf_error(&o->text))
		fail(o, strbuf_error(&o->text));
	if (o->error || !len) {
		o->text.error = 0;
		drop(o, o->text.len < len ? o->text.len : len);
		return;
	}
	int fd = o->opened ? open(o->name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY) : o->fd;
	size_t done = 0;
	int err = fd < 0 ? -errno : write_all(fd, o->text.data, len, &done);
	if (err) {
		cut_partial_line(o, fd, done);
		fail(o, err);
	}
	if (o->opened && fd >= 0 && close(fd) < 0 && !err)
		fail(o, -errno);
	drop(o, len);
}

void output_pace(struct output *o)
{
	if (o->text.len < PACE && !o->text.error)
		return;
	const char *end = o->text.len ? memrchr(o->text.data, '\n', o->text.len) : NULL;
	send_bytes(o, end ? (size_t)(end + 1 - o->text.data) : o->text.len);
}

void output_flush(struct output *o)
{
	if (o->text.len || o->text.error)
		send_bytes(o, o->text.len);
}

static void wait_for_command(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

int output_finish(struct output *o)
{
	if (!o->name)
		return o->error;
	output_flush(o);
	if (o->owns_fd && close(o->fd) < 0 && !o->error)
		fail(o, -errno);
	if (o->command_fd >= 0) {
		wait_for_command(o->command_fd);
		(void)close(o->command_fd);
	}
	free(o->name);
	strbuf_finish(&o->text);
	o->name = NULL;
	o->fd = -1;
	o->command_fd = -1;
	return o->error;
}
