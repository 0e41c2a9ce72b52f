#include "tracer/policy/facts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tracer/policy/tree_path.h"
#include "tracer/proc_status.h"

enum { NO_FOLLOW = AT_SYMLINK_NOFOLLOW };

int task_ids(pid_t tid, pid_t *ret_tgid, uint32_t *ret_uid, uint32_t *ret_gid)
{
	char path[64];
	char line[128];
	unsigned found = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	while (file && found != 7 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Tgid: %d", ret_tgid) == 1)
			found |= 1;
		else if (sscanf(line, "Uid: %*u %u", ret_uid) == 1)
			found |= 2;
		else if (sscanf(line, "Gid: %*u %u", ret_gid) == 1)
			found |= 4;
	}
	return found == 7 ? 0 : -ESRCH;
}

int task_facts_register(const struct task_facts *f, unsigned param)
{
	const struct call_param *p = decide_param_for(f->event.id, f->event.abi, param);
	return p ? p->reg : -1;
}

static uint64_t argument(const struct task_facts *f, unsigned param)
{
	int reg = task_facts_register(f, param);
	return reg < 0 ? 0 : f->event.args[reg];
}

/* Remember what the kernel itself would answer to memory that cannot be read. */
static int faulted(struct task_facts *f, int err)
{
	if (!f->fault && (err == -EFAULT || err == -ENAMETOOLONG || err == -ELOOP || err == -EINVAL))
		f->fault = err;
	return err;
}

static int copy_string(struct task_facts *f, unsigned param)
{
	char text[PATH_MAX];
	struct fact_copy *c = &f->copies[param];
	if (c->data)
		return 0;
	ssize_t n = f->call->ops->read_string(f->call, (struct guest_ptr){argument(f, param)}, text, sizeof(text));
	if (n < 0)
		return faulted(f, (int)n);
	c->data = arena_strndup(&f->arena, text, (size_t)n);
	c->len = (size_t)n + 1;
	return c->data ? 0 : -ENOMEM;
}

static int fact_string(void *ctx, unsigned param, struct policy_string *ret)
{
	struct task_facts *f = ctx;
	int r = copy_string(f, param);
	if (r < 0)
		return r;
	*ret = (struct policy_string){f->copies[param].data, (uint32_t)f->copies[param].len - 1};
	return 0;
}

/* The directory that a path parameter starts from: the descriptor before it, or the working directory. */
static int directory_of(const struct task_facts *f, unsigned param)
{
	const struct call_desc *d = call_desc(f->event.id);
	if (!param || d->params[param - 1].kind != PARAM_DIRFD)
		return AT_FDCWD;
	return (int)argument(f, param - 1);
}

static const struct {
	enum call_id id;
	int8_t flags;		/* parameter with .bits, -1: never follows its last component */
	uint32_t bits;		/* with one of them it does not follow */
} lookups[] = {
	{CALL_lstat, -1, 0}, {CALL_unlink, -1, 0}, {CALL_unlinkat, -1, 0}, {CALL_rmdir, -1, 0},
	{CALL_rename, -1, 0}, {CALL_renameat, -1, 0}, {CALL_renameat2, -1, 0},
	{CALL_readlink, -1, 0}, {CALL_readlinkat, -1, 0}, {CALL_symlink, -1, 0}, {CALL_symlinkat, -1, 0},
	{CALL_link, -1, 0}, {CALL_mkdir, -1, 0}, {CALL_mkdirat, -1, 0}, {CALL_mknod, -1, 0}, {CALL_mknodat, -1, 0},
	{CALL_lchown, -1, 0}, {CALL_lgetxattr, -1, 0}, {CALL_lsetxattr, -1, 0}, {CALL_llistxattr, -1, 0},
	{CALL_lremovexattr, -1, 0},
	{CALL_open, 1, O_NOFOLLOW}, {CALL_openat, 2, O_NOFOLLOW},
	{CALL_newfstatat, 3, NO_FOLLOW}, {CALL_statx, 2, NO_FOLLOW}, {CALL_fchownat, 4, NO_FOLLOW},
	{CALL_utimensat, 3, NO_FOLLOW}, {CALL_faccessat2, 3, NO_FOLLOW}, {CALL_fchmodat2, 3, NO_FOLLOW},
	{CALL_execveat, 4, NO_FOLLOW},
};

