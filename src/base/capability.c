#include "base/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t both(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

int capability_sets(struct capability_sets *ret)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*ret = (struct capability_sets){
		.effective = both(data[0].effective, data[1].effective),
		.permitted = both(data[0].permitted, data[1].permitted),
		.inheritable = both(data[0].inheritable, data[1].inheritable),
	};
	return 0;
}

bool capability_effective(int capability)
{
	struct capability_sets sets = {0};
	return capability_sets(&sets) == 0 && (sets.effective >> capability & 1);
}
