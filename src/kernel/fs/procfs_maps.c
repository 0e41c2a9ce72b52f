/* procfs: maps, smaps and numa_maps with the names that the guest knows. */
#include "kernel/fs/procfs_private.h"

#include <string.h>
#include <sys/sysmacros.h>

/* Neighbouring lines are often of the same file. */
struct last_file {
	dev_t dev;
	ino_t ino;
	bool known;		/* it is one of ours, and this is how it is shown: */
	struct statx stx;
	char name[VFS_PATH_MAX + 16];
};

/* What a line of maps begins with. */
struct mapping {
	size_t head;		/* bytes up to the device number: range, permissions, offset */
	unsigned major, minor;
	unsigned long long ino;
};

/* "55d0-55d2 r--p 00000000 fe:01 1234     /bin/cat"; false: a line of smaps between them. */
static bool parse_mapping(const char *line, struct mapping *m)
{
	int head = 0;
	if (sscanf(line, "%*x-%*x %*4s %*x %n%x:%x %llu", &head, &m->major, &m->minor, &m->ino) != 3)
		return false;
	m->head = (size_t)head;
	return true;
}

static void find_file(const struct proc_inode *pi, const struct walk_env *env, const struct mapping *m,
		      struct last_file *last)
{
	dev_t dev = makedev(m->major, m->minor);
	struct path p;
	if (last->ino == m->ino && last->dev == dev)
		return;
	last->dev = dev;
	last->ino = m->ino;
	last->known = false;
	if (vfs_identify_number(proc_super(pi)->vfs, dev, m->ino, &p) < 0)
		return;
	last->known = vfs_getattr(&p, &last->stx) == 0 && vfs_shown_name(env, &p, last->name, sizeof(last->name)) > 0;
	path_put(&p);
}

/* A newline in a name would be another line. */
static void add_name(const char *name, struct strbuf *b)
{
	for (; *name; name++) {
		if (*name == '\n')
			strbuf_adds(b, "\\012");
		else
			strbuf_addc(b, *name);
	}
}

/* The name begins in the column where Linux puts it (fs/seq_file.c, seq_pad). */
static void add_mapping(const char *line, const struct mapping *m, const struct last_file *file, struct strbuf *b)
{
	static const size_t column = 25 + sizeof(void *) * 6;
	size_t start = b->len;
	strbuf_add(b, line, m->head);
	strbuf_addf(b, "%02x:%02x %llu ", file->stx.stx_dev_major, file->stx.stx_dev_minor,
		    (unsigned long long)file->stx.stx_ino);
	while (b->len - start < column)
		strbuf_addc(b, ' ');
	add_name(file->name, b);
}

/* What brought the program in, and the place of checked copies, stay mapped, but are none of the guest's business. */
bool proc_is_ours(const char *line)
{
	static const char *const names[] = {
		" /memfd:trapline-loader (deleted)", " /memfd:trapline-copies (deleted)", " /memfd:trapline-line (deleted)",
	};
	size_t len = strlen(line);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t name = strlen(names[i]);
		if (len >= name && strcmp(line + len - name, names[i]) == 0)
			return true;
	}
	return false;
}

int proc_print_maps(const struct proc_inode *pi, struct strbuf *b)
{
	AUTO_STRBUF struct strbuf host;
	AUTO_FREE struct last_file *file = calloc(1, sizeof(*file));
	struct task_view view;
	strbuf_init(&host);
	if (!file)
		return -ENOMEM;
	int r = proc_read_host(pi, &host);
	if (r < 0)
		return r;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	bool hidden = false;
	for (char *line = host.data, *next; line && *line; line = next) {
		struct mapping m;
		char *end = strchrnul(line, '\n');
		next = *end ? end + 1 : end;
		*end = '\0';
		bool begins = parse_mapping(line, &m);
		bool maps_file = begins && m.ino != 0;
		if (begins)
			hidden = maps_file && proc_is_ours(line);
		if (hidden)
			continue;
		if (maps_file)
			find_file(pi, &view.env, &m, file);
		if (maps_file && file->known)
			add_mapping(line, &m, file, b);
		else
			strbuf_adds(b, line);
		strbuf_addc(b, '\n');
	}
	task_view_finish(&view);
	return 0;
}

bool proc_mapped_name(const struct proc_inode *pi, const struct walk_env *env, const char *line, struct strbuf *b)
{
	AUTO_FREE struct last_file *file = calloc(1, sizeof(*file));
	struct mapping m;
	if (!file || !parse_mapping(line, &m) || m.ino == 0)
		return false;
	find_file(pi, env, &m, file);
	if (file->known)
		strbuf_adds(b, file->name);
	return file->known;
}

/* ---- numa_maps ---- */

/* What seq_path of fs/proc/task_mmu.c escapes there. */
static void add_escaped(const char *name, struct strbuf *b)
{
	for (; *name; name++) {
		if (strchr("\n\t= ", *name))
			strbuf_addf(b, "\\%03o", (unsigned)*name);
		else
			strbuf_addc(b, *name);
	}
}

/* The line of maps that begins at this address; both go upwards. *at moves to it. Lines end in NUL. */
static const char *line_at(const char **at, const char *end, unsigned long long addr)
{
	while (*at < end && strtoull(*at, NULL, 16) < addr)
		*at += strlen(*at) + 1;
	return *at < end && strtoull(*at, NULL, 16) == addr ? *at : NULL;
}

/* "55d0 default file=/bin/cat mapped=2 ..." */
static void add_numa_line(const struct proc_inode *pi, const struct walk_env *env, const char *line, const char *in_maps,
			  struct last_file *file, struct strbuf *b)
{
	struct mapping m;
	const char *name = strstr(line, " file=");
	if (in_maps && proc_is_ours(in_maps))
		return;
	bool known = name && in_maps && parse_mapping(in_maps, &m) && m.ino;
	if (known)
		find_file(pi, env, &m, file);
	if (known && file->known) {
		const char *from = name + strlen(" file=");
		strbuf_add(b, line, (size_t)(from - line));
		add_escaped(file->name, b);
		line = from + strcspn(from, " ");
	}
	strbuf_adds(b, line);
	strbuf_addc(b, '\n');
}

static void end_lines(struct strbuf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] == '\n')
			b->data[i] = '\0';
	}
}

int proc_print_numa_maps(const struct proc_inode *pi, struct strbuf *b)
{
	char path[PROC_PATH_MAX];
	AUTO_STRBUF struct strbuf numa, maps;
	AUTO_FREE struct last_file *file = calloc(1, sizeof(*file));
	struct task_view view;
	strbuf_init(&numa);
	strbuf_init(&maps);
	if (!file)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%.*smaps", (int)(strlen(pi->path) - strlen("numa_maps")), pi->path);
	int r = proc_read_host(pi, &numa);
	if (r == 0)
		r = proc_read_path(pi, path, &maps);
	if (r < 0)
		return r;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	end_lines(&numa);
	end_lines(&maps);
	const char *at = maps.data, *end = maps.data + maps.len;
	for (const char *line = numa.data; line && line < numa.data + numa.len; line += strlen(line) + 1)
		add_numa_line(pi, &view.env, line, line_at(&at, end, strtoull(line, NULL, 16)), file, b);
	task_view_finish(&view);
	return strbuf_error(b);
}
