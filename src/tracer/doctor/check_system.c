/* The machine, and who we are on it. */
#include "tracer/doctor/checks.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/capability.h"
#include "tracer/doctor/proc_status.h"

void check_kernel(struct finding *f)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
		finding_set(f, FINDING_NO, "unknown");
		return;
	}
	/* 4.8 runs seccomp after ptrace and again after a rewrite; before it a tracer could not trust a filter. */
	finding_set(f, major > 4 || (major == 4 && minor >= 8) ? FINDING_OK : FINDING_NO, "%.32s %.48s, %.24s",
		    u.sysname, u.release, u.machine);
}

void check_cpus(struct finding *f)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		finding_set(f, FINDING_INFO, "%ld online", online);
	else
		finding_set(f, FINDING_INFO, "%d allowed of %ld online", CPU_COUNT(&set), online);
}

void check_nested_tracer(struct finding *f)
{
	unsigned long long tracer;

	if (proc_status_number("TracerPid", &tracer) < 0)
		finding_set(f, FINDING_NA, "/proc/self/status does not say");
	else if (tracer)
		finding_set(f, FINDING_NO, "process %llu traces this one", tracer);
	else
		finding_set(f, FINDING_OK, "nobody traces this process");
}

void check_inside_seccomp(struct finding *f)
{
	unsigned long long mode, filters;

	if (proc_status_number("Seccomp", &mode) < 0)
		finding_set(f, FINDING_NA, "/proc/self/status does not say");
	else if (!mode)
		finding_set(f, FINDING_OK, "this process has no filter on it");
	else if (proc_status_number("Seccomp_filters", &filters) == 0)
		finding_set(f, FINDING_NO, "%llu filter%s already on this process", filters, filters == 1 ? "" : "s");
	else
		finding_set(f, FINDING_NO, "already under seccomp mode %llu", mode);
}

void check_no_new_privs(struct finding *f)
{
	unsigned long long set;

	if (proc_status_number("NoNewPrivs", &set) < 0)
		finding_set(f, FINDING_NA, "/proc/self/status does not say");
	else
		finding_set(f, FINDING_INFO, set ? "already set: set-uid programs gain nothing here" : "not set");
}

static void report_capability(struct finding *f, int capability)
{
	bool effective = capability_effective(capability);

	finding_set(f, effective ? FINDING_OK : FINDING_NO, effective ? "effective" : "not effective");
}

void check_cap_sys_admin(struct finding *f)
{
	report_capability(f, CAP_SYS_ADMIN);
}

void check_cap_sys_ptrace(struct finding *f)
{
	report_capability(f, CAP_SYS_PTRACE);
}

static long try_user_namespace(void *ctx UNUSED)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

void check_user_namespaces(struct finding *f)
{
	(void)finding_try(f, try_user_namespace);
}

static void report_limit(struct finding *f, int resource, rlim_t needed)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)resource, &r) < 0) {
		f->error = -errno;
		finding_set(f, FINDING_NA, "getrlimit failed");
		return;
	}
	if (r.rlim_cur == RLIM_INFINITY) {
		finding_set(f, FINDING_OK, "unlimited");
		return;
	}
	enum finding_state state = r.rlim_max >= needed ? FINDING_OK : FINDING_NO;
	if (r.rlim_max == RLIM_INFINITY)
		finding_set(f, state, "%llu soft, no hard", (unsigned long long)r.rlim_cur);
	else
		finding_set(f, state, "%llu soft, %llu hard", (unsigned long long)r.rlim_cur,
			    (unsigned long long)r.rlim_max);
}

void check_nofile(struct finding *f)
{
	report_limit(f, RLIMIT_NOFILE, 1024);
}

void check_nproc(struct finding *f)
{
	report_limit(f, RLIMIT_NPROC, 256);
}

static long try_realtime(void *ctx UNUSED)
{
	const struct sched_param p = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO, &p) < 0 ? -errno : 0;
}

void check_realtime(struct finding *f)
{
	(void)finding_try(f, try_realtime);
}

/* Opening asks for nothing yet: the request is the four bytes that a holder writes. */
static long try_cpu_dma_latency(void *ctx UNUSED)
{
	return open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC) < 0 ? -errno : 0;
}

void check_cpu_dma_latency(struct finding *f)
{
	(void)finding_try(f, try_cpu_dma_latency);
}
