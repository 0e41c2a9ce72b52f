/*
 * The table of system calls: one row per call of Linux, generated from syscalls.tbl (DESIGN: "One table").
 * Everything here is static const data and safe to read from any thread.
 */
#ifndef TRAPLINE_SYSCALLS_TABLE_H
#define TRAPLINE_SYSCALLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Generated: enum call_id { CALL_read, CALL_write, ..., CALL_COUNT }; CALL_NONE is -1 (a number no table knows). */
#include "syscalls/call_ids.h"

/* The ABI a call was made through; decides the number map, the pointer size and the struct layouts. */
enum call_abi {
	ABI_X86_64,
	ABI_AARCH64,
	ABI_I386,	/* int 0x80, or a 32-bit program */
	ABI_X32,	/* x86_64 with bit 30 of the number set; numbers in the map are without that bit */
	ABI_COUNT,
};

/* What a parameter is, for people (decoder) and for conditions (policy). */
enum param_kind {
	PARAM_INT,	/* signed integer */
	PARAM_UINT,	/* unsigned integer, size, offset */
	PARAM_FLAGS,	/* an OR of the names in .set */
	PARAM_ENUM,	/* one of the names in .set */
	PARAM_MODE,	/* umode_t, octal */
	PARAM_FD,	/* a descriptor */
	PARAM_DIRFD,	/* a descriptor or AT_FDCWD */
	PARAM_PATH,	/* guest pointer to a NUL-terminated path */
	PARAM_STRING,	/* guest pointer to a NUL-terminated string that is not a path */
	PARAM_SOCKADDR,	/* guest pointer to a struct sockaddr */
	PARAM_PID,
	PARAM_UID,	/* uid or gid */
	PARAM_SIGNAL,
	PARAM_POINTER,	/* guest pointer to anything else; .type knows what */
};

enum param_dir {
	PARAM_IN,	/* read by the kernel: decoded when the call is entered */
	PARAM_OUT,	/* written by the kernel: decoded when it returns */
	PARAM_INOUT,	/* decoded at entry and again at exit */
};

/* A named set of constants (O_RDONLY, ...): sorted as strace prints them. */
struct flag_name {
	const char *name;
	uint64_t value;
	/*
	 * The bits that decide: == value for a plain flag, O_ACCMODE for O_RDONLY, all 64 for a whole value. A flag
	 * applies when (v & mask) == value; negative constants are negative in 64 bits, so sign-extend v as its type
	 * says.
	 */
	uint64_t mask;
};

struct flag_set {
	const char *name;			/* "open_flags" */
	const char *unknown;			/* what strace comments an unknown value with: "O_???" */
	const struct flag_name *names;
	size_t count;
	bool exclusive;				/* an enumeration: exactly one applies */
	const struct flag_set *variant[ABI_COUNT];	/* what replaces it on an ABI with other values; mostly NULL */
};

struct decode_type;	/* how a parameter is decoded: private to decode*.c, named in syscalls.tbl */

struct call_param {
	const char *name;		/* the kernel's or the man page's: "pathname", "flags" */
	enum param_kind kind;
	enum param_dir dir;
	uint8_t bits;			/* 32 or 64: how much of the register is the value */
	bool is_signed;
	const struct flag_set *set;	/* PARAM_FLAGS and PARAM_ENUM, else NULL */
	const struct decode_type *type;
	uint8_t reg;			/* index of the argument register that holds it, or its low half */
	uint8_t regs;			/* 2: a 64-bit value whose high half is in register reg + 1 (i386), else 1 */
	int8_t link[2];			/* indexes of parameters that the type needs (a length, a command), or -1 */
};

/* What a return value is. */
enum call_result {
	RESULT_INT,	/* decimal */
	RESULT_FD,	/* a descriptor */
	RESULT_HEX,	/* an address or a mask */
	RESULT_OCT,	/* umask */
	RESULT_PID,
	RESULT_NONE,	/* does not return: exit, exit_group, rt_sigreturn is RESULT_INT */
	RESULT_SPECIAL,	/* .decode_type of the call prints a comment beside it (fcntl, poll, select, ...) */
};

