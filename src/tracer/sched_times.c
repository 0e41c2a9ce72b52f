#include "tracer/sched_times.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int sched_times(pid_t tid, struct sched_times *ret)
{
	char path[64];
	char text[128];
	unsigned long long ran, waited;
	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &ran, &waited) != 2)
		return -EIO;
	*ret = (struct sched_times){.ran_ns = ran, .waited_ns = waited};
	return 0;
}
