#include "tracer/policy/audit.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/strbuf.h"

enum { PER_SECOND_STDERR = 10, PER_SECOND_FILE = 10000 };

int audit_init(struct audit *a, const char *path, bool quiet)
{
	*a = (struct audit){.quiet = quiet, .path = path};
	(void)pthread_mutex_init(&a->lock, NULL);
	if (!path)
		return 0;
	a->file = fopen(path, "ae");
	return a->file ? 0 : -errno;
}

/* The lock is held. A guest's calls go on as decided when nobody can be told. */
static void write_line(struct audit *a, const char *line, size_t len)
{
	if (a->lost || (fwrite(line, 1, len, a->file) == len && fflush(a->file) == 0))
		return;
	log_error("cannot write '%s': %s: the rest of the audit is lost", a->path, strerror(errno));
	a->lost = true;
}

static void say_missed(struct audit *a)
{
	char line[64];
	if (!a->missed)
		return;
	if (a->file)
		write_line(a, line, (size_t)snprintf(line, sizeof(line), "{\"missed\":%u}\n", a->missed));
	else
		log_warning("%u more were not said: at most %d a second are", a->missed, PER_SECOND_STDERR);
	a->missed = 0;
}

void audit_finish(struct audit *a)
{
	say_missed(a);
	if (a->file)
		(void)fclose(a->file);
	a->file = NULL;
	(void)pthread_mutex_destroy(&a->lock);
}

/* The lock is held. */
static bool may_say(struct audit *a, uint64_t second)
{
	if (second != a->second) {
		say_missed(a);
		a->second = second;
		a->said = 0;
	}
	if (a->said < (a->file ? PER_SECOND_FILE : PER_SECOND_STDERR)) {
		a->said++;
		return true;
	}
	a->missed++;
	return false;
}

static void add_json_string(struct strbuf *b, const char *text, size_t len)
{
	strbuf_addc(b, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			strbuf_addf(b, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			strbuf_addf(b, "\\u%04x", c);	/* bytes as Latin-1: names need not be UTF-8 */
		else
			strbuf_addc(b, (char)c);
	}
	strbuf_addc(b, '"');
}

/* A guest chose these bytes: none of them may reach a terminal as a control character. */
static void add_plain(struct strbuf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f || c == '\\')
			strbuf_addf(b, "\\x%02x", c);
		else
			strbuf_addc(b, (char)c);
	}
}

static const struct policy_string *path_of(const struct task_facts *f, unsigned param)
{
	const struct policy_string *s = &f->copies[param].resolved;
	return s->text ? s : NULL;
}

static void add_rule(struct strbuf *b, const struct policy *p, const struct decision *d)
{
	if (d->rule)
		policy_span_format(p, d->rule->at, b);
	else
		strbuf_adds(b, d->by_abi ? "the ABI's treatment" : d->by_detour ? "a detour to what is refused" : "default");
}

static const char *call_name(const struct task_facts *f)
{
	return f->event.id >= 0 ? call_desc(f->event.id)->name : "unknown";
}

static void say_json(struct audit *a, const struct policy *p, const struct task_facts *f, const struct decision *d,
		     const struct timespec *now)
{
	AUTO_STRBUF struct strbuf b;
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&b);
	strbuf_init(&text);
	strbuf_addf(&b, "{\"time\":%lld.%06ld,\"pid\":%d,\"tid\":%d,\"call\":\"%s\",\"action\":", (long long)now->tv_sec,
		    now->tv_nsec / 1000, f->tgid, f->call->tid, call_name(f));
	policy_action_format(p, &d->action, &text);
	add_json_string(&b, strbuf_str(&text), text.len);
	strbuf_clear(&text);
	add_rule(&text, p, d);
	strbuf_adds(&b, ",\"rule\":");
	add_json_string(&b, strbuf_str(&text), text.len);
	bool any = false;
	for (unsigned i = 0; i < 6; i++) {
		const struct policy_string *path = path_of(f, i);
		if (!path)
			continue;
		strbuf_adds(&b, any ? "," : ",\"paths\":[");
		add_json_string(&b, path->text, path->len);
		any = true;
	}
	if (any)
		strbuf_addc(&b, ']');
	strbuf_adds(&b, "}\n");
	write_line(a, b.data, b.len);
}

static void say_line(const struct policy *p, const struct task_facts *f, const struct decision *d)
{
	AUTO_STRBUF struct strbuf b;
	strbuf_init(&b);
	add_rule(&b, p, d);
	strbuf_adds(&b, ": ");
	policy_action_format(p, &d->action, &b);
	strbuf_addf(&b, ": %s", call_name(f));
	for (unsigned i = 0; i < 6; i++) {
		const struct policy_string *path = path_of(f, i);
		if (!path)
			continue;
		strbuf_addc(&b, ' ');
		add_plain(&b, path->text, path->len);
	}
	log_warning("%s (pid %d)", strbuf_str(&b), f->tgid);
}

void audit_say(struct audit *a, const struct policy *p, const struct task_facts *f, const struct decision *d)
{
	struct timespec now;
	if (!audit_wants(a))
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)pthread_mutex_lock(&a->lock);
	if (may_say(a, (uint64_t)now.tv_sec)) {
		if (a->file)
			say_json(a, p, f, d, &now);
		else
			say_line(p, f, d);
	}
	(void)pthread_mutex_unlock(&a->lock);
}
