/* What /proc/PID/status, stat and prctl(2) say of a process: nothing of who watches it. */
#include "files.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void show_lines(const char *path)
{
	static const char *const names[] = {"State:", "TracerPid:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"};
	char line[512];
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				fputs(line, stdout);
		}
	}
	if (f)
		fclose(f);
}

static void show_state(const char *path)
{
	char text[512] = "";
	FILE *f = fopen(path, "re");
	const char *end = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	printf("stat %.2s\n", end ? end + 1 : "?");
	if (f)
		fclose(f);
}

static void show_prctl(void)
{
	printf("no_new_privs %d seccomp %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
}

static void a_stopped_child(void)
{
	char path[64];
	int status;
	pid_t child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, WUNTRACED);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	show_lines(path);
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	show_state(path);
	kill(child, SIGCONT);
	waitpid(child, &status, 0);
}

/* A filter that lets all pass, for all threads: no_new_privs comes along. */
static int filter_all_threads(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog prog = {.len = 1, .filter = code};
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
}

static sem_t filtered;

static void *a_thread(void *unused)
{
	sem_wait(&filtered);
	show_lines("/proc/thread-self/status");
	show_prctl();
	return unused;
}

int main(void)
{
	pthread_t thread;
	sem_init(&filtered, 0, 0);
	pthread_create(&thread, NULL, a_thread, NULL);
	show_lines("/proc/self/status");
	show_lines("/proc/thread-self/status");
	show_state("/proc/self/stat");
	show_prctl();
	a_stopped_child();
	printf("set %d\n", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	int r = prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0);
	printf("set to 2: %d %d\n", r, errno);
	show_lines("/proc/self/status");
	show_prctl();
	a_stopped_child();
	printf("filter %d\n", filter_all_threads());
	sem_post(&filtered);
	pthread_join(thread, NULL);
	return 0;
}
