/* trapline doctor: what this kernel, these privileges and this container allow, and what each lack costs. */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "tracer/doctor/doctor.h"

enum { COST_WIDTH = 100, COST_INDENT = 8, TITLE_WIDTH = 30 };

/* What a mechanism stands on, by the names of checks. */
struct mechanism_needs {
	enum mechanism mechanism;
	const char *does;
	const char *needs[4];
};

static const struct mechanism_needs mechanisms[] = {
	{ MECHANISM_NOTIFY, "one notification for each selected call, with or without ptrace",
	  { "filter", "new_listener", "user_notif" } },
	{ MECHANISM_TRACE, "one stop for each selected call", { "ptrace", "filter", "ret_trace" } },
	{ MECHANISM_SYSEMU, "one stop for every call", { "ptrace", "sysemu" } },
	{ MECHANISM_STEP, "two stops for every call", { "ptrace" } },
};

struct diagnosis {
	size_t count;
	struct finding *findings;	/* owned */
	struct mechanism_info info[ARRAY_SIZE(mechanisms)];	/* .available: by the session's own trial */
	const struct finding *missing[ARRAY_SIZE(mechanisms)];	/* the first need that is not met, or NULL */
	bool usable;
};

static const struct finding *find_finding(const struct diagnosis *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->findings[i].check->name, name))
			return &d->findings[i];
	return NULL;
}

static const struct finding *first_missing(const struct diagnosis *d, const struct mechanism_needs *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->needs) && m->needs[i]; i++) {
		const struct finding *f = find_finding(d, m->needs[i]);

		if (f && f->state == FINDING_NO)
			return f;
	}
	return NULL;
}

static bool available(const struct diagnosis *d, size_t i)
{
	return !d->missing[i] && d->info[i].available == 0;
}

static int diagnose(struct diagnosis *d)
{
	d->count = doctor_check_count();
	d->findings = calloc(d->count, sizeof(d->findings[0]));
	if (!d->findings)
		return -ENOMEM;
	for (size_t i = 0; i < d->count; i++)
		doctor_check(i, &d->findings[i]);
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++) {
		doctor_mechanism(mechanisms[i].mechanism, &d->info[i]);
		d->missing[i] = first_missing(d, &mechanisms[i]);
		d->usable |= available(d, i);
	}
	return 0;
}

/* Fold at spaces, each line indented. */
static void print_folded(const char *text)
{
	size_t len = strlen(text);

	while (len) {
		size_t line = len;

		if (line > COST_WIDTH - COST_INDENT) {
			line = COST_WIDTH - COST_INDENT;
			while (line > 1 && text[line] != ' ')
				line--;
		}
		(void)printf("%*s%.*s\n", COST_INDENT, "", (int)line, text);
		text += line;
		len -= line;
		while (*text == ' ') {
			text++;
			len--;
		}
	}
}

static void print_mechanism(const struct diagnosis *d, size_t i)
{
	const struct mechanism_info *info = &d->info[i];

	(void)printf("  %-5s %-*s", available(d, i) ? "ok" : "no", TITLE_WIDTH, info->name);
	if (d->missing[i])
		(void)printf("for want of: %s\n", d->missing[i]->check->title);
	else if (info->available)
		(void)printf("a session says: %s\n", strerror(-info->available));
	else
		(void)printf("%s; %s%s%s%s\n", mechanisms[i].does, info->can_answer ? "answers" : "",
			     info->can_write_regs ? ", registers" : "", info->sees_result ? ", results" : "",
			     info->can_attach ? ", attaches" : "");
}

static void print_text(const struct diagnosis *d)
{
	const char *group = "";

	for (size_t i = 0; i < d->count; i++) {
		const struct finding *f = &d->findings[i];

		if (strcmp(group, f->check->group)) {
			group = f->check->group;
			(void)printf("%s%s\n", i ? "\n" : "", group);
		}
		(void)printf("  %-5s %-*s%s\n", finding_state_name(f->state), f->detail[0] ? TITLE_WIDTH : 0,
			     f->check->title, f->detail);
		if (f->state == FINDING_NO && f->check->cost)
			print_folded(f->check->cost);
	}
	(void)printf("\nmechanisms\n");
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		print_mechanism(d, i);
	const struct finding *ptrace = find_finding(d, "ptrace");
	if (d->usable)
		(void)printf("\ntrapline can run here.\n");
	else if (ptrace && ptrace->error == -EAGAIN)
		(void)printf("\ntrapline cannot run here: no process can be started (ulimit -u, pids cgroup).\n");
	else
		(void)printf("\ntrapline cannot run here: neither ptrace nor seccomp notifications are allowed.\n");
}

