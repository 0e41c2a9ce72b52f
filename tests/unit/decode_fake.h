/* The decoder over fake memory: what its tests share. */
#ifndef TRAPLINE_TESTS_DECODE_FAKE_H
#define TRAPLINE_TESTS_DECODE_FAKE_H

#include <check.h>

#include "syscalls/decode.h"

#define MEMORY_BASE UINT64_C(0x10000)
#define MEMORY_SIZE 65536

/*
 * Descriptor 7 is none, 3 is a TCP socket, 5, 12 and 13 are netlink's, 14 without a port; interface 2 is eth0; process
 * 7 is none.
 */
struct fake_memory {
	struct decode_source base;
	uint8_t bytes[MEMORY_SIZE];
	unsigned asked;
};

extern struct fake_memory memory;
extern struct decode_options options;

void setup(void);	/* a fixture: memory of zeroes, strace's options */

/* Bytes at an offset of the memory; returns their address. */
uint64_t put(size_t at, const void *bytes, size_t len);

/* Both walks of a call into text: "open("/x", O_RDONLY) = 3". */
void text_of(struct decode_call call, const struct decode_result *result, struct decode_source *src, struct strbuf *out);

void expect(const char *want, const char *name, int64_t value, const uint64_t args[6]);
#define ARGS(...) ((const uint64_t[6]){__VA_ARGS__})

#endif
