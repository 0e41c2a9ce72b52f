/*
 * One call made often, from one place: what trapline then answers by memory that it shares with the program
 * (tracer/stub). Results, errors, registers, signals, threads, children and filters stay as they are of a call made
 * once.
 */

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "files.h"

enum { OFTEN = 400, THREADS = 4 };

static char five[] = "five", seven[] = "seven", above[] = "../five";

/* ---- results ---- */

static void want_size(const char *name, off_t size)
{
	struct stat st;

	CHECK(stat(name, &st) == 0);
	CHECK_EQ(st.st_size, size);
}

static void results(void)
{
	struct stat st;
	struct statx stx;
	char target[64];

	for (int i = 0; i < OFTEN; i++) {
		want_size("five", 5);
		want_size(i % 2 ? "link" : "./dir/../five", 5);
		CHECK(lstat("link", &st) == 0 && S_ISLNK(st.st_mode));
		CHECK(statx(AT_FDCWD, "seven", 0, STATX_BASIC_STATS, &stx) == 0);
		CHECK_EQ(stx.stx_size, 7);
		CHECK_EQ(readlink("link", target, sizeof(target)), 4);
		CHECK(memcmp(target, "five", 4) == 0);
		CHECK_EQ(readlink("link", target, 2), 2);
		CHECK(access("five", R_OK) == 0);
		CHECK_ERRNO(access("five", X_OK), EACCES);
	}
}

/* Of files that are not there; and then are. */
static void opens(void)
{
	for (int i = 0; i < OFTEN; i++) {
		CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
		CHECK_ERRNO(open("five/none", O_RDONLY), ENOTDIR);
		CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
		CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
		CHECK_ERRNO(open("five", O_RDONLY | O_DIRECTORY), ENOTDIR);
		CHECK_ERRNO(openat(12345, "none", O_RDONLY), EBADF);
		if (i % 16)
			continue;
		int fd = open("none", O_RDWR | O_CREAT | O_EXCL, 0600);
		CHECK(fd >= 0 && write(fd, "now", 3) == 3 && close(fd) == 0);
		files_want("none", "now");
		CHECK(unlink("none") == 0);
		files_want("link", "12345");
	}
}

/* What changes between two calls is seen by the second. */
static void changes(void)
{
	struct stat st;

	for (int i = 0; i < OFTEN; i++) {
		int fd = open("grows", O_WRONLY | O_CREAT | O_APPEND, 0600);

		CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
		want_size("grows", i + 1);
		CHECK(chmod("grows", i % 2 ? 0600 : 0640) == 0);
		CHECK(stat("grows", &st) == 0);
		CHECK_EQ(st.st_mode & 07777, i % 2 ? 0600 : 0640);
	}
	CHECK(unlink("grows") == 0);
	for (int i = 0; i < OFTEN; i++)
		CHECK_ERRNO(stat("grows", &st), ENOENT);
}

