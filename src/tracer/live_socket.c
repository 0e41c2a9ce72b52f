/*
 * The socket is taken over for a moment with pidfd_getfd(2) and asked itself, rather than looked up in /proc/net, which
 * lists every socket of the machine. Only a UNIX socket's peer is not to be had so: sock_diag(7) tells it.
 */
#include "tracer/live_socket.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "tracer/proc_status.h"

static int take_socket(pid_t tgid, int fd)
{
	AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (pidfd < 0)
		return -errno;
	int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return taken < 0 ? -errno : taken;
}

static int option(int sock, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	return getsockopt(sock, SOL_SOCKET, name, &value, &len) < 0 ? -errno : value;
}

static void add_end(struct strbuf *out, const struct sockaddr_storage *addr)
{
	char text[INET6_ADDRSTRLEN];
	if (addr->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
		(void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		strbuf_addf(out, "%s:%u", text, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)addr;
		(void)inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
		strbuf_addf(out, "[%s]:%u", text, ntohs(in->sin6_port));
	}
}

static bool has_port(const struct sockaddr_storage *addr)
{
	/* The port is at the same place in both. */
	return ((const struct sockaddr_in *)addr)->sin_port != 0;
}

static const char *inet_protocol(int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_UDPLITE:
		return "UDPLITE";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "PING";
	default:
		return "RAW";
	}
}

static void add_inet(struct strbuf *out, int sock, int family, ino_t inode)
{
	struct sockaddr_storage own = {0};
	struct sockaddr_storage peer = {0};
	socklen_t own_len = sizeof(own);
	socklen_t peer_len = sizeof(peer);
	strbuf_addf(out, "%s%s:[", inet_protocol(option(sock, SO_PROTOCOL)), family == AF_INET6 ? "v6" : "");
	if (getsockname(sock, (struct sockaddr *)&own, &own_len) < 0 || !has_port(&own)) {
		strbuf_add_u64(out, inode);
	} else {
		add_end(out, &own);
		if (getpeername(sock, (struct sockaddr *)&peer, &peer_len) == 0) {
			strbuf_adds(out, "->");
			add_end(out, &peer);
		}
	}
	strbuf_addc(out, ']');
}

struct unix_question {
	struct nlmsghdr head;
	struct unix_diag_req request;
};

/* The peer's inode of a UNIX socket, 0 if it has none or sock_diag does not tell. */
static uint32_t unix_peer(ino_t inode)
{
	AUTO_CLOSE int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct unix_question question = {
		.head = {.nlmsg_len = sizeof(question), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
		.request = {
			.sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX, .udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_PEER, .udiag_cookie = {UINT32_MAX, UINT32_MAX},
		},
	};
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} answer;
	if (diag < 0 || send(diag, &question, sizeof(question), 0) < 0)
		return 0;
	ssize_t got = recv(diag, &answer, sizeof(answer), MSG_DONTWAIT);
	size_t fixed = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct unix_diag_msg));
	if (got < (ssize_t)fixed || answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	for (size_t at = fixed; at + NLA_HDRLEN + sizeof(uint32_t) <= (size_t)got;) {
		struct nlattr attr;
		memcpy(&attr, answer.bytes + at, sizeof(attr));
		if (attr.nla_type == UNIX_DIAG_PEER) {
			uint32_t peer;
			memcpy(&peer, answer.bytes + at + NLA_HDRLEN, sizeof(peer));
			return peer;
		}
		if (attr.nla_len < NLA_HDRLEN)
			return 0;
		at += NLA_ALIGN(attr.nla_len);
	}
	return 0;
}

