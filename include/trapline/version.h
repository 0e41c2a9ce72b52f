/* The version of the trapline library that a program is built against. */
#ifndef TRAPLINE_VERSION_H
#define TRAPLINE_VERSION_H

#define TRAPLINE_VERSION_MAJOR 0
#define TRAPLINE_VERSION_MINOR 1
#define TRAPLINE_VERSION_PATCH 0

#endif
