#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "policy/map.h"
#include "policy/oci.h"

struct importer {
	struct strbuf *out;
	char *message;
	size_t message_size;
	json_t *root;
	struct map decided;	/* names that a rule without arguments and conditions has: later ones never apply */
	char default_action[64];
	bool failed;
};

PRINTF_LIKE(2, 3)
static bool fail(struct importer *m, const char *format, ...)
{
	va_list ap;

	if (!m->failed) {
		va_start(ap, format);
		(void)vsnprintf(m->message, m->message_size, format, ap);
		va_end(ap);
	}
	m->failed = true;
	return false;
}

static const char *string_member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Names go into the text bare: only what a name can be. */
static bool is_name(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(s) &&
	       strlen(s) < 64;
}

static void add_errno(const json_t *value, int fallback, char *to, size_t size)
{
	json_int_t v = json_is_integer(value) ? json_integer_value(value) : fallback;
	const char *name = v > 0 && v < 134 ? errno_name((int)v) : NULL;

	if (v == 0)	/* SECCOMP_RET_ERRNO with 0: success, and nothing done */
		snprintf(to, size, "value 0");
	else if (name)
		snprintf(to, size, "errno %s", name);
	else
		snprintf(to, size, "errno %d", (int)(v > 0 && v < 4096 ? v : 1));
}

static const char *why_not(const char *action)
{
	if (!strcmp(action, "SCMP_ACT_NOTIFY"))
		return "the profile's own listener would have to answer";
	if (!strcmp(action, "SCMP_ACT_TRACE"))
		return "the profile's own tracer would have to answer";
	return "it is not one that a policy has";
}

static bool action_text(struct importer *m, const char *action, const json_t *errno_ret, char *to, size_t size)
{
	if (!strcmp(action, "SCMP_ACT_ALLOW"))
		snprintf(to, size, "native");
	else if (!strcmp(action, "SCMP_ACT_ERRNO"))
		add_errno(errno_ret, EPERM, to, size);
	else if (!strcmp(action, "SCMP_ACT_KILL") || !strcmp(action, "SCMP_ACT_KILL_PROCESS") ||
		 !strcmp(action, "SCMP_ACT_KILL_THREAD"))
		snprintf(to, size, "kill");
	else if (!strcmp(action, "SCMP_ACT_LOG"))
		snprintf(to, size, "log");
	else
		return fail(m, "the action \"%.40s\" cannot be carried out: %s", action, why_not(action));
	return true;
}

/* ---- conditions ---- */

static bool argument_text(struct importer *m, const json_t *arg, struct strbuf *to)
{
	static const struct {
		const char *op, *text;
	} ops[] = {
		{"SCMP_CMP_EQ", "=="}, {"SCMP_CMP_NE", "!="}, {"SCMP_CMP_LT", "<"}, {"SCMP_CMP_LE", "<="},
		{"SCMP_CMP_GT", ">"}, {"SCMP_CMP_GE", ">="},
	};
	const char *op = string_member(arg, "op");
	json_int_t index = json_integer_value(json_object_get(arg, "index"));
	uint64_t value = (uint64_t)json_integer_value(json_object_get(arg, "value"));
	uint64_t second = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo"));

	if (!json_is_object(arg) || index < 0 || index > 5)
		return fail(m, "an argument's index is 0 to 5");
	if (!strcmp(op, "SCMP_CMP_MASKED_EQ")) {
		if (!value)
			return fail(m, "an argument is compared under a mask of 0");
		strbuf_addf(to, "arg%d & 0x%llx == 0x%llx", (int)index, (unsigned long long)value,
			    (unsigned long long)second);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!strcmp(op, ops[i].op)) {
			strbuf_addf(to, "arg%d %s %llu", (int)index, ops[i].text, (unsigned long long)value);
			return true;
		}
	}
	return fail(m, "no comparison is named \"%.40s\"", op);
}

