/* Each fuzz target is one file with this function; libFuzzer calls it, and replay.c does with the kept corpus. */
#ifndef TRAPLINE_TESTS_FUZZ_H
#define TRAPLINE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
