/* The known name nearest to a misspelt one, for "did you mean". */
#include <string.h>

#include "syscalls/table.h"

#define MAX_DISTANCE 3
#define MAX_NAME 48	/* longer than any call's name with room for errors */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b; both at most MAX_NAME long. */
static unsigned distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned rows[3][MAX_NAME + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= blen; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[blen];
}

struct search {
	const char *key;
	size_t len;
	const char *best;
	unsigned best_distance;
};

static void consider(struct search *s, const char *name)
{
	size_t len = strlen(name);
	unsigned d;

	if (len > MAX_NAME || len > s->len + MAX_DISTANCE || s->len > len + MAX_DISTANCE)
		return;
	d = distance(s->key, s->len, name, len);
	/* A name that would have to be replaced altogether is no suggestion. */
	if (d < s->best_distance && d < s->len) {
		s->best = name;
		s->best_distance = d;
	}
}

const char *call_nearest(const char *name, size_t len)
{
	static const char *const groups[GROUP_COUNT] = {
		[GROUP_FILE] = "%file", [GROUP_DESC] = "%desc", [GROUP_PROCESS] = "%process",
		[GROUP_NETWORK] = "%network", [GROUP_SIGNAL] = "%signal", [GROUP_IPC] = "%ipc",
		[GROUP_MEMORY] = "%memory", [GROUP_CREDS] = "%creds", [GROUP_CLOCK] = "%clock",
		[GROUP_PURE] = "%pure", [GROUP_STAT] = "%stat", [GROUP_LSTAT] = "%lstat", [GROUP_FSTAT] = "%fstat",
		[GROUP_STATFS] = "%statfs", [GROUP_FSTATFS] = "%fstatfs", [GROUP_STATX] = "%%stat",
		[GROUP_STATFSX] = "%%statfs",
	};
	struct search s = {.key = name, .len = len, .best_distance = MAX_DISTANCE + 1};

	if (len > MAX_NAME)
		return NULL;
	if (len && name[0] == '%') {
		for (int g = 0; g < GROUP_COUNT; g++)
			consider(&s, groups[g]);
		return s.best;
	}
	for (int id = 0; id < CALL_COUNT; id++)
		consider(&s, call_desc((enum call_id)id)->name);
	return s.best;
}
