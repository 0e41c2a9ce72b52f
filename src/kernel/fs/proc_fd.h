/* Our own descriptors by name: /proc/self/fd/N reopens the object, and follows nothing else. */
#ifndef TRAPLINE_KERNEL_FS_PROC_FD_H
#define TRAPLINE_KERNEL_FS_PROC_FD_H

#include "base/errors.h"

enum { PROC_FD_PATH_MAX = 32 };

/* buf: PROC_FD_PATH_MAX bytes; returned. */
const char *proc_fd_path(int fd, char *buf);
/* A new open file description of what fd stands for, for open flags of a guest. Close-on-exec. The errno of open(2);
   -ENFILE when descriptors of ours are short. */
MUST_CHECK int proc_fd_reopen(int fd, int flags);
/* The same with self_fds, an O_PATH descriptor of /proc/self/fd (or -1), which saves the way there. */
MUST_CHECK int proc_fd_reopen_at(int self_fds, int fd, int flags);

#endif
