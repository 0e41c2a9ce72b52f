/* Requests of input devices that have a length, a kind of event or an axis in their number. */
#ifndef TRAPLINE_SYSCALLS_DECODE_INPUT_H
#define TRAPLINE_SYSCALLS_DECODE_INPUT_H

#include "syscalls/decode_value_at.h"

/* "EVIOCGBIT(EV_KEY, 96)", at most size bytes with the NUL. False: it is none of them. */
bool input_command_name(uint32_t request, bool in_comment, char *to, size_t size);

/* What such a request carries; NULL: it is none of them. */
const struct ioctl_row *input_ioctl_row(uint32_t request);

#endif
