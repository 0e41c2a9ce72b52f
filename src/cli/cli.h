/*
 * What the subcommands share. Each subcommand is one function in a file of its own (cmd_NAME in NAME.c), called with
 * argv[0] = "NAME"; what it returns is trapline's exit status. The table of them is in main.c.
 */
#ifndef TRAPLINE_CLI_CLI_H
#define TRAPLINE_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

enum {
	CLI_EXIT_FAILURE = 1,		/* trapline itself could not do its work */
	CLI_EXIT_USAGE = 2,		/* the command line makes no sense */
	CLI_EXIT_NOT_EXECUTABLE = 126,	/* the guest's command cannot be executed; as sh, env and nohup do */
	CLI_EXIT_NOT_FOUND = 127,	/* there is no such command */
};

typedef int cli_command(int argc, char **argv);

cli_command cmd_run, cmd_trace, cmd_policy, cmd_bench, cmd_doctor, cmd_version, cmd_help;

/*
 * End trapline as its guest ended: exit with the status that waitpid(2) gave, or die of the same signal, without a core
 * of our own, so that a shell that waits for us sees what it would have seen of the guest.
 */
_Noreturn void cli_exit_like(int wait_status);

/*
 * The exit status for a command that execve refused with a negative errno: 127 for -ENOENT, else 126, as env(1) does.
 */
int cli_exec_failure_status(int error);

/*
 * Put close-on-exec /dev/null on descriptors 0 to 2 that are closed, so that no file of ours lands there and is
 * written to by accident; the guest still starts with them closed. Called by main before anything else.
 */
void cli_guard_std_fds(void);

/* Flush stdout. 0, or CLI_EXIT_FAILURE after saying why (a full disk): for commands whose output is their result. */
int cli_finish_stdout(void);

/* A file's name for a message: an empty one is seen. */
static inline const char *cli_shown(const char *path)
{
	return *path ? path : "''";
}

/* One line on stderr, in one write: "trapline COMMAND: message". command may be NULL. */
void cli_error(const char *command, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * getopt_long(3) that explains what it does not know. Stops at the first operand, so options of the guest stay its own.
 * argv[0] names the subcommand. Returns what getopt_long does, but '?' only after one line on stderr:
 *     trapline run: unknown option '--mechansim' (did you mean '--mechanism'?)
 * after which the caller returns CLI_EXIT_USAGE. shortopts is as for getopt(3), without a leading '+' or ':'.
 */
int cli_getopt(int argc, char **argv, const char *shortopts, const struct option *longopts);

/* Start again at the first option: for a subcommand of a subcommand (policy check ...), with its own argc and argv. */
void cli_getopt_restart(void);

/* The word nearest to a misspelt one (at most a third of it, and at most 3 letters, differ), or NULL. */
const char *cli_nearest(const char *word, const char *const *words, size_t count);

/* The difference of two words in letters changed, added, dropped or swapped with their neighbour. */
unsigned cli_edit_distance(const char *a, const char *b);

/*
 * A number from min to max, decimal, or hexadecimal with 0x. On success 0; otherwise CLI_EXIT_USAGE after a line on
 * stderr: "trapline run: --uid: 'x' is not a number from 0 to 4294967294".
 */
MUST_CHECK int cli_parse_number(const char *command, const char *what, const char *text, uint64_t min, uint64_t max,
				uint64_t *ret);

/*
 * The index of text in words. On success 0; otherwise CLI_EXIT_USAGE after a line on stderr with the nearest word or
 * all of them: "trapline run: --mechanism: unknown 'notfy' (did you mean 'notify'?)".
 */
MUST_CHECK int cli_parse_word(const char *command, const char *what, const char *text, const char *const *words,
			      size_t count, size_t *ret);

#endif