/* Runtimes take two tests of one argument for two rules, since libseccomp has no such conjunction. */
static bool same_index_twice(const json_t *args)
{
	unsigned seen = 0;
	const json_t *arg;
	size_t i;

	json_array_foreach(args, i, arg) {
		json_int_t index = json_integer_value(json_object_get(arg, "index"));

		if (index < 0 || index > 5)
			continue;
		if (seen >> index & 1)
			return true;
		seen |= 1u << index;
	}
	return false;
}

static bool when_text(struct importer *m, const json_t *args, struct strbuf *to)
{
	const char *joint = same_index_twice(args) ? " or " : " and ";
	const json_t *arg;
	size_t i;

	json_array_foreach(args, i, arg) {
		strbuf_adds(to, i ? joint : " when ");
		if (!argument_text(m, arg, to))
			return false;
	}
	return true;
}

static bool words_text(struct importer *m, const json_t *list, const char *what, struct strbuf *to, bool *first)
{
	const json_t *word;
	size_t i;

	if (!json_array_size(list))
		return true;
	strbuf_addf(to, "%s%s", *first ? " where " : " and ", what);
	*first = false;
	json_array_foreach(list, i, word) {
		const char *s = json_string_value(word);

		if (!s || !is_name(s))
			return fail(m, "a capability or architecture is a name");
		strbuf_addf(to, " %s", s);
	}
	return true;
}

static bool kernel_text(struct importer *m, const char *version, struct strbuf *to, bool *first)
{
	unsigned major, minor;

	if (!*version)
		return true;
	if (sscanf(version, "%3u.%3u", &major, &minor) != 2)
		return fail(m, "minKernel \"%.20s\" is no version", version);
	strbuf_addf(to, "%skernel >= %u.%u", *first ? " where " : " and ", major, minor);
	*first = false;
	return true;
}

static bool where_text(struct importer *m, const json_t *rule, struct strbuf *to)
{
	const json_t *in = json_object_get(rule, "includes"), *ex = json_object_get(rule, "excludes");
	bool first = true;

	if (*string_member(ex, "minKernel"))
		return fail(m, "an excluded minKernel is not supported");
	return words_text(m, json_object_get(in, "caps"), "cap", to, &first) &&
	       words_text(m, json_object_get(ex, "caps"), "not cap", to, &first) &&
	       words_text(m, json_object_get(in, "arches"), "arch", to, &first) &&
	       words_text(m, json_object_get(ex, "arches"), "not arch", to, &first) &&
	       kernel_text(m, string_member(in, "minKernel"), to, &first);
}

/* ---- rules ---- */

/* The names that still need deciding; their count. */
static size_t names_text(struct importer *m, const json_t *names, bool decides, struct strbuf *to)
{
	const json_t *name;
	size_t i, n = 0;

	json_array_foreach(names, i, name) {
		const char *s = json_string_value(name);
		void **place;

		if (!s || !is_name(s)) {
			fail(m, "a system call's name is expected");
			return 0;
		}
		if (map_find(&m->decided, s, strlen(s)))
			continue;
		if (decides) {
			place = map_place(&m->decided, s, strlen(s));
			if (place)
				*place = m;
		}
		strbuf_addf(to, "%s%s", call_from_name(s, strlen(s)) >= 0 ? " " : " ~", s);
		n++;
	}
	return n;
}

static bool import_rule(struct importer *m, const json_t *rule, bool with_args)
{
	const json_t *args = json_object_get(rule, "args"), *names = json_object_get(rule, "names");
	AUTO_STRBUF struct strbuf when, where, targets;
	char action[64];
	size_t n;

	strbuf_init(&when);
	strbuf_init(&where);
	strbuf_init(&targets);
	if (!json_is_object(rule) || !json_is_array(names))
		return fail(m, "\"syscalls\" is a list of objects with \"names\"");
	if ((json_array_size(args) > 0) != with_args)
		return true;
	if (!action_text(m, string_member(rule, "action"), json_object_get(rule, "errnoRet"), action, sizeof(action)))
		return false;
	if (!strcmp(action, m->default_action))
		return true;	/* as runtimes do: libseccomp refuses a rule that says what the default says */
	if (!when_text(m, args, &when) || !where_text(m, rule, &where))
		return false;
	n = names_text(m, names, !with_args && !where.len, &targets);
	if (n)
		strbuf_addf(m->out, "%s%s%s%s\n", action, strbuf_str(&targets), strbuf_str(&when), strbuf_str(&where));
	return !m->failed;
}

