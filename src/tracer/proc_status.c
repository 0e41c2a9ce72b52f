#include "tracer/proc_status.h"

#include <string.h>

#include "base/errors.h"

pid_t proc_status_pid(pid_t task, const char *field)
{
	char path[64];
	char line[128];
	size_t len = strlen(field);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", task);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			return (pid_t)strtol(line + len + 1, NULL, 10);
	}
	return 0;
}