/* The bytes of a path in quotes, with what would break the line or the quotes as octal. */
static void add_path(struct strbuf *out, const char *path, size_t len)
{
	strbuf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			strbuf_addf(out, "\\%03o", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

static void add_unix(struct strbuf *out, int sock, ino_t inode)
{
	static const char *const types[] = {
		[SOCK_STREAM] = "STREAM", [SOCK_DGRAM] = "DGRAM", [SOCK_SEQPACKET] = "SEQPACKET",
	};
	int type = option(sock, SO_TYPE);
	struct sockaddr_un own = {0};
	socklen_t len = sizeof(own);
	bool known = type > 0 && (size_t)type < ARRAY_SIZE(types) && types[type];
	strbuf_addf(out, "UNIX-%s:[", known ? types[type] : "?");
	strbuf_add_u64(out, inode);
	uint32_t peer = unix_peer(inode);
	if (peer)
		strbuf_addf(out, "->%u", peer);
	size_t path_at = offsetof(struct sockaddr_un, sun_path);
	if (getsockname(sock, (struct sockaddr *)&own, &len) == 0 && len > path_at && len <= sizeof(own)) {
		size_t path_len = len - path_at;
		strbuf_addc(out, ',');
		if (own.sun_path[0]) {
			add_path(out, own.sun_path, strnlen(own.sun_path, path_len));
		} else {
			strbuf_addc(out, '@');
			add_path(out, own.sun_path + 1, path_len - 1);
		}
	}
	strbuf_addc(out, ']');
}

static void add_netlink(struct strbuf *out, int sock, ino_t inode)
{
	static const char *const protocols[] = {
		[NETLINK_ROUTE] = "ROUTE", [NETLINK_USERSOCK] = "USERSOCK", [NETLINK_FIREWALL] = "FIREWALL",
		[NETLINK_SOCK_DIAG] = "SOCK_DIAG", [NETLINK_NFLOG] = "NFLOG", [NETLINK_XFRM] = "XFRM",
		[NETLINK_SELINUX] = "SELINUX", [NETLINK_ISCSI] = "ISCSI", [NETLINK_AUDIT] = "AUDIT",
		[NETLINK_FIB_LOOKUP] = "FIB_LOOKUP", [NETLINK_CONNECTOR] = "CONNECTOR", [NETLINK_NETFILTER] = "NETFILTER",
		[NETLINK_IP6_FW] = "IP6_FW", [NETLINK_DNRTMSG] = "DNRTMSG", [NETLINK_KOBJECT_UEVENT] = "KOBJECT_UEVENT",
		[NETLINK_GENERIC] = "GENERIC", [NETLINK_SCSITRANSPORT] = "SCSITRANSPORT", [NETLINK_ECRYPTFS] = "ECRYPTFS",
		[NETLINK_RDMA] = "RDMA", [NETLINK_CRYPTO] = "CRYPTO", [NETLINK_SMC] = "SMC",
	};
	int protocol = option(sock, SO_PROTOCOL);
	struct sockaddr_nl own = {0};
	socklen_t len = sizeof(own);
	bool known = protocol >= 0 && (size_t)protocol < ARRAY_SIZE(protocols) && protocols[protocol];
	/* sock_diag(7) lists none without a port: such a one is known by its inode. */
	if (!known || getsockname(sock, (struct sockaddr *)&own, &len) < 0 || !own.nl_pid)
		strbuf_addf(out, "NETLINK:[%llu]", (unsigned long long)inode);
	else
		strbuf_addf(out, "NETLINK:[%s:%u]", protocols[protocol], own.nl_pid);
}

static int describe_socket(struct strbuf *out, pid_t tgid, int fd, ino_t inode)
{
	AUTO_CLOSE int sock = take_socket(tgid, fd);
	if (sock < 0)
		return sock;
	int family = option(sock, SO_DOMAIN);
	switch (family) {
	case AF_INET:
	case AF_INET6:
		add_inet(out, sock, family, inode);
		return 0;
	case AF_UNIX:
		add_unix(out, sock, inode);
		return 0;
	case AF_NETLINK:
		add_netlink(out, sock, inode);
		return 0;
	default:
		return -ENOENT;
	}
}

/* Of a descriptor of a process: its id, as trapline knows it. */
static int describe_pidfd(struct strbuf *out, pid_t tid, int fd)
{
	char path[64], line[128];
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, fd);
	ssize_t len = readlink(path, line, sizeof(line) - 1);
	if (len < 0)
		return -errno;
	line[len] = '\0';
	if (strcmp(line, "anon_inode:[pidfd]") != 0)
		return -ENOENT;
	if (!proc_fdinfo_field(tid, fd, "Pid", line, sizeof(line)))
		return -ENOENT;
	int pid = (int)strtol(line, NULL, 10);
	if (pid <= 0)
		return -ENOENT;		/* it has ended, or is of another namespace */
	strbuf_addf(out, "pid:%d", pid);
	return 0;
}

static int describe(struct strbuf *out, pid_t tid, pid_t tgid, int fd)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, fd);
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		return describe_socket(out, tgid, fd, st.st_ino);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return st.st_mode & S_IFMT ? -ENOENT : describe_pidfd(out, tid, fd);
	strbuf_addf(out, "%s %u:%u", S_ISCHR(st.st_mode) ? "char" : "block", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

ssize_t live_descriptor(pid_t tid, pid_t tgid, int fd, char *buf, size_t size)
{
	AUTO_STRBUF struct strbuf text = {0};
	int r = describe(&text, tid, tgid, fd);
	if (r == 0)
		r = strbuf_error(&text);
	if (r < 0)
		return r;
	size_t len = text.len < size ? text.len : size;
	memcpy(buf, strbuf_str(&text), len);
	return (ssize_t)len;
}
