/*
 * libunwind finds the frames (ptrace accessors, so memory and registers come from the stopped task), libdw names them:
 * one Dwfl a process, reported anew after its mappings changed.
 *
 * The libraries are loaded when the first unwinder is made: with what they need in turn they are half of the time that
 * trapline takes to start, and stacks are rarely asked for. Their headers give the types.
 */
#include "tracer/unwind.h"

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <libunwind-ptrace.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define STRING_OF(name) #name
#define NAME_OF(name) STRING_OF(name)
#define SUPPORT_LIBRARY "libunwind.so.8"
#define FRAMES_LIBRARY "libunwind-" NAME_OF(UNW_TARGET) ".so.8"
#define ACCESS_LIBRARY "libunwind-ptrace.so.0"
#define NAMES_LIBRARY "libdw.so.1"
#define DEMANGLE_LIBRARY "libstdc++.so.6"	/* where the programs are whose names it makes readable */

/* The functions that are called, by library; libunwind's names are macros that hold the architecture's. */
#define FRAMES_FUNCTIONS(X) \
	X(unw_create_addr_space) X(unw_destroy_addr_space) X(unw_set_caching_policy) X(unw_init_remote) X(unw_get_reg) \
	X(unw_step)
#define ACCESS_FUNCTIONS(X) X(_UPT_create) X(_UPT_destroy)
#define NAMES_FUNCTIONS(X) \
	X(dwfl_linux_proc_find_elf) X(dwfl_standard_find_debuginfo) X(dwfl_begin) X(dwfl_end) X(dwfl_report_begin) \
	X(dwfl_linux_proc_report) X(dwfl_report_end) X(dwfl_addrmodule) X(dwfl_module_info) X(dwfl_module_addrinfo) \
	X(dwfl_module_getsrc) X(dwfl_lineinfo)
#define MEMBER(name) __typeof__(&name) name;
#define FIND(name) {NAME_OF(name), offsetof(struct libraries, name)},

struct libraries {
	FRAMES_FUNCTIONS(MEMBER)
	ACCESS_FUNCTIONS(MEMBER)
	NAMES_FUNCTIONS(MEMBER)
	unw_accessors_t *accessors;
	Dwfl_Callbacks callbacks;
};

struct symbol {
	const char *name;
	size_t offset;		/* of the member of struct libraries */
};

enum { MAX_FRAMES = 256, MAX_PROCESSES = 16 };

/* What is known of one process. The oldest is replaced when there are too many. */
struct known_process {
	pid_t tgid;
	Dwfl *dwfl;		/* owned */
	bool stale;
	uint64_t used;
};

/* Of the C++ ABI: the name in memory of malloc's, or NULL. */
typedef char *demangle_fn(const char *mangled, char *buf, size_t *size, int *status);

struct unwinder {
	struct libraries lib;
	demangle_fn *demangle;		/* NULL: not looked for yet, or not to be had */
	bool demangle_asked;
	unw_addr_space_t space;
	struct known_process known[MAX_PROCESSES];
	uint64_t clock;
};

/* Loaded for good: they keep state of their own. */
static int load(struct libraries *lib, const char *file, const struct symbol *symbols, size_t count, void **ret)
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_GLOBAL | RTLD_NODELETE);
	for (size_t i = 0; library && i < count; i++) {
		void *at = dlsym(library, symbols[i].name);
		if (!at) {
			library = NULL;
			break;
		}
		memcpy((char *)lib + symbols[i].offset, &at, sizeof(at));
	}
	if (!library) {
		log_error("stacks need the library %s: %s", file, dlerror());
		return -ELIBACC;
	}
	*ret = library;
	return 0;
}

static int load_libraries(struct libraries *lib)
{
	static const struct symbol frames[] = {FRAMES_FUNCTIONS(FIND)};
	static const struct symbol access_functions[] = {ACCESS_FUNCTIONS(FIND)};
	static const struct symbol names[] = {NAMES_FUNCTIONS(FIND)};
	void *access_library, *other;
	/* Debian's libunwind-ptrace does not say that it uses the others and liblzma, which libunwind brings. */
	(void)dlopen(SUPPORT_LIBRARY, RTLD_LAZY | RTLD_GLOBAL | RTLD_NODELETE);
	int r = load(lib, FRAMES_LIBRARY, frames, ARRAY_SIZE(frames), &other);
	if (r == 0)
		r = load(lib, ACCESS_LIBRARY, access_functions, ARRAY_SIZE(access_functions), &access_library);
	if (r == 0)
		r = load(lib, NAMES_LIBRARY, names, ARRAY_SIZE(names), &other);
	if (r < 0)
		return r;
	lib->accessors = dlsym(access_library, "_UPT_accessors");
	lib->callbacks.find_elf = lib->dwfl_linux_proc_find_elf;
	lib->callbacks.find_debuginfo = lib->dwfl_standard_find_debuginfo;
	return lib->accessors ? 0 : -ELIBACC;
}

int unwinder_create(struct unwinder **ret)
{
	struct unwinder *u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	int r = load_libraries(&u->lib);
	if (r == 0) {
		u->space = (u->lib.unw_create_addr_space)(u->lib.accessors, 0);
		r = u->space ? 0 : -ENOMEM;
	}
	if (r < 0) {
		free(u);
		return r;
	}
	u->lib.unw_set_caching_policy(u->space, UNW_CACHE_NONE);
	*ret = u;
	return 0;
}

