/* The walk over a call's parameters, and what a result looks like. */
#include "syscalls/decode_priv.h"

#include <string.h>

/* x86_64's row is the table's own: no search. */
static const struct call_desc *desc_of(enum call_id id, enum call_abi abi)
{
	return abi == ABI_X86_64 ? call_desc(id) : call_desc_for(id, abi);
}

/* What -e raw=, verbose= and abbrev= make of the options for this call. */
static const struct decode_options *options_for(const struct decode_call *call, const struct decode_options *options,
						struct decode_options *own)
{
	if (!options->sets)
		return options;
	*own = *options;
	own->raw = options->raw || call_set_has(&options->sets->raw, call->id);
	own->undecoded = call_set_has(&options->sets->undecoded, call->id);
	own->verbose = options->verbose || call_set_has(&options->sets->verbose, call->id);
	return own;
}

static bool decoder_init(struct decoder *d, struct decode_call *call, const struct decode_options *options,
			 struct decode_source *src, struct printer *p)
{
	*d = (struct decoder){
		.call = call, .options = options, .src = src, .p = p,
		.quiet = p == null_printer(),
		.i386 = call->abi == ABI_I386,
		.word = call->abi == ABI_I386 || call->abi == ABI_X32 ? 4 : 8,
	};
	if (call->id < 0)
		return false;
	d->desc = desc_of(call->id, call->abi);
	return true;
}

/* ---- one parameter ---- */

static void decode_plain(struct decoder *d, unsigned i)
{
	const struct call_param *param = &d->desc->params[i];
	uint64_t v = decode_arg(d, i);
	switch ((enum param_kind)param->kind) {
	case PARAM_INT:
		show_sint(d, (int64_t)v);
		return;
	case PARAM_PID:
		show_pid(d, (int)v);
		return;
	case PARAM_UINT:
		show_uint(d, v);
		return;
	case PARAM_FLAGS:
	case PARAM_ENUM:
		if (param->set)
			show_flags(d, flag_set_for(param->set, d->call->abi), v);
		else
			show_hex(d, v);
		return;
	case PARAM_MODE:
		show_octal(d, (uint16_t)v);	/* the kernel's umode_t */
		return;
	case PARAM_FD:
		show_fd(d, (int)v);
		return;
	case PARAM_DIRFD:
		show_dirfd(d, (int)v);
		return;
	case PARAM_UID:
		show_uid(d, (uint32_t)v);
		return;
	case PARAM_SIGNAL:
		show_signal(d, (int)v);
		return;
	case PARAM_PATH:
		show_path_at(d, v);
		return;
	case PARAM_STRING:
		show_string_at(d, v);
		return;
	case PARAM_SOCKADDR:
	case PARAM_POINTER:
		show_pointer(d, v);
		return;
	}
}

/* True when the parameter may wait for the call's end, at least in part. */
static bool is_late(const struct call_param *param)
{
	const struct decode_type *type = param->type;
	if (type && type->waits)
		return true;
	if (type && type->timing != TIMING_DIRECTION)
		return type->timing == TIMING_EXIT;
	return param->dir != PARAM_IN && type && type->decode;
}

static bool may_split(const struct call_param *param)
{
	return param->dir == PARAM_INOUT && is_late(param) && !param->type->waits &&
		param->type->timing == TIMING_DIRECTION;
}

/* True when decode_enter has shown the first half of the parameter at which it stopped. */
static bool splits(struct decoder *d, unsigned i)
{
	const struct call_param *param = &d->desc->params[i];
	if (param->type && param->type->splits)
		return !d->options->raw && param->type->splits(d, i);
	return may_split(param);
}

/* is_late for the call at hand. */
static bool waits(struct decoder *d, unsigned i)
{
	const struct decode_type *type = d->desc->params[i].type;
	return type && type->waits ? type->waits(d, i) : is_late(&d->desc->params[i]);
}

static void decode_value(struct decoder *d, unsigned i)
{
	const struct decode_type *type = d->desc->params[i].type;
	d->given = d->desc->params[i].dir == PARAM_IN;
	if (d->options->raw)
		show_hex(d, decode_arg(d, i));
	else if (type && type->decode)
		type->decode(d, i);
	else
		decode_plain(d, i);
}

static void decode_param(struct decoder *d, unsigned i)
{
	const struct decode_type *type = d->desc->params[i].type;
	if (type && type->present && !d->options->raw && !type->present(d, i))
		return;
	d->p->ops->param_begin(d->p, d->desc->params[i].name);
	decode_value(d, i);
	d->p->ops->param_end(d->p);
}

/* ---- a call ---- */

