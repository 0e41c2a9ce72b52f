/*
 * Decoding: from a call's registers and the guest memory they point to, to what a person or a program reads.
 *
 * One decoder, several printers, two sources. The decoder (decode*.c) walks a call's typed parameters and tells a
 * printer what it sees. It gets guest memory only through a decode_source, so that the same walk runs twice:
 * in the trap loop with a null printer over a recording source (which reads live memory and keeps every answer in
 * a read log), and later in the writer thread with a text or JSON printer over a replaying source (which hands the
 * log's answers back in the same order). A decoder is therefore a pure function of the call, its result and what
 * the source answers: no clock, no global, no other system call.
 */
#ifndef TRAPLINE_SYSCALLS_DECODE_H
#define TRAPLINE_SYSCALLS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "syscalls/call_set.h"
#include "syscalls/table.h"

/* A call as the decoder sees it. */
struct decode_call {
	enum call_id id;	/* CALL_NONE: printed as syscall_0x1c8(args in hex), as strace does */
	enum call_abi abi;
	int64_t nr;		/* raw, for CALL_NONE */
	uint64_t args[6];
	pid_t tid;
	uint16_t restarts;	/* for restart_syscall: the id, plus 1, of the task's call before; 0: not known */
	uint64_t sp;		/* stack pointer, for rt_sigreturn's frame; 0: not known, the frame is not shown */
	/*
	 * What decode_enter remembers for decode_exit and decode_result_text (an address length before the kernel
	 * changed it): whoever keeps the call between entry and exit keeps this too. All zero is harmless: less is
	 * printed then.
	 */
	uint64_t carry[2];
};

/* Its result, at exit. */
struct decode_result {
	int64_t value;		/* the raw register */
	bool is_error;		/* value is a negative errno, or a kernel-internal restart code (-512 to -516) */
};

struct decode_source;
struct pid_note;

struct decode_source_ops {
	/* Read exactly len bytes at a guest address. 0 or -EFAULT (nothing usable). */
	int (*read)(struct decode_source *src, uint64_t addr, void *buf, size_t len);
	/*
	 * Read a NUL-terminated string of at most max bytes. Returns the bytes stored (without the NUL) and sets
	 * *ret_complete when the NUL was seen; -EFAULT when the memory ends before either.
	 */
	ssize_t (*read_string)(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete);
	/* What a descriptor of the calling task is ("/etc/passwd", "socket:[12]"), for -y. Length, or -errno. */
	ssize_t (*fd_path)(struct decode_source *src, int fd, char *buf, size_t size);
	/*
	 * What -yy says beyond the path: the protocol and end points of a socket ("TCP:[127.0.0.1:80->127.0.0.1:5000]")
	 * or a device ("char 1:3", "block 8:0"). Length, or a negative errno. NULL operation: not available.
	 */
	ssize_t (*fd_socket)(struct decode_source *src, int fd, char *buf, size_t size);
	/*
	 * Of a process or thread by the id that the calling task knows it by: 0, or a negative errno if there is none.
	 * NULL operation: not available.
	 */
	int (*pid_note)(struct decode_source *src, pid_t pid, struct pid_note *ret);
	/*
	 * The name of a network interface of the calling task ("eth0"), not terminated. Length, or a negative errno if
	 * there is none or it cannot be known. NULL operation: not available.
	 */
	ssize_t (*interface_name)(struct decode_source *src, uint32_t index, char *buf, size_t size);
};

/* What -Y and --decode-pids=pidns say about an id. */
struct pid_note {
	pid_t here;	/* what trapline knows it by; 0: the same id, as both have one namespace */
	char comm[16];	/* TASK_COMM_LEN; not terminated if it is as long */
};

/* Embedded at the start of a concrete source. */
struct decode_source {
	const struct decode_source_ops *ops;
};

/* strace's -X: how a value that has a name is shown. Text only. */
enum const_style {
	CONST_ABBREV,	/* O_RDONLY */
	CONST_RAW,	/* 0 */
	CONST_VERBOSE,	/* the number with the name as a comment behind it */
};

/* Descriptors whose bytes are shown, by number. */
#define DUMP_FDS 65536
struct dump_set {
	uint64_t bits[DUMP_FDS / 64];
	bool rest;	/* all from DUMP_FDS on */
};
bool dump_set_has(const struct dump_set *set, int fd);

