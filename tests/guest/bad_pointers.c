/* Pointers that are bad, read-only, straddle into nothing or change meanwhile: Linux's errno, and no byte too many. */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest.h"

static char *pages;		/* a writable page, then an unmapped one */
static char *readonly;

static void answered_calls(void)
{
	uid_t id[2];
	char *edge = pages + 4096 - 2;

	CHECK_ERRNO(syscall(SYS_uname, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_uname, -1), EFAULT);
	CHECK_ERRNO(syscall(SYS_uname, 0xffff888000000000), EFAULT);
	CHECK_ERRNO(syscall(SYS_uname, readonly), EFAULT);
	CHECK_ERRNO(syscall(SYS_uname, edge), EFAULT);
	CHECK_ERRNO(syscall(SYS_sysinfo, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_sysinfo, readonly), EFAULT);
	CHECK_ERRNO(syscall(SYS_sysinfo, edge), EFAULT);
	CHECK_ERRNO(syscall(SYS_getresuid, &id[0], &id[1], 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_getresuid, 8, &id[0], &id[1]), EFAULT);
	CHECK_ERRNO(syscall(SYS_getresuid, &id[0], readonly, &id[1]), EFAULT);
	CHECK_ERRNO(syscall(SYS_getresgid, &id[0], edge, &id[1]), EFAULT);
	CHECK(syscall(SYS_uname, pages + 4096 - sizeof(struct utsname)) == 0);
	CHECK(strcmp(pages + 4096 - sizeof(struct utsname), "Linux") == 0);
	CHECK(syscall(SYS_sysinfo, pages + 4096 - sizeof(struct sysinfo)) == 0);
	CHECK_EQ(pages[0], 'p');
}

static void other_calls(void)
{
	CHECK_ERRNO(syscall(SYS_open, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_stat, "/", 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_pipe2, readonly, 0), EFAULT);
	memset(pages + 4096 - 4, 'x', 4);		/* a path without an end before the hole */
	CHECK_ERRNO(syscall(SYS_open, pages + 4096 - 4, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_unlink, pages + 4096 - 4), EFAULT);
}

static void *flipper(void *arg)
{
	volatile int *stop = arg;

	while (!*stop) {
		mprotect(pages, 4096, PROT_READ);
		mprotect(pages, 4096, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

static void changing(void)
{
	volatile int stop = 0;
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, flipper, (void *)(uintptr_t)&stop), 0);
	for (int i = 0; i < 300; i++) {
		long r = syscall(SYS_uname, pages);

		CHECK(r == 0 || errno == EFAULT);
	}
	stop = 1;
	CHECK_EQ(pthread_join(t, NULL), 0);
}

int main(void)
{
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && readonly != MAP_FAILED);
	CHECK(munmap(pages + 4096, 4096) == 0);
	memset(pages, 'p', 4096);
	for (int i = 0; i < 20; i++) {
		answered_calls();
		other_calls();
	}
	changing();
	return 0;
}
