/* How host objects are reached: by a descriptor of their own, or by parent and name. See hostfs_private.h. */
#include "kernel/fs/hostfs_private.h"

#include <signal.h>

int hostfs_errno(void)
{
	return errno == EMFILE ? -ENFILE : -errno;
}

const char *hostfs_proc_path(int fd, char buf[PROC_FD_PATH_SIZE])
{
	(void)snprintf(buf, PROC_FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return buf;
}

void hostfs_id_of(const struct statx *stx, struct hostfs_id *ret)
{
	*ret = (struct hostfs_id){.dev_major = stx->stx_dev_major, .dev_minor = stx->stx_dev_minor, .ino = stx->stx_ino};
	if (stx->stx_mask & STATX_BTIME)
		ret->btime = stx->stx_btime;
}

bool hostfs_id_equal(const struct hostfs_id *a, const struct hostfs_id *b)
{
	return a->ino == b->ino && a->dev_minor == b->dev_minor && a->dev_major == b->dev_major &&
	       a->btime.tv_sec == b->btime.tv_sec && a->btime.tv_nsec == b->btime.tv_nsec;
}

size_t hostfs_id_hash(const struct hostfs_id *id)
{
	uint64_t h = (id->ino ^ ((uint64_t)id->dev_minor << 40)) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 20);
}

/* The host's type may not be the guest's: placeholders. */
static bool same_object(const struct hostfs_inode *hi, const struct statx *stx)
{
	struct hostfs_id id;

	hostfs_id_of(stx, &id);
	return hostfs_id_equal(&id, &hi->id);
}

static int open_path(int dir_fd, const char *name, mode_t type)
{
	int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (S_ISDIR(type) ? O_DIRECTORY : 0);
	int fd = openat(dir_fd, name, flags);

	return fd < 0 ? hostfs_errno() : fd;
}

/* A new O_PATH descriptor of a placed object; place_lock is held. */
static int open_placed(struct hostfs_inode *hi)
{
	struct hostfs_hold parent;
	if (!hi->parent)
		return -ESTALE;		/* let go by hostfs_let_go */
	int r = hostfs_hold(hostfs_inode(hi->parent), &parent);
	if (r < 0)
		return r;
	AUTO_CLOSE int fd = open_path(parent.fd, hi->name, hi->inode.type);
	hostfs_release(&parent);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ESTALE;
	if (fd < 0)
		return fd;
	struct statx stx;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, HOSTFS_STATX, &stx) < 0)
		return hostfs_errno();
	if (!same_object(hi, &stx))
		return -ESTALE;
	r = fd;
	fd = -1;
	return r;
}

static void forget_place(struct hostfs_inode *hi, struct inode **ret_parent)
{
	*ret_parent = hi->parent;
	hi->parent = NULL;
	free(hi->name);
	hi->name = NULL;
}

int hostfs_pin(struct hostfs_inode *hi)
{
	struct inode *parent = NULL;
	int r = 0;

	if (atomic_load(&hi->fd) >= 0)
		return 0;
	(void)pthread_rwlock_wrlock(&hi->place_lock);
	if (atomic_load(&hi->fd) < 0) {
		r = open_placed(hi);
		if (r >= 0) {
			atomic_store(&hi->fd, r);
			atomic_fetch_add(&hostfs_of(&hi->inode)->pins, 1);
			forget_place(hi, &parent);
			r = 0;
		}
	}
	(void)pthread_rwlock_unlock(&hi->place_lock);
	inode_unref(parent);
	return r;
}

void hostfs_reach_by(struct hostfs_inode *hi, int *fd)
{
	(void)pthread_rwlock_wrlock(&hi->place_lock);
	if (atomic_load(&hi->fd) < 0 && !hi->parent) {
		atomic_store(&hi->fd, *fd);
		atomic_fetch_add(&hostfs_of(&hi->inode)->pins, 1);
		*fd = -1;
	}
	(void)pthread_rwlock_unlock(&hi->place_lock);
}

/*
 * Has nobody opened the file? A write lease tells (fcntl(2)), which ends with our descriptor. Who opens it at this
 * moment makes the kernel send a signal: not SIGIO, which would be passed on to the command.
 */
