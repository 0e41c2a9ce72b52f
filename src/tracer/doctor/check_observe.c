/* Watching without stopping: needed by later parts of trapline only, so the lack of it costs no mechanism. */
#include "tracer/doctor/checks.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "tracer/doctor/proc_status.h"

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

/* The shortest tracepoint program: return 0. */
static long try_bpf(void *ctx UNUSED)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACEPOINT;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = ARRAY_SIZE(code);
	attr.license = (uintptr_t)"Apache-2.0";
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

void check_bpf(struct finding *f)
{
	(void)finding_try(f, try_bpf);
}