static bool import_rules(struct importer *m)
{
	const json_t *rules = json_object_get(m->root, "syscalls"), *rule;
	size_t i;

	for (int with_args = 0; with_args < 2; with_args++) {
		json_array_foreach(rules, i, rule) {
			if (!import_rule(m, rule, with_args))
				return false;
		}
	}
	return true;
}

/* ---- the rest of the profile ---- */

static bool has_string(const json_t *list, const char *s)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		const char *t = json_string_value(v);

		if (t && !strcmp(t, s))
			return true;
	}
	return false;
}

/* archMap names a native architecture and the ones below it; "architectures" is the older, flat list. */
static void import_arches(struct importer *m)
{
	const json_t *map = json_object_get(m->root, "archMap"), *flat = json_object_get(m->root, "architectures"),
		     *entry;
	bool i386 = has_string(flat, "SCMP_ARCH_X86"), x32 = has_string(flat, "SCMP_ARCH_X32");
	size_t i;

	json_array_foreach(map, i, entry) {
		const json_t *subs = json_object_get(entry, "subArchitectures");

		if (strcmp(string_member(entry, "architecture"), "SCMP_ARCH_X86_64") != 0)
			continue;
		i386 = i386 || has_string(subs, "SCMP_ARCH_X86");
		x32 = x32 || has_string(subs, "SCMP_ARCH_X32");
	}
	strbuf_addf(m->out, "abi i386 %s\nabi x32 %s\n", i386 ? "same" : "kill", x32 ? "same" : "kill");
}

static void add_quoted(struct strbuf *out, const char *s)
{
	strbuf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addc(out, '\\');
		if ((unsigned char)*s < ' ')
			strbuf_addf(out, "\\x%02x", (unsigned char)*s);
		else
			strbuf_addc(out, *s);
	}
	strbuf_addc(out, '"');
}

static bool import_kept(struct importer *m)
{
	static const char *const acted_on[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "syscalls"};
	const char *key;
	json_t *value;

	json_object_foreach(m->root, key, value) {
		bool known = false;
		char *text;

		for (size_t i = 0; i < ARRAY_SIZE(acted_on); i++)
			known = known || !strcmp(key, acted_on[i]);
		if (known || !is_name(key))
			continue;
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		if (!text)
			return fail(m, "out of memory");
		strbuf_addf(m->out, "oci %s ", key);
		add_quoted(m->out, text);
		strbuf_addc(m->out, '\n');
		free(text);
	}
	return true;
}

static bool import_default(struct importer *m)
{
	const char *action = string_member(m->root, "defaultAction");

	if (!json_is_object(m->root) || !*action)
		return fail(m, "not an OCI seccomp profile: it has no \"defaultAction\"");
	if (!action_text(m, action, json_object_get(m->root, "defaultErrnoRet"), m->default_action,
			 sizeof(m->default_action)))
		return false;
	strbuf_addf(m->out, "# Imported from an OCI seccomp profile.\ndefault %s\n", m->default_action);
	return true;
}

int oci_import(const char *json, size_t len, struct strbuf *out, char *message, size_t message_size)
{
	struct importer m = {.out = out, .message = message, .message_size = message_size};
	json_error_t error;
	bool ok;

	m.root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (!m.root) {
		snprintf(message, message_size, "line %d, column %d: %s", error.line, error.column, error.text);
		return -EINVAL;
	}
	ok = import_default(&m);
	if (ok) {
		import_arches(&m);
		ok = import_kept(&m) && import_rules(&m);
	}
	map_finish(&m.decided);
	json_decref(m.root);
	if (ok && strbuf_error(out))
		return -ENOMEM;
	return ok ? 0 : -EINVAL;
}
