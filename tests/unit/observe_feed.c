#include "observe_feed.h"

#include <check.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20 };

static const char guest_string[] = "/etc/passwd";

static int guest_read(struct decode_source *src UNUSED, uint64_t addr UNUSED, void *buf, size_t len)
{
	memset(buf, 'a', len);
	return 0;
}

static ssize_t guest_read_string(struct decode_source *src UNUSED, uint64_t addr UNUSED, char *buf, size_t max,
				 bool *ret_complete)
{
	size_t len = strlen(guest_string);
	*ret_complete = len <= max;
	len = len < max ? len : max;
	memcpy(buf, guest_string, len);
	return (ssize_t)len;
}

static ssize_t guest_fd_path(struct decode_source *src UNUSED, int fd, char *buf, size_t size)
{
	if (fd != 7 || size < sizeof(guest_string))
		return -EBADF;
	memcpy(buf, guest_string, strlen(guest_string));
	return (ssize_t)strlen(guest_string);
}

static const struct decode_source_ops guest_ops = {
	.read = guest_read,
	.read_string = guest_read_string,
	.fd_path = guest_fd_path,
};

void feed_init(struct feed *f)
{
	*f = (struct feed){.file = "/tmp/trapline-test-XXXXXX"};
	observe_options_init(&f->options);
	int fd = mkstemp(f->file);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	f->options.file = f->file;
}

void feed_start(struct feed *f)
{
	ck_assert_int_eq(recorder_create(&f->options, &f->recorder), 0);
}

const char *feed_read_file(const char *path)
{
	static char text[OUTPUT_MAX];
	AUTO_FCLOSE FILE *in = fopen(path, "re");
	ck_assert_ptr_nonnull(in);
	size_t len = fread(text, 1, sizeof(text) - 1, in);
	text[len] = '\0';
	(void)unlink(path);
	return text;
}

const char *feed_finish(struct feed *f)
{
	ck_assert_int_eq(recorder_finish(f->recorder), 0);
	return feed_read_file(f->file);
}

static struct record head(struct feed *f, pid_t tid, enum record_kind kind)
{
	f->now_us += 10;
	return (struct record){
		.kind = (uint8_t)kind, .id = CALL_NONE, .tid = tid, .tgid = 100, .time_ns = f->now_us * 1000,
	};
}

static struct record call_head(struct feed *f, pid_t tid, enum record_kind kind, enum call_id id,
			       const uint64_t args[6])
{
	struct record r = head(f, tid, kind);
	r.id = id;
	r.nr = id >= 0 ? call_desc(id)->nr[ABI_X86_64] : 999;
	if (args)
		memcpy(r.args, args, sizeof(r.args));
	return r;
}

/* The trap loop's walk over a call, at its entry or its end, with the log that it leaves. */
static unsigned capture(struct feed *f, const struct record *r, const struct decode_result *result, struct strbuf *log)
{
	struct decode_source live = {.ops = &guest_ops};
	struct recording_source recording;
	struct decode_call call = {.id = (enum call_id)r->id, .nr = r->nr, .tid = r->tid};
	memcpy(call.args, r->args, sizeof(call.args));
	recording_source_init(&recording, &live, log);
	unsigned first = decode_enter(&call, &f->options.decode, &recording.base, null_printer());
	if (!result)
		return first;
	strbuf_clear(log);
	recording_source_init(&recording, &live, log);
	decode_exit(&call, result, first, &f->options.decode, &recording.base, null_printer());
	decode_result_text(&call, result, &f->options.decode, &recording.base, NULL);
	return first;
}

void feed_enter(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6])
{
	AUTO_STRBUF struct strbuf log;
	strbuf_init(&log);
	struct record r = call_head(f, tid, RECORD_ENTER, id, args);
	(void)capture(f, &r, NULL, &log);
	recorder_put(f->recorder, &r, log.data, log.len);
}

void feed_exit(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6], int64_t value)
{
	AUTO_STRBUF struct strbuf log;
	strbuf_init(&log);
	struct record r = call_head(f, tid, RECORD_EXIT, id, args);
	r.result = value;
	r.is_error = value < 0 && value >= -4095;
	struct decode_result result = {.value = value, .is_error = r.is_error};
	(void)capture(f, &r, &result, &log);
	recorder_put(f->recorder, &r, log.data, log.len);
}

void feed_call(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6], int64_t result)
{
	feed_enter(f, tid, id, args);
	feed_exit(f, tid, id, args, result);
}

void feed_payload(struct feed *f, pid_t tid, enum record_kind kind, int64_t result, const void *payload, size_t len)
{
	struct record r = head(f, tid, kind);
	r.result = result;
	recorder_put(f->recorder, &r, payload, len);
}

void feed_event(struct feed *f, pid_t tid, enum record_kind kind, int64_t result)
{
	feed_payload(f, tid, kind, result, NULL, 0);
}
