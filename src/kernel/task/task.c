#include "kernel/task/task.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "kernel/task/cred_change.h"

enum { INITIAL_BUCKETS = 64 };

/* Root, working directory and umask: shared by tasks made with CLONE_FS. All of it under tasks.lock. */
struct fs_context {
	unsigned refs;
	struct path root, cwd;
	mode_t umask;
};

struct task {
	struct task *next;		/* hash chain */
	pid_t tid, tgid;
	struct fs_context *fs;		/* a reference */
	struct cred *cred;		/* a reference */
	bool undumpable;		/* of a process: in its leader's */
	bool stopped;			/* in a group stop */
	struct path exe;		/* of the last execve; {NULL, NULL}: none yet */
	struct path next_exe;		/* of the one under way; {NULL, NULL}: there is none */
	dev_t next_dev;			/* what the host says of it, then */
	ino_t next_ino;
};

struct tasks {
	struct vfs *vfs;
	struct cred *cred;		/* a reference; of the first task */
	pthread_mutex_t lock;
	struct task **table;		/* lock */
	size_t size, count;		/* lock; size is a power of two */
	cpus_teller tell_cpus;		/* or NULL */
	void *tell_ctx;
};

static void get(const struct path *p)
{
	if (p->mount)
		path_get(p);
}

static void put(struct path *p)
{
	if (p->mount)
		path_put(p);
}

/* The program of a task: nobody may write to it. */
static void get_exe(const struct path *p)
{
	if (p->mount)
		(void)atomic_fetch_add(&path_inode(p)->executed, 1);
	get(p);
}

static void put_exe(struct path *p)
{
	if (p->mount)
		(void)atomic_fetch_sub(&path_inode(p)->executed, 1);
	put(p);
}

/* ---- contexts ---- */

static struct fs_context *fs_create(const struct path *root, const struct path *cwd, mode_t umask)
{
	struct fs_context *fs = calloc(1, sizeof(*fs));
	if (!fs)
		return NULL;
	*fs = (struct fs_context){.refs = 1, .root = *root, .cwd = *cwd, .umask = umask};
	get(&fs->root);
	get(&fs->cwd);
	return fs;
}

/* Nobody has it any more. Not under the lock: the last reference to a path may have work to do. */
static void fs_destroy(struct fs_context *fs)
{
	if (!fs)
		return;
	put(&fs->root);
	put(&fs->cwd);
	free(fs);
}

/* ---- the table; the lock is held ---- */

static struct task **bucket(const struct tasks *t, pid_t tid)
{
	return &t->table[(size_t)(unsigned)tid & (t->size - 1)];
}

static struct task *find(const struct tasks *t, pid_t tid)
{
	struct task *k = *bucket(t, tid);
	while (k && k->tid != tid)
		k = k->next;
	return k;
}

static void link_in(struct tasks *t, struct task *k)
{
	struct task **head = bucket(t, k->tid);
	k->next = *head;
	*head = k;
	t->count++;
}

static void unlink_from(struct tasks *t, struct task *k)
{
	struct task **at = bucket(t, k->tid);
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	t->count--;
}

/* Failing to grow only makes the chains longer. */
static void grow(struct tasks *t)
{
	struct task **bigger = calloc(t->size * 2, sizeof(struct task *));
	if (!bigger)
		return;
	struct task **old = t->table;
	size_t old_size = t->size;
	t->table = bigger;
	t->size *= 2;
	t->count = 0;
	for (size_t i = 0; i < old_size; i++) {
		for (struct task *k = old[i], *next; k; k = next) {
			next = k->next;
			link_in(t, k);
		}
	}
	free(old);
}

static void add(struct tasks *t, struct task *k)
{
	if (t->count >= t->size)
		grow(t);
	link_in(t, k);
}

/* Out of the table; what it alone has stays with it, for task_destroy behind the lock. NULL is nothing. */
static struct task *take_out(struct tasks *t, struct task *k)
{
	if (!k)
		return NULL;
	unlink_from(t, k);
	if (--k->fs->refs)
		k->fs = NULL;
	return k;
}

static void task_destroy(struct task *k)
{
	if (!k)
		return;
	fs_destroy(k->fs);
	cred_unref(k->cred);
	put_exe(&k->exe);
	put_exe(&k->next_exe);
	free(k);
}

/* ---- the whole ---- */

int tasks_create(struct vfs *vfs, const struct cred *cred, struct tasks **ret)
{
	struct tasks *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->vfs = vfs;
	t->size = INITIAL_BUCKETS;
	t->table = calloc(t->size, sizeof(struct task *));
	if (!t->table) {
		free(t);
		return -ENOMEM;
	}
	t->cred = cred_ref(cred);
	(void)pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return 0;
}

void tasks_tell_cpus(struct tasks *t, cpus_teller tell, void *ctx)
{
	t->tell_cpus = tell;
	t->tell_ctx = ctx;
}

bool task_narrowed(const struct tasks *t, pid_t tid, cpu_set_t *ret)
{
	return t->tell_cpus && t->tell_cpus(t->tell_ctx, tid, ret);
}

