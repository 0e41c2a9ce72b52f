/* procfs: files that are printed when they are opened, into a memfd; status and what is as short. */
#include "kernel/fs/procfs_private.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernel/fs/proc_fd.h"
#include "kernel/fs/procfs_mounts.h"
#include "kernel/task/filters.h"
#include "kernel/task/watchers.h"

enum { READ_SIZE = 64 * 1024, READ_MAX = 64 << 20 };

/* The host's file by the same path. Its end is cut off where it is too long to be copied. */
int proc_read_host(const struct proc_inode *pi, struct strbuf *b)
{
	return proc_read_path(pi, pi->path, b);
}

int proc_read_path(const struct proc_inode *pi, const char *path, struct strbuf *b)
{
	AUTO_CLOSE int fd = openat(proc_super(pi)->host, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : errno == ESRCH ? -ENOENT : -errno;
	AUTO_FREE char *buf = malloc(READ_SIZE);
	if (!buf)
		return -ENOMEM;
	ssize_t n;
	while (b->len < READ_MAX && (n = read(fd, buf, READ_SIZE)) != 0) {
		if (n < 0)
			return -errno;
		strbuf_add(b, buf, (size_t)n);
	}
	return strbuf_error(b);
}

static int write_all(int fd, const struct strbuf *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(fd, b->data + done, b->len - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* Who asks for his own status waits for our answer, and would not on Linux. */
static void show_running(struct strbuf *b)
{
	static const char sleeps[] = "\nState:\tS (sleeping)", runs[] = "\nState:\tR (running)";
	char *at = b->data ? strstr(b->data, sleeps) : NULL;
	if (!at)
		return;
	memcpy(at, runs, strlen(runs));
	memmove(at + strlen(runs), at + strlen(sleeps), strlen(at + strlen(sleeps)) + 1);
	b->len -= strlen(sleeps) - strlen(runs);
}

static int open_printed(const struct proc_inode *pi, pid_t asker, int flags)
{
	AUTO_STRBUF struct strbuf b;
	strbuf_init(&b);
	int r = flags & O_PATH ? 0 : pi->node->print(pi, &b);
	if (r == 0)
		r = strbuf_error(&b);
	if (r < 0)
		return r;
	if (asker == pi->tid && pi->node->print == proc_print_status)
		show_running(&b);
	AUTO_CLOSE int fd = memfd_create("proc", MFD_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : -errno;
	r = write_all(fd, &b);
	return r < 0 ? r : proc_fd_reopen(fd, flags);
}

static int file_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	if (!(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	int fd = open_printed(proc_inode(inode), ret->asker, flags & ~O_TRUNC);
	if (fd < 0)
		return fd;
	*ret = (struct vfs_opened){.fd = fd, .flags = flags};
	return 0;
}

const struct inode_ops proc_file_ops = {
	.open = file_open, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

/* ---- the host's lines, some of them changed ---- */

/* Split the next line off. false: there is none. */
static bool next_line(const char **text, const char **line, size_t *len)
{
	if (**text == '\0')
		return false;
	const char *end = strchrnul(*text, '\n');
	*line = *text;
	*len = (size_t)(end - *text);
	*text = *end ? end + 1 : end;
	return true;
}

static bool starts(const char *line, size_t len, const char *key)
{
	size_t key_len = strlen(key);
	return len >= key_len && memcmp(line, key, key_len) == 0;
}

static void add_groups(const struct cred *c, struct strbuf *b)
{
	strbuf_adds(b, "Groups:\t");
	for (size_t i = 0; i < c->group_count; i++)
		strbuf_addf(b, "%u ", c->groups[i]);
	strbuf_addc(b, '\n');
}

/* The lines of status that tell of credentials, as the guest has them. false: not such a line. */
static bool add_cred_line(const struct cred *c, const char *line, size_t len, struct strbuf *b)
{
	const struct {
		const char *key;
		uint64_t caps;
	} sets[] = {
		{"CapInh:", c->inheritable}, {"CapPrm:", c->permitted}, {"CapEff:", c->effective},
		{"CapBnd:", c->bounding}, {"CapAmb:", c->ambient},
	};
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		if (starts(line, len, sets[i].key)) {
			strbuf_addf(b, "%s\t%016llx\n", sets[i].key, (unsigned long long)sets[i].caps);
			return true;
		}
	}
	if (starts(line, len, "Uid:"))
		strbuf_addf(b, "Uid:\t%u\t%u\t%u\t%u\n", c->ruid, c->euid, c->suid, c->fsuid);
	else if (starts(line, len, "Gid:"))
		strbuf_addf(b, "Gid:\t%u\t%u\t%u\t%u\n", c->rgid, c->egid, c->sgid, c->fsgid);
	else if (starts(line, len, "Groups:") && c->own_groups)
		add_groups(c, b);
	else
		return false;
	return true;
}

/* ---- stops ---- */

static bool is_stopped(const struct proc_inode *pi)
{
	struct task_view view;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return false;
	bool stopped = view.stopped;
	task_view_finish(&view);
	return stopped;
}

/* In the text of stat or status: the letter of the state, if it is 't'. */
static char *traced_state(char *text)
{
	static const char in_status[] = "\nState:\t";
	char *at = text ? strstr(text, in_status) : NULL;
	if (at)
		at += strlen(in_status);
	else if ((at = text ? strrchr(text, ')') : NULL))
		at += at[1] == ' ' ? 2 : 0;
	return at && *at == 't' ? at : NULL;
}

/*
 * The host's text. All that is stopped is traced there: a stop of the guest's own, of which the tracer may not have
 * heard yet, or one of ours, which is over in a moment.
 */
static int read_settled(const struct proc_inode *pi, struct strbuf *b)
{
	enum { TRIES = 20, PAUSE_NS = 100000 };
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int r = proc_read_host(pi, b);
	for (int i = 0; r == 0 && i < TRIES && traced_state(b->data) && !is_stopped(pi); i++) {
		(void)nanosleep(&pause, NULL);
		strbuf_clear(b);
		r = proc_read_host(pi, b);
	}
	return r;
}

/* Our own tracing and filter are not the guest's to see. */
static bool add_own_line(const struct task_view *view, const struct task_filters *filters, const char *line, size_t len,
			 struct strbuf *b)
{
	if (starts(line, len, "TracerPid:") && strtol(line + strlen("TracerPid:"), NULL, 10) == getpid())
		strbuf_adds(b, "TracerPid:\t0\n");
	else if (starts(line, len, "State:\tt"))
		strbuf_adds(b, view->stopped ? "State:\tT (stopped)\n" : "State:\tR (running)\n");
	else if (starts(line, len, "NoNewPrivs:"))
		strbuf_addf(b, "NoNewPrivs:\t%d\n", filters_no_new_privs(filters, view->cred->no_new_privs));
	else if (starts(line, len, "Seccomp:"))
		strbuf_addf(b, "Seccomp:\t%d\n", filters->mode);
	else if (starts(line, len, "Seccomp_filters:"))
		strbuf_addf(b, "Seccomp_filters:\t%u\n", filters->count);
	else
		return false;
	return true;
}

/* "00000003", with commas between words, and as long as the host's. */
static void add_cpu_mask(const cpu_set_t *cpus, const char *host, size_t len, struct strbuf *b)
{
	size_t digits = 0;
	for (size_t i = 0; i < len; i++)
		digits += host[i] != ',';
	for (size_t i = 0; i < len; i++) {
		unsigned value = 0;
		digits -= host[i] != ',';
		for (size_t bit = 0; bit < 4; bit++)
			value |= CPU_ISSET(4 * digits + bit, cpus) ? 1u << bit : 0;
		strbuf_addc(b, host[i] == ',' ? ',' : "0123456789abcdef"[value]);
	}
}

/* "0-1,3" */
static void add_cpu_list(const cpu_set_t *cpus, struct strbuf *b)
{
	const char *comma = "";
	for (int from = 0, to; from < CPU_SETSIZE; from = to + 1) {
		to = from;
		if (!CPU_ISSET(from, cpus))
			continue;
		while (to + 1 < CPU_SETSIZE && CPU_ISSET(to + 1, cpus))
			to++;
		strbuf_addf(b, "%s%d", comma, from);
		if (to > from)
			strbuf_addf(b, "-%d", to);
		comma = ",";
	}
}

/* Where the task may run: that it is kept on one core for a while is not the guest's to see. */
static bool add_cpus_line(const cpu_set_t *cpus, const char *line, size_t len, struct strbuf *b)
{
	static const char mask[] = "Cpus_allowed:\t", list[] = "Cpus_allowed_list:\t";
	if (starts(line, len, mask)) {
		strbuf_adds(b, mask);
		add_cpu_mask(cpus, line + strlen(mask), len - strlen(mask), b);
	} else if (starts(line, len, list)) {
		strbuf_adds(b, list);
		add_cpu_list(cpus, b);
	} else {
		return false;
	}
	strbuf_addc(b, '\n');
	return true;
}

int proc_print_status(const struct proc_inode *pi, struct strbuf *b)
{
	AUTO_STRBUF struct strbuf host;
	struct task_view view;
	cpu_set_t cpus;
	const char *line;
	size_t len;
	strbuf_init(&host);
	/* It may be placed, or let go, between this and the reading. */
	bool narrowed = task_narrowed(proc_super(pi)->tasks, pi->tid, &cpus);
	int r = read_settled(pi, &host);
	if (r < 0)
		return r;
	narrowed = task_narrowed(proc_super(pi)->tasks, pi->tid, &cpus) || narrowed;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	const char *text = strbuf_str(&host);
	const struct task_filters filters = filters_of_status(text);
	while (next_line(&text, &line, &len)) {
		if (add_own_line(&view, &filters, line, len, b) || (!view.cred->host && add_cred_line(view.cred, line, len, b)))
			continue;
		if (narrowed && add_cpus_line(&cpus, line, len, b))
			continue;
		strbuf_add(b, line, len);
		strbuf_addc(b, '\n');
	}
	task_view_finish(&view);
	return 0;
}

/* "123 (name) t 1 ...": the host shows a stop as the tracer's. */
int proc_print_stat(const struct proc_inode *pi, struct strbuf *b)
{
	int r = read_settled(pi, b);
	char *state = r == 0 ? traced_state(b->data) : NULL;
	if (state)
		*state = is_stopped(pi) ? 'T' : 'R';
	return r;
}

/* The host's own file, which tells the newest each time it is read, unless that would be wrong. */
static int stat_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	char text[64];
	int r = proc_pass_file_ops.open(inode, flags, ret);
	ssize_t n = r < 0 || flags & O_PATH ? 0 : pread(ret->fd, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	if (!traced_state(text))
		return r;
	(void)close(ret->fd);
	return file_open(inode, flags, ret);
}

const struct inode_ops proc_stat_ops = {
	.open = stat_open, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

/* The inode number and the mount of the virtual object behind PID/fdinfo/N. */
static bool fd_number(const struct proc_inode *pi, uint64_t *ret, int *ret_mount)
{
	struct task_view view;
	struct statx stx;
	struct path p;
	char link[64];
	(void)snprintf(link, sizeof(link), "%d/fd/%s", (int)pi->tid, strrchr(pi->path, '/') + 1);
	AUTO_CLOSE int fd = openat(proc_super(pi)->host, link, O_PATH | O_CLOEXEC);
	if (fd < 0 || task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return false;
	int r = vfs_identify(proc_super(pi)->vfs, fd, &p);
	if (r == 0) {
		r = vfs_getattr(&p, &stx);
		*ret_mount = procfs_mount_id(&p);
		path_put(&p);
	}
	task_view_finish(&view);
	if (r == 0)
		*ret = stx.stx_ino;
	return r == 0;
}

/* The line of a watch, as the guest knows the object. File handles are not given. */
static bool add_watch_line(struct vfs *v, const char *line, size_t len, struct strbuf *b)
{
	char text[512];
	struct watch_line w;
	struct statx stx;
	if (len >= sizeof(text))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	if (!watchers_parse(text, &w) || vfs_watched(v, w.dev, w.ino, &stx) < 0)
		return false;
	strbuf_addf(b, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:%x ", w.wd, (unsigned long long)stx.stx_ino,
		    stx.stx_dev_major << 20 | stx.stx_dev_minor, w.mask, w.ignored_mask);
	return true;
}

int proc_print_fdinfo(const struct proc_inode *pi, struct strbuf *b)
{
	AUTO_STRBUF struct strbuf host;
	const char *line;
	uint64_t number = 0;
	int mount = 0;
	size_t len;
	strbuf_init(&host);
	int r = proc_read_host(pi, &host);
	if (r < 0)
		return r;
	bool known = fd_number(pi, &number, &mount);
	const char *text = strbuf_str(&host);
	while (next_line(&text, &line, &len)) {
		if (known && starts(line, len, "ino:"))
			strbuf_addf(b, "ino:\t%llu", (unsigned long long)number);
		else if (known && mount && starts(line, len, "mnt_id:"))
			strbuf_addf(b, "mnt_id:\t%d", mount);
		else if (!starts(line, len, "inotify wd:") || !add_watch_line(proc_super(pi)->vfs, line, len, b))
			strbuf_add(b, line, len);
		strbuf_addc(b, '\n');
	}
	return 0;
}

/* ---- names of the system ---- */

int proc_print_hostname(const struct proc_inode *pi, struct strbuf *b)
{
	struct utsname name;
	uts_get(proc_super(pi)->uts, &name);
	strbuf_addf(b, "%s\n", name.nodename);
	return 0;
}

int proc_print_osrelease(const struct proc_inode *pi, struct strbuf *b)
{
	struct utsname name;
	uts_get(proc_super(pi)->uts, &name);
	strbuf_addf(b, "%s\n", name.release);
	return 0;
}

int proc_print_domainname(const struct proc_inode *pi, struct strbuf *b)
{
	struct utsname name;
	uts_get(proc_super(pi)->uts, &name);
	strbuf_addf(b, "%s\n", name.domainname);
	return 0;
}
