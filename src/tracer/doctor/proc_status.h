/* One number from /proc/self/status. Private to the doctor. */
#ifndef TRAPLINE_TRACER_DOCTOR_PROC_STATUS_H
#define TRAPLINE_TRACER_DOCTOR_PROC_STATUS_H

#include "base/errors.h"

/* The field (name without colon), which is in decimal. -ENOENT if the kernel does not show it, or -errno. */
MUST_CHECK int proc_status_number(const char *field, unsigned long long *ret);
/* The first line of a small file as a number. */
MUST_CHECK int file_number(const char *path, long *ret);

#endif
