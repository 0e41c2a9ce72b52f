/*
 * Embed a session: run a command and answer the system calls you choose from your own code.
 *
 *     static int on_getpid(void *context, struct trapline_call *call, int64_t *answer)
 *     {
 *             *answer = 42;
 *             return TRAPLINE_ANSWER;
 *     }
 *     struct trapline *t = trapline_new();
 *     trapline_handle(t, "getpid", on_getpid, NULL);
 *     trapline_run(t, argv, &status);
 *     trapline_free(t);
 *
 * Functions return 0 or a negative errno; a failure that a person must understand is also one line on stderr. One
 * session runs at a time in a process, in the thread that calls trapline_run; handlers are called from that thread and
 * from worker threads, at most one at a time for one guest task, several at a time for several.
 */
#ifndef TRAPLINE_TRAPLINE_H
#define TRAPLINE_TRAPLINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <trapline/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRAPLINE_API __attribute__((visibility("default")))

struct trapline;	/* a session before and after it runs */

/* One intercepted call. Owned by trapline; valid until the handler returns. */
struct trapline_call {
	const char *name;	/* "openat"; NULL for a number that no table knows */
	const char *abi;	/* "x86_64", "aarch64", "i386", "x32" */
	int64_t number;		/* as the guest gave it */
	uint64_t args[6];	/* registers; addresses are the guest's */
	pid_t task;		/* the calling thread */
	void *opaque;
};

enum trapline_decision {
	TRAPLINE_PASS,		/* the host kernel (or trapline's own handler) carries the call out */
	TRAPLINE_ANSWER,	/* *answer is what the guest sees; -4095 to -1 are errors to it */
};

typedef int trapline_handler(void *context, struct trapline_call *call, int64_t *answer);

/* NULL when memory is out. */
TRAPLINE_API struct trapline *trapline_new(void);
/* Accepts NULL. */
TRAPLINE_API void trapline_free(struct trapline *t);

/* "auto" (default), "notify", "trace", "sysemu", "step". -EINVAL: no such mechanism. */
TRAPLINE_API int trapline_set_mechanism(struct trapline *t, const char *name);
/*
 * Identity that trapline's own handlers tell the guest. -EINVAL for (uid_t)-1 and for a host name of 0 or over 64
 * bytes.
 */
TRAPLINE_API int trapline_set_uid(struct trapline *t, uid_t uid);
TRAPLINE_API int trapline_set_gid(struct trapline *t, gid_t gid);
TRAPLINE_API int trapline_set_hostname(struct trapline *t, const char *name);

/*
 * Statements of trapline-policy(5): rules, mounts, identity, injections. Those of later calls follow those of earlier
 * ones. They are read by trapline_run, before anything is started. -ENOMEM.
 */
TRAPLINE_API int trapline_add_policy(struct trapline *t, const char *statements);
/* A policy in a file, read by trapline_run after those statements; SIGHUP has it read anew. -ENOMEM. */
TRAPLINE_API int trapline_set_policy_file(struct trapline *t, const char *path);
/* Where the command starts, in the guest's tree. -ENOMEM. */
TRAPLINE_API int trapline_set_cwd(struct trapline *t, const char *path);

/*
 * Have a handler asked about a system call by name, before trapline's own handler for it. A later handler for the same
 * call replaces the earlier. A policy's rule that applies to the call decides before any handler; execve and execveat
 * of a guest whose root is not the host's ask none. -EINVAL: there is no such call.
 */
TRAPLINE_API int trapline_handle(struct trapline *t, const char *call, trapline_handler *handler, void *context);

/*
 * Guest memory, from inside a handler: exactly len bytes. -EFAULT: the guest's address is bad; -ESRCH: the task died.
 */
TRAPLINE_API int trapline_read(struct trapline_call *call, uint64_t address, void *to, size_t len);
TRAPLINE_API int trapline_write(struct trapline_call *call, uint64_t address, const void *from, size_t len);

/*
 * Run the command to its end. *wait_status is as wait(2) gives it; a command that cannot be executed ends with status
 * 127 (not found) or 126. -EBADMSG: the policy has errors. Another negative errno when the session itself failed: no
 * guest is left then.
 */
TRAPLINE_API int trapline_run(struct trapline *t, char *const *argv, int *wait_status);

#ifdef __cplusplus
}
#endif

#endif
