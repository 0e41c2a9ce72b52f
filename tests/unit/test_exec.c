/* The parts of execve(2) that look at bytes of files: first lines of scripts, headers of programs. */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/task/exec.h"
#include "kernel/task/exec_cache.h"
#include "run_suite.h"

/* ---- scripts ---- */

static const struct {
	const char *head, *interp, *arg;	/* interp NULL: refused */
} scripts[] = {
	{"#!/bin/sh\n", "/bin/sh", ""},
	{"#!/bin/sh", "/bin/sh", ""},
	{"#! \t /bin/sh \t \n", "/bin/sh", ""},
	{"#!/bin/sh -e\n-x", "/bin/sh", "-e"},
	{"#!/usr/bin/env  -S python3 -u \t\n", "/usr/bin/env", "-S python3 -u"},
	{"#!relative\n", "relative", ""},
	{"#!\n/bin/sh\n", NULL, NULL},
	{"#!", NULL, NULL},
	{"#!   \n", NULL, NULL},
	{"#/bin/sh\n", NULL, NULL},
	{"", NULL, NULL},
};

START_TEST(test_scripts)
{
	char head[256] = {0};
	struct exec_script got;
	memcpy(head, scripts[_i].head, strlen(scripts[_i].head));
	int r = exec_parse_script(head, &got);
	if (!scripts[_i].interp) {
		ck_assert_int_eq(r, -ENOEXEC);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(got.interp, scripts[_i].interp);
	ck_assert_str_eq(got.arg, scripts[_i].arg);
}
END_TEST

/* The kernel looks at 256 bytes: a name that may go on behind them is refused, an argument is cut. */
START_TEST(test_cut_scripts)
{
	char head[256];
	struct exec_script got;
	memset(head, 'x', sizeof(head));
	memcpy(head, "#!/", 3);
	ck_assert_int_eq(exec_parse_script(head, &got), -ENOEXEC);
	head[100] = ' ';
	ck_assert_int_eq(exec_parse_script(head, &got), 0);
	ck_assert_uint_eq(strlen(got.interp), 98);
	ck_assert_uint_eq(strlen(got.arg), 255 - 101);
	memset(head + 2, ' ', sizeof(head) - 2);
	ck_assert_int_eq(exec_parse_script(head, &got), -ENOEXEC);
	memset(head + 2, 'y', sizeof(head) - 2);
	head[255] = '\n';
	ck_assert_int_eq(exec_parse_script(head, &got), 0);
	ck_assert_uint_eq(strlen(got.interp), 253);
}
END_TEST

/* ---- programs ---- */

enum { IMAGE_SIZE = 8192 };

static uint16_t own_machine;
static unsigned char image[IMAGE_SIZE];

static int file_with(const void *bytes, size_t len)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, bytes, len), (int)len);
	return fd;
}

/* This program's own first pages: real headers. */
static void read_own(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)read(fd, image, sizeof(image)), (int)sizeof(image));
	(void)close(fd);
	own_machine = ((Elf64_Ehdr *)image)->e_machine;
}

static void want_sane(const struct elf_image *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	ck_assert_uint_ge(e->segment_count, 1);
	ck_assert_uint_le(e->segment_count, ELF_SEGMENTS_MAX);
	ck_assert_uint_eq(e->start % page, 0);
	ck_assert_uint_eq(e->align & (e->align - 1), 0);
	ck_assert_uint_lt(e->end, UINT64_C(1) << 48);
	ck_assert_ptr_nonnull(memchr(e->interp, '\0', sizeof(e->interp)));
	for (size_t i = 0; i < e->segment_count; i++) {
		const struct elf_segment *s = &e->segments[i];
		ck_assert_uint_ge(s->addr, e->start);
		ck_assert_uint_le(s->addr + s->size, e->end);
		ck_assert_uint_le(s->file_size, s->size);
		ck_assert_uint_eq((s->offset ^ s->addr) % page, 0);
	}
}