enum call_support {
	SUPPORT_NATIVE,		/* never answered by trapline: passes to the host */
	SUPPORT_EMULATED,	/* has a handler sys_NAME in src/syscalls */
	SUPPORT_PARTIAL,	/* has a handler that passes some cases to the host; the note says which */
	SUPPORT_REFUSED,	/* answered with an errno while emulation is on; the note says which */
};

/* Groups carry strace's names: "%file" is bit GROUP_FILE. */
enum call_group {	/* values are bit numbers in call_desc.groups */
	GROUP_FILE, GROUP_DESC, GROUP_PROCESS, GROUP_NETWORK, GROUP_SIGNAL, GROUP_IPC, GROUP_MEMORY,
	GROUP_CREDS, GROUP_CLOCK, GROUP_PURE, GROUP_STAT, GROUP_LSTAT, GROUP_FSTAT, GROUP_STATFS, GROUP_FSTATFS,
	GROUP_STATX,	/* strace's %%stat: every stat-like call */
	GROUP_STATFSX,	/* strace's %%statfs */
	GROUP_COUNT,
};

struct call_desc {
	const char *name;
	int16_t nr[ABI_COUNT];		/* -1: this ABI does not have it */
	uint8_t nparams;
	uint8_t result;			/* enum call_result */
	uint8_t support;		/* enum call_support */
	struct call_param params[6];
	uint64_t groups;
	const struct decode_type *result_type;	/* RESULT_SPECIAL, else NULL */
	const char *note;		/* for the coverage page; may be NULL */
	const char *since;		/* the Linux version that brought it, or NULL if older than 2.6.12 */
};

/* The row of a call. id must be in [0, CALL_COUNT). */
const struct call_desc *call_desc(enum call_id id);

/* The same with the parameters that the call has on this ABI: i386 splits 64-bit values, clone swaps two, ... */
const struct call_desc *call_desc_for(enum call_id id, enum call_abi abi);

/* The call that a raw number means under an ABI (x32: bit 30 already removed), or CALL_NONE. O(1). */
enum call_id call_from_nr(enum call_abi abi, int64_t nr);

/* The call with this exact name, or CALL_NONE. */
enum call_id call_from_name(const char *name, size_t len);

/*
 * The known name nearest to a misspelt one (edit distance at most 3), or NULL. A name that starts with '%' is taken for
 * a group's.
 */
const char *call_nearest(const char *name, size_t len);

/* The largest number + 1 that the ABI's map knows. */
int call_nr_limit(enum call_abi abi);

const char *call_abi_name(enum call_abi abi);	/* "x86_64", "aarch64", "i386", "x32" */

/* AUDIT_ARCH_* of an ABI (x32 shares x86_64's). */
uint32_t call_abi_audit_arch(enum call_abi abi);

/* The bit of a group as strace's -e trace= names it ("%file", "%%stat"), the first '%' optional ("file"), or -1. */
int call_group_from_name(const char *name, size_t len);
const char *call_group_name(enum call_group group);	/* "file", "%stat" */

static inline bool call_in_group(enum call_id id, enum call_group group)
{
	return call_desc(id)->groups >> group & 1;
}

/* A flag set by its name ("open_flags"), or NULL. */
const struct flag_set *flag_set_find(const char *name);
/* The set that holds on this ABI: O_DIRECT has another value on aarch64. Mostly the set itself. */
const struct flag_set *flag_set_for(const struct flag_set *set, enum call_abi abi);
/* The value of one constant in a set by its name; 0 or -ENOENT. */
int flag_set_value(const struct flag_set *set, const char *name, size_t len, uint64_t *ret_value);
/* The value of a constant by name in any set ("AT_FDCWD", "O_RDONLY", "AF_INET"), as x86_64 has it; 0 or -ENOENT. */
int flag_any_value(const char *name, size_t len, uint64_t *ret_value);

#endif
