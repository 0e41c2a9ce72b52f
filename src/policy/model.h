/*
 * What a policy says, checked and with every name resolved. Made by parse.c (or by command-line options and the OCI
 * importer, through policy text), read by decide.c, compile.c and the tools. Immutable once policy_load returned; all
 * of it lives in the policy's arena.
 */
#ifndef TRAPLINE_POLICY_MODEL_H
#define TRAPLINE_POLICY_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/arena.h"
#include "policy/diag.h"
#include "syscalls/call_set.h"
#include "syscalls/table.h"

__extension__ typedef __int128 wide;	/* holds every value of a signed and of an unsigned 64-bit parameter */

enum action_kind {
	ACTION_NATIVE,		/* the host kernel carries the call out */
	ACTION_EMULATE,		/* trapline's handler answers */
	ACTION_ERRNO,		/* .err: positive */
	ACTION_VALUE,		/* .value */
	ACTION_KILL,		/* the whole thread group, as by SIGSYS */
	ACTION_LOG,		/* native, and said */
	ACTION_REDIRECT,	/* .text: another path for the one that the condition names */
	ACTION_REWRITE,		/* .symbol = .value: another argument */
	ACTION_INJECT,		/* .inject */
	ACTION_MODULE,		/* .text: the module answers */
	ACTION_COUNT,
};

enum {
	POKE_MAX = 65536,	/* bytes at one place */
	POKES_MAX = 12,		/* places: each argument, at entry and exit */
};

/* Memory of the guest's to overwrite: what a parameter points to. */
struct policy_poke {
	uint16_t symbol;
	bool at_exit;
	const uint8_t *bytes;
	uint32_t len;
};

/* What an inject rule does to a call. */
struct policy_inject {
	int32_t err;		/* > 0: the call is not made and fails so */
	bool has_retval;
	int64_t retval;		/* the call is not made and returns this */
	int32_t signal;		/* > 0: sent as the call is entered */
	uint64_t delay_enter_ns, delay_exit_ns;
	const struct policy_poke *pokes;
	uint8_t poke_count;
	/* with err or retval: .stand_in, a call that changes nothing, is made instead of none */
	bool has_stand_in;
	enum call_id stand_in;
	uint64_t short_count;	/* > 0: a longer read or write is asked for this many bytes only */
	/* When: the calls that the condition selects are counted from 1, per guest process. */
	uint64_t first, step, last;	/* first, first + step, ... up to last (0: no end); step 0: only first */
	uint32_t probability;	/* in millionths; 1 000 000: always */
	uint64_t seed;
};

struct policy_action {
	enum action_kind kind;
	int32_t err;
	uint16_t symbol;
	int64_t value;
	const char *text;
	const struct policy_inject *inject;
};

/* An operand's name, resolved: which parameters of which call it is. */
struct policy_symbol {
	const char *name;
	bool raw;			/* arg0 to arg5: the register as it is */
	uint8_t params[CALL_COUNT];	/* bit i: parameter i; 0: the call has none by this name */
};

enum operand_source {
	OPERAND_PARAM,
	OPERAND_TASK_UID, OPERAND_TASK_GID, OPERAND_TASK_PID, OPERAND_TASK_EXE, OPERAND_TASK_CALLS,
};

enum operand_field {
	FIELD_NONE, FIELD_FAMILY, FIELD_IP, FIELD_PORT, FIELD_PATH, FIELD_KIND,
};

/* What a descriptor stands on: fd.kind. */
enum fd_kind {
	FD_UNKNOWN, FD_FILE, FD_DIR, FD_PIPE, FD_SOCKET, FD_CHAR, FD_BLOCK, FD_ANON,
};

enum atom_kind {
	ATOM_INT,	/* .ranges: value & .mask in one of them */
	ATOM_BITS,	/* value & .mask is not zero */
	ATOM_EXACT,	/* paths and strings: .strings */
	ATOM_UNDER,	/* path: one of .strings or below it */
	ATOM_GLOB,	/* the whole: '*' and '?' never match '/', '**' does */
	ATOM_BASENAME,	/* a glob over the last component */
	ATOM_IP,	/* .nets */
};

struct int_range {
	wide low, high;	/* both included */
};

