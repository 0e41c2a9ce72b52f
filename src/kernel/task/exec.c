#include "kernel/task/exec_host.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
	HEAD_SIZE = 256,	/* BINPRM_BUF_SIZE: what the kernel looks at to tell what a file is */
	SCRIPTS_MAX = 5,	/* scripts that run scripts (fs/exec.c, exec_binprm) */
};

/* ---- scripts (fs/binfmt_script.c) ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The end of a line that the head does not hold to its end: only if the name itself is whole. */
static int end_of_cut_line(const char *head, size_t *ret)
{
	size_t at = 2;
	while (at < HEAD_SIZE - 1 && is_blank(head[at]))
		at++;
	while (at < HEAD_SIZE - 1 && !is_blank(head[at]) && head[at])
		at++;
	if (at == HEAD_SIZE - 1)
		return -ENOEXEC;
	*ret = HEAD_SIZE - 1;
	return 0;
}

static void copy_part(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	to[len] = '\0';
}

int exec_parse_script(const char head[256], struct exec_script *ret)
{
	if (head[0] != '#' || head[1] != '!')
		return -ENOEXEC;
	size_t whole = strnlen(head, HEAD_SIZE);
	const char *newline = memchr(head, '\n', whole);
	size_t end = newline ? (size_t)(newline - head) : 0;
	if (!newline && end_of_cut_line(head, &end) < 0)
		return -ENOEXEC;
	while (end > 2 && is_blank(head[end - 1]))
		end--;
	size_t name = 2;
	while (name < end && is_blank(head[name]))
		name++;
	if (name == end)
		return -ENOEXEC;
	size_t name_end = name;
	while (name_end < end && !is_blank(head[name_end]) && head[name_end])
		name_end++;
	size_t arg = name_end;
	while (arg < end && is_blank(head[arg]))
		arg++;
	copy_part(ret->interp, head + name, name_end - name);
	/* A NUL ends the name, and then nothing follows it; one in the argument ends that. */
	copy_part(ret->arg, head + arg, strnlen(head + arg, end - arg));
	return *ret->interp ? 0 : -ENOEXEC;
}

/* ---- files ---- */

/*
 * Somebody writes to it (ETXTBSY)? A lease is refused then; it is given back at once. The description that a memfd is
 * made with, which is ours, does not count as a writer.
 */
