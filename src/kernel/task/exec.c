#include "kernel/task/exec_host.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "kernel/task/exec_cache.h"

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

/* A file that is executed, or begins with the name of what is. */
struct found {
	int fd;			/* owned; -1: none */
	bool tells_changes;	/* .st has changed if the file has */
	struct stat st;		/* of fd */
};

static void found_drop(struct found *f)
{
	cleanup_close(&f->fd);
	f->fd = -1;
}

#define AUTO_FOUND CLEANUP(found_drop)

/*
 * Servers elsewhere (NFS, FUSE) may not tell the times of a change; nor does tmpfs, nor what lies on it, where the change
 * was made through a mapping that was read before (it has no page_mkwrite).
 */
static bool times_tell(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

static int check_opened(struct found *f)
{
	struct statfs fs;
	if (fstatfs(f->fd, &fs) < 0)
		return -errno;
	if (fs.f_flags & ST_NOEXEC)
		return -EACCES;
	if (is_being_written(f->fd))
		return -ETXTBSY;
	/* Behind that: what is known of it is of what it says now. */
	if (fstat(f->fd, &f->st) < 0)
		return -errno;
	f->tells_changes = times_tell(&fs);
	return S_ISREG(f->st.st_mode) ? 0 : -EACCES;
}

/* Opened for us, not for the caller: a program need not be readable. attr: of p, or NULL. */
static int open_program(const struct walk_env *env, const struct path *p, const struct statx *attr, struct found *ret)
{
	struct inode *inode = path_inode(p);
	struct vfs_opened opened;
	if (inode->type == S_IFLNK)
		return -ELOOP;
	if (inode->type != S_IFREG || vfs_mount_flags(p) & MOUNT_NOEXEC)
		return -EACCES;
	int r = vfs_permission_known(env, p, attr, X_OK);
	if (r < 0)
		return r;
	if (!inode->ops->open)
		return -EACCES;
	/* Not to wait for somebody who has a lease: he is told, but may be a guest that waits for us. */
	r = inode->ops->open(inode, O_RDONLY | O_NONBLOCK, &opened);
	if (r < 0)
		return r == -EAGAIN ? -ETXTBSY : r;
	AUTO_FOUND struct found f = {.fd = opened.fd};
	r = check_opened(&f);
	if (r == 0)
		r = vfs_remember(env->vfs, p, &opened);	/* /proc/PID/maps names what is mapped from it */
	if (r < 0)
		return r;
	*ret = f;
	f.fd = -1;
	return 0;
}

static int find_and_open(const struct walk_env *env, const struct path *base, const char *name, unsigned flags,
			 struct path *ret_path, struct found *ret)
{
	struct path p;
	struct statx attr;
	int r = vfs_walk_getattr(env, base, name, flags, &p, &attr);
	if (r < 0)
		return r;
	r = open_program(env, &p, &attr, ret);
	if (r < 0 || !ret_path)
		path_put(&p);
	else
		*ret_path = p;
	return r;
}

/* A descriptor that is not of the tree: memory, or a file that was open when the session began. */
static int reopen(int fd, struct found *ret)
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
	*ret = (struct found){.fd = opened, .st = st};
	return 0;
}

static int open_first(const struct walk_env *env, const struct exec_request *q, struct path *ret_path, struct found *ret)
{
	if (q->fd < 0)
		return find_and_open(env, q->base, q->name, q->no_follow ? 0 : WALK_FOLLOW, ret_path, ret);
	if (!q->object)
		return reopen(q->fd, ret);
	int r = open_program(env, q->object, NULL, ret);
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

static bool host_finds(const struct walk_env *env, const struct exec_request *q, const char *name, const struct found *f)
{
	return q->executed || exec_host_finds(env->tid, name, &f->st);
}

/* The headers of what was found, which is handed over to ret. ret may have them already. */
static int take_image(const struct exec_request *q, struct found *f, struct elf_image *ret)
{
	if (!ret->segment_count && !exec_cache_find(q->programs, &f->st, q->machine, ret)) {
		int r = elf_read(f->fd, q->machine, ret);
		if (r < 0)
			return r;
		if (f->tells_changes)
			exec_cache_add(q->programs, &f->st, q->machine, ret);
	}
	ret->fd = f->fd;
	f->fd = -1;
	return 0;
}

/* 1: f is a program. 0: it was a script; f and p->exe are its interpreter's now. */
static int one_step(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p, struct found *f,
		    char **name)
{
	char head[HEAD_SIZE] = {0};
	struct exec_script script;
	if (exec_cache_find(q->programs, &f->st, q->machine, &p->program))
		return 1;
	ssize_t n = pread(f->fd, head, sizeof(head), 0);
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
	found_drop(f);
	path_put(&p->exe);
	if (r == 0)
		r = find_and_open(env, NULL, next, WALK_FOLLOW, &p->exe, f);
	if (r == 0)
		p->native = p->native && host_finds(env, q, next, f);
	return r;
}

static int find_program(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p, struct found *f)
{
	int r = open_first(env, q, &p->exe, f);
	AUTO_FREE char *name = r == 0 ? strdup(q->shown) : NULL;
	if (r == 0 && !name)
		r = -ENOMEM;
	if (r == 0)
		p->native = q->fd < 0 && !q->base && host_finds(env, q, q->name, f);
	for (unsigned scripts = 0; r == 0; scripts++) {
		r = one_step(env, q, p, f, &name);
		if (r == 0 && scripts == SCRIPTS_MAX)
			r = -ELOOP;
		if (r == 0 && q->unreachable && scripts == 0)
			r = -ENOENT;
	}
	return r < 0 ? r : 0;
}

static int find_interp(const struct walk_env *env, const struct exec_request *q, struct exec_plan *p)
{
	AUTO_FOUND struct found f = {.fd = -1};
	if (!*p->program.interp)
		return 0;
	const char *name = q->executed ? q->interp : p->program.interp;
	int r = find_and_open(env, NULL, name, WALK_FOLLOW, NULL, &f);
	if (r < 0)
		return r;
	p->native = p->native && host_finds(env, q, name, &f);
	r = take_image(q, &f, &p->interp);
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
	AUTO_FOUND struct found f = {.fd = -1};
	/* AT_EXECVE_CHECK: may it be executed? Whether it can be is not asked, nor does anybody read it. */
	if (q->only_check)
		return open_first(env, q, &p->exe, &f);
	int r = find_program(env, q, p, &f);
	if (r == 0)
		r = take_image(q, &f, &p->program);
	if (r < 0)
		return r;
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