static unsigned decode_unknown(struct decoder *d)
{
	static const char *const names[6] = {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5"};
	for (unsigned i = 0; i < 6; i++) {
		d->p->ops->param_begin(d->p, names[i]);
		show_hex(d, d->word == 4 ? (uint32_t)d->call->args[i] : d->call->args[i]);
		d->p->ops->param_end(d->p);
	}
	return 6;
}

static void remember(struct decoder *d, unsigned from)
{
	for (unsigned i = from; i < d->desc->nparams; i++) {
		const struct decode_type *type = d->desc->params[i].type;
		if (type && type->remember)
			type->remember(d, i);
	}
}

unsigned decode_enter(struct decode_call *call, const struct decode_options *options, struct decode_source *src,
		      struct printer *p)
{
	struct decoder d;
	struct decode_options own;
	options = options_for(call, options, &own);
	memset(call->carry, 0, sizeof(call->carry));
	if (!decoder_init(&d, call, options, src, p))
		return decode_unknown(&d);
	const struct call_decoder *special = options->raw ? NULL : call_decoder_of(call->id);
	if (special)
		return special->enter(&d);
	unsigned i = 0;
	for (; i < d.desc->nparams; i++) {
		if (options->raw || !waits(&d, i)) {
			decode_param(&d, i);
			continue;
		}
		if (splits(&d, i))
			decode_param(&d, i);
		remember(&d, i);
		break;
	}
	return i;
}

void decode_exit(const struct decode_call *call, const struct decode_result *result, unsigned first,
		 const struct decode_options *options, struct decode_source *src, struct printer *p)
{
	struct decoder d;
	struct decode_options own;
	struct decode_call copy = *call;
	options = options_for(call, options, &own);
	if (!decoder_init(&d, &copy, options, src, p) || first >= d.desc->nparams)
		return;
	d.exiting = true;
	d.result = result;
	const struct call_decoder *special = options->raw ? NULL : call_decoder_of(call->id);
	if (special) {
		special->exit(&d, first);
		return;
	}
	if (splits(&d, first)) {
		p->ops->resume(p, first + 1);
		p->ops->param_resume(p, d.desc->params[first].name);
		decode_value(&d, first);
		p->ops->param_end(p);
		first++;
	} else {
		p->ops->resume(p, first);
	}
	for (unsigned i = first; i < d.desc->nparams; i++)
		decode_param(&d, i);
}

/* ---- what a call needs ---- */

static bool pids_need(const struct decode_options *options)
{
	return options->pid_comms || options->pid_namespaces;
}

static bool kind_needs(enum param_kind kind, const struct decode_options *options)
{
	if (kind == PARAM_PID && pids_need(options))
		return true;
	if (kind == PARAM_PATH || kind == PARAM_STRING)
		return true;
	return options->fd_paths && (kind == PARAM_FD || kind == PARAM_DIRFD);
}

static bool type_needs(const struct decode_type *type, uint8_t what, const struct decode_options *options)
{
	return type && (type->needs & (what | (options->fd_paths ? NEEDS_FD : 0) | (pids_need(options) ? NEEDS_PID : 0)));
}

static bool param_needs(const struct call_param *param, const struct decode_options *options)
{
	if (param->type && param->type->decode)
		return type_needs(param->type, NEEDS_MEMORY, options);
	return kind_needs((enum param_kind)param->kind, options);
}

bool decode_needs_source_enter(enum call_id id, enum call_abi abi, const struct decode_options *options)
{
	if (id < 0 || options->raw)
		return false;
	const struct call_decoder *special = call_decoder_of(id);
	if (special)
		return special->enter_needs;
	const struct call_desc *desc = desc_of(id, abi);
	bool late = false;
	for (unsigned i = 0; i < desc->nparams; i++) {
		const struct call_param *param = &desc->params[i];
		late = late || is_late(param);
		if (late && param->type && param->type->remember)
			return true;
		bool maybe_now = !late || may_split(param) || (param->type && param->type->waits);
		if (maybe_now && param_needs(param, options))
			return true;
	}
	return false;
}

bool decode_needs_source_exit(enum call_id id, enum call_abi abi, const struct decode_options *options)
{
	if (id < 0)
		return false;
	const struct call_desc *desc = desc_of(id, abi);
	if ((options->fd_paths && desc->result == RESULT_FD) || (pids_need(options) && desc->result == RESULT_PID))
		return true;
	if (options->raw)
		return false;
	if (desc->result == RESULT_SPECIAL && type_needs(desc->result_type, NEEDS_RESULT, options))
		return true;
	const struct call_decoder *special = call_decoder_of(id);
	if (special)
		return special->exit_needs;
	bool late = false;
	for (unsigned i = 0; i < desc->nparams; i++) {
		late = late || is_late(&desc->params[i]);
		if (late && param_needs(&desc->params[i], options))
			return true;
	}
	return false;
}

/* ---- results ---- */

struct restart_code {
	const char *name;
	const char *text;
};

/* Kernel-internal codes that only a tracer sees: include/linux/errno.h. */
static const struct restart_code *restart_code_of(int64_t value)
{
	static const struct restart_code codes[] = {
		{"ERESTARTSYS", "To be restarted if SA_RESTART is set"},
		{"ERESTARTNOINTR", "To be restarted"},
		{"ERESTARTNOHAND", "To be restarted if no handler"},
		{NULL, NULL},	/* ENOIOCTLCMD never leaves the kernel */
		{"ERESTART_RESTARTBLOCK", "Interrupted by signal"},
	};
	if (value > -512 || value < -516 || value == -515)
		return NULL;
	return &codes[-512 - value];
}

static void add_error(struct strbuf *out, int64_t value)
{
	const struct restart_code *restart = restart_code_of(value);
	if (restart) {
		strbuf_adds(out, "? ");
		strbuf_adds(out, restart->name);
		strbuf_adds(out, " (");
		strbuf_adds(out, restart->text);
		strbuf_addc(out, ')');
		return;
	}
	const char *name = strerrorname_np((int)-value);
	const char *text = strerrordesc_np((int)-value);
	strbuf_adds(out, "-1 ");
	if (name) {
		strbuf_adds(out, name);
	} else {
		strbuf_adds(out, "(errno ");
		strbuf_add_i64(out, -value);
		strbuf_addc(out, ')');
	}
	if (name && text) {
		strbuf_adds(out, " (");
		strbuf_adds(out, text);
		strbuf_addc(out, ')');
	}
}

/* A result that is no error, as a value; text only, JSON has its own idea of numbers. */
static void show_result(struct decoder *d, int64_t value)
{
	enum call_result kind = d->desc ? (enum call_result)d->desc->result : RESULT_INT;
	if (d->options->raw && kind != RESULT_NONE) {
		show_hex(d, (uint64_t)value);
		return;
	}
	switch (kind) {
	case RESULT_FD:
		show_fd(d, (int)value);
		return;
	case RESULT_HEX:
		show_hex(d, d->word == 4 ? (uint32_t)value : (uint64_t)value);
		return;
	case RESULT_OCT:
		show_octal(d, (uint64_t)value);
		return;
	case RESULT_SPECIAL:
		if (d->desc->result_type && d->desc->result_type->show_result) {
			d->desc->result_type->show_result(d, value);
			return;
		}
		break;
	case RESULT_PID:
		show_pid(d, (int)value);
		return;
	case RESULT_INT:
	case RESULT_NONE:
		break;
	}
	/* strace's results are unsigned: what is negative and no error was injected. */
	show_uint(d, d->word == 4 ? (uint32_t)value : (uint64_t)value);
}

static void result_decoder_init(struct decoder *d, struct decode_call *call, const struct decode_result *result,
				const struct decode_options *options, struct decode_source *src, struct printer *p)
{
	(void)decoder_init(d, call, options, src, p);
	d->exiting = true;
	d->result = result;
}

void decode_result_text(const struct decode_call *call, const struct decode_result *result,
			const struct decode_options *options, struct decode_source *src, struct strbuf *out)
{
	struct decoder d;
	struct decode_call copy = *call;
	struct text_printer t;
	struct decode_options own;
	options = options_for(call, options, &own);
	if (out) {
		text_printer_init(&t, out, options);
		strbuf_add(out, "= ", 2);
	}
	if (!result) {
		if (out)
			strbuf_addc(out, '?');
		return;
	}
	if (result->is_error) {
		if (out)
			add_error(out, result->value);
		return;
	}
	result_decoder_init(&d, &copy, result, options, src, out ? &t.base : null_printer());
	show_result(&d, result->value);
}

static void json_error(struct strbuf *out, int64_t value)
{
	const struct restart_code *restart = restart_code_of(value);
	const char *name = restart ? restart->name : strerrorname_np((int)-value);
	strbuf_adds(out, "-1,\"errno\":");
	if (name) {
		json_add_string(out, name, strlen(name));
	} else {
		strbuf_add_i64(out, -value);
	}
}

void decode_result_json(const struct decode_call *call, const struct decode_result *result,
			const struct decode_options *options, struct decode_source *src, struct strbuf *out)
{
	struct decoder d;
	struct decode_call copy = *call;
	struct decode_options own;
	options = options_for(call, options, &own);
	strbuf_adds(out, "\"result\":");
	if (!result) {
		strbuf_adds(out, "null");
		return;
	}
	if (result->is_error) {
		json_error(out, result->value);
		return;
	}
	struct json_printer j;
	json_printer_init(&j, out, options);
	j.pending = true;
	result_decoder_init(&d, &copy, result, options, src, &j.base);
	show_result(&d, result->value);
}
