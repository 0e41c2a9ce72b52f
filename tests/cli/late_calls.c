/*
 * A guest for observe.py: calls whose results the kernel puts into memory, each several times, successful and not, with
 * what was there overwritten at once, so that whoever looks too late sees something else. Everything that it is told is
 * the same in each run. With an argument: what is wanted of it instead (see main).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 20 };

static _Thread_local char buf[4096];

static void spoil(void)
{
	memset(buf, '#', sizeof(buf));
}

static void look_at(const char *name)
{
	(void)!syscall(SYS_newfstatat, AT_FDCWD, name, buf, 0);
	spoil();
	(void)!syscall(SYS_newfstatat, AT_FDCWD, name, buf, AT_SYMLINK_NOFOLLOW);
	spoil();
	(void)!syscall(SYS_statx, AT_FDCWD, name, 0, STATX_TYPE | STATX_MODE | STATX_SIZE, buf);
	spoil();
	(void)!syscall(SYS_readlinkat, AT_FDCWD, name, buf, sizeof(buf));
	spoil();
	(void)!syscall(SYS_readlinkat, AT_FDCWD, name, buf, 3);
	spoil();
}

static void read_from(const char *name)
{
	int fd = open(name, O_RDONLY);

	(void)!syscall(SYS_fstat, fd, buf);
	spoil();
	(void)!syscall(SYS_read, fd, buf, 10);
	spoil();
	(void)!syscall(SYS_read, fd, buf, 300);
	spoil();
	(void)!syscall(SYS_pread64, fd, buf, sizeof(buf), 2);
	spoil();
	(void)!syscall(SYS_read, fd, buf, sizeof(buf));
	(void)!syscall(SYS_lseek, fd, 0, SEEK_SET);
	(void)!syscall(SYS_read, fd, NULL, 5);
	(void)!syscall(SYS_read, fd, 16, 5);
	close(fd);
}

static void ask(void)
{
	(void)!syscall(SYS_getcwd, buf, sizeof(buf));
	spoil();
	(void)!syscall(SYS_getcwd, buf, 1);
	(void)!syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, buf);
	spoil();
	(void)!syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, buf, 8);
	spoil();
	(void)!syscall(SYS_rt_sigaction, SIGUSR1, NULL, buf, 8);
	spoil();
	(void)!syscall(SYS_clock_getres, CLOCK_REALTIME, buf);
	spoil();
	(void)!syscall(SYS_uname, buf);
	spoil();
	struct flock lock = {.l_type = F_WRLCK};
	int fd = open("file", O_RDWR);
	(void)fcntl(fd, F_GETLK, &lock);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_GETFL);
	(void)ioctl(fd, TCGETS, buf);
	close(fd);
	int ends[2];
	if (pipe(ends) == 0) {
		struct pollfd p[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}};
		(void)syscall(SYS_poll, p, 2, 100);
		p[0].revents = p[1].revents = -1;
		(void)!write(ends[1], "through", 7);
		(void)!syscall(SYS_read, ends[0], buf, sizeof(buf));
		spoil();
		close(ends[0]);
		close(ends[1]);
	}
}

static void *calls(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		look_at("/proc/self/exe");
		look_at("file");
		look_at("link");
		look_at("nothing");
		read_from("file");
		read_from("nothing");
		ask();
	}
	return NULL;
}

/* getppid fails with ENOANO from now on, before any tracer's filter is asked. */
static int deny(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOANO),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		if (syscall(SYS_getppid) != -1 || errno != ENOANO || syscall(SYS_getpgrp) != -1 || errno != ENOSYS)
			return 2;
	}
	pid_t child = fork();
	int status;
	if (child == 0)
		_exit(syscall(SYS_getppid) == -1 ? 0 : 3);
	return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : 4;
}

static int compute(void)
{
	struct timespec begin, now;
	calls(NULL);
	(void)access("computes", F_OK);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < 30 && !getenv("NEVER"));
	return 0;
}

static int block(void)
{
	calls(NULL);
	return read(0, buf, sizeof(buf)) == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *wish = argc > 1 ? argv[1] : "";
	pthread_t threads[3];

	if (!strcmp(wish, "deny"))
		return deny();
	if (!strcmp(wish, "compute"))
		return compute();
	if (!strcmp(wish, "block"))
		return block();
	calls(NULL);
	if (strcmp(wish, "threads"))
		return 0;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, calls, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (fork() == 0) {
		calls(NULL);
		_exit(0);
	}
	return wait(NULL) > 0 ? 0 : 1;
}