void tasks_destroy(struct tasks *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->size; i++) {
		while (t->table[i])
			task_destroy(take_out(t, t->table[i]));
	}
	cred_unref(t->cred);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->table);
	free(t);
}

/* ---- told by the tracer ---- */

int task_add_first(struct tasks *t, pid_t tid)
{
	struct path root = {NULL, NULL};
	struct task *k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	if (t->vfs)
		vfs_root(t->vfs, &root);
	k->tid = k->tgid = tid;
	k->fs = fs_create(&root, &root, 022);
	put(&root);
	if (!k->fs) {
		free(k);
		return -ENOMEM;
	}
	k->cred = cred_ref(t->cred);
	(void)pthread_mutex_lock(&t->lock);
	struct task *stale = take_out(t, find(t, tid));
	add(t, k);
	(void)pthread_mutex_unlock(&t->lock);
	task_destroy(stale);
	return 0;
}

static int fork_locked(struct tasks *t, pid_t parent, pid_t child, unsigned long flags)
{
	struct task *p = find(t, parent);
	if (find(t, child))
		return 0;
	if (!p)
		return -ESRCH;
	struct task *k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	if (flags & CLONE_FS) {
		k->fs = p->fs;
		k->fs->refs++;
	} else {
		k->fs = fs_create(&p->fs->root, &p->fs->cwd, p->fs->umask);
	}
	if (!k->fs) {
		free(k);
		return -ENOMEM;
	}
	k->tid = child;
	k->tgid = flags & CLONE_THREAD ? p->tgid : child;
	k->cred = cred_ref(p->cred);
	const struct task *leader = find(t, p->tgid);
	k->undumpable = leader && leader->undumpable;
	k->exe = p->exe;
	get_exe(&k->exe);
	add(t, k);
	return 0;
}

int task_forked(struct tasks *t, pid_t parent, pid_t child, unsigned long flags)
{
	(void)pthread_mutex_lock(&t->lock);
	int r = fork_locked(t, parent, child, flags);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

/* What execve makes of the credentials; without memory they stay. */
static void exec_cred(struct tasks *t, pid_t tid)
{
	struct task_view v;
	struct cred *c;
	if (task_view(t, tid, &v) < 0)
		return;
	if (cred_copy(v.cred, v.cred->group_count, &c) == 0) {
		cred_exec(c);
		cred_update_host(c, t->cred);
		int ended = task_set_cred(t, tid, c);
		(void)ended;
	}
	task_view_finish(&v);
}

void task_execed(struct tasks *t, pid_t former, pid_t tid, const struct path *exe)
{
	struct path old = {NULL, NULL}, next = {NULL, NULL};
	struct task *leader = NULL;
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, former);
	if (k && former != tid) {
		leader = take_out(t, find(t, tid));
		unlink_from(t, k);
		k->tid = tid;
		link_in(t, k);
	}
	if (k) {
		old = k->exe;
		k->tgid = tid;
		k->undumpable = false;
		k->exe = exe ? *exe : (struct path){NULL, NULL};
		get_exe(&k->exe);
		next = k->next_exe;
		k->next_exe = (struct path){NULL, NULL};
	}
	(void)pthread_mutex_unlock(&t->lock);
	task_destroy(leader);
	put_exe(&old);
	put_exe(&next);
	exec_cred(t, tid);
}

void task_execs(struct tasks *t, pid_t tid, const struct path *exe, dev_t dev, ino_t ino)
{
	struct path old = {NULL, NULL};
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (k) {
		old = k->next_exe;
		k->next_exe = exe ? *exe : (struct path){NULL, NULL};
		get_exe(&k->next_exe);
		k->next_dev = dev;
		k->next_ino = ino;
	}
	(void)pthread_mutex_unlock(&t->lock);
	put_exe(&old);
}

void task_set_stopped(struct tasks *t, pid_t tid, bool stopped)
{
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (k)
		k->stopped = stopped;
	(void)pthread_mutex_unlock(&t->lock);
}

void task_ended(struct tasks *t, pid_t tid)
{
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = take_out(t, find(t, tid));
	(void)pthread_mutex_unlock(&t->lock);
	task_destroy(k);
}

/* ---- for handlers ---- */

