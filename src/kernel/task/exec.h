/*
 * execve(2) in a tree of our own: from a name to what is to be mapped. Nothing of it is the host's to look up: program,
 * interpreters of scripts and PT_INTERP are found in the caller's root. Set-user-ID bits are ignored.
 */
#ifndef TRAPLINE_KERNEL_TASK_EXEC_H
#define TRAPLINE_KERNEL_TASK_EXEC_H

#include "base/strbuf.h"
#include "kernel/task/elf.h"
#include "kernel/vfs/vfs.h"

struct exec_cache;

enum { EXEC_COMM_MAX = 16 };	/* TASK_COMM_LEN */

struct exec_request {
	uint16_t machine;		/* EM_* of programs that can run */
	struct exec_cache *programs;	/* those that were executed before; or NULL */
	const struct path *base;	/* of a relative name; NULL: the working directory */
	const char *name;
	bool no_follow;			/* AT_SYMLINK_NOFOLLOW */
	/* AT_EMPTY_PATH with an empty name: the object itself. fd: a duplicate of the caller's descriptor; borrowed. */
	const struct path *object;	/* NULL: it is not of the tree */
	int fd;				/* -1: the name counts */
	/* What the program is told that it was called: for execveat on a descriptor "/dev/fd/N" or "/dev/fd/N/name". */
	const char *shown;
	bool only_check;		/* AT_EXECVE_CHECK: nothing is executed */
	bool unreachable;		/* .shown leads nowhere after the execve (a close-on-exec descriptor) */
	/*
	 * The host has made the call: where names lead there is not asked for. The interpreter's name as it shows it.
	 */
	bool executed;
	const char *interp;
};

/* A file of the host. */
struct exec_file_id {
	dev_t dev;
	ino_t ino;
};

struct exec_plan {
	struct path exe;		/* of the program that is mapped; {NULL, NULL}: not of the tree */
	struct elf_image program;
	struct elf_image interp;	/* .fd -1: none */
	char *shown;			/* AT_EXECFN; owned */
	char comm[EXEC_COMM_MAX];
	struct strbuf prefix;		/* of a script: what takes the place of argv[0], each string with its NUL */
	unsigned prefix_count;
	/* The host's own execve finds the same files by the same names, and may be made instead (task/exec_host.h). */
	bool native;
	struct exec_file_id exe_id;	/* what it must execute, as stat tells it ... */
	struct exec_file_id interp_id;	/* ... and with PT_INTERP begin in, as /proc/PID/maps tells it */
};

/* An errno that execve(2) fails with, or 0 and a plan to be destroyed. */
MUST_CHECK int exec_resolve(const struct walk_env *env, const struct exec_request *request, struct exec_plan **ret);
void exec_plan_destroy(struct exec_plan *p);	/* NULL is nothing */

/* The first line of a script, of which head holds the first len bytes (256 at most, the rest zeroed). */
struct exec_script {
	char interp[256];
	char arg[256];			/* "": none */
};
/* -ENOEXEC: none, or the interpreter's name is cut off. */
MUST_CHECK int exec_parse_script(const char head[256], struct exec_script *ret);

#endif
