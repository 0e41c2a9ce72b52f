/*
 * The two sources of a decoder that runs twice: one keeps what live memory answered, one hands it back.
 *
 * The log is a row of answers without padding, in the order of the questions: a 32-bit word in host order and, when
 * it is not negative, as many bytes as its low 30 bits say. A negative word is an errno. Bit 30 says that a string
 * was complete.
 */
#include <string.h>

#include "syscalls/decode.h"

#define ANSWER_COMPLETE (1 << 30)
#define ANSWER_LEN (ANSWER_COMPLETE - 1)

static void record(struct strbuf *log, int32_t head, const void *bytes)
{
	strbuf_add(log, &head, sizeof(head));
	if (head > 0 && (head & ANSWER_LEN))
		strbuf_add(log, bytes, (size_t)(head & ANSWER_LEN));
}

static struct recording_source *recording(struct decode_source *src)
{
	return (struct recording_source *)src;
}

static int recording_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	struct recording_source *s = recording(src);
	int r = s->live->ops->read(s->live, addr, buf, len);
	record(s->log, r < 0 ? r : (int32_t)len, buf);
	return r;
}

static ssize_t recording_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max,
				     bool *ret_complete)
{
	struct recording_source *s = recording(src);
	bool complete = false;
	ssize_t n = s->live->ops->read_string(s->live, addr, buf, max, &complete);
	record(s->log, n < 0 ? (int32_t)n : (int32_t)n | (complete ? ANSWER_COMPLETE : 0), buf);
	if (n >= 0)
		*ret_complete = complete;
	return n;
}

static ssize_t recording_fd_path(struct decode_source *src, int fd, char *buf, size_t size)
{
	struct recording_source *s = recording(src);
	ssize_t n = s->live->ops->fd_path(s->live, fd, buf, size);
	record(s->log, (int32_t)n, buf);
	return n;
}

static ssize_t recording_fd_socket(struct decode_source *src, int fd, char *buf, size_t size)
{
	struct recording_source *s = recording(src);
	ssize_t n = s->live->ops->fd_socket ? s->live->ops->fd_socket(s->live, fd, buf, size) : -EOPNOTSUPP;
	record(s->log, (int32_t)n, buf);
	return n;
}

static int recording_pid_note(struct decode_source *src, pid_t pid, struct pid_note *ret)
{
	struct recording_source *s = recording(src);
	int r = s->live->ops->pid_note ? s->live->ops->pid_note(s->live, pid, ret) : -EOPNOTSUPP;
	record(s->log, r < 0 ? r : (int32_t)sizeof(*ret), ret);
	return r;
}

static ssize_t recording_interface_name(struct decode_source *src, uint32_t index, char *buf, size_t size)
{
	struct recording_source *s = recording(src);
	const struct decode_source_ops *ops = s->live->ops;
	ssize_t n = ops->interface_name ? ops->interface_name(s->live, index, buf, size) : -EOPNOTSUPP;
	record(s->log, (int32_t)n, buf);
	return n;
}

static const struct decode_source_ops recording_ops = {
	.read = recording_read,
	.read_string = recording_read_string,
	.fd_path = recording_fd_path,
	.fd_socket = recording_fd_socket,
	.pid_note = recording_pid_note,
	.interface_name = recording_interface_name,
};

void recording_source_init(struct recording_source *s, struct decode_source *live, struct strbuf *log)
{
	*s = (struct recording_source){.base.ops = &recording_ops, .live = live, .log = log};
}

static struct replay_source *replay(struct decode_source *src)
{
	return (struct replay_source *)src;
}

/* The next answer: its bytes go to buf if there are at most max. Its head, or -EFAULT when the log has no such one. */
static int32_t next_answer(struct replay_source *s, void *buf, size_t max)
{
	int32_t head;
	if (s->len - s->at < sizeof(head))
		return -EFAULT;
	memcpy(&head, s->log + s->at, sizeof(head));
	s->at += sizeof(head);
	if (head < 0)
		return head;
	size_t len = (size_t)(head & ANSWER_LEN);
	if (len > max || len > s->len - s->at) {
		s->at = s->len;		/* the walk went another way: nothing behind here can be trusted */
		return -EFAULT;
	}
	memcpy(buf, s->log + s->at, len);
	s->at += len;
	return head;
}

static int replay_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	(void)addr;
	int32_t head = next_answer(replay(src), buf, len);
	if (head < 0)
		return head;
	return (size_t)(head & ANSWER_LEN) == len ? 0 : -EFAULT;
}

static ssize_t replay_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	(void)addr;
	int32_t head = next_answer(replay(src), buf, max);
	if (head < 0)
		return head;
	*ret_complete = head & ANSWER_COMPLETE;
	return head & ANSWER_LEN;
}

static ssize_t replay_fd(struct decode_source *src, int fd, char *buf, size_t size)
{
	(void)fd;
	int32_t head = next_answer(replay(src), buf, size);
	return head < 0 ? head : head & ANSWER_LEN;
}

static int replay_pid_note(struct decode_source *src, pid_t pid, struct pid_note *ret)
{
	return replay_read(src, (uint64_t)pid, ret, sizeof(*ret));
}

static ssize_t replay_interface_name(struct decode_source *src, uint32_t index, char *buf, size_t size)
{
	return replay_fd(src, (int)index, buf, size);
}

static const struct decode_source_ops replay_ops = {
	.read = replay_read,
	.read_string = replay_read_string,
	.fd_path = replay_fd,
	.fd_socket = replay_fd,
	.pid_note = replay_pid_note,
	.interface_name = replay_interface_name,
};

void replay_source_init(struct replay_source *s, const void *log, size_t len)
{
	*s = (struct replay_source){.base.ops = &replay_ops, .log = log, .len = len};
}