int task_view(struct tasks *t, pid_t tid, struct task_view *ret)
{
	(void)pthread_mutex_lock(&t->lock);
	const struct task *k = find(t, tid);
	if (k) {
		*ret = (struct task_view){
			.env = {
				.vfs = t->vfs, .root = k->fs->root, .cwd = k->fs->cwd, .umask = k->fs->umask, .tid = tid,
			},
			.cred = cred_ref(k->cred), .tid = tid, .tgid = k->tgid, .stopped = k->stopped,
		};
		ret->env.cred = ret->cred;
		get(&ret->env.root);
		get(&ret->env.cwd);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return k ? 0 : -ESRCH;
}

void task_view_finish(struct task_view *v)
{
	put(&v->env.root);
	put(&v->env.cwd);
	cred_unref(v->cred);
	*v = (struct task_view){.tid = 0};
}

/* Dropping the last reference to a path may do real work: not under the lock. */
static int set_path(struct tasks *t, pid_t tid, bool root, const struct path *to)
{
	struct path old = {NULL, NULL};
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (k) {
		struct path *at = root ? &k->fs->root : &k->fs->cwd;
		old = *at;
		*at = *to;
		get(at);
	}
	(void)pthread_mutex_unlock(&t->lock);
	put(&old);
	return k ? 0 : -ESRCH;
}

int task_set_cwd(struct tasks *t, pid_t tid, const struct path *cwd)
{
	return set_path(t, tid, false, cwd);
}

int task_set_root(struct tasks *t, pid_t tid, const struct path *root)
{
	return set_path(t, tid, true, root);
}

mode_t task_set_umask(struct tasks *t, pid_t tid, mode_t mask)
{
	mode_t old = 0;
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (k) {
		old = k->fs->umask;
		k->fs->umask = mask & 0777;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return old;
}

int task_unshare_fs(struct tasks *t, pid_t tid)
{
	int r = 0;
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (!k) {
		r = -ESRCH;
	} else if (k->fs->refs > 1) {
		struct fs_context *own = fs_create(&k->fs->root, &k->fs->cwd, k->fs->umask);
		if (own) {
			k->fs->refs--;
			k->fs = own;
		} else {
			r = -ENOMEM;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int task_set_cred(struct tasks *t, pid_t tid, struct cred *cred)
{
	struct cred *old = cred;
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find(t, tid);
	if (k) {
		old = k->cred;
		k->cred = cred;
	}
	(void)pthread_mutex_unlock(&t->lock);
	cred_unref(old);
	return k ? 0 : -ESRCH;
}

/* The lock is held. */
static struct task *find_leader(const struct tasks *t, pid_t tid)
{
	struct task *k = find(t, tid);
	struct task *leader = k ? find(t, k->tgid) : NULL;
	return leader ? leader : k;
}

int task_set_dumpable(struct tasks *t, pid_t tid, int dumpable)
{
	(void)pthread_mutex_lock(&t->lock);
	struct task *k = find_leader(t, tid);
	if (k)
		k->undumpable = !dumpable;
	(void)pthread_mutex_unlock(&t->lock);
	return k ? 0 : -ESRCH;
}

int task_dumpable(struct tasks *t, pid_t tid)
{
	(void)pthread_mutex_lock(&t->lock);
	const struct task *k = find_leader(t, tid);
	int dumpable = k ? !k->undumpable : 1;
	(void)pthread_mutex_unlock(&t->lock);
	return dumpable;
}

static bool host_executes(pid_t tid, dev_t dev, ino_t ino)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)tid);
	return stat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int task_exe(struct tasks *t, pid_t tid, struct path *ret)
{
	struct path next = {NULL, NULL};
	dev_t dev = 0;
	ino_t ino = 0;
	int r = -ESRCH;
	(void)pthread_mutex_lock(&t->lock);
	const struct task *k = find(t, tid);
	if (k)
		r = k->exe.mount || k->next_exe.mount ? 0 : -ENOENT;
	if (r == 0) {
		*ret = k->exe;
		get(ret);
		next = k->next_exe;
		get(&next);
		dev = k->next_dev;
		ino = k->next_ino;
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (next.mount && host_executes(tid, dev, ino)) {
		put(ret);
		*ret = next;
		return 0;
	}
	put(&next);
	return r == 0 && !ret->mount ? -ENOENT : r;
}

bool task_known(struct tasks *t, pid_t tid)
{
	(void)pthread_mutex_lock(&t->lock);
	bool known = find(t, tid);
	(void)pthread_mutex_unlock(&t->lock);
	return known;
}

pid_t task_next(struct tasks *t, pid_t tgid, pid_t after)
{
	pid_t next = 0;
	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->size; i++) {
		for (const struct task *k = t->table[i]; k; k = k->next) {
			bool wanted = tgid ? k->tgid == tgid : k->tgid == k->tid;
			if (wanted && k->tid > after && (!next || k->tid < next))
				next = k->tid;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	return next;
}

/*
 * Has it a program at all? A process that ended may be waited for before we hear of it, and who waited for it may write
 * to what it ran.
 */
static bool is_alive(pid_t tid)
{
	char path[64];
	char text[256];
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *state = strrchr(text, ')');
	return state && state[1] == ' ' && state[2] != 'Z' && state[2] != 'X';
}

bool tasks_execute(void *ctx, const struct inode *inode)
{
	enum { ASKED_MAX = 64 };
	struct tasks *t = ctx;
	pid_t ids[ASKED_MAX];
	unsigned count = 0;
	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->size; i++) {
		for (const struct task *k = t->table[i]; k && count < ASKED_MAX; k = k->next) {
			if ((k->exe.mount && path_inode(&k->exe) == inode) || (k->next_exe.mount && path_inode(&k->next_exe) == inode))
				ids[count++] = k->tid;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	bool alive = false;
	while (count > 0 && !alive)
		alive = is_alive(ids[--count]);
	return alive;
}