/* -e read=, -e write= */
struct decode_dump {
	struct dump_set read, write;
};

/* Bits of .fd_kinds: what is said of descriptors. */
enum shown_fd {
	SHOWN_FD_PATH = 1,
	SHOWN_FD_SOCKET = 2,
	SHOWN_FD_DEVICE = 4,
	SHOWN_FD_PIDFD = 8,
};

/* -e raw=, verbose=, abbrev=: how single calls are decoded. */
struct decode_sets {
	struct call_set raw;		/* arguments in hex */
	struct call_set undecoded;	/* addresses instead of structures */
	struct call_set verbose;	/* whole structures */
};

/* strace's -s -v -x -xx -y -yy and friends. */
struct decode_options {
	uint32_t string_limit;	/* -s, default 32 */
	bool verbose;		/* -v: whole structures, environment, all entries */
	/* 0, 1 (-x: non-ASCII strings), 2 (-xx: all strings), 3: characters that are not ASCII */
	uint8_t hex_strings;
	uint8_t fd_paths;	/* 0, 1 (-y), 2 (-yy) */
	uint8_t fd_kinds;	/* with .fd_paths 2: only these; 0: all */
	bool all_fds;		/* those of an array that -s cuts are asked for, too: -P */
	uint8_t consts;		/* enum const_style */
	bool pid_comms;		/* -Y: the command behind each process id */
	bool pid_namespaces;	/* --pidns-translation: the id that trapline's namespace has for it */
	const struct decode_dump *dump;	/* not owned; NULL: nothing */
	bool raw;		/* arguments in hex, undecoded (-e raw=all) */
	bool undecoded;		/* addresses instead of structures (-e verbose=none) */
	/* not owned; what says so for single calls, instead of the above; NULL: nothing */
	const struct decode_sets *sets;
};

/*
 * What the decoder tells a printer. Structure is explicit so that one walk makes strace's text and typed JSON.
 * Every operation but .met must be given; the null printer's do nothing.
 */
struct printer;

struct printer_ops {
	bool joins;	/* two values with wrap("|") between them are one value: text */
	/* Before the parts of a call that another printer, or an earlier walk, has begun: done parameters are past. */
	void (*resume)(struct printer *p, unsigned done);
	void (*param_begin)(struct printer *p, const char *name);	/* before each parameter of the call */
	/* The second, outgoing half of a parameter whose first half decode_enter printed ("[0]" and then " => [5]"). */
	void (*param_resume)(struct printer *p, const char *name);
	void (*param_end)(struct printer *p);
	void (*sint)(struct printer *p, int64_t v);
	void (*uint)(struct printer *p, uint64_t v);
	void (*hex)(struct printer *p, uint64_t v);
	void (*octal)(struct printer *p, uint64_t v);
	void (*pointer)(struct printer *p, uint64_t addr);		/* NULL when 0 */
	/* A constant with a name. */
	void (*symbol)(struct printer *p, const char *name, uint64_t v);
	void (*flags)(struct printer *p, const struct flag_set *set, uint64_t v);	/* an enumeration too */
	void (*signals)(struct printer *p, uint64_t mask);	/* bit N - 1 for signal N: [INT CHLD], ~[RT_1] */
	/* Bytes of a string; more: the guest had more than was read ("..."). nul: terminated (a C string). */
	void (*string)(struct printer *p, const void *bytes, size_t len, bool more, bool nul);
	void (*hex_string)(struct printer *p, const void *bytes, size_t len, bool more);	/* always "\x00" */
	/* name (AT_FDCWD), path and socket may be NULL; the latter two as decode_source gives them. */
	void (*fd)(struct printer *p, int fd, const char *name, const char *path, const char *socket);
	/* The path of a descriptor, whether it is shown or not. May be NULL: only who looks for paths needs it. */
	void (*met)(struct printer *p, const char *path);
	void (*struct_begin)(struct printer *p);
	void (*field)(struct printer *p, const char *name);		/* before each member's value */
	void (*elided)(struct printer *p);				/* "..." as the last member or element */
	void (*struct_end)(struct printer *p);
	void (*array_begin)(struct printer *p);
	void (*element)(struct printer *p);				/* before each element's value */
	void (*index)(struct printer *p, const char *name, uint64_t i);	/* "[VEOF]=" or "[3]=" behind element */
	void (*array_end)(struct printer *p);
	/* Values separated by blanks in brackets, [0 3 4]; JSON: an array. */
	void (*list_begin)(struct printer *p);
	void (*item)(struct printer *p);
	void (*list_end)(struct printer *p);
	/* What is said beside a result: " (flags O_RDWR)". Fields without names in it; JSON: "remarks":[...]. */
	void (*remarks_begin)(struct printer *p);
	void (*remarks_end)(struct printer *p);
	/* Around a value: "htons(", ")", "[", "]". JSON drops them. */
	void (*wrap)(struct printer *p, const char *verbatim);
	/* A value that has only strace's form: "makedev(0x8, 0x1)". JSON: a string. */
	void (*text)(struct printer *p, const char *verbatim);
	void (*comment)(struct printer *p, const char *text);	/* strace's C comments: 5 entries; JSON drops them */
	/* The comment behind a time: 2026-11-22T10:37:25+0000; digits of a fraction, if it has one. */
	void (*time)(struct printer *p, int64_t sec, uint64_t nsec, unsigned digits);
	void (*date)(struct printer *p, int64_t sec);	/* the same as a value */
	/* strace's " => " between an in and an out value; JSON keeps the latter. */
	void (*changed)(struct printer *p);
};