/* Calls that change something, that name nothing, or two things; and a list longer than what is shared. */
static void others(void)
{
	static char list[1 << 16];
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	char name[300], cwd[PATH_MAX];
	struct stat st;
	int fd = open("works", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && mkdir("many", 0755) == 0);
	for (int i = 0; i < OFTEN; i++) {
		times[0].tv_sec = 1000 + i;
		CHECK(futimens(fd, times) == 0 && fchmod(fd, i % 2 ? 0600 : 0604) == 0 && fstat(fd, &st) == 0);
		CHECK_EQ(st.st_atime, 1000 + i);
		CHECK_EQ(st.st_mode & 07777, i % 2 ? 0600 : 0604);
		CHECK(rename(i % 2 ? "moved" : "works", i % 2 ? "works" : "moved") == 0);
		CHECK(mkdir("new", 0700) == 0 && rmdir("new") == 0);
		CHECK_ERRNO(rmdir("new"), ENOENT);
		CHECK_ERRNO(rename("works", (char *)8), EFAULT);
		CHECK(link("five", "again") == 0 && unlink("again") == 0);
		CHECK(chdir(i % 2 ? ".." : "many") == 0 && getcwd(cwd, sizeof(cwd)) == cwd);
		CHECK_EQ(strcmp(strrchr(cwd, '/'), "/many") == 0, i % 2 == 0);
		CHECK(i % 2 == 0 || chdir(files_dir) == 0);
		if (i % 2 == 0)
			CHECK(chdir("..") == 0);
	}
	CHECK(close(fd) == 0 && unlink("works") == 0);
	for (int i = 0; i < OFTEN; i++) {
		snprintf(name, sizeof(name), "many/%0200d", i);
		files_write(name, "");
	}
	for (int round = 0; round < 4; round++) {
		int count = 0;
		long n;

		fd = open("many", O_RDONLY | O_DIRECTORY);
		CHECK(fd >= 0);
		while ((n = syscall(SYS_getdents64, fd, list, round % 2 ? 1024 : sizeof(list))) > 0) {
			for (long at = 0; at < n; count++)
				at += *(uint16_t *)(list + at + 16);
		}
		CHECK(n == 0 && close(fd) == 0);
		CHECK_EQ(count, OFTEN + 2);
	}
	/* Memory ends in the middle of the list: what fits is given, and the rest the next time. */
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(two != MAP_FAILED && mprotect(two + page, page, PROT_NONE) == 0);
	for (int i = 0; i < 20; i++) {
		int count = 0;
		long n;

		fd = open("many", O_RDONLY | O_DIRECTORY);
		CHECK(fd >= 0);
		while ((n = syscall(SYS_getdents64, fd, two + page - 600, page)) > 0) {
			for (long at = 0; at < n; count++)
				at += *(uint16_t *)(two + page - 600 + at + 16);
		}
		CHECK(n == 0 && close(fd) == 0);
		CHECK_EQ(count, OFTEN + 2);
	}
	CHECK(munmap(two, 2 * page) == 0);
	for (int i = 0; i < OFTEN; i++) {
		DIR *d = opendir("dir");
		int count = 0;

		CHECK(d != NULL);
		while (readdir(d))
			count++;
		CHECK_EQ(count, 3);
		CHECK(closedir(d) == 0);
		snprintf(name, sizeof(name), "many/%0200d", i);
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir("many") == 0);
}

/* ---- errors ---- */

static void errors(void)
{
	static char name[PATH_MAX + 16];
	const long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *volatile nowhere = NULL;
	struct stat st;

	CHECK(pages != MAP_FAILED && munmap(pages + page, (size_t)page) == 0);
	char *at_end = pages + page - 5;
	memset(name, 'n', sizeof(name) - 1);
	memcpy(at_end, "five", 5);
	for (int i = 0; i < OFTEN; i++) {
		CHECK_ERRNO(stat("none", &st), ENOENT);
		CHECK_ERRNO(stat("five/none", &st), ENOTDIR);
		CHECK_ERRNO(stat("loop", &st), ELOOP);
		CHECK_ERRNO(stat("", &st), ENOENT);
		CHECK_ERRNO(stat(name, &st), ENAMETOOLONG);
		CHECK_ERRNO(stat(name + sizeof(name) - 1 - 256, &st), ENAMETOOLONG);
		CHECK_ERRNO(fstatat(AT_FDCWD, "five", &st, 0x40000000), EINVAL);
		CHECK_ERRNO(fstatat(12345, "five", &st, 0), EBADF);
		/* A name that ends where memory does, and one that does not end there. */
		CHECK(stat(at_end, &st) == 0);
		pages[page - 1] = 'x';
		CHECK_ERRNO(stat(at_end, &st), EFAULT);
		pages[page - 1] = '\0';
		/* Room that is half there, or not at all. */
		CHECK_ERRNO(stat("five", (struct stat *)at_end), EFAULT);
		memcpy(at_end, "five", 5);
		CHECK_ERRNO(stat("five", (struct stat *)(pages + page)), EFAULT);
		CHECK_ERRNO(stat((char *)8, &st), EFAULT);
		CHECK_ERRNO(stat(nowhere, &st), EFAULT);
		CHECK_ERRNO(stat((char *)INTPTR_MIN, &st), EFAULT);
		want_size("five", 5);
	}
	CHECK(munmap(pages, (size_t)page) == 0);
}

/* A fault of the call is no fault of the program's: neither its handler nor its mask is touched. */
static volatile sig_atomic_t faults;

