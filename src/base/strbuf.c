#include "base/strbuf.h"

#include <string.h>

void strbuf_init(struct strbuf *b)
{
	*b = (struct strbuf){0};
}

void strbuf_finish(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf){0};
}

void strbuf_clear(struct strbuf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* Make room for len more bytes and a NUL; returns where they go, or NULL. */
static char *reserve(struct strbuf *b, size_t len)
{
	if (b->error)
		return NULL;
	if (len < b->cap - b->len && b->cap)
		return b->data + b->len;
	size_t cap = b->cap ? b->cap : 64;
	while (cap - b->len <= len)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data) {
		b->error = -ENOMEM;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return data + b->len;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t len)
{
	char *at = reserve(b, len);
	if (!at)
		return;
	if (len)	/* bytes may be NULL then */
		memcpy(at, bytes, len);
	at[len] = '\0';
	b->len += len;
}

void strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
	char small[256];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(small, sizeof(small), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(small)) {
		strbuf_add(b, small, (size_t)n);
		return;
	}
	char *at = reserve(b, (size_t)n);
	if (!at)
		return;
	va_start(ap, format);
	(void)vsnprintf(at, (size_t)n + 1, format, ap);
	va_end(ap);
	b->len += (size_t)n;
}

static void add_base(struct strbuf *b, uint64_t v, unsigned base)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	strbuf_add(b, digits + at, sizeof(digits) - at);
}

void strbuf_add_u64(struct strbuf *b, uint64_t v)
{
	add_base(b, v, 10);
}

void strbuf_add_i64(struct strbuf *b, int64_t v)
{
	if (v < 0)
		strbuf_addc(b, '-');
	add_base(b, v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
}

void strbuf_add_hex(struct strbuf *b, uint64_t v)
{
	if (v)
		strbuf_add(b, "0x", 2);
	add_base(b, v, 16);
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->data ? b->data : "";
}

int strbuf_error(const struct strbuf *b)
{
	return b->error;
}
