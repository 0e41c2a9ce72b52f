/*
 * Reading a command line: options, numbers and words, each mistake explained in one line with the nearest right word.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>

#include "base/strbuf.h"

enum { WORD_MAX = 63 };	/* longer words are compared by their beginning */

void cli_error(const char *command, const char *format, ...)
{
	AUTO_STRBUF struct strbuf line;
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	strbuf_init(&line);
	strbuf_adds(&line, "trapline");
	if (command) {
		strbuf_addc(&line, ' ');
		strbuf_adds(&line, command);
	}
	strbuf_adds(&line, ": ");
	/* What a person typed may hold anything: a message stays one line and sends the terminal no commands. */
	for (const char *c = text; *c; c++)
		strbuf_addc(&line, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	strbuf_addc(&line, '\n');
	if (write(STDERR_FILENO, strbuf_str(&line), line.len) < 0)
		return;	/* nobody to tell */
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Optimal string alignment (Damerau-Levenshtein without moves over edited parts), three rows at a time. */
unsigned cli_edit_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t alen = strnlen(a, WORD_MAX), blen = strnlen(b, WORD_MAX);

	for (size_t j = 0; j <= blen; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned differs = a[i - 1] != b[j - 1];

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *free_row = before;

		before = above;
		above = row;
		row = free_row;
	}
	return above[blen];
}

/* Whether a distance is small enough for a suggestion that helps. */
static bool near_enough(const char *word, unsigned distance)
{
	size_t len = strlen(word);

	return distance <= 3 && distance * 3 <= (len < 3 ? 3 : len);
}

const char *cli_nearest(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	unsigned least = WORD_MAX + 1;

	for (size_t i = 0; i < count; i++) {
		unsigned distance = cli_edit_distance(word, words[i]);

		if (distance < least) {
			least = distance;
			nearest = words[i];
		}
	}
	return nearest && near_enough(word, least) ? nearest : NULL;
}

static const char *nearest_long_option(const char *name, const struct option *longopts)
{
	const char *nearest = NULL;
	unsigned least = WORD_MAX + 1;

	for (; longopts && longopts->name; longopts++) {
		unsigned distance = cli_edit_distance(name, longopts->name);

		if (distance < least) {
			least = distance;
			nearest = longopts->name;
		}
	}
	return nearest && near_enough(name, least) ? nearest : NULL;
}

/* Several long options begin with this: getopt_long could not choose. */
static bool is_ambiguous(const char *name, size_t len, const struct option *longopts)
{
	unsigned matches = 0;

	for (; longopts && longopts->name; longopts++)
		matches += !strncmp(longopts->name, name, len);
	return matches > 1;
}

static void explain_long_option(const char *command, const char *arg, const struct option *longopts)
{
	char name[WORD_MAX + 1];
	const char *nearest;
	size_t len = strcspn(arg + 2, "=");

	if (len > WORD_MAX)
		len = WORD_MAX;
	memcpy(name, arg + 2, len);
	name[len] = '\0';
	for (const struct option *o = longopts; o && o->name; o++) {
		if (!strcmp(o->name, name)) {
			cli_error(command, "option '--%s' takes no value", name);
			return;
		}
	}
	if (is_ambiguous(name, len, longopts)) {
		cli_error(command, "option '--%s' is ambiguous", name);
		return;
	}
	nearest = nearest_long_option(name, longopts);
	if (nearest)
		cli_error(command, "unknown option '--%s' (did you mean '--%s'?)", name, nearest);
	else
		cli_error(command, "unknown option '--%s'; see 'trapline help %s'", name, command);
}

int cli_getopt(int argc, char **argv, const char *shortopts, const struct option *longopts)
{
	static const struct option none[] = {{0}};
	char spec[128];
	int first = optind ? optind : 1;	/* with '+', the argument that getopt looks at now */
	const char *arg;
	int opt;

	(void)snprintf(spec, sizeof(spec), "+:%s", shortopts);
	opterr = 0;
	opt = getopt_long(argc, argv, spec, longopts ? longopts : none, NULL);
	if (opt != '?' && opt != ':')
		return opt;

	arg = argv[first];
	if (arg[1] == '-' && opt == ':')
		cli_error(argv[0], "option '%s' needs a value", arg);
	else if (arg[1] == '-')
		explain_long_option(argv[0], arg, longopts);
	else if (opt == ':')
		cli_error(argv[0], "option '-%c' needs a value", optopt);
	else
		cli_error(argv[0], "unknown option '-%c'; see 'trapline help %s'", optopt, argv[0]);
	return '?';
}

void cli_getopt_restart(void)
{
	optind = 0;	/* glibc: start anew, reading the '+' again */
}

int cli_parse_number(const char *command, const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long value = 0;
	char *end = NULL;

	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		value = strtoull(text, &end, hex ? 16 : 10);
	if (!end || *end || errno || value < min || value > max) {
		cli_error(command, "%s: '%s' is not a number from %llu to %llu", what, text, (unsigned long long)min,
			  (unsigned long long)max);
		return CLI_EXIT_USAGE;
	}
	*ret = value;
	return 0;
}

int cli_parse_word(const char *command, const char *what, const char *text, const char *const *words, size_t count,
		   size_t *ret)
{
	AUTO_STRBUF struct strbuf all = {0};
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(text, words[i])) {
			*ret = i;
			return 0;
		}
	}
	nearest = cli_nearest(text, words, count);
	if (nearest) {
		cli_error(command, "%s: unknown '%s' (did you mean '%s'?)", what, text, nearest);
		return CLI_EXIT_USAGE;
	}
	strbuf_init(&all);
	for (size_t i = 0; i < count; i++) {
		strbuf_adds(&all, i ? ", " : "");
		strbuf_adds(&all, words[i]);
	}
	cli_error(command, "%s: unknown '%s'; known: %s", what, text, strbuf_str(&all));
	return CLI_EXIT_USAGE;
}