static void on_fault(int sig)
{
	(void)sig;
	faults++;
}

static void faults_are_errors(void)
{
	struct sigaction sa = {.sa_handler = on_fault}, now;
	struct stat st;

	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0 && sigaction(SIGBUS, &sa, NULL) == 0);
	for (int i = 0; i < OFTEN; i++) {
		want_size("five", 5);
		CHECK_ERRNO(stat((char *)16, &st), EFAULT);
		CHECK_ERRNO(stat("five", (struct stat *)16), EFAULT);
	}
	CHECK_EQ(faults, 0);
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == on_fault);
	CHECK(signal(SIGSEGV, SIG_DFL) == on_fault && signal(SIGBUS, SIG_DFL) == on_fault);
}

/* ---- registers ---- */

#if defined(__x86_64__)
/*
 * A call's instruction in memory of our own, as compilers make it: mov $nr, %eax; syscall. Its registers, in and out,
 * and the 128 bytes below the stack pointer, which are the caller's.
 */
struct seen {
	uint64_t rax, rcx, r11, rbx, rbp, rsi, rdi, rdx, r8, r9, r10, r12, r13, r14, r15;
	uint64_t red[16];
};

/* rdi: the call's code; rsi: name; rdx: struct stat; rcx: struct seen */
void often_call(const void *code, const char *name, struct stat *st, struct seen *ret);
__asm__(
"	.text\n"
"	.globl often_call\n"
"often_call:\n"
"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
"	push %rcx\n"
"	sub $136, %rsp\n"
"	mov %rdi, %rbx\n"
"	mov $0x1111, %ebp\n"
"	mov $0x2222, %r8d; mov $0x3333, %r9d; mov $0x4444, %r12d; mov $0x5555, %r13d; mov $0x6666, %r14d\n"
"	mov %rdx, %r15\n"
"	mov %rsi, %rdi; mov %rdx, %rsi; mov $0x7777, %edx; mov $0x8888, %r10d\n"
"	lea 128(%rsp), %rax\n"
"1:	lea -8(%rax), %rax; mov %rax, (%rax); cmp %rsp, %rax; jne 1b\n"
/* The red zone is below the stack pointer as the call is made. */
"	lea 128(%rsp), %rsp\n"
"	std; cld; stc\n"
"	jmp *%rbx\n"
"	.globl often_back\n"
"often_back:\n"
"	lea -128(%rsp), %rsp\n"
"	push %r11\n"
"	mov 144(%rsp), %r11\n"
"	mov %rax, (%r11); mov %rcx, 8(%r11)\n"
"	pop %rax\n"
"	mov %rax, 16(%r11)\n"
"	mov %rbx, 24(%r11); mov %rbp, 32(%r11); mov %rsi, 40(%r11); mov %rdi, 48(%r11); mov %rdx, 56(%r11)\n"
"	mov %r8, 64(%r11); mov %r9, 72(%r11); mov %r10, 80(%r11); mov %r12, 88(%r11); mov %r13, 96(%r11)\n"
"	mov %r14, 104(%r11); mov %r15, 112(%r11)\n"
"	xor %ecx, %ecx\n"
"2:	mov (%rsp,%rcx,8), %rax; sub %rsp, %rax; mov %rax, 120(%r11,%rcx,8); inc %ecx; cmp $16, %ecx; jne 2b\n"
"	add $136, %rsp\n"
"	pop %rcx\n"
"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
"	ret\n");
extern const char often_back[];