static void forget(struct unwinder *u, struct known_process *p)
{
	if (p->dwfl)
		u->lib.dwfl_end(p->dwfl);
	*p = (struct known_process){0};
}

void unwinder_destroy(struct unwinder *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < MAX_PROCESSES; i++)
		forget(u, &u->known[i]);
	u->lib.unw_destroy_addr_space(u->space);
	free(u);
}

void unwinder_forget(struct unwinder *u, pid_t tgid)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (u->known[i].tgid == tgid)
			forget(u, &u->known[i]);
	}
}

void unwinder_mappings_changed(struct unwinder *u, pid_t tgid)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (u->known[i].tgid == tgid)
			u->known[i].stale = true;
	}
}

static int report(struct unwinder *u, struct known_process *p)
{
	u->lib.dwfl_report_begin(p->dwfl);
	int r = u->lib.dwfl_linux_proc_report(p->dwfl, p->tgid);
	int end = u->lib.dwfl_report_end(p->dwfl, NULL, NULL);
	p->stale = false;
	return r || end ? -ESRCH : 0;
}

static Dwfl *modules_of(struct unwinder *u, pid_t tgid)
{
	struct known_process *p = &u->known[0];
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (u->known[i].tgid == tgid) {
			p = &u->known[i];
			break;
		}
		if (u->known[i].used < p->used)
			p = &u->known[i];
	}
	if (p->tgid != tgid) {
		forget(u, p);
		p->dwfl = u->lib.dwfl_begin(&u->lib.callbacks);
		p->tgid = tgid;
		p->stale = true;
	}
	p->used = ++u->clock;
	if (p->dwfl && p->stale && report(u, p) < 0) {
		forget(u, p);
		return NULL;
	}
	return p->dwfl;
}

/* Tabs and newlines end fields of a frame: a file name may hold them, the output may not. */
static void add_field(struct strbuf *out, const char *text)
{
	for (; text && *text; text++)
		strbuf_addc(out, *text == '\t' || *text == '\n' ? '?' : *text);
	strbuf_addc(out, '\t');
}

/* "ns::f(int)" for "_ZN2ns1fEi", if the library can be had; other names as they are. */
static void add_symbol(struct unwinder *u, struct strbuf *out, const char *symbol)
{
	if (!symbol || strncmp(symbol, "_Z", 2) != 0) {
		add_field(out, symbol);
		return;
	}
	if (!u->demangle_asked) {
		void *library = dlopen(DEMANGLE_LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
		void *at = library ? dlsym(library, "__cxa_demangle") : NULL;
		memcpy(&u->demangle, &at, sizeof(at));
		u->demangle_asked = true;
	}
	AUTO_FREE char *readable = u->demangle ? u->demangle(symbol, NULL, NULL, NULL) : NULL;
	add_field(out, readable ? readable : symbol);
}

static void add_frame(struct unwinder *u, struct strbuf *out, Dwfl *dwfl, uint64_t ip, bool innermost)
{
	/* A return address is behind its call: the call itself decides symbol and line. */
	Dwarf_Addr at = innermost ? ip : ip - 1;
	Dwfl_Module *module = dwfl ? u->lib.dwfl_addrmodule(dwfl, at) : NULL;
	const char *name = NULL;
	const char *symbol = NULL;
	const char *file = NULL;
	int line = 0;
	GElf_Off offset = 0;
	if (module) {
		GElf_Sym sym;
		name = u->lib.dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
		symbol = u->lib.dwfl_module_addrinfo(module, at, &offset, &sym, NULL, NULL, NULL);
		if (symbol && !innermost)
			offset++;
		Dwfl_Line *source = u->lib.dwfl_module_getsrc(module, at);
		if (source)
			file = u->lib.dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
	}
	add_field(out, name);
	add_symbol(u, out, symbol);
	strbuf_addf(out, "%llx\t%llx\t", (unsigned long long)offset, (unsigned long long)ip);
	add_field(out, file);
	if (line)
		strbuf_add_i64(out, line);
	strbuf_addc(out, '\n');
}

void unwind_innermost(struct unwinder *u, pid_t tgid, uint64_t ip, struct strbuf *out)
{
	add_frame(u, out, modules_of(u, tgid), ip, true);
}

int unwind_stack(struct unwinder *u, pid_t tid, pid_t tgid, struct strbuf *out)
{
	void *task = u->lib._UPT_create(tid);
	if (!task)
		return -ENOMEM;
	Dwfl *dwfl = modules_of(u, tgid);
	unw_cursor_t cursor;
	int r = u->lib.unw_init_remote(&cursor, u->space, task);
	for (int i = 0; r >= 0 && i < MAX_FRAMES; i++) {
		unw_word_t ip = 0;
		if (u->lib.unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0)
			break;
		add_frame(u, out, dwfl, ip, i == 0);
		if (u->lib.unw_step(&cursor) <= 0)
			break;
	}
	u->lib._UPT_destroy(task);
	return r < 0 ? -ESRCH : strbuf_error(out);
}
