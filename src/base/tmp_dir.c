#include "base/tmp_dir.h"

#include <stdlib.h>

const char *tmp_dir_asked(void)
{
	const char *asked = secure_getenv("TMPDIR");
	return asked && *asked ? asked : NULL;
}

const char *tmp_dir(void)
{
	const char *asked = tmp_dir_asked();
	return asked ? asked : "/tmp";
}