static unsigned char *make_site(void)
{
	unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint32_t nr = SYS_stat;
	const uint64_t back = (uint64_t)often_back;

	CHECK(code != MAP_FAILED);
	code[0] = 0xb8;
	memcpy(code + 1, &nr, 4);
	memcpy(code + 5, "\x0f\x05\xff\x25\x00\x00\x00\x00", 8);	/* syscall; jmp *0(%rip) */
	memcpy(code + 13, &back, 8);
	CHECK(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
	return code;
}

static void registers(void)
{
	enum { CARRY = 1, DIRECTION = 0x400 };
	unsigned char *code = make_site();
	struct stat st;

	for (int i = 0; i < OFTEN; i++) {
		struct seen s = {0};

		often_call(code, i % 3 ? "five" : "none", &st, &s);
		CHECK_EQ((int64_t)s.rax, i % 3 ? 0 : -ENOENT);
		CHECK_EQ(s.rcx, (uint64_t)code + 7);
		CHECK_EQ(s.r11 & (CARRY | DIRECTION), CARRY);
		CHECK_EQ(s.rbx, (uint64_t)code);
		CHECK_EQ(s.rbp, 0x1111);
		CHECK_EQ(s.rdi, (uint64_t)(i % 3 ? "five" : "none"));
		CHECK_EQ(s.rsi, (uint64_t)&st);
		CHECK_EQ(s.rdx, 0x7777);
		CHECK_EQ(s.r8, 0x2222);
		CHECK_EQ(s.r9, 0x3333);
		CHECK_EQ(s.r10, 0x8888);
		CHECK_EQ(s.r12, 0x4444);
		CHECK_EQ(s.r13, 0x5555);
		CHECK_EQ(s.r14, 0x6666);
		CHECK_EQ(s.r15, (uint64_t)&st);
		for (int k = 0; k < 15; k++)
			CHECK_EQ(s.red[k], k * 8);
		CHECK(i % 3 == 0 || st.st_size == 5);
	}
	CHECK(munmap(code, 4096) == 0);
}
#else
static void registers(void)
{
}
#endif

/* ---- signals ---- */

static volatile sig_atomic_t ticks;
static sigjmp_buf out;

static void on_tick(int sig)
{
	int saved = errno;
	struct stat st;

	(void)sig;
	ticks++;
	CHECK(stat("seven", &st) == 0 && st.st_size == 7);
	CHECK_ERRNO(stat("none", &st), ENOENT);
	errno = saved;
}

static void on_jump(int sig)
{
	(void)sig;
	ticks++;
	siglongjmp(out, 1);
}

static void tick(void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
	const struct itimerval every = {{0, handler == SIG_DFL ? 0 : 200}, {0, handler == SIG_DFL ? 0 : 200}};

	if (handler == SIG_DFL)
		CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	if (handler != SIG_DFL)
		CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

/* No call of these gives EINTR, whatever the handler's flags. */
static void signals(void)
{
	struct stat st;

	for (int restart = 0; restart < 2; restart++) {
		ticks = 0;
		tick(on_tick, restart ? SA_RESTART : 0);
		while (ticks < 200) {
			want_size("five", 5);
			CHECK_ERRNO(stat("none", &st), ENOENT);
		}
		tick(SIG_DFL, 0);
	}
	ticks = 0;
	tick(on_jump, SA_NODEFER);
	while (ticks < 50) {
		if (sigsetjmp(out, 1) == 0) {
			for (;;)
				want_size("five", 5);
		}
	}
	tick(SIG_DFL, 0);
	for (int i = 0; i < OFTEN; i++)
		want_size("five", 5);
}

/* ---- threads and children ---- */

static void *stats(void *arg)
{
	char *name = arg;

	for (int i = 0; i < OFTEN; i++)
		want_size(name, name == seven ? 7 : 5);
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < THREADS; i++)
			CHECK(pthread_create(&t[i], NULL, stats, i % 2 ? five : seven) == 0);
		for (int i = 0; i < THREADS; i++)
			CHECK(pthread_join(t[i], NULL) == 0);
	}
}

/* A thread's own working directory is its own here too. */
static void *elsewhere(void *arg)
{
	(void)arg;
	CHECK(unshare(CLONE_FS) == 0 && chdir("dir") == 0);
	for (int i = 0; i < OFTEN; i++)
		want_size("five", 9);
	return NULL;
}

static void directories(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, elsewhere, NULL) == 0);
	for (int i = 0; i < OFTEN; i++)
		want_size("five", 5);
	CHECK(pthread_join(t, NULL) == 0);
}

static void children(void)
{
	for (int i = 0; i < 8; i++) {
		pid_t child = guest_fork();

		if (child == 0) {
			if (i % 2)
				CHECK(chdir("dir") == 0);
			for (int k = 0; k < OFTEN / 4; k++)
				want_size("five", i % 2 ? 9 : 5);
			pid_t grandchild = guest_fork();
			if (grandchild)
				CHECK_EQ(guest_wait(grandchild), 0);
			else
				stats(i % 2 ? above : seven);
			_exit(0);
		}
		stats(five);
		CHECK_EQ(guest_wait(child), 0);
	}
}

