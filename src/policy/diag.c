#include "policy/diag.h"

#include <stdarg.h>
#include <string.h>

#define LINE_SHOWN 120	/* bytes of a long line around the caret */

struct diags *diags_create(void)
{
	return calloc(1, sizeof(struct diags));
}

void diags_destroy(struct diags *d)
{
	if (!d)
		return;
	arena_finish(&d->arena);
	free(d);
}

PRINTF_LIKE(2, 0)
static const char *format_text(struct diags *d, const char *format, va_list ap)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), format, ap);
	const char *copy;

	if (n < 0)
		return "";
	copy = arena_strndup(&d->arena, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	return copy ? copy : "";
}

PRINTF_LIKE(4, 0)
static void add(struct diags *d, struct span at, enum severity severity, const char *format, va_list ap)
{
	size_t *counter = severity == SEVERITY_ERROR ? &d->errors : &d->warnings;

	(*counter)++;
	if (!diags_room(d))
		return;
	d->list[d->count++] = (struct diag){.at = at, .severity = severity, .message = format_text(d, format, ap)};
}

void diag_error(struct diags *d, struct span at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(d, at, SEVERITY_ERROR, format, ap);
	va_end(ap);
}

void diag_warning(struct diags *d, struct span at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(d, at, SEVERITY_WARNING, format, ap);
	va_end(ap);
}

void diag_hint(struct diags *d, const char *format, ...)
{
	va_list ap;

	if (d->errors + d->warnings != d->count)
		return;
	va_start(ap, format);
	d->list[d->count - 1].hint = format_text(d, format, ap);
	va_end(ap);
}

static size_t line_start(const struct source *s, size_t offset)
{
	const char *nl = offset ? memrchr(s->text, '\n', offset) : NULL;

	return nl ? (size_t)(nl - s->text) + 1 : 0;
}

static size_t line_end(const struct source *s, size_t offset)
{
	const char *nl = offset < s->len ? memchr(s->text + offset, '\n', s->len - offset) : NULL;

	return nl ? (size_t)(nl - s->text) : s->len;
}

unsigned diag_column(const struct diags *d, struct span at)
{
	return (unsigned)(at.offset - line_start(&d->sources[at.source], at.offset)) + 1;
}

/* The line, made safe for a terminal: a control character shows as '?', a tab stays. */
static void add_printable(struct strbuf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		strbuf_addc(out, (c < ' ' && c != '\t') || c == 0x7f ? '?' : (char)c);
	}
}

static void print_excerpt(const struct source *s, const struct diag *g, struct strbuf *out)
{
	size_t first = line_start(s, g->at.offset), end = line_end(s, g->at.offset);
	size_t len = g->at.len, i;

	if (g->at.offset - first > LINE_SHOWN / 2 && end - first > LINE_SHOWN)
		first = g->at.offset - LINE_SHOWN / 2;
	if (end - first > LINE_SHOWN)
		end = first + LINE_SHOWN;
	strbuf_addf(out, "%5u | ", g->at.line);
	add_printable(out, s->text + first, end - first);
	strbuf_adds(out, "\n      | ");
	for (i = first; i < g->at.offset; i++)
		strbuf_addc(out, s->text[i] == '\t' ? '\t' : ' ');
	strbuf_addc(out, '^');
	for (i = 1; i < len && g->at.offset + i < end; i++)
		strbuf_addc(out, '~');
	if (g->hint)
		strbuf_addf(out, " %s", g->hint);
	strbuf_addc(out, '\n');
}

static int by_place(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;

	if (x->at.source != y->at.source)
		return x->at.source < y->at.source ? -1 : 1;
	return (x->at.offset > y->at.offset) - (x->at.offset < y->at.offset);
}

void diags_print(struct diags *d, struct strbuf *out)
{
	size_t total = d->errors + d->warnings;

	qsort(d->list, d->count, sizeof(d->list[0]), by_place);
	for (unsigned i = 0; i < d->count; i++) {
		const struct diag *g = &d->list[i];
		const struct source *s = &d->sources[g->at.source];

		strbuf_addf(out, "%s:%u:%u: %s: %s\n", s->name, g->at.line, diag_column(d, g->at),
			    g->severity == SEVERITY_ERROR ? "error" : "warning", g->message);
		print_excerpt(s, g, out);
	}
	if (total > d->count)
		strbuf_addf(out, "... and %zu more\n", total - d->count);
}