static void set_string(json_t *object, const char *key, const char *value)
{
	/* Details may quote the system, so bytes that are no UTF-8 are possible in principle: jansson refuses those. */
	if (json_object_set_new(object, key, json_string(value)) < 0)
		(void)json_object_set_new(object, key, json_string("?"));
}

static json_t *finding_to_json(const struct finding *f)
{
	json_t *o = json_object();

	set_string(o, "group", f->check->group);
	set_string(o, "name", f->check->name);
	set_string(o, "title", f->check->title);
	set_string(o, "state", finding_state_name(f->state));
	if (f->detail[0])
		set_string(o, "detail", f->detail);
	if (f->error)
		set_string(o, "errno", errno_name(-f->error) ?: "?");
	if (f->state == FINDING_NO && f->check->cost)
		set_string(o, "cost", f->check->cost);
	return o;
}

static json_t *mechanism_to_json(const struct diagnosis *d, size_t i)
{
	json_t *o = json_object();

	const struct mechanism_info *info = &d->info[i];

	set_string(o, "name", info->name);
	(void)json_object_set_new(o, "available", json_boolean(available(d, i)));
	set_string(o, "does", mechanisms[i].does);
	(void)json_object_set_new(o, "answers", json_boolean(info->can_answer));
	(void)json_object_set_new(o, "registers", json_boolean(info->can_write_regs));
	(void)json_object_set_new(o, "results", json_boolean(info->sees_result));
	(void)json_object_set_new(o, "attaches", json_boolean(info->can_attach));
	if (info->available)
		set_string(o, "errno", errno_name(-info->available) ?: "?");
	if (d->missing[i])
		set_string(o, "missing", d->missing[i]->check->name);
	return o;
}

static int print_json(const struct diagnosis *d)
{
	json_t *root = json_object(), *checks = json_array(), *list = json_array();
	int err = 0;

	for (size_t i = 0; i < d->count; i++)
		(void)json_array_append_new(checks, finding_to_json(&d->findings[i]));
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		(void)json_array_append_new(list, mechanism_to_json(d, i));
	(void)json_object_set_new(root, "checks", checks);
	(void)json_object_set_new(root, "mechanisms", list);
	(void)json_object_set_new(root, "usable", json_boolean(d->usable));
	/* What stdout did not take is said at the end. */
	if (json_dumpf(root, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0 && !ferror(stdout))
		err = -ENOMEM;
	(void)printf("\n");
	json_decref(root);
	return err;
}

static void usage(void)
{
	(void)printf("Usage: trapline doctor [--json]\n\n"
		     "Tries what this kernel, these privileges and this container allow, and says what each lack costs.\n"
		     "Exits 0 when at least one mechanism can run, 1 otherwise.\n\n"
		     "  --json  one JSON object instead of text\n");
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct diagnosis d = { 0 };
	bool json = false;
	int opt, err;

	while ((opt = cli_getopt(argc, argv, "h", options)) != -1) {
		if (opt == 'h') {
			usage();
			return 0;
		}
		if (opt != 'j')
			return CLI_EXIT_USAGE;
		json = true;
	}
	if (optind < argc) {
		cli_error("doctor", "unexpected '%s'", argv[optind]);
		return CLI_EXIT_USAGE;
	}
	err = diagnose(&d);
	if (!err && json)
		err = print_json(&d);
	else if (!err)
		print_text(&d);
	free(d.findings);
	if (err)
		cli_error("doctor", "%s", strerror(-err));
	return err || !d.usable ? CLI_EXIT_FAILURE : 0;
}