/* Embedded at the start of a concrete printer. */
struct printer {
	const struct printer_ops *ops;
};

/*
 * Decode what can be known when the call is entered: parameters up to the first that the kernel will write.
 * Returns the index of the first parameter not yet decoded (== nparams: all done), to be given to decode_exit.
 */
unsigned decode_enter(struct decode_call *call, const struct decode_options *options,
		      struct decode_source *src, struct printer *p);

/* Decode the remaining parameters, from index first, with the result known (NULL: the call never returned). */
void decode_exit(const struct decode_call *call, const struct decode_result *result, unsigned first,
		 const struct decode_options *options, struct decode_source *src, struct printer *p);

/*
 * The text behind the closing parenthesis, without padding: "= 3", "= 3</etc/passwd>",
 * "= -1 ENOENT (No such file or directory)", "= ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
 * "= 0x7f..", "= 1 ([{fd=3, revents=POLLIN}])", "= ?" for a call that never returned (result NULL).
 * With out NULL it only reads: what the trap loop calls, after decode_exit and with the same recording source.
 */
void decode_result_text(const struct decode_call *call, const struct decode_result *result,
			const struct decode_options *options, struct decode_source *src, struct strbuf *out);

/*
 * The same as members of a JSON object: "result":3, "result":-1,"errno":"ENOENT", "result":"0x7f..." for an address,
 * "result":null for a call that never returned; with "ready":[...] and the like where the text has a parenthesis.
 */
void decode_result_json(const struct decode_call *call, const struct decode_result *result,
			const struct decode_options *options, struct decode_source *src, struct strbuf *out);

/*
 * The lines of -e read= and -e write= behind the call's own, asked for last and with the same source; with out NULL it
 * only reads. Text only.
 */
void decode_dump_text(const struct decode_call *call, const struct decode_result *result,
		      const struct decode_options *options, struct decode_source *src, struct strbuf *out);
/* Whether they are wanted of this call. */
bool decode_dumps(const struct decode_call *call, const struct decode_options *options);

/* The trap loop's cheap question: can decoding this call at entry (exit) read guest memory or descriptors at all? */
bool decode_needs_source_enter(enum call_id id, enum call_abi abi, const struct decode_options *options);
bool decode_needs_source_exit(enum call_id id, enum call_abi abi, const struct decode_options *options);

/* Guest memory that decode_exit and decode_result_text may read of a call that succeeds. */
struct decode_range {
	uint64_t addr;
	uint32_t len;		/* 0: they read nothing */
	bool by_result;		/* as many bytes as the result says, if that is less */
};

/*
 * For who cannot stop the task behind the call: all that the second walk asks of its source is this range, which is
 * known at entry. False: it may ask for more.
 */
