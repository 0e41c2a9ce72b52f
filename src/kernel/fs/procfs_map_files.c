/* procfs: PID/map_files, a link for each range of memory that is of a file. */
#include "kernel/fs/procfs_private.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>

/* "PID/map_files" or below it: the name of the task's maps. */
static void maps_path(const struct proc_inode *pi, char path[PROC_PATH_MAX])
{
	(void)snprintf(path, PROC_PATH_MAX, "%d/maps", (int)pi->tid);
}

/* The next line of a file, split off text; its range as map_files has it for a name. NULL: there is none. */
static const char *next_file(char **text, char name[64])
{
	for (char *line = *text; line && *line;) {
		unsigned long long start, end, ino;
		char *stop = strchrnul(line, '\n');
		char *next = *stop ? stop + 1 : stop;
		*stop = '\0';
		if (sscanf(line, "%llx-%llx %*4s %*x %*x:%*x %llu", &start, &end, &ino) == 3 && ino != 0 && !proc_is_ours(line)) {
			(void)snprintf(name, 64, "%llx-%llx", start, end);
			*text = next;
			return line;
		}
		line = next;
	}
	return NULL;
}

/* The line of a link; ret_text, which it is in, is the caller's. */
static int find_line(const struct proc_inode *pi, struct strbuf *ret_text, const char **ret)
{
	char path[PROC_PATH_MAX];
	char name[64];
	maps_path(pi, path);
	int r = proc_read_path(pi, path, ret_text);
	char *text = ret_text->data;
	while (r == 0 && (*ret = next_file(&text, name))) {
		if (strcmp(name, strrchr(pi->path, '/') + 1) == 0)
			return 0;
	}
	return r < 0 ? r : -ENOENT;
}

static ssize_t map_readlink(struct inode *inode, const struct walk_env *env, char *buf, size_t size)
{
	const struct proc_inode *pi = proc_inode(inode);
	AUTO_STRBUF struct strbuf text, name;
	const char *line;
	strbuf_init(&text);
	strbuf_init(&name);
	int r = proc_may_look(env, pi);
	if (r == 0)
		r = find_line(pi, &text, &line);
	if (r == 0 && !proc_mapped_name(pi, env, line, &name)) {
		ssize_t len = readlinkat(proc_super(pi)->host, pi->path, buf, size);
		return len < 0 ? -errno : len;
	}
	return r < 0 ? r : proc_put_text(strbuf_str(&name), buf, size);
}

/* Files that no name may lead to any more: Linux asks for a capability that a process seldom has. */
static int map_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	int r = proc_may_look(env, pi);
	if (r == 0 && env->cred && !cred_capable(env->cred, CAP_SYS_ADMIN) && !cred_capable(env->cred, CAP_CHECKPOINT_RESTORE))
		r = -EPERM;
	if (r == 0)
		r = proc_identify(pi, ret);
	return r == -ENOENT ? proc_host_object(pi, ret) : r;
}

static const struct inode_ops map_link_ops = {
	.follow = map_follow, .readlink_as = map_readlink,
	.setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

static const struct proc_node map_node = {.ops = &map_link_ops};

static int map_lookup(struct inode *inode, const char *name, struct inode **ret)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	AUTO_STRBUF struct strbuf text;
	const char *line;
	int r = proc_join(dir, name, path);
	if (r == 0)
		r = proc_new_inode(proc_super(dir), &map_node, S_IFLNK, dir->tgid, dir->tid, path, ret);
	if (r < 0)
		return r;
	strbuf_init(&text);
	r = find_line(proc_inode(*ret), &text, &line);
	if (r < 0)
		inode_unref(*ret);
	return r;
}

static int map_iterate(struct inode *inode, struct dir_reader *reader)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	char name[64];
	AUTO_STRBUF struct strbuf maps;
	strbuf_init(&maps);
	maps_path(dir, path);
	int r = proc_read_path(dir, path, &maps);
	char *text = maps.data;
	for (uint64_t at = PROC_FIRST_CURSOR; r == 0 && next_file(&text, name); at++) {
		if (at < reader->cursor || proc_join(dir, name, path) < 0)
			continue;
		if (!reader->emit(reader, name, strlen(name), proc_number(path), S_IFLNK >> 12, at + 1))
			break;
	}
	return r;
}

const struct inode_ops proc_map_files_ops = {
	.lookup = map_lookup, .iterate = map_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};
