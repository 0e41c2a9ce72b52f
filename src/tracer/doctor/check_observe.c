/* Watching without stopping. */
#include "tracer/doctor/checks.h"

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tracer/doctor/proc_status.h"
#include "tracer/ptrace/ends_program.h"

static long try_perf(void *ctx UNUSED)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CONTEXT_SWITCHES,
		.disabled = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0 ? -errno : 0;
}

void check_perf(struct finding *f)
{
	long paranoid;

	if (finding_try(f, try_perf) >= 0 && file_number("/proc/sys/kernel/perf_event_paranoid", &paranoid) == 0)
		finding_set(f, FINDING_OK, "perf_event_paranoid is %ld", paranoid);
}

void check_tracefs(struct finding *f)
{
	static const char *const places[] = { "/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (access(places[i], R_OK | X_OK) == 0) {
			finding_set(f, FINDING_OK, "%s", places[i]);
			return;
		}
		f->error = -errno;
	}
	finding_set(f, FINDING_NO, "%s", f->error == -EACCES ? "not readable" : "not mounted");
}

/* Loaded and attached as a session would. */
static long try_bpf(void *ctx UNUSED)
{
	struct ends_program p;
	int r = ends_program_open(&p);
	if (r == 0)
		ends_program_close(&p);
	return r;
}

void check_bpf(struct finding *f)
{
	(void)finding_try(f, try_bpf);
}