bool decode_late_range(const struct decode_call *call, const struct decode_options *options, struct decode_range *ret);

/* A signal's siginfo as strace prints it in "--- SIGSEGV {si_signo=SIGSEGV, ...} ---"; info points to a siginfo_t. */
/* src tells whose the process ids in it are; NULL: it is not said. */
void decode_siginfo(const void *info, const struct decode_options *options, struct decode_source *src, struct printer *p);
/* "<bash>": a task's command as -Y shows it, with what would break the line or the brackets as octal. */
void decode_comm(const char *comm, size_t len, struct strbuf *out);
/* "SIGINT", "SIGRT_3"; buf of 16 bytes is used for real-time and unknown ones. */
const char *decode_signal_name(int sig, char buf[16]);

/* ---- printers (decode_text.c, decode_json.c) ---- */

/*
 * strace's text. The parts of a call that decode_exit adds may go through a new printer: nothing is kept between
 * decode_enter and decode_exit but the index.
 */
struct text_printer {
	struct printer base;
	struct strbuf *out;			/* not owned */
	const struct decode_options *options;
	unsigned params;			/* private state of the printer from here on */
	bool first;				/* no member or element of the innermost structure yet */
};
void text_printer_init(struct text_printer *p, struct strbuf *out, const struct decode_options *options);

/*
 * Members of a JSON object: "args":{"fd":3,"pathname":"/x","flags":["O_RDONLY"]}, without the surrounding braces.
 * json_printer_finish closes the "args" object; call it once, after decode_exit (or after decode_enter when the call is
 * shown before it ends). The walk at exit may use a new printer that appends to the same bytes.
 *	integers	numbers; strings of digits where |v| > 2^53
 *	flags		an array of names, and "0x.." for the rest; [] for none
 *	enumerations	the name, or the number when it has none
 *	addresses	"0x..." strings; null for NULL; hexadecimal values the same way, 0 as "0"
 *	strings		strings; json_add_string says what bytes become. Cut ones: {"string":"...","more":true}
 *	descriptors	numbers; with -y {"fd":3,"path":"/x"}, with -yy also "socket"
 *	structures	objects; a cut one has "...":true as its last member; unnamed values are members "0", "1"
 *	arrays		arrays; a cut one ends with null
 *	changed values	the value after the call; a changed parameter is "NAME" before and "NAME_out" after it
 */
#define JSON_DEPTH_MAX 16
struct json_printer {
	struct printer base;
	struct strbuf *out;			/* not owned */
	const struct decode_options *options;
	unsigned params;			/* private state of the printer from here on */
	bool open;				/* "args":{ has been written */
	bool pending;				/* a name or comma was written that wants a value */
	unsigned depth;
	unsigned skip;				/* levels of a structure that nobody asked for */
	uint64_t arrays;			/* a bit a level: 1 in an array */
	unsigned counts[JSON_DEPTH_MAX];	/* members so far, by level */
	size_t value_at;			/* where the last value began in out */
	bool resumed;				/* in the second half of a parameter; what there was before it: */
	size_t resumed_at;
	unsigned resumed_params;
};
void json_printer_init(struct json_printer *p, struct strbuf *out, const struct decode_options *options);
void json_printer_finish(struct json_printer *p);

/* A printer that prints nothing: for recording. Stateless and shared. */
struct printer *null_printer(void);

/* Append a JSON string literal of arbitrary bytes: valid UTF-8 as it is, each byte that is not part of it as \u00XX. */
void json_add_string(struct strbuf *out, const void *bytes, size_t len);

/* ---- sources ---- */

/* Live memory: asks another source and appends each answer to a log. */
struct recording_source {
	struct decode_source base;
	struct decode_source *live;	/* not owned */
	struct strbuf *log;		/* not owned; answers are appended */
};
void recording_source_init(struct recording_source *s, struct decode_source *live, struct strbuf *log);

/* Hands the answers of a log back in order. A walk that asks otherwise gets -EFAULT, never garbage. */
struct replay_source {
	struct decode_source base;
	const uint8_t *log;		/* not owned; must outlive the source */
	size_t len;
	size_t at;
};
void replay_source_init(struct replay_source *s, const void *log, size_t len);

#endif
