/* What the command of a session with files starts with. */
#include "kernel/kernel.h"
#include "kernel/task/task.h"

#include <sys/stat.h>

int files_first_task(struct kernel *k, pid_t tid)
{
	int r = task_add_first(k->tasks, tid);
	if (r < 0)
		return r;
	(void)task_set_umask(k->tasks, tid, k->files->inherited.umask);
	return task_set_cwd(k->tasks, tid, &k->files->cwd);
}

void files_restore_in_child(const struct kernel *k)
{
	(void)umask(k->files->inherited.umask);
	(void)setrlimit(RLIMIT_NOFILE, &k->files->inherited.nofile);
	(void)setrlimit(RLIMIT_FSIZE, &k->files->inherited.fsize);
}