struct ip_net {
	uint8_t bytes[16];	/* IPv4 as ::ffff:a.b.c.d; host bits are zero */
	uint8_t bits;		/* of the 128 */
};

struct policy_string {
	const char *text;
	uint32_t len;
};

struct policy_atom {
	enum atom_kind kind;
	enum operand_source source;
	enum operand_field field;
	bool negated;
	uint16_t symbol;	/* OPERAND_PARAM: index into policy.symbols */
	uint32_t count;		/* of what .kind says */
	uint64_t mask;
	union {
		const struct int_range *ranges;
		const struct policy_string *strings;
		const struct ip_net *nets;
	};
	struct span at;
};

/* All atoms hold. */
struct policy_term {
	const struct policy_atom *const *atoms;
	uint32_t count;
};

/*
 * "where": facts known when the policy is loaded. A rule whose facts do not hold is kept, for export, and never
 * applies.
 */
struct policy_where {
	const char *const *caps, *const *no_caps;	/* all of them; none of them; NULL-terminated, or NULL */
	const char *const *arches, *const *no_arches;	/* one of them; none of them */
	unsigned kernel_major, kernel_minor;		/* at least */
};

struct policy_rule {
	struct call_set calls;
	struct policy_action action;
	const struct policy_term *terms;	/* any holds; none: always */
	uint32_t term_count;
	const struct policy_where *where;	/* NULL: everywhere */
	const char *const
		*foreign; /* "~name": calls of other architectures, kept for export; NULL-terminated or NULL */
	bool enabled, by_options;
	struct span at;				/* the whole statement */
};

/* What happens to a number of an ABI that is not the guest's own. */
enum abi_treatment {
	ABI_DEFAULT,	/* not said: ENOSYS, or by the rules if nothing is ever denied or emulated */
	ABI_SAME,	/* by the rules, by the call's name */
	ABI_ACTION,	/* .action: native, errno or kill */
};

struct policy_abi {
	enum abi_treatment treatment;
	bool by_options;
	struct policy_action action;
};

enum mount_kind {
	MOUNT_HOST, MOUNT_TMPFS, MOUNT_EXT4, MOUNT_OVERLAY, MOUNT_PROC, MOUNT_DEV, MOUNT_KINDS,
};

struct policy_mount {
	const char *target;			/* in the guest: absolute, without ".", "..", "//" and a last "/" */
	enum mount_kind kind;
	/*
	 * On the host. A relative one is below the policy file's directory, or trapline's own for command-line options.
	 */
	const char *source;			/* host: a file or directory; ext4: the image; else NULL */
	const char *const *lowers;		/* overlay: .lower_count, the topmost first; else NULL */
	uint32_t lower_count;
	const char *upper;			/* overlay: where changes go; NULL: into memory, gone with the guest */
	bool read_only;
	uint64_t size, inodes;			/* tmpfs, in bytes and files; 0: no limit */
	bool has_mode;				/* tmpfs: of its root; without, 1777 */
	uint32_t mode;
	bool by_options;			/* said on the command line */
	struct span at;
};

struct policy_identity {
	bool given, has_uid, has_gid;
	/* said on the command line, .at included; a file may add what is missing */
	bool by_options;
	uint32_t uid, gid;
	const char *hostname;			/* NULL: the host's */
	const char *release;			/* of the kernel; NULL: the host's */
	struct span at;
};

struct policy_limits {
	bool given, by_options;
	uint64_t memory, tasks, files;		/* 0: none */
	struct span at;
};

struct policy_memory {
	bool frames, wx;			/* memory frames; memory no-write-exec */
	struct span at;
};

/* expect CALL = RESULT, kept as text until it is run. */
struct policy_expect {
	const char *call;
	size_t call_len;
	struct policy_action result;
	bool any_value;				/* "emulate" and the like: only the kind counts */
	struct span at;
	struct span result_at;
};

/* A member of an OCI profile that trapline does not act on, kept for export. */
struct policy_kept {
	const char *key, *json;
};

