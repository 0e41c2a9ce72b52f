#ifndef TRAPLINE_BASE_CAPABILITY_H
#define TRAPLINE_BASE_CAPABILITY_H

#include <stdbool.h>

/* Whether the calling thread has it in its effective set (capabilities(7)). */
bool capability_effective(int capability);

#endif
