/* A guest for tests of file handlers: its memory is ours, its descriptors are ours, its tree is a tmpfs. */
#ifndef TRAPLINE_TESTS_UNIT_FILES_GUEST_H
#define TRAPLINE_TESTS_UNIT_FILES_GUEST_H

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "syscalls/dispatch.h"

enum { GUEST_TID = 4242 };

extern struct kernel guest_kernel;

/* A tree with a tmpfs on "/", and the first task with these ids; faked as by --uid. */
void guest_start(uid_t uid, gid_t gid);
void guest_finish(void);
void guest_mount_tmpfs(const char *target, uint64_t size);	/* size: a limit, in bytes */

/* The task starts again: its credentials, root, working directory. */
void guest_reset(void);

extern bool guest_never_waits;	/* what blocks is dropped, as for a guest that dies: 0 */
extern void (*guest_will_wait)(void);	/* called before what blocks is waited for, unless NULL */

struct call_event guest_event(enum call_id id, uint64_t a, uint64_t b, uint64_t c);

/* The call's value; a descriptor that it gives is one of ours; what blocks is waited for. GUEST_PASSED: it passed. */
enum { GUEST_PASSED = 100000 };
int64_t guest_call(enum call_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

#define CALL6(name, a, b, c, d, e, f, ...) guest_call(CALL_##name, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), \
						      (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))
#define CALL(...) CALL6(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

#endif
