#include "tracer/auxv.h"

#include <elf.h>

#include "kernel/task/cred.h"
#include "tracer/memory.h"

enum {
	WORD = 8,
	CHUNK_WORDS = 512,
	MAX_WORDS = 6 * 1024 * 1024 / WORD,	/* a stack holds at most 6 MiB of arguments (execve(2)) */
	MAX_ENTRIES = 64,
};

/* Where the NULL that ends envp is; words are read up to the end of their page, as the stack may end there. */
static int skip_to_null(pid_t tid, uint64_t *at)
{
	uint64_t words[CHUNK_WORDS];
	for (size_t seen = 0; seen < MAX_WORDS;) {
		size_t count = CHUNK_WORDS - *at / WORD % CHUNK_WORDS;
		int r = memory_read(tid, *at, words, count * WORD);
		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++) {
			*at += WORD;
			if (!words[i])
				return 0;
		}
		seen += count;
	}
	return -EFAULT;
}

static bool id_for(const struct cred *c, uint64_t type, uint64_t *ret)
{
	switch (type) {
	case AT_UID:
		*ret = c->ruid;
		return true;
	case AT_EUID:
		*ret = c->euid;
		return true;
	case AT_GID:
		*ret = c->rgid;
		return true;
	case AT_EGID:
		*ret = c->egid;
		return true;
	default:
		return false;
	}
}

int auxv_set_ids(pid_t tid, uint64_t sp, const struct cred *cred)
{
	uint64_t argc;
	int r = memory_read(tid, sp, &argc, sizeof(argc));
	if (r < 0)
		return r;
	if (argc > MAX_WORDS)
		return -EFAULT;
	uint64_t at = sp + (argc + 2) * WORD;
	r = skip_to_null(tid, &at);
	for (int i = 0; r == 0 && i < MAX_ENTRIES; i++, at += 2 * WORD) {
		uint64_t entry[2];
		r = memory_read(tid, at, entry, sizeof(entry));
		if (r < 0 || entry[0] == AT_NULL)
			break;
		if (id_for(cred, entry[0], &entry[1]))
			r = memory_write(tid, at + WORD, &entry[1], WORD);
	}
	return r;
}
