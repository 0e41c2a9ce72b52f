#include <fcntl.h>
#include <string.h>

#include "kernel/fs/procfs_mounts.h"

enum { OF_HOST_BITS = 16 };

void host_mounts_finish(struct host_mounts *h)
{
	while (h->first) {
		struct host_mount *m = h->first;
		h->first = m->next;
		free(m);
	}
}

bool host_mounts_has(const struct super *sb)
{
	return strcmp(sb->type, "hostfs") == 0 && sb->root->ops->host;
}

/* \\040 for a blank, in place. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *at = text; *at; to++) {
		unsigned c;
		int used = 0;
		if (*at == '\\' && sscanf(at + 1, "%3o%n", &c, &used) == 1 && used == 3) {
			*to = (char)c;
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

/*
 * "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard"; there may be any number of words before the dash.
 */
static bool parse(struct host_mount *m)
{
	char **const words[] = {&m->root, &m->point, &m->options}, **const more[] = {&m->type, &m->source, &m->super_options};
	int head = 0;
	if (sscanf(m->text, "%d %d %u:%u %n", &m->id, &m->parent, &m->major, &m->minor, &head) != 4)
		return false;
	char *rest = strstr(m->text + head, " - ");
	if (!rest)
		return false;
	*rest = '\0';
	char *at[] = {m->text + head, rest + 3};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		*words[i] = strsep(&at[0], " ");
		*more[i] = strsep(&at[1], " ");
		if (!*words[i] || !*more[i])
			return false;
		unescape(*words[i]);
		unescape(*more[i]);
	}
	return true;
}

/* What cannot be understood is left out. */
static int add_line(struct host_mount ***at, const char *line, size_t len)
{
	struct host_mount *m = calloc(1, sizeof(*m) + len + 1);
	if (!m)
		return -ENOMEM;
	memcpy(m->text, line, len);
	if (!parse(m)) {
		free(m);
		return 0;
	}
	**at = m;
	*at = &m->next;
	return 0;
}

static int read_all(struct host_mounts *h, const struct proc_inode *pi)
{
	AUTO_STRBUF struct strbuf text;
	struct host_mount **at = &h->first;
	strbuf_init(&text);
	int r = proc_read_path(pi, "self/mountinfo", &text);
	for (const char *line = strbuf_str(&text); r == 0 && *line;) {
		size_t len = strcspn(line, "\n");
		r = add_line(&at, line, len);
		line += len + (line[len] == '\n');
	}
	return r;
}

const struct host_mount *host_mounts_find(const struct host_mounts *h, int id)
{
	const struct host_mount *m = h->first;
	while (m && m->id != id)
		m = m->next;
	return m;
}

/* -1: not known (before Linux 5.8). */
static int mount_of(struct inode *inode, char *name, size_t size)
{
	char link[64];
	struct statx stx;
	int fd;
	if (inode->ops->host(inode, &fd) < 0)
		return -1;
	AUTO_CLOSE int object = fd;
	if (statx(object, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		return -1;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", object);
	ssize_t len = size ? readlink(link, name, size - 1) : 0;
	if (len < 0)
		return -1;
	if (size)
		name[len] = '\0';
	return (int)stx.stx_mnt_id;
}

const struct host_mount *host_mounts_locate(struct host_mounts *h, const struct proc_inode *pi, struct inode *root)
{
	int id = mount_of(root, h->dir, sizeof(h->dir));
	if (id < 0 || (!h->first && read_all(h, pi) < 0))
		return NULL;
	return host_mounts_find(h, id);
}

bool host_mount_is_below(const struct host_mount *m, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	return strncmp(m->point, dir, len) == 0 && m->point[len] == '/' && m->point[len + 1];
}

int host_mount_id(int id, int of_host)
{
	return (int)((unsigned)id << OF_HOST_BITS | ((unsigned)of_host & ((1U << OF_HOST_BITS) - 1)));
}

int procfs_mount_id(const struct path *p)
{
	struct inode *inode = path_inode(p);
	int id = vfs_mount_id(p);
	if (!host_mounts_has(inode->super) || !inode->ops->host)
		return id;
	int top = mount_of(inode->super->root, NULL, 0), own = mount_of(inode, NULL, 0);
	return top < 0 || own < 0 || top == own ? id : host_mount_id(id, own);
}
