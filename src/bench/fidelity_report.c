/* bench fidelity: its results as text and as JSON. */
#include "bench/fidelity.h"

#include <inttypes.h>
#include <string.h>

static const char *mode_name(enum fidelity_mode mode)
{
	static const char *const names[] = {
		[FIDELITY_ALONE] = "alone", [FIDELITY_TRACED] = "traced", [FIDELITY_ANSWERED] = "answered",
	};

	return names[mode];
}

void fidelity_text_head(struct strbuf *out, const struct fidelity_options *options)
{
	strbuf_addf(out, "seed %" PRIu64 ", %" PRIu64 " calls a run\n\n", options->seed, options->calls);
	strbuf_addf(out, "%-9s %-9s %10s %10s %6s %9s %9s %8s\n", "mechanism", "mode", "calls", "seen", "lost", "left", "saw",
		    "seconds");
}

static void text_tally(struct strbuf *out, const char *what, const struct fidelity_tally *t)
{
	if (t->total == 0)
		return;
	strbuf_addf(out, "    %s:", what);
	for (uint32_t i = 0; i < t->used; i++)
		strbuf_addf(out, " %s %" PRIu64, t->row[i].name, t->row[i].count);
	strbuf_addc(out, '\n');
}

void fidelity_text(struct strbuf *out, const struct fidelity_options *options, const struct fidelity_result *r)
{
	strbuf_addf(out, "%-9s %-9s ", mechanism_name(r->mechanism), mode_name(r->mode));
	if (r->unavailable) {
		strbuf_addf(out, "not available here: %s\n", strerror(-r->unavailable));
		return;
	}
	strbuf_addf(out, "%10" PRIu64 " %10" PRIu64 " %6" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8.1f%s\n", r->calls, r->seen,
		    r->lost, r->left.total, r->saw.total, r->seconds, fidelity_passed(options, r) ? "" : "  FAILED");
	text_tally(out, "left different", &r->left);
	text_tally(out, "saw differently", &r->saw);
	if (r->repeated)
		strbuf_addf(out, "    seen more than once: %" PRIu64 "\n", r->repeated);
	if (r->guest_status)
		strbuf_addf(out, "    the guest ended with wait status 0x%x\n", (unsigned)r->guest_status);
	if (options->plant && r->mode != FIDELITY_ALONE)
		strbuf_addf(out, "    planted in %s: %" PRIu64 "\n", options->plant, r->planted);
}

void fidelity_json_head(struct strbuf *out, const struct fidelity_options *options)
{
	strbuf_addf(out, "{\"bench\":\"fidelity\",\"seed\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"runs\":[", options->seed,
		    options->calls);
}

static void json_tally(struct strbuf *out, const char *name, const struct fidelity_tally *t)
{
	strbuf_addf(out, ",\"%s\":{\"total\":%" PRIu64 ",\"registers\":{", name, t->total);
	for (uint32_t i = 0; i < t->used; i++)
		strbuf_addf(out, "%s\"%s\":%" PRIu64, i ? "," : "", t->row[i].name, t->row[i].count);
	strbuf_adds(out, "}}");
}

void fidelity_json(struct strbuf *out, const struct fidelity_options *options, const struct fidelity_result *r, bool first)
{
	strbuf_addf(out, "%s\n{\"mechanism\":\"%s\",\"mode\":\"%s\"", first ? "" : ",", mechanism_name(r->mechanism),
		    mode_name(r->mode));
	if (r->unavailable) {
		strbuf_addf(out, ",\"unavailable\":\"%s\"}", strerror(-r->unavailable));
		return;
	}
	strbuf_addf(out, ",\"parts\":\"%s\",\"calls\":%" PRIu64 ",\"seen\":%" PRIu64 ",\"lost\":%" PRIu64, r->parts, r->calls,
		    r->seen, r->lost);
	strbuf_addf(out, ",\"repeated\":%" PRIu64 ",\"answered\":%" PRIu64, r->repeated, r->answered);
	if (options->plant)
		strbuf_addf(out, ",\"plant\":\"%s\",\"planted\":%" PRIu64, options->plant, r->planted);
	json_tally(out, "left", &r->left);
	json_tally(out, "saw", &r->saw);
	strbuf_addf(out, ",\"guest_status\":%d,\"seconds\":%.3f,\"passed\":%s}", r->guest_status, r->seconds,
		    fidelity_passed(options, r) ? "true" : "false");
}

void fidelity_json_end(struct strbuf *out, bool passed)
{
	strbuf_addf(out, "\n],\"passed\":%s}\n", passed ? "true" : "false");
}
