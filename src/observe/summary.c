/* The table of -c and -C: what each system call took. */
#include <string.h>

#include "base/histogram.h"
#include "observe/sink.h"

struct call_stats {
	const char *name;
	uint64_t errors;
	struct histogram time;
};

struct summary_sink {
	struct sink base;
	const struct observe_options *options;
	/* owned; the last: numbers that no table knows; NULL: never called */
	struct call_stats *stats[CALL_COUNT + 1];
};

static struct summary_sink *summary_sink(struct sink *s)
{
	return (struct summary_sink *)s;
}

static struct call_stats *stats_of(struct summary_sink *s, int32_t id)
{
	struct call_stats **at = &s->stats[id >= 0 ? id : CALL_COUNT];
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return NULL;
		(*at)->name = id >= 0 ? call_desc((enum call_id)id)->name : "(unknown)";
		histogram_init(&(*at)->time);
	}
	return *at;
}

static void summary_call(struct sink *base, struct observed_task *task, const struct observed_event *e)
{
	struct summary_sink *s = summary_sink(base);
	if (!(s->options->statuses & (e->head->is_error ? STATUS_FAILED : STATUS_SUCCESSFUL)))
		return;
	struct call_stats *c = stats_of(s, e->head->id);
	if (!c)
		return;
	uint64_t ns = s->options->system_time ? e->head->cpu_ns : e->head->time_ns - task->enter.time_ns;
	uint64_t overhead = (uint64_t)s->options->overhead_ns;
	histogram_add(&c->time, ns > overhead ? ns - overhead : 0);
	c->errors += e->head->is_error;
}

/* ---- the table ---- */

struct column_shape {
	const char *title;
	int width;
};

static const struct column_shape shapes[COLUMN_COUNT] = {
	[COLUMN_TIME_PERCENT] = {"% time", 6},
	[COLUMN_TOTAL_TIME] = {"seconds", 11},
	[COLUMN_MIN_TIME] = {"shortest", 9},
	[COLUMN_MAX_TIME] = {"longest", 9},
	[COLUMN_AVG_TIME] = {"usecs/call", 11},
	[COLUMN_CALLS] = {"calls", 9},
	[COLUMN_ERRORS] = {"errors", 9},
	[COLUMN_NAME] = {"syscall", 16},
	[COLUMN_P50] = {"p50 usecs", 10},
	[COLUMN_P99] = {"p99 usecs", 10},
};

static uint64_t average(const struct call_stats *c)
{
	return c->time.count ? c->time.sum / c->time.count : 0;
}

static uint64_t key(const struct call_stats *c, enum summary_column column)
{
	switch (column) {
	case COLUMN_TIME_PERCENT:
	case COLUMN_TOTAL_TIME:
		return c->time.sum;
	case COLUMN_MIN_TIME:
		return c->time.min;
	case COLUMN_MAX_TIME:
		return c->time.max;
	case COLUMN_AVG_TIME:
		return average(c);
	case COLUMN_CALLS:
		return c->time.count;
	case COLUMN_ERRORS:
		return c->errors;
	case COLUMN_P50:
		return histogram_quantile(&c->time, 0.5);
	case COLUMN_P99:
		return histogram_quantile(&c->time, 0.99);
	case COLUMN_NAME:
	case COLUMN_NONE:
		break;
	}
	return 0;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct call_stats *const *x = a, *const *y = b;
	enum summary_column sort = ((const struct observe_options *)arg)->sort;
	uint64_t kx = key(*x, sort), ky = key(*y, sort);
	if (kx != ky)
		return kx > ky ? -1 : 1;
	/* Equal, or sorted by name: the alphabet makes the table the same in every run. */
	return strcmp((*x)->name, (*y)->name);
}

static void add_microseconds(struct strbuf *b, int width, uint64_t ns)
{
	/* Three significant digits are worth showing below 100 us. */
	strbuf_addf(b, "%*.*f", width, ns < 100000 ? 1 : 0, (double)ns / 1000);
}

