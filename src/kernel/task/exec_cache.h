/*
 * Headers of programs that were executed before. What was read of a file holds as long as the host says the same of it:
 * device, inode number, size and times. So no file is kept open, and nothing else is believed: who may execute it, from
 * which mount, and who writes to it is asked each time.
 *
 * Locks: the cache's is a leaf.
 */
#ifndef TRAPLINE_KERNEL_TASK_EXEC_CACHE_H
#define TRAPLINE_KERNEL_TASK_EXEC_CACHE_H

#include <sys/stat.h>

#include "kernel/task/elf.h"

struct exec_cache;

/* NULL without memory, as which it may be used: nothing is known then. */
struct exec_cache *exec_cache_create(void);
void exec_cache_destroy(struct exec_cache *c);
/* Is it known? *ret is what elf_read gave, but for .fd, which is -1. st: of the open file. */
bool exec_cache_find(struct exec_cache *c, const struct stat *st, uint16_t machine, struct elf_image *ret);
/*
 * Not of a file that was changed only now: a later change may leave the times as they are (a kernel's clock tick). The
 * file must be on a filesystem whose times tell of every change.
 */
void exec_cache_add(struct exec_cache *c, const struct stat *st, uint16_t machine, const struct elf_image *e);

#endif
