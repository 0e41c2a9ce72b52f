/*
 * The call itself, answered by the host: what everything else is measured against. With --filter under a seccomp filter
 * that lets it pass; with --errno answered by that filter. --batch reads the clock once for a hundred calls, so that a
 * few nanoseconds show. --getuid and --expect=VALUE let it be the guest of other tools.
 */
#include "bare_filter.h"

static bool with_filter, with_errno;

static bool option(struct bare *b, const char *name)
{
	if (!strcmp(name, "filter"))
		with_filter = true;
	else if (!strcmp(name, "errno"))
		with_errno = true;
	else if (!strcmp(name, "batch"))
		b->batch = 100;
	else if (!strcmp(name, "getuid"))
		b->call_number = SYS_getuid;
	else if (!strncmp(name, "expect=", 7))
		b->expected = atol(name + 7);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct bare b = { .name = "native", .fixed_result = true, .expected = -1 };

	bare_init(&b, argc, argv, " [--filter | --errno] [--batch] [--getuid] [--expect=VALUE]", option);
	if (with_errno) {
		b.name = "errno";
		b.expected = -EXDEV;
		if (bare_filter(b.call_number, SECCOMP_RET_ERRNO | EXDEV, 0) < 0)
			bare_die("seccomp");
	} else if (with_filter) {
		b.name = "native_filter";
		if (bare_filter(SYS_swapoff, SECCOMP_RET_ERRNO | EPERM, 0) < 0)
			bare_die("seccomp");
	}
	if (b.expected == -1)
		b.expected = b.call_number == SYS_getuid ? (long)getuid() : (long)getppid();
	if (b.batch)
		bare_guest_in_batches(&b);
	else
		bare_guest(&b);
	return bare_report(&b);
}