static void add_cell(struct strbuf *b, const struct call_stats *c, uint64_t all_ns, enum summary_column column,
		     bool last)
{
	int width = shapes[column].width;
	switch (column) {
	case COLUMN_TIME_PERCENT:
		strbuf_addf(b, "%*.2f", width, all_ns ? 100.0 * (double)c->time.sum / (double)all_ns : 0.0);
		break;
	case COLUMN_TOTAL_TIME:
		strbuf_addf(b, "%*.6f", width, (double)c->time.sum / 1e9);
		break;
	case COLUMN_MIN_TIME:
		strbuf_addf(b, "%*.6f", width, (double)(c->time.count ? c->time.min : 0) / 1e9);
		break;
	case COLUMN_MAX_TIME:
		strbuf_addf(b, "%*.6f", width, (double)c->time.max / 1e9);
		break;
	case COLUMN_AVG_TIME:
		strbuf_addf(b, "%*llu", width, (unsigned long long)(average(c) / 1000));
		break;
	case COLUMN_CALLS:
		strbuf_addf(b, "%*llu", width, (unsigned long long)c->time.count);
		break;
	case COLUMN_ERRORS:
		if (c->errors)
			strbuf_addf(b, "%*llu", width, (unsigned long long)c->errors);
		else
			strbuf_addf(b, "%*s", width, "");
		break;
	case COLUMN_P50:
		add_microseconds(b, width, histogram_quantile(&c->time, 0.5));
		break;
	case COLUMN_P99:
		add_microseconds(b, width, histogram_quantile(&c->time, 0.99));
		break;
	case COLUMN_NAME:
		strbuf_addf(b, "%-*s", last ? 0 : width, c->name);
		break;
	case COLUMN_NONE:
		break;
	}
}

static void add_row(const struct observe_options *o, struct strbuf *b, const struct call_stats *c, uint64_t all_ns)
{
	for (unsigned i = 0; i < o->column_count; i++) {
		if (i)
			strbuf_addc(b, ' ');
		add_cell(b, c, all_ns, o->columns[i], i + 1 == o->column_count);
	}
	strbuf_addc(b, '\n');
}

static void add_titles(const struct observe_options *o, struct strbuf *b)
{
	for (unsigned i = 0; i < o->column_count; i++) {
		const struct column_shape *shape = &shapes[o->columns[i]];
		bool left = o->columns[i] == COLUMN_NAME || o->columns[i] == COLUMN_TIME_PERCENT;
		bool last = i + 1 == o->column_count;
		strbuf_addf(b, left ? "%s%-*s" : "%s%*s", i ? " " : "", last && left ? 0 : shape->width, shape->title);
	}
	strbuf_addc(b, '\n');
}

static void add_rule(const struct observe_options *o, struct strbuf *b)
{
	for (unsigned i = 0; i < o->column_count; i++) {
		if (i)
			strbuf_addc(b, ' ');
		for (int n = 0; n < shapes[o->columns[i]].width; n++)
			strbuf_addc(b, '-');
	}
	strbuf_addc(b, '\n');
}

static void summary_print(struct sink *base)
{
	struct summary_sink *s = summary_sink(base);
	const struct observe_options *o = s->options;
	struct strbuf *b = &base->writer->main.text;
	struct call_stats *rows[CALL_COUNT + 1];
	size_t count = 0;
	struct call_stats total = {.name = "total"};
	histogram_init(&total.time);
	for (unsigned i = 0; i <= CALL_COUNT; i++) {
		if (!s->stats[i])
			continue;
		rows[count++] = s->stats[i];
		histogram_merge(&total.time, &s->stats[i]->time);
		total.errors += s->stats[i]->errors;
	}
	if (o->sort != COLUMN_NONE)
		qsort_r(rows, count, sizeof(rows[0]), compare, (void *)(uintptr_t)o);
	add_titles(o, b);
	add_rule(o, b);
	for (size_t i = 0; i < count; i++)
		add_row(o, b, rows[i], total.time.sum);
	add_rule(o, b);
	add_row(o, b, &total, total.time.sum);
}

static void summary_destroy(struct sink *base)
{
	struct summary_sink *s = summary_sink(base);
	for (unsigned i = 0; i <= CALL_COUNT; i++)
		free(s->stats[i]);
	free(s);
}

static const struct sink_ops summary_ops = {
	.call = summary_call,
	.summary = summary_print,
	.destroy = summary_destroy,
};

struct sink *summary_sink_create(struct writer *w)
{
	struct summary_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base.ops = &summary_ops;
	s->options = w->options;
	return &s->base;
}
