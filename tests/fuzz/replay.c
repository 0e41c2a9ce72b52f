/* Run a fuzz target over kept inputs without libFuzzer: files, or directories of files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned done;

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	size_t cap = 1 << 20, n;
	uint8_t *data = malloc(cap);

	if (!f || !data) {
		perror(path);
		free(data);
		return 1;
	}
	n = fread(data, 1, cap, f);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	done++;
	return 0;
}

static int replay_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int failed = 0;

	if (!d) {
		perror(path);
		return 1;
	}
	while ((e = readdir(d))) {
		char full[4096];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(full, sizeof(full), "%s/%s", path, e->d_name);
		failed |= replay_file(full);
	}
	(void)closedir(d);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			failed |= replay_dir(argv[i]);
		else
			failed |= replay_file(argv[i]);
	}
	(void)printf("%u inputs\n", done);
	return failed || !done;
}
