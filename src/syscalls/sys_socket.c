/*
 * AF_UNIX sockets with names in the virtual tree: bind(2), connect(2), getsockname(2), getpeername(2).
 * net/unix/af_unix.c of Linux. Addresses of other families are no names, and sockets of other families cannot take one:
 * their calls pass. An AF_UNIX socket's call is always carried out here, on a copy of the address.
 *
 * The caller makes the call itself where it can be made to (call_event.lends): so it is who the peer sees, and who
 * sleeps. Else a peer sees this process in SO_PEERCRED.
 *
 * socket(2) only where it asks for the host's audit.
 */
#include "syscalls/sys_socket.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "base/capability.h"
#include "base/tmp_dir.h"
#include "syscalls/handlers.h"

int unix_socket_get(struct file_call *c, int fd, int *ret)
{
	int r = c->ev->ops->get_fd(c->ev, fd, ret);
	if (r < 0)
		return r;
	int domain = 0;
	socklen_t len = sizeof(domain);
	if (getsockopt(*ret, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return errno == ENOTSOCK || errno == EBADF ? 1 : -errno;
	return domain == AF_UNIX ? 0 : 1;
}

int unix_address_copy_in(struct file_call *c, struct guest_ptr from, uint64_t len, struct unix_address *ret)
{
	*ret = (struct unix_address){.host = -1};
	if ((int)len < 0 || (int)len > (int)sizeof(struct sockaddr_storage))
		return -EINVAL;
	char bytes[sizeof(struct sockaddr_storage)] = {0};
	if ((int)len)  {
		int r = copy_in(c->ev, bytes, from, (size_t)(int)len);
		if (r < 0)
			return r;
	}
	ret->len = (socklen_t)(int)len;
	memcpy(&ret->addr, bytes, sizeof(ret->addr));
	/* What Linux refuses it refuses for our copy too: a length that no AF_UNIX address has, another family. */
	size_t head = offsetof(struct sockaddr_un, sun_path);
	ret->named = ret->len > head && ret->len <= sizeof(ret->addr) && ret->addr.sun_family == AF_UNIX &&
		ret->addr.sun_path[0];
	if (ret->named)
		memcpy(ret->name, ret->addr.sun_path, ret->len - head);
	return 0;
}

void unix_address_put(struct unix_address *a)
{
	if (a->host >= 0)
		(void)close(a->host);
}

/* The host's address of a descriptor: a link that leads to the object itself. */
static void point_to_fd(struct unix_address *a)
{
	char own[FD_NAME_SIZE];
	a->addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	size_t len = strlen(fd_name(a->host, own));
	memcpy(a->addr.sun_path, own, len + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}

/*
 * The object that is connected to may not be the one that has the mode: who listens at a socket of an overlay's lower
 * layer does so there, also when its mode was changed in the upper. Whom only that one lets in finds nobody who
 * listens, as on overlayfs.
 */
static bool host_refuses(const struct cred *cred, int host)
{
	struct stat st;
	if (cred->faked || cred->host || cred_capable(cred, CAP_DAC_OVERRIDE) || fstat(host, &st) < 0)
		return false;
	unsigned class = st.st_uid == cred->fsuid ? 6 : cred_in_group(cred, st.st_gid) ? 3 : 0;
	return !(st.st_mode >> class & S_IWOTH);
}

int unix_address_find(struct file_call *c, struct unix_address *a)
{
	if (!a->named)
		return 0;
	/* A name that recvfrom or accept showed as the host has it. */
	struct sockaddr_un shown = a->addr;
	socklen_t len = a->len;
	char *name = a->name;
	char known[sizeof(shown.sun_path) + 1] = "";
	if (unix_names_show(c->k->files->unix_names, &shown, &len)) {
		memcpy(known, shown.sun_path, len - offsetof(struct sockaddr_un, sun_path));
		name = known;
	}
	struct path p;
	int r = vfs_walk(&c->task.env, NULL, name, WALK_FOLLOW, &p);
	if (r < 0)
		return r;
	r = vfs_permission(&c->task.env, &p, W_OK);
	if (r == 0 && !S_ISSOCK(path_inode(&p)->type))
		r = -ECONNREFUSED;
	if (r == 0)
		r = vfs_host(&p, &a->host);
	path_put(&p);
	/* A socket that mknod made: nobody listens. */
	if (r == -EOPNOTSUPP)
		r = -ECONNREFUSED;
	if (r == 0 && c->ev->lends && host_refuses(c->task.cred, a->host))
		r = -ECONNREFUSED;
	if (r == 0)
		point_to_fd(a);
	return r;
}

/* A longer one is an error that the call gives here as well. */
bool unix_address_lends(const struct file_call *c, const struct unix_address *a)
{
	return c->ev->lends && a->len <= sizeof(a->addr);
}

struct lent_address *unix_address_lend(struct unix_address *a, int arg)
{
	struct lent_address *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->fd = a->host;
	l->arg = arg;
	l->len = a->len;
	memcpy(l->address, &a->addr, a->len);
	a->host = -1;
	return l;
}

/* ---- connect ---- */

struct blocking_connect {
	struct blocking base;
	int socket;
	struct unix_address to;
};

static void drop_connect(struct blocking *b)
{
	struct blocking_connect *c = (struct blocking_connect *)b;
	(void)close(c->socket);
	unix_address_put(&c->to);
	free(c);
}

static struct verdict run_connect(struct blocking *b)
{
	const struct blocking_connect *c = (const struct blocking_connect *)b;
	int r = connect(c->socket, (const struct sockaddr *)&c->to.addr, c->to.len) < 0 ? -errno : 0;
	drop_connect(b);
	return verdict_value(r);
}

/* Only a stream's connect may wait, for room in the listener's queue. */
static bool may_wait(int socket)
{
	int type = 0;
	socklen_t len = sizeof(type);
	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type == SOCK_DGRAM)
		return false;
	return !(fcntl(socket, F_GETFL) & O_NONBLOCK);
}

static struct verdict connect_to(struct file_call *c, int *socket, struct unix_address *to)
{
	if (unix_address_lends(c, to)) {
		struct lent_address *lent = unix_address_lend(to, 1);
		return lent ? verdict_lend(lent) : answer(-ENOMEM);
	}
	if (!to->named || !may_wait(*socket))
		return answer(connect(*socket, (const struct sockaddr *)&to->addr, to->len) < 0 ? -errno : 0);
	struct blocking_connect *b = malloc(sizeof(*b));
	if (!b)
		return answer(-ENOMEM);
	*b = (struct blocking_connect){
		.base = {.run = run_connect, .drop = drop_connect}, .socket = *socket, .to = *to,
	};
	*socket = -1;
	to->host = -1;
	return verdict_block(&b->base);
}

struct verdict sys_connect(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int socket AUTO_CLOSE = -1;
	int r = unix_socket_get(&c, (int)ev->args[0], &socket);
	if (r > 0)
		return verdict_pass();
	struct unix_address to AUTO_UNIX_ADDRESS = {.host = -1};
	if (r == 0)
		r = unix_address_copy_in(&c, arg_ptr(ev, 1), ev->args[2], &to);
	if (r == 0)
		r = unix_address_find(&c, &to);
	return r < 0 ? answer(r) : connect_to(&c, &socket, &to);
}

/* ---- bind ---- */

/* A socket's file gets the mode of the socket itself, less the umask; ours is 0. */
static int bind_with_umask(int socket, const struct unix_address *a, mode_t umask)
{
	struct stat st;
	if (fstat(socket, &st) < 0)
		return -errno;
	(void)fchmod(socket, st.st_mode & 07777 & ~umask);
	int r = bind(socket, (const struct sockaddr *)&a->addr, a->len) < 0 ? -errno : 0;
	(void)fchmod(socket, st.st_mode & 07777);
	return r;
}

/* Bind below a directory of the host, under a name of ours. */
static int bind_below(struct file_call *c, int socket, int dir, mode_t umask, const struct unix_address *given,
		      char ret_name[UNIX_HOST_NAME_SIZE])
{
	unix_names_add(c->k->files->unix_names, &given->addr, given->len, ret_name);
	struct unix_address a = {.host = -1, .addr = {.sun_family = AF_UNIX}};
	int n = snprintf(a.addr.sun_path, sizeof(a.addr.sun_path), "/proc/self/fd/%d/%s", dir, ret_name);
	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
	return bind_with_umask(socket, &a, umask);
}

/* The host made it for us. */
static int give_to_caller(struct file_call *c, const struct path *parent, const char *last)
{
	const struct cred *cred = c->task.cred;
	struct vfs_attr attr = {.valid = STATX_UID | STATX_GID, .uid = cred->fsuid, .gid = cred->fsgid};
	struct walk_env session = c->task.env;
	struct path p;
	struct statx dir;
	if (cred->host)
		return 0;
	int r = vfs_getattr(parent, &dir);
	if (r < 0)
		return r;
	if (dir.stx_mode & S_ISGID)
		attr.gid = dir.stx_gid;
	session.cred = NULL;
	r = vfs_walk(&session, parent, last, 0, &p);
	if (r < 0)
		return r;
	r = S_ISSOCK(path_inode(&p)->type) ? vfs_setattr(&session, &p, &attr) : 0;
	path_put(&p);
	return r;
}

/* In a directory that is the host's own: the socket is there for programs outside too. */
static int bind_on_host(struct file_call *c, int socket, int dir, const struct path *parent, const char *last,
			const struct unix_address *given)
{
	char name[UNIX_HOST_NAME_SIZE];
	int r = bind_below(c, socket, dir, c->task.env.umask, given, name);
	if (r < 0)
		return r;
	if (renameat2(dir, name, dir, last, RENAME_NOREPLACE) == 0)
		return give_to_caller(c, parent, last);
	r = -errno;
	(void)unlinkat(dir, name, 0);
	return r;
}

/* Elsewhere the virtual inode holds the host's socket, whose own name is gone at once. */
static int bind_in_tree(struct file_call *c, int socket, const struct path *parent, const char *last,
			const struct unix_address *given)
{
	int scratch AUTO_CLOSE = open(tmp_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (scratch < 0)
		return -errno;
	char name[UNIX_HOST_NAME_SIZE];
	/* Who may connect the virtual inode says, which has the mode. */
	int r = bind_below(c, socket, scratch, 0, given, name);
	if (r < 0)
		return r;
	int node AUTO_CLOSE = openat(scratch, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = node < 0 ? -errno : 0;
	(void)unlinkat(scratch, name, 0);
	return r < 0 ? r : vfs_mksock(&c->task.env, parent, last, S_IFSOCK | 0777, &node);
}

/* Splits a name at its last component ("" of "/"), which slashes may follow. */
static void split(char *name, const char **ret_parent, const char **ret_last, bool *ret_slash)
{
	size_t len = strlen(name);
	*ret_slash = len > 1 && name[len - 1] == '/';
	while (len > 1 && name[len - 1] == '/')
		name[--len] = '\0';
	char *slash = strrchr(name, '/');
	*ret_last = slash ? slash + 1 : name;
	*ret_parent = !slash ? "." : slash == name ? "/" : name;
	if (slash)
		*slash = '\0';
}

/* May names in it be looked up? */
static int search(struct file_call *c, const struct path *dir)
{
	struct path p;
	int r = vfs_walk(&c->task.env, dir, ".", 0, &p);
	if (r == 0)
		path_put(&p);
	return r;
}

static bool in_use(struct file_call *c, const struct path *parent, const char *last)
{
	struct path p;
	int r = vfs_walk(&c->task.env, parent, last, 0, &p);
	if (r == 0)
		path_put(&p);
	return r == 0;
}

static int bind_at(struct file_call *c, int socket, const struct path *parent, const char *last,
		   const struct unix_address *given)
{
	if (in_use(c, parent, last))
		return -EEXIST;
	if (vfs_is_removed(parent) || path_inode(parent)->super->flags & SUPER_FIXED_NAMES)
		return -ENOENT;
	if (vfs_mount_flags(parent) & MOUNT_READONLY)
		return -EROFS;
	int r = vfs_permission(&c->task.env, parent, W_OK | X_OK);
	if (r < 0)
		return r;
	int dir AUTO_CLOSE = -1;
	if (path_inode(parent)->super->flags & SUPER_HOST_DIRS && vfs_host(parent, &dir) == 0)
		return bind_on_host(c, socket, dir, parent, last, given);
	return bind_in_tree(c, socket, parent, last, given);
}

static int do_bind(struct file_call *c, int socket, struct unix_address *a)
{
	if (!a->named)
		return bind(socket, (const struct sockaddr *)&a->addr, a->len) < 0 ? -errno : 0;
	const char *above;
	const char *last;
	bool slash;
	split(a->name, &above, &last, &slash);
	struct path parent;
	int r = vfs_walk(&c->task.env, NULL, above, WALK_FOLLOW | WALK_DIRECTORY, &parent);
	if (r < 0)
		return r;
	if (!*last)
		r = -EEXIST;
	else if (search(c, &parent) < 0)
		r = -EACCES;
	else if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		r = -EEXIST;
	else if (slash)
		r = in_use(c, &parent, last) ? -EEXIST : -ENOENT;
	else
		r = bind_at(c, socket, &parent, last, a);
	path_put(&parent);
	return r == -EEXIST ? -EADDRINUSE : r;
}

struct verdict sys_bind(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int socket AUTO_CLOSE = -1;
	int r = unix_socket_get(&c, (int)ev->args[0], &socket);
	if (r > 0)
		return verdict_pass();
	struct unix_address a AUTO_UNIX_ADDRESS = {.host = -1};
	if (r == 0)
		r = unix_address_copy_in(&c, arg_ptr(ev, 1), ev->args[2], &a);
	return answer(r < 0 ? r : do_bind(&c, socket, &a));
}

/* ---- names shown ---- */

int unix_address_copy_out(struct call_event *ev, struct guest_ptr to, struct guest_ptr len_to,
			  const struct sockaddr_un *addr, socklen_t len)
{
	int room;
	int r = copy_in(ev, &room, len_to, sizeof(room));
	if (r < 0)
		return r;
	if (room < 0)
		return -EINVAL;
	r = copy_out(ev, to, addr, MIN((size_t)room, len));
	/* The length is told in full, also where the room was not. */
	return r < 0 ? r : copy_out(ev, len_to, &len, sizeof(len));
}

typedef int name_call(int fd, struct sockaddr *addr, socklen_t *len);

static struct verdict do_getname(struct kernel *k, struct call_event *ev, name_call *call)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int socket AUTO_CLOSE = -1;
	int r = unix_socket_get(&c, (int)ev->args[0], &socket);
	if (r < 0)
		return answer(r);
	struct sockaddr_un addr = {0};
	socklen_t len = sizeof(addr);
	if (r > 0 || call(socket, (struct sockaddr *)&addr, &len) < 0 ||
	    !unix_names_show(k->files->unix_names, &addr, &len))
		return verdict_pass();
	return answer(unix_address_copy_out(ev, arg_ptr(ev, 1), arg_ptr(ev, 2), &addr, len));
}

static int own_name(int fd, struct sockaddr *addr, socklen_t *len)
{
	return getsockname(fd, addr, len);
}

static int peer_name(int fd, struct sockaddr *addr, socklen_t *len)
{
	return getpeername(fd, addr, len);
}

struct verdict sys_getsockname(struct kernel *k, struct call_event *ev)
{
	return do_getname(k, ev, own_name);
}

struct verdict sys_getpeername(struct kernel *k, struct call_event *ev)
{
	return do_getname(k, ev, peer_name);
}

/*
 * root that may write no audit records is EPERM to itself, which programs take for an attack: sshd(8) ends the session.
 * A kernel without audit is what they know to do without. net/netlink/af_netlink.c: the type is judged first.
 */
struct verdict sys_socket(struct kernel *k, struct call_event *ev)
{
	int type = (int)ev->args[1] & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool audit = (int)ev->args[0] == AF_NETLINK && (int)ev->args[2] == NETLINK_AUDIT;
	if (!audit || (type != SOCK_RAW && type != SOCK_DGRAM) || !k->cred->faked || capability_effective(CAP_AUDIT_WRITE))
		return verdict_pass();
	return verdict_value(-EPROTONOSUPPORT);
}