static bool is_being_written(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static int check_opened(int fd)
{
	struct stat st;
	struct statvfs fs;
	if (fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || fs.f_flag & ST_NOEXEC)
		return -EACCES;
	return is_being_written(fd) ? -ETXTBSY : 0;
}

/* Opened for us, not for the caller: a program need not be readable. The descriptor is the caller's. */
static int open_program(const struct walk_env *env, const struct path *p, int *ret_fd)
{
	struct inode *inode = path_inode(p);
	struct vfs_opened opened;
	if (inode->type == S_IFLNK)
		return -ELOOP;
	if (inode->type != S_IFREG || vfs_mount_flags(p) & MOUNT_NOEXEC)
		return -EACCES;
	int r = vfs_permission(env, p, X_OK);
	if (r < 0)
		return r;
	if (!inode->ops->open)
		return -EACCES;
	r = inode->ops->open(inode, O_RDONLY, &opened);
	if (r < 0)
		return r;
	r = check_opened(opened.fd);
	if (r == 0)
		r = vfs_remember(env->vfs, p, opened.fd);	/* /proc/PID/maps names what is mapped from it */
	if (r < 0)
		(void)close(opened.fd);
	else
		*ret_fd = opened.fd;
	return r;
}

static int find_and_open(const struct walk_env *env, const struct path *base, const char *name, unsigned flags,
			 struct path *ret_path, int *ret_fd)
{
	struct path p;
	int r = vfs_walk(env, base, name, flags, &p);
	if (r < 0)
		return r;
	r = !(flags & WALK_FOLLOW) && path_inode(&p)->type == S_IFLNK ? -ELOOP : open_program(env, &p, ret_fd);
	if (r < 0 || !ret_path)
		path_put(&p);
	else
		*ret_path = p;
	return r;
}

/* A descriptor that is not of the tree: memory, or a file that was open when the session began. */
static int reopen(int fd, int *ret)
{
	char path[64];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return -EACCES;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int opened = open(path, O_RDONLY | O_CLOEXEC);
	if (opened < 0)
		return -errno;
	*ret = opened;
	return 0;
}

static int open_first(const struct walk_env *env, const struct exec_request *q, struct path *ret_path, int *ret_fd)
{
	if (q->fd < 0)
		return find_and_open(env, q->base, q->name, q->no_follow ? 0 : WALK_FOLLOW, ret_path, ret_fd);
	if (!q->object)
		return reopen(q->fd, ret_fd);
	int r = open_program(env, q->object, ret_fd);
	if (r == 0) {
		path_get(q->object);
		*ret_path = *q->object;
	}
	return r;
}

/* ---- the plan ---- */

/* The script's interpreter goes before what there is; what there is no longer begins with argv[0]. */
static int add_prefix(struct exec_plan *p, const struct exec_script *script, const char *name)
{
	AUTO_STRBUF struct strbuf all;
	strbuf_init(&all);
	strbuf_add(&all, script->interp, strlen(script->interp) + 1);
	if (*script->arg)
		strbuf_add(&all, script->arg, strlen(script->arg) + 1);
	strbuf_add(&all, name, strlen(name) + 1);
	/* The name of a script that is itself an interpreter is there already: it is what was argv[0]. */
	size_t skip = p->prefix_count ? strlen(strbuf_str(&p->prefix)) + 1 : 0;
	if (p->prefix.len > skip)
		strbuf_add(&all, p->prefix.data + skip, p->prefix.len - skip);
	p->prefix_count += *script->arg ? 3 : 2;
	p->prefix_count -= skip ? 1 : 0;
	strbuf_clear(&p->prefix);
	strbuf_add(&p->prefix, all.data, all.len);
	return strbuf_error(&all) < 0 || strbuf_error(&p->prefix) < 0 ? -ENOMEM : 0;
}

static bool host_finds(const struct walk_env *env, const struct exec_request *q, const char *name, int fd)
{
	return q->executed || exec_host_finds(env->tid, name, fd);
}

/* 1: fd is a program. 0: it was a script; fd and path are its interpreter's now. */
static int one_step(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p, int *fd, char **name)
{
	char head[HEAD_SIZE] = {0};
	struct exec_script script;
	ssize_t n = pread(*fd, head, sizeof(head), 0);
	if (n < 0)
		return -errno;
	if (n < 2 || head[0] != '#' || head[1] != '!')
		return 1;
	int r = exec_parse_script(head, &script);
	if (r == 0)
		r = add_prefix(p, &script, *name);
	char *next = r == 0 ? strdup(script.interp) : NULL;
	if (r == 0 && !next)
		r = -ENOMEM;
	free(*name);
	*name = next;
	(void)close(*fd);
	*fd = -1;
	path_put(&p->exe);
	if (r == 0)
		r = find_and_open(env, NULL, next, WALK_FOLLOW, &p->exe, fd);
	if (r == 0)
		p->native = p->native && host_finds(env, q, next, *fd);
	return r;
}

static int find_program(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p, int *fd)
{
	int r = open_first(env, q, &p->exe, fd);
	AUTO_FREE char *name = r == 0 ? strdup(q->shown) : NULL;
	if (r == 0 && !name)
		r = -ENOMEM;
	if (r == 0)
		p->native = q->fd < 0 && !q->base && host_finds(env, q, q->name, *fd);
	for (unsigned scripts = 0; r == 0; scripts++) {
		r = one_step(env, q, p, fd, &name);
		if (r == 0 && scripts == SCRIPTS_MAX)
			r = -ELOOP;
		if (r == 0 && q->unreachable && scripts == 0)
			r = -ENOENT;
	}
	return r < 0 ? r : 0;
}

static int find_interp(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p)
{
	int fd;
	if (!*p->program.interp)
		return 0;
	const char *name = q->executed ? q->interp : p->program.interp;
	int r = find_and_open(env, NULL, name, WALK_FOLLOW, NULL, &fd);
	if (r < 0)
		return r;
	p->native = p->native && host_finds(env, q, name, fd);
	r = elf_read(fd, q->machine, &p->interp);
	if (r < 0)
		(void)close(fd);
	return r == -ENOEXEC ? -ELIBBAD : r;
}

static void set_names(struct exec_plan *p, const char *shown)
{
	const char *slash = strrchr(shown, '/');
	const char *last = slash ? slash + 1 : shown;
	memcpy(p->comm, last, strnlen(last, sizeof(p->comm) - 1));
	p->shown = strdup(shown);
}

static int resolve(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p)
{
	AUTO_CLOSE int fd = -1;
	/* AT_EXECVE_CHECK: may it be executed? Whether it can be is not asked, nor does anybody read it. */
	if (q->only_check)
		return open_first(env, q, &p->exe, &fd);
	int r = find_program(env, q, p, &fd);
	if (r == 0)
		r = elf_read(fd, q->machine, &p->program);
	if (r < 0)
		return r;
	fd = -1;
	set_names(p, q->shown);
	if (!p->shown)
		return -ENOMEM;
	p->native = p->native && exec_host_may_run(p->program.fd);
	return find_interp(env, q, p);
}

static int try_resolve(const struct walk_env *env, const struct exec_request *q, struct exec_plan **ret)
{
	struct exec_plan *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->program.fd = p->interp.fd = -1;
	strbuf_init(&p->prefix);
	int r = resolve(env, q, p);
	if (r < 0)
		exec_plan_destroy(p);
	else
		*ret = p;
	return r;
}

/* Files of the host that others move away meanwhile are looked for again. */
int exec_resolve(const struct walk_env *env, const struct exec_request *q, struct exec_plan **ret)
{
	enum { STALE_TRIES = 64 };
	int r = -ESTALE;
	for (int i = 0; i < STALE_TRIES && r == -ESTALE; i++)
		r = try_resolve(env, q, ret);
	return r;
}

void exec_plan_destroy(struct exec_plan *p)
{
	if (!p)
		return;
	cleanup_close(&p->program.fd);
	cleanup_close(&p->interp.fd);
	if (p->exe.mount)
		path_put(&p->exe);
	free(p->shown);
	strbuf_finish(&p->prefix);
	free(p);
}
