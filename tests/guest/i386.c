/* A 32-bit program (built with -m32): its calls and their structures are i386's. */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest.h"

static void *in_thread(void *arg)
{
	CHECK(getppid() > 0);
	return arg;
}

int main(int argc, char **argv)
{
	struct utsname u;
	struct sysinfo si;
	struct stat st;
	uid_t r, e, s;

	(void)argv;
	if (argc > 1)
		return 25;
	for (int i = 0; i < 50; i++) {
		char *again[] = {argv[0], (char *)"--child", NULL};
		pthread_t t;
		pid_t pid;

		CHECK(uname(&u) == 0 && strcmp(u.sysname, "Linux") == 0);
		CHECK(sysinfo(&si) == 0 && si.uptime > 0 && si.mem_unit > 0);
		CHECK(stat("/", &st) == 0 && S_ISDIR(st.st_mode));
		CHECK(getresuid(&r, &e, &s) == 0);
		CHECK(r == getuid() && e == geteuid());
		CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));	/* the 16-bit ones */
		CHECK_EQ(pthread_create(&t, NULL, in_thread, NULL), 0);
		CHECK_EQ(pthread_join(t, NULL), 0);
		pid = guest_fork();
		if (pid == 0) {
			execv("/proc/self/exe", again);
			_exit(1);
		}
		guest_wait_exit(pid, 25);
		CHECK(nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL) == 0);
	}
	return 0;
}
