/* One number from /proc/self/status. Private to the doctor. */
#ifndef TRAPLINE_TRACER_DOCTOR_PROC_STATUS_H
#define TRAPLINE_TRACER_DOCTOR_PROC_STATUS_H

#include <stdbool.h>

#include "base/errors.h"

/* The field (name without colon) read in the base given. -ENOENT if the kernel does not show it, or -errno. */
MUST_CHECK int proc_status_number(const char *field, int base, unsigned long long *ret);
/* The first line of a small file as a number. */
MUST_CHECK int file_number(const char *path, long *ret);
bool have_capability(int capability);

#endif
