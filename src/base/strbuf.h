/*
 * A growing byte buffer. After an allocation failure every append is ignored and strbuf_error() says -ENOMEM,
 * so callers check once at the end.
 */
#ifndef TRAPLINE_BASE_STRBUF_H
#define TRAPLINE_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

struct strbuf {
	char *data;	/* owned; always NUL-terminated once anything was appended */
	size_t len;	/* bytes without the NUL */
	size_t cap;
	int error;	/* 0 or -ENOMEM */
};

void strbuf_init(struct strbuf *b);
void strbuf_finish(struct strbuf *b);
void strbuf_clear(struct strbuf *b);		/* forget the bytes, keep the memory */
void strbuf_add(struct strbuf *b, const void *bytes, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void strbuf_add_u64(struct strbuf *b, uint64_t v);	/* decimal, no printf */
void strbuf_add_i64(struct strbuf *b, int64_t v);
void strbuf_add_hex(struct strbuf *b, uint64_t v);	/* "0x..." without padding; 0 is "0" */
const char *strbuf_str(const struct strbuf *b);		/* never NULL */
int strbuf_error(const struct strbuf *b);

#define AUTO_STRBUF CLEANUP(strbuf_finish)

#endif