static bool follows(const struct task_facts *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
		if (lookups[i].id == f->event.id)
			return lookups[i].flags >= 0 && !(argument(f, (unsigned)lookups[i].flags) & lookups[i].bits);
	}
	if (f->event.id == CALL_linkat)
		return argument(f, 4) & AT_SYMLINK_FOLLOW;
	return true;
}

static bool in_tree(const struct task_facts *f)
{
	return f->kernel && f->kernel->vfs;
}

static int keep_path(struct task_facts *f, const char *path, ssize_t n, struct policy_string *ret)
{
	if (n < 0)
		return faulted(f, (int)n);
	*ret = (struct policy_string){arena_strndup(&f->arena, path, (size_t)n), (uint32_t)n};
	return ret->text ? 0 : -ENOMEM;
}

static int resolve(struct task_facts *f, unsigned param, const char *text, struct policy_string *ret)
{
	char base[PATH_MAX] = "";
	char path[RESOLVE_PATH_MAX];
	if (in_tree(f)) {
		ssize_t n = tree_path(f->kernel, f->call, directory_of(f, param), text, follows(f) && *text, path,
				      sizeof(path));
		/* A descriptor that is not of the tree has the host's name: "pipe:[1]", a file that was open before. */
		if (n != -ENOENT || *text)
			return keep_path(f, path, n, ret);
	}
	if (!f->resolver_made)
		resolver_init(&f->resolver, f->call->tid, &f->tgid, f->our_root);
	f->resolver_made = true;
	if (text[0] != '/') {
		int r = resolver_base(&f->resolver, directory_of(f, param), base, sizeof(base));
		if (r < 0)
			return r;
	}
	/* The base has no links left; the descriptor of an empty path may be anything. */
	ssize_t n = resolver_path(&f->resolver, base, text, follows(f) && *text, path);
	return keep_path(f, path, n, ret);
}

static int fact_path(void *ctx, unsigned param, struct policy_string *ret)
{
	struct task_facts *f = ctx;
	const char *text = "";
	/* utimensat(fd, NULL, ...) means the descriptor; elsewhere NULL is a fault. */
	bool descriptor = argument(f, param) == 0 && directory_of(f, param) != AT_FDCWD;
	if (!descriptor) {
		int r = copy_string(f, param);
		if (r < 0)
			return r;
		text = f->copies[param].data;
	}
	int r = resolve(f, param, text, ret);
	f->copies[param].resolved = r == 0 ? *ret : (struct policy_string){0};
	return r;
}

void task_facts_paths(struct task_facts *f)
{
	struct policy_string ignored;
	for (unsigned i = 0; f->event.id >= 0 && i < call_desc(f->event.id)->nparams; i++) {
		if (call_desc(f->event.id)->params[i].kind == PARAM_PATH && !f->copies[i].resolved.text)
			(void)(fact_path(f, i, &ignored) < 0);
	}
}

/* ---- addresses ---- */

static void parse_unix(const struct sockaddr_un *un, size_t len, struct task_facts *f, struct decide_addr *ret)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);
	if (len <= offsetof(struct sockaddr_un, sun_path))
		return;
	if (un->sun_path[0]) {
		AUTO_FREE char *path = strndup(un->sun_path, n);
		(void)(path ? resolve(f, 0, path, &ret->path) : -ENOMEM);
		return;
	}
	char *name = arena_alloc(&f->arena, n + 1);
	if (!name)
		return;
	memcpy(name, un->sun_path, n);
	name[0] = '@';
	ret->path = (struct policy_string){name, (uint32_t)n};
}

static void parse_addr(const struct sockaddr_storage *raw, size_t len, struct task_facts *f, struct decide_addr *ret)
{
	*ret = (struct decide_addr){.family = raw->ss_family};
	if (raw->ss_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const void *)raw;
		ret->has_ip = ret->has_port = true;
		ret->port = ntohs(in->sin_port);
		ret->ip[10] = ret->ip[11] = 0xff;
		memcpy(ret->ip + 12, &in->sin_addr, 4);
	} else if (raw->ss_family == AF_INET6 && len >= 24) {
		const struct sockaddr_in6 *in6 = (const void *)raw;
		ret->has_ip = ret->has_port = true;
		ret->port = ntohs(in6->sin6_port);
		memcpy(ret->ip, &in6->sin6_addr, 16);
	} else if (raw->ss_family == AF_UNIX) {
		parse_unix((const void *)raw, len, f, ret);
	}
}