static bool is_idle(int path_fd)
{
	char path[PROC_FD_PATH_SIZE];
	AUTO_CLOSE int fd = open(hostfs_proc_path(path_fd, path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_SETSIG, SIGCHLD) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

static bool let_go(struct hostfs_inode *hi)
{
	struct inode *parent = NULL;

	(void)pthread_rwlock_wrlock(&hi->place_lock);
	AUTO_CLOSE int fd = atomic_load(&hi->fd) < 0 ? open_placed(hi) : -1;
	bool idle = fd >= 0 && is_idle(fd);
	if (idle)
		forget_place(hi, &parent);
	(void)pthread_rwlock_unlock(&hi->place_lock);
	inode_unref(parent);
	return idle;
}

static void swap_places(struct hostfs_inode *hi)
{
	struct inode *parent = hi->parent;
	char *name = hi->name;

	hi->parent = hi->spare_parent;
	hi->name = hi->spare_name;
	hi->spare_parent = parent;
	hi->spare_name = name;
}

static bool is_placed_at(const struct hostfs_inode *hi, const struct inode *dir, const char *name)
{
	return hi->parent == dir && strcmp(hi->name, name) == 0;
}

/* Is it reached, from now on, by a name other than this one? */
static bool has_other_place(struct hostfs_inode *hi, const struct inode *dir, const char *name)
{
	(void)pthread_rwlock_wrlock(&hi->place_lock);
	bool placed = atomic_load(&hi->fd) < 0 && hi->parent;
	bool swapped = placed && is_placed_at(hi, dir, name) && hi->spare_parent;
	if (swapped)
		swap_places(hi);
	AUTO_CLOSE int fd = placed && !is_placed_at(hi, dir, name) ? open_placed(hi) : -1;
	if (swapped && fd < 0)
		swap_places(hi);
	(void)pthread_rwlock_unlock(&hi->place_lock);
	return fd >= 0;
}

int hostfs_before_unlink(struct hostfs_inode *hi, const struct inode *dir, const char *name)
{
	struct hostfs *fs = hostfs_of(&hi->inode);
	struct statx stx;

	if (atomic_load(&fs->pins) >= fs->pins_max && S_ISREG(hi->inode.type) && hostfs_stat(hi, &stx) == 0 &&
	    (stx.stx_nlink == 1 ? let_go(hi) : has_other_place(hi, dir, name)))
		return 0;
	int r = hostfs_pin(hi);
	/* Whoever still has it gets -ESTALE, which is better than to keep the name. */
	return r == -ENFILE ? 0 : r;
}

void hostfs_give_room(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	if (!atomic_load(&hi->unlinked))
		return;
	int fd = atomic_exchange(&hi->fd, -1);
	if (fd < 0)
		return;
	(void)close(fd);
	atomic_fetch_sub(&hostfs_of(inode)->pins, 1);
}

static bool pin_directory(struct hostfs_inode *hi)
{
	struct hostfs *fs = hostfs_of(&hi->inode);

	return S_ISDIR(hi->inode.type) && atomic_load(&fs->pins) < fs->pins_max && hostfs_pin(hi) == 0;
}

int hostfs_hold(struct hostfs_inode *hi, struct hostfs_hold *ret)
{
	int fd = atomic_load(&hi->fd);
	if (fd < 0 && pin_directory(hi))
		fd = atomic_load(&hi->fd);
	if (fd >= 0) {
		*ret = (struct hostfs_hold){.fd = fd};
		return 0;
	}
	(void)pthread_rwlock_rdlock(&hi->place_lock);
	fd = atomic_load(&hi->fd);
	if (fd >= 0) {
		*ret = (struct hostfs_hold){.fd = fd};
		fd = 0;
	} else {
		fd = open_placed(hi);
		if (fd >= 0) {
			*ret = (struct hostfs_hold){.fd = fd, .temporary = true};
			fd = 0;
		}
	}
	(void)pthread_rwlock_unlock(&hi->place_lock);
	return fd;
}

void hostfs_release(struct hostfs_hold *hold)
{
	if (hold->temporary)
		(void)close(hold->fd);
	*hold = (struct hostfs_hold){.fd = -1};
}

int hostfs_at_begin(struct hostfs_inode *hi, struct hostfs_at *ret)
{
	*ret = (struct hostfs_at){.hi = hi, .fd = atomic_load(&hi->fd), .name = "", .parent = {.fd = -1}};
	if (ret->fd >= 0)
		return 0;
	(void)pthread_rwlock_rdlock(&hi->place_lock);
	ret->locked = true;
	ret->fd = atomic_load(&hi->fd);
	if (ret->fd >= 0)
		return 0;
	int r = hi->parent ? hostfs_hold(hostfs_inode(hi->parent), &ret->parent) : -ESTALE;
	if (r < 0) {
		hostfs_at_end(ret);
		return r;
	}
	ret->fd = ret->parent.fd;
	ret->name = hi->name;
	return 0;
}

void hostfs_at_end(struct hostfs_at *at)
{
	hostfs_release(&at->parent);
	if (at->locked)
		(void)pthread_rwlock_unlock(&at->hi->place_lock);
	at->locked = false;
}

int hostfs_at_stat(const struct hostfs_at *at, struct statx *ret)
{
	if (statx(at->fd, at->name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, HOSTFS_STATX, ret) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ESTALE : hostfs_errno();
	if (at->name[0] != '\0' && !same_object(at->hi, ret))
		return -ESTALE;
	return 0;
}

int hostfs_stat(struct hostfs_inode *hi, struct statx *ret)
{
	struct hostfs_at at;
	int r = hostfs_at_begin(hi, &at);
	if (r < 0)
		return r;
	r = hostfs_at_stat(&at, ret);
	hostfs_at_end(&at);
	return r;
}

static void keep_as_spare(struct hostfs_inode *hi, struct inode **ret_dropped)
{
	*ret_dropped = hi->spare_parent;
	free(hi->spare_name);
	hi->spare_parent = hi->parent;
	hi->spare_name = hi->name;
	hi->parent = NULL;
	hi->name = NULL;
}

int hostfs_place(struct hostfs_inode *hi, struct inode *parent, const char *name)
{
	struct inode *old = NULL;
	int r = 0;

	if (atomic_load(&hi->fd) >= 0)
		return 0;
	(void)pthread_rwlock_wrlock(&hi->place_lock);
	if (atomic_load(&hi->fd) < 0 && (hi->parent != parent || !hi->name || strcmp(hi->name, name) != 0)) {
		char *copy = strdup(name);
		if (copy) {
			if (hi->parent && atomic_load_explicit(&hi->inode.many_names, memory_order_relaxed))
				keep_as_spare(hi, &old);
			else
				forget_place(hi, &old);
			hi->name = copy;
			hi->parent = inode_ref(parent);
		} else {
			r = -ENOMEM;
		}
	}
	(void)pthread_rwlock_unlock(&hi->place_lock);
	inode_unref(old);
	return r;
}

/*
 * The host takes an object that is reached by a descriptor for what it was called when that was opened, also when this
 * name has gone. Whoever borrows the descriptor's number has the same object before and after.
 */
static void pin_by(struct hostfs_inode *hi, struct inode *dir, const char *name)
{
	struct hostfs_hold hold;
	struct statx stx;

	if (atomic_load(&hi->unlinked) || hostfs_hold(hostfs_inode(dir), &hold) < 0)
		return;
	AUTO_CLOSE int fd = openat(hold.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	hostfs_release(&hold);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx) < 0 || !same_object(hi, &stx))
		return;
	(void)pthread_rwlock_wrlock(&hi->place_lock);
	if (atomic_load(&hi->fd) >= 0)
		(void)dup3(fd, atomic_load(&hi->fd), O_CLOEXEC);
	(void)pthread_rwlock_unlock(&hi->place_lock);
}

void hostfs_come_by(struct inode *inode, struct inode *dir, const char *name)
{
	struct hostfs_inode *hi = hostfs_inode(inode);

	if (atomic_load(&hi->fd) >= 0)
		pin_by(hi, dir, name);
	else
		(void)hostfs_place(hi, dir, name);
}
