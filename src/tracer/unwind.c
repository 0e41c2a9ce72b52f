/*
 * libunwind finds the frames (ptrace accessors, so memory and registers come from the stopped task), libdw names them:
 * one Dwfl a process, reported anew after its mappings changed.
 */
#include "tracer/unwind.h"

#include <elfutils/libdwfl.h>
#include <libunwind-ptrace.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FRAMES = 256, MAX_PROCESSES = 16 };

/* What is known of one process. The oldest is replaced when there are too many. */
struct known_process {
	pid_t tgid;
	Dwfl *dwfl;		/* owned */
	bool stale;
	uint64_t used;
};

struct unwinder {
	unw_addr_space_t space;
	struct known_process known[MAX_PROCESSES];
	uint64_t clock;
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

int unwinder_create(struct unwinder **ret)
{
	struct unwinder *u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->space = unw_create_addr_space(&_UPT_accessors, 0);
	if (!u->space) {
		free(u);
		return -ENOMEM;
	}
	unw_set_caching_policy(u->space, UNW_CACHE_NONE);
	*ret = u;
	return 0;
}

static void forget(struct known_process *p)
{
	if (p->dwfl)
		dwfl_end(p->dwfl);
	*p = (struct known_process){0};
}

void unwinder_destroy(struct unwinder *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < MAX_PROCESSES; i++)
		forget(&u->known[i]);
	unw_destroy_addr_space(u->space);
	free(u);
}

void unwinder_forget(struct unwinder *u, pid_t tgid)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (u->known[i].tgid == tgid)
			forget(&u->known[i]);
	}
}

void unwinder_mappings_changed(struct unwinder *u, pid_t tgid)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (u->known[i].tgid == tgid)
			u->known[i].stale = true;
	}
}

static int report(struct known_process *p)
{
	dwfl_report_begin(p->dwfl);
	int r = dwfl_linux_proc_report(p->dwfl, p->tgid);
	int end = dwfl_report_end(p->dwfl, NULL, NULL);
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
		forget(p);
		p->dwfl = dwfl_begin(&callbacks);
		p->tgid = tgid;
		p->stale = true;
	}
	p->used = ++u->clock;
	if (p->dwfl && p->stale && report(p) < 0) {
		forget(p);
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

static void add_frame(struct strbuf *out, Dwfl *dwfl, uint64_t ip, bool innermost)
{
	/* A return address is behind its call: the call itself decides symbol and line. */
	Dwarf_Addr at = innermost ? ip : ip - 1;
	Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, at) : NULL;
	const char *name = NULL;
	const char *symbol = NULL;
	const char *file = NULL;
	int line = 0;
	GElf_Off offset = 0;
	if (module) {
		GElf_Sym sym;
		name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
		symbol = dwfl_module_addrinfo(module, at, &offset, &sym, NULL, NULL, NULL);
		if (symbol && !innermost)
			offset++;
		Dwfl_Line *source = dwfl_module_getsrc(module, at);
		if (source)
			file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
	}
	add_field(out, name);
	add_field(out, symbol);
	strbuf_addf(out, "%llx\t%llx\t", (unsigned long long)offset, (unsigned long long)ip);
	add_field(out, file);
	if (line)
		strbuf_add_i64(out, line);
	strbuf_addc(out, '\n');
}

int unwind_stack(struct unwinder *u, pid_t tid, pid_t tgid, struct strbuf *out)
{
	void *task = _UPT_create(tid);
	if (!task)
		return -ENOMEM;
	Dwfl *dwfl = modules_of(u, tgid);
	unw_cursor_t cursor;
	int r = unw_init_remote(&cursor, u->space, task);
	for (int i = 0; r >= 0 && i < MAX_FRAMES; i++) {
		unw_word_t ip = 0;
		if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0)
			break;
		add_frame(out, dwfl, ip, i == 0);
		if (unw_step(&cursor) <= 0)
			break;
	}
	_UPT_destroy(task);
	return r < 0 ? -ESRCH : strbuf_error(out);
}