struct policy {
	struct arena arena;
	struct diags *diags;		/* owned: the sources live there too */
	struct policy_action default_action;
	bool has_default, default_by_options;
	struct span default_at;
	struct policy_rule *rules;
	size_t rule_count, rule_cap;	/* the vectors are malloc'ed */
	struct policy_symbol **symbols;
	size_t symbol_count, symbol_cap;
	struct policy_abi abis[ABI_COUNT];
	struct policy_mount *mounts;	/* see policy_mount_next */
	size_t mount_count, mount_cap;
	struct policy_expect *expects;
	size_t expect_count, expect_cap;
	struct policy_identity identity;
	struct policy_limits limits;
	struct policy_memory memory;
	struct policy_kept *kept;		/* "oci KEY JSON": what an imported profile had beside rules */
	size_t kept_count, kept_cap;
	/* Other ways to what is refused: ENOSYS unless a rule names them (check.c). */
	bool uring_off;			/* io_uring_setup */
	bool socketcall_off;		/* i386's, as is */
	bool ipc_off;			/* this */
	struct decide_index *index;	/* decide.c: made by policy_load when there is no error */
};

/* What the caller's build can carry out; a statement beyond it is an error that says so. */
enum policy_feature {
	FEATURE_IDENTITY = 1, FEATURE_LIMITS = 2, FEATURE_MEMORY = 4, FEATURE_MODULE = 8,
	FEATURE_MOUNT_FIRST = 16,	/* one bit for each kind of mount: policy_mount_feature */
};

static inline unsigned policy_mount_feature(enum mount_kind kind)
{
	return (unsigned)FEATURE_MOUNT_FIRST << kind;
}

/* Load-time facts that "where" asks about. */
struct policy_facts {
	const char *const *caps;	/* "CAP_SYS_ADMIN", ..., NULL; what the guest has */
	unsigned kernel_major, kernel_minor;	/* 0.0: the newest */
	const char *arch;		/* OCI's name: "amd64"; NULL: this build's */
};

struct policy_options {
	unsigned features;		/* what can be carried out */
	unsigned any_feature;		/* nonzero: everything passes (a language check) */
	struct policy_facts facts;
	/* Read an included file: 0 and malloc'ed text, or a negative errno. NULL: from the file system. */
	int (*load)(void *ctx, const char *path, char **ret_text, size_t *ret_len);
	void *load_ctx;
	/*
	 * Statements that command-line options stand for (NULL: none), read before the policy's own. Their rules are
	 * asked first, and where both say what can be said once (default, identity, limits, an ABI, a mount point),
	 * they win.
	 */
	const char *prelude;
	const char *prelude_name;	/* in messages; NULL: "command line" */
};

/*
 * Read, check and index a policy. 0 with *ret owned by the caller even when the policy has errors (look at
 * policy->diags->errors; only an error-free policy has an index and may be decided or compiled by);
 * a negative errno when the file itself cannot be read or memory is out.
 */
MUST_CHECK int policy_load_file(const char *path, const struct policy_options *options, struct policy **ret);
MUST_CHECK int policy_load_text(const char *name, const char *text, size_t len, const struct policy_options *options,
				struct policy **ret);
void policy_destroy(struct policy *p);

/* The features of this build, for .features. */
unsigned policy_build_features(void);

/*
 * The mounts, in the order in which they are to be made: the one that holds a mount point comes before it ("/", then
 * "/usr", then "/usr/lib"), otherwise they come as written. before: the one that came last, NULL for the first. NULL at
 * the end. Targets are unique.
 */
const struct policy_mount *policy_mount_next(const struct policy *p, const struct policy_mount *before);
const char *mount_kind_name(enum mount_kind kind);
/*
 * Whether there is only what a session is told by other means (identity, mounts ...): no rule, no ABI, default native.
 */
bool policy_decides_nothing(const struct policy *p);
/* A string as policy text, in quotes. */
/* "identity ..." and a newline, or nothing. */
void policy_identity_write(const struct policy_identity *id, struct strbuf *out);
void policy_quote(const char *s, size_t len, struct strbuf *out);

const char *action_kind_name(enum action_kind kind);
/* "errno EPERM", "native", "redirect "/x"", ... as policy text. */
void policy_action_format(const struct policy *p, const struct policy_action *a, struct strbuf *out);
/* Whether an action lets the host kernel carry the call out with the guest's own arguments. */
bool policy_action_passes(const struct policy_action *a);
/* "FILE:LINE" of a span. */
void policy_span_format(const struct policy *p, struct span at, struct strbuf *out);

#endif