static int fact_addr(void *ctx, unsigned param, struct decide_addr *ret)
{
	struct task_facts *f = ctx;
	struct fact_copy *c = &f->copies[param];
	struct sockaddr_storage raw = {0};
	const struct call_param *p = decide_param_for(f->event.id, f->event.abi, param);
	*ret = (struct decide_addr){0};
	if (!p || p->link[0] < 0)
		return -EINVAL;
	uint64_t addr = argument(f, param);
	size_t len = (uint32_t)argument(f, (unsigned)p->link[0]);
	if (!addr)
		return 0;	/* sendto on a connected socket names nobody: no test on an address holds */
	if (len > sizeof(raw))
		return faulted(f, -EINVAL);
	int r = f->call->ops->read(f->call, (struct guest_ptr){addr}, &raw, len);
	if (r < 0)
		return faulted(f, r);
	c->data = arena_memdup(&f->arena, &raw, len ? len : 1);
	c->len = len;
	if (!c->data)
		return -ENOMEM;
	parse_addr(&raw, len, f, ret);
	return 0;
}

/* ---- descriptors and tasks ---- */

static enum fd_kind kind_of(mode_t mode, const char *link)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return FD_FILE;
	case S_IFDIR: return FD_DIR;
	case S_IFIFO: return FD_PIPE;
	case S_IFSOCK: return FD_SOCKET;
	case S_IFCHR: return FD_CHAR;
	case S_IFBLK: return FD_BLOCK;
	default: return strncmp(link, "anon_inode:", 11) == 0 ? FD_ANON : FD_UNKNOWN;
	}
}

static int fact_fd(void *ctx, unsigned param, struct decide_fd *ret)
{
	struct task_facts *f = ctx;
	struct stat st;
	char path[64];
	char link[PATH_MAX];
	int fd = (int)argument(f, param);
	if (fd == AT_FDCWD)
		(void)snprintf(path, sizeof(path), "/proc/%d/cwd", f->call->tid);
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->call->tid, fd);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n < 0 || stat(path, &st) < 0)
		return -errno;
	link[n] = '\0';
	*ret = (struct decide_fd){.kind = kind_of(st.st_mode, link)};
	if (in_tree(f))
		n = tree_fd_path(f->kernel, f->call, fd, link, sizeof(link));
	if (n > 0 && link[0] == '/')
		ret->path = (struct policy_string){arena_strndup(&f->arena, link, (size_t)n), (uint32_t)n};
	return 0;
}

/* The virtual ids, and the program's name in the guest's tree. */
static int tree_task(struct task_facts *f, struct decide_task *ret)
{
	char exe[PATH_MAX];
	ssize_t n = tree_identity(f->kernel, f->call->tid, &ret->uid, &ret->gid, exe, sizeof(exe));
	if (n > 0)
		ret->exe = (struct policy_string){arena_strndup(&f->arena, exe, (size_t)n), (uint32_t)n};
	return n < 0 ? (int)n : 0;
}

static int fact_task(void *ctx, struct decide_task *ret)
{
	struct task_facts *f = ctx;
	char path[64];
	char exe[PATH_MAX];
	*ret = (struct decide_task){.pid = task_facts_tgid(f), .calls = f->calls};
	if (in_tree(f))
		return tree_task(f, ret);
	pid_t tgid;
	int r = task_ids(f->call->tid, &tgid, &ret->uid, &ret->gid);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", f->call->tid);
	ssize_t n = readlink(path, exe, sizeof(exe));
	if (n > 0)
		ret->exe = (struct policy_string){arena_strndup(&f->arena, exe, (size_t)n), (uint32_t)n};
	return 0;
}

void task_facts_init(struct task_facts *f, struct call_event *call, pid_t tgid)
{
	static const struct decide_ops ops = {
		.path = fact_path, .string = fact_string, .addr = fact_addr, .fd = fact_fd, .task = fact_task,
	};
	*f = (struct task_facts){
		.event = {.id = call->id, .abi = call->abi, .ops = &ops, .ctx = f}, .call = call, .tgid = tgid,
	};
	memcpy(f->event.args, call->args, sizeof(f->event.args));
	arena_init(&f->arena, f->memory, sizeof(f->memory));
}

pid_t task_facts_tgid(struct task_facts *f)
{
	if (!f->tgid)
		f->tgid = proc_status_pid(f->call->tid, "Tgid");
	if (!f->tgid)
		f->tgid = f->call->tid;
	return f->tgid;
}

void task_facts_finish(struct task_facts *f)
{
	if (f->resolver_made)
		resolver_finish(&f->resolver);
	arena_finish(&f->arena);
}
