/* Any bytes as a call in strace's notation, and a decision on it. */
#include "fuzz.h"

#include <string.h>

#include "policy/callparse.h"

static const char text[] =
	"errno EACCES %file when path under \"/etc\" and not path glob \"/etc/*.conf\"\n"
	"errno EPERM connect bind when addr.ip in {10.0.0.0/8, ::1} or addr.path under \"/run\"\n"
	"errno EBADF read write when fd.path basename \"*.log\" or fd > 100\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy *p;
	struct policy_options options = {.any_feature = 1};
	struct parsed_call call;
	struct decide_event event;
	struct decision d;
	char message[200];
	size_t at;

	if (!p && policy_load_text("fuzz", text, strlen(text), &options, &p) < 0)
		return 0;
	if (call_parse((const char *)data, size, &call, &at, message, sizeof(message)) < 0)
		return 0;
	parsed_call_event(&call, &event);
	policy_decide(p, NULL, &event, &d);
	parsed_call_finish(&call);
	return 0;
}