static int in_its_place(void *arg)
{
	(void)arg;
	if (chdir("dir") < 0)
		return 1;
	for (int k = 0; k < OFTEN / 4; k++)
		want_size("five", 9);
	return 0;
}

/* Children in our memory: while we wait, and while we do not. Each has a working directory of its own. */
static void lent_memory(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	for (int i = 0; i < 4; i++) {
		pid_t child = clone(in_its_place, stack + sizeof(stack), CLONE_VM | (i % 2 ? CLONE_VFORK : 0) | SIGCHLD, NULL);

		CHECK(child > 0);
		stats(five);
		CHECK_EQ(guest_wait(child), 0);
	}
}

/* vfork(2): what it calls is called in our memory, and is its own. */
static void vforked(void)
{
	char target[8];
	struct stat st;

	for (int round = 0; round < 4; round++) {
		pid_t child = vfork();

		CHECK(child >= 0);
		if (child == 0) {
			for (int i = 0; i < 20; i++) {
				if (chdir("dir") < 0 || access("five", F_OK) < 0 || access("seven", F_OK) == 0 || chdir("..") < 0)
					_exit(1);
				if (stat((char *)16, &st) == 0 || errno != EFAULT)
					_exit(2);
			}
			_exit(0);
		}
		CHECK_EQ(guest_wait(child), 0);
		for (int i = 0; i < 20; i++) {
			CHECK(mkdir("new", 0700) == 0 && rmdir("new") == 0);
			CHECK_EQ(readlink("link", target, sizeof(target)), 4);
			want_size("five", 5);
		}
	}
}

static void executed(const char *self)
{
	pid_t child = guest_fork();

	if (child == 0) {
		execl(self, self, "again", (char *)NULL);
		_exit(1);
	}
	CHECK_EQ(guest_wait(child), 0);
}

/* A place that is free stays free for the program, however often it calls. */
static void free_places(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (int i = 0; i < 4; i++) {
		char *at = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(at != MAP_FAILED && munmap(at + page, 14 * page) == 0);
		pid_t child = guest_fork();
		if (child == 0) {
			stats(five);
			CHECK(mmap(at + page, 14 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at + page);
			stats(five);
			_exit(0);
		}
		CHECK_EQ(guest_wait(child), 0);
		stats(five);
		CHECK(mmap(at + page, 14 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at + page);
		CHECK(munmap(at, 16 * page) == 0);
	}
}

/* ---- a filter of the program's own ---- */

static void filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
	struct stat st;
	pid_t child = guest_fork();

	if (child) {
		CHECK_EQ(guest_wait(child), 0);
		return;
	}
	stats(five);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
	for (int i = 0; i < OFTEN; i++)
		CHECK_ERRNO(fstatat(AT_FDCWD, "five", &st, 0), EXDEV);
	_exit(0);
}

/* Nothing but what it means to call is called by a program: all else would be its death here. */
static void sandboxed(bool forks)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
	pid_t child = guest_fork();

	if (child) {
		CHECK_EQ(guest_wait(child), 0);
		return;
	}
	for (int i = 0; i < 12; i++)
		want_size("five", 5);
	if (forks && guest_fork() > 0) {
		CHECK(wait(NULL) > 0);
		_exit(0);
	}
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
	stats(five);
	_exit(0);
}

int main(int argc, char **argv)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(n > 0);
	self[n] = '\0';
	files_enter();
	files_write("five", "12345");
	files_write("seven", "1234567");
	CHECK(mkdir("dir", 0755) == 0 && symlink("five", "link") == 0 && symlink("loop", "loop") == 0);
	files_write("dir/five", "123456789");
	vforked();
	results();
	opens();
	changes();
	others();
	errors();
	faults_are_errors();
	registers();
	threads();
	directories();
	children();
	signals();
	lent_memory();
	free_places();
	stats(five);
	if (argc == 1)
		executed(self);
	(void)argv;
	sandboxed(true);
	sandboxed(false);
	filtered();
	stats(five);
	files_leave();
	return 0;
}
