#include "tracer/doctor/proc_status.h"

#include <string.h>

int proc_status_number(const char *field, unsigned long long *ret)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(field);
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, field, len) || line[len] != ':')
			continue;
		*ret = strtoull(line + len + 1, NULL, 10);
		return 0;
	}
	return -ENOENT;
}

int file_number(const char *path, long *ret)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	return fscanf(f, "%ld", ret) == 1 ? 0 : -EINVAL;
}