START_TEST(test_own_headers)
{
	struct elf_image e;
	read_own();
	int fd = file_with(image, sizeof(image));
	ck_assert_int_eq(elf_read(fd, own_machine, &e), 0);
	want_sane(&e);
	ck_assert_uint_ne(e.phdr, 0);
	ck_assert_int_eq(e.fd, fd);
	ck_assert_int_eq(elf_read(fd, EM_S390, &e), -ENOEXEC);
	(void)close(fd);
}
END_TEST

START_TEST(test_cut_headers)
{
	struct elf_image e;
	read_own();
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)image;
	size_t whole = h->e_phoff + (size_t)h->e_phnum * sizeof(Elf64_Phdr);
	for (size_t len = 0; len < whole; len += 7) {
		int fd = file_with(image, len);
		ck_assert_int_eq(elf_read(fd, own_machine, &e), -ENOEXEC);
		(void)close(fd);
	}
}
END_TEST

/* Any bytes: an errno, or numbers that can be used. */
START_TEST(test_hostile_headers)
{
	static const uint64_t values[] = {
		0, 1, 7, 0xfff, 0x1000, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 0xfff, UINT64_C(1) << 47, UINT64_C(1) << 63,
	};
	uint64_t state = 12345;
	unsigned accepted = 0;
	read_own();
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)image;
	size_t headers = h->e_phoff + (size_t)h->e_phnum * sizeof(Elf64_Phdr);
	for (int i = 0; i < 20000; i++) {
		unsigned char bad[IMAGE_SIZE];
		struct elf_image e;
		memcpy(bad, image, sizeof(bad));
		for (int changes = i % 3; changes >= 0; changes--) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			size_t at = 16 + (state >> 33) % (headers - 24);
			size_t width = (size_t)1 << (state >> 20) % 4;
			memcpy(bad + (at & ~(width - 1)), &values[(state >> 40) % ARRAY_SIZE(values)], width);
		}
		int fd = file_with(bad, sizeof(bad));
		if (elf_read(fd, own_machine, &e) == 0) {
			want_sane(&e);
			accepted++;
		}
		(void)close(fd);
	}
	ck_assert_uint_gt(accepted, 1000);
}
END_TEST

/* ---- what is kept ---- */

START_TEST(test_kept_headers)
{
	struct elf_image e, got;
	struct stat st, changed;
	struct exec_cache *c = exec_cache_create();
	read_own();
	int fd = file_with(image, sizeof(image));
	ck_assert_int_eq(elf_read(fd, own_machine, &e), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	exec_cache_add(c, &st, own_machine, &e);
	ck_assert(!exec_cache_find(c, &st, own_machine, &got));		/* it is too young */
	st.st_ctim.tv_sec -= 10;
	exec_cache_add(c, &st, own_machine, &e);
	ck_assert(exec_cache_find(c, &st, own_machine, &got));
	ck_assert_int_eq(got.fd, -1);
	ck_assert_uint_eq(got.segment_count, e.segment_count);
	ck_assert_str_eq(got.interp, e.interp);
	ck_assert(!exec_cache_find(c, &st, EM_S390, &got));
	ck_assert(!exec_cache_find(NULL, &st, own_machine, &got));
	for (int i = 0; i < 6; i++) {
		changed = st;
		changed.st_dev += i == 0;
		changed.st_ino += i == 1;
		changed.st_size += i == 2;
		changed.st_ctim.tv_sec += i == 3;
		changed.st_ctim.tv_nsec ^= i == 4;
		changed.st_mtim.tv_nsec ^= i == 5;
		ck_assert(!exec_cache_find(c, &changed, own_machine, &got));
	}
	st.st_ino += 64;		/* takes the other's place */
	exec_cache_add(c, &st, own_machine, &e);
	ck_assert(exec_cache_find(c, &st, own_machine, &got));
	exec_cache_destroy(c);
	(void)close(fd);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("exec");
	tcase_add_loop_test(tc, test_scripts, 0, ARRAY_SIZE(scripts));
	tcase_add_test(tc, test_cut_scripts);
	tcase_add_test(tc, test_own_headers);
	tcase_add_test(tc, test_cut_headers);
	tcase_add_test(tc, test_hostile_headers);
	tcase_add_test(tc, test_kept_headers);
	tcase_set_timeout(tc, 30);
	Suite *suite = suite_create("exec");
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
