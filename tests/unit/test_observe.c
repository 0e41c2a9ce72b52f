/* The sinks on synthetic records: strace's text, interleaved tasks, filters, JSON, summaries, outputs that fail. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "observe_feed.h"
#include "run_suite.h"

#define ARGS(...) ((const uint64_t[6]){__VA_ARGS__})

static const uint64_t no_args[6];

static void expect(struct feed *f, const char *text)
{
	ck_assert_str_eq(feed_finish(f), text);
}

START_TEST(test_plain_calls)
{
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	feed_call(&f, 100, CALL_getppid, no_args, 99);
	feed_call(&f, 100, CALL_close, ARGS(3), -EBADF);
	feed_call(&f, 100, CALL_read, ARGS(3, 0x1000, 5), 5);
	feed_call(&f, 100, CALL_NONE, ARGS(1, 2), 0);
	feed_event(&f, 100, RECORD_TASK_EXITED, 3);
	expect(&f, "100   getppid()                         = 99\n"
		   "100   close(3)                          = -1 EBADF (Bad file descriptor)\n"
		   "100   read(3, \"aaaaa\", 5)               = 5\n"
		   "100   syscall_0x3e7(0x1, 0x2, 0, 0, 0, 0) = 0\n"
		   "100   +++ exited with 3 +++\n");
}
END_TEST

START_TEST(test_interleaved_tasks)
{
	struct feed f;
	feed_init(&f);
	f.options.quiet = QUIET_ATTACH;
	feed_start(&f);
	feed_enter(&f, 100, CALL_read, ARGS(0, 0x1000, 3));
	feed_event(&f, 101, RECORD_TASK_NEW, 100);
	feed_enter(&f, 101, CALL_getppid, no_args);
	feed_enter(&f, 102, CALL_close, ARGS(4));
	feed_exit(&f, 102, CALL_close, ARGS(4), 0);
	feed_exit(&f, 100, CALL_read, ARGS(0, 0x1000, 3), 3);
	feed_exit(&f, 101, CALL_getppid, no_args, 100);
	feed_event(&f, 102, RECORD_TASK_KILLED, SIGKILL);
	expect(&f, "100   read(0,  <unfinished ...>\n"
		   "101   getppid( <unfinished ...>\n"
		   "102   close(4)                          = 0\n"
		   "100   <... read resumed>\"aaa\", 3)       = 3\n"
		   "101   <... getppid resumed>)            = 100\n"
		   "102   +++ killed by SIGKILL +++\n");
}
END_TEST

START_TEST(test_calls_without_end)
{
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	feed_enter(&f, 100, CALL_exit_group, ARGS(0));
	feed_event(&f, 100, RECORD_TASK_EXITED, 0);
	feed_enter(&f, 101, CALL_read, ARGS(0, 0x1000, 3));
	feed_enter(&f, 102, CALL_pause, no_args);
	feed_event(&f, 101, RECORD_TASK_KILLED, SIGTERM);
	/* A call that goes on with no result, as under notify, and one whose beginning was not seen. */
	feed_enter(&f, 102, CALL_close, ARGS(1));
	feed_event(&f, 102, RECORD_TASK_EXITED, 1);
	feed_exit(&f, 103, CALL_close, ARGS(1), 0);
	expect(&f, "100   exit_group(0)                     = ?\n"
		   "100   +++ exited with 0 +++\n"
		   "101   read(0,  <unfinished ...>\n"
		   "102   pause( <unfinished ...>\n"
		   "101   <... read resumed> <unfinished ...>) = ?\n"
		   "101   +++ killed by SIGTERM +++\n"
		   "102   <... pause resumed>)              = ?\n"
		   "102   close(1)                          = ?\n"
		   "102   +++ exited with 1 +++\n"
		   "103   <... close resumed>)              = 0\n");
}
END_TEST

START_TEST(test_exec_of_a_thread)
{
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	feed_enter(&f, 100, CALL_pause, no_args);
	feed_enter(&f, 101, CALL_getpid, no_args);
	feed_event(&f, 100, RECORD_SUPERSEDED, 101);
	feed_exit(&f, 100, CALL_getpid, no_args, 100);
	feed_call(&f, 100, CALL_getppid, no_args, 1);
	feed_event(&f, 100, RECORD_TASK_EXITED, 0);
	expect(&f, "100   pause( <unfinished ...>\n"
		   "101   getpid( <unfinished ...>\n"
		   "100   <... pause resumed>)              = ?\n"
		   "100   +++ superseded by execve in pid 101 +++\n"
		   "100   <... getpid resumed>)             = 100\n"
		   "100   getppid()                         = 1\n"
		   "100   +++ exited with 0 +++\n");
}
END_TEST

START_TEST(test_superseded_after_its_exit)
{
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	feed_enter(&f, 100, CALL_exit, (const uint64_t[6]){42});
	feed_enter(&f, 101, CALL_getpid, no_args);
	feed_event(&f, 100, RECORD_SUPERSEDED, 101);
	feed_exit(&f, 100, CALL_getpid, no_args, 100);
	feed_event(&f, 100, RECORD_TASK_EXITED, 0);
	expect(&f, "100   exit(42)                          = ?\n"
		   "101   getpid( <pid changed to 100 ...>\n"
		   "100   +++ superseded by execve in pid 101 +++\n"
		   "100   <... getpid resumed>)             = 100\n"
		   "100   +++ exited with 0 +++\n");
}
END_TEST

START_TEST(test_signals)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_USER};
	info.si_pid = 42;
	struct feed f;
	feed_init(&f);
	f.options.signals = UINT64_C(1) << (SIGUSR1 - 1);
	feed_start(&f);
	feed_payload(&f, 100, RECORD_SIGNAL, SIGUSR1, &info, sizeof(info));
	info.si_signo = SIGUSR2;
	feed_payload(&f, 100, RECORD_SIGNAL, SIGUSR2, &info, sizeof(info));
	feed_event(&f, 100, RECORD_GROUP_STOP, SIGUSR1);
	feed_event(&f, 100, RECORD_GROUP_STOP, SIGTSTP);
	expect(&f, "100   --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=42, si_uid=0} ---\n"
		   "100   --- stopped by SIGUSR1 ---\n");
}
END_TEST

START_TEST(test_statuses)
{
	struct feed f;
	feed_init(&f);
	f.options.statuses = STATUS_FAILED | STATUS_UNFINISHED;
	feed_start(&f);
	feed_enter(&f, 100, CALL_close, ARGS(3));
	feed_call(&f, 101, CALL_close, ARGS(4), 0);
	feed_exit(&f, 100, CALL_close, ARGS(3), -EBADF);
	feed_enter(&f, 101, CALL_pause, no_args);
	feed_event(&f, 101, RECORD_TASK_KILLED, SIGKILL);
	expect(&f, "100   close(3)                          = -1 EBADF (Bad file descriptor)\n"
		   "101   pause()                           = ?\n"
		   "101   +++ killed by SIGKILL +++\n");
}
END_TEST

START_TEST(test_times)
{
	struct feed f;
	feed_init(&f);
	f.options.relative = true;
	f.options.duration = true;
	f.options.show_nr = true;
	f.options.show_ip = true;
	feed_start(&f);
	feed_call(&f, 100, CALL_getppid, no_args, 1);
	feed_call(&f, 100, CALL_getppid, no_args, 1);
	expect(&f, "100        0.000000 [ 110] [????????????????] getppid() = 1 <0.000010>\n"
		   "100        0.000020 [ 110] [????????????????] getppid() = 1 <0.000010>\n");
}
END_TEST

START_TEST(test_path_filter)
{
	static const char *const paths[] = {"/etc/passwd"};
	struct feed f;
	feed_init(&f);
	f.options.paths = paths;
	f.options.path_count = 1;
	f.options.decode.fd_paths = 1;
	f.options.hide_fd_paths = true;
	feed_start(&f);
	feed_call(&f, 100, CALL_close, ARGS(6), 0);
	feed_call(&f, 100, CALL_close, ARGS(7), 0);
	feed_call(&f, 100, CALL_unlink, ARGS(0x1000), 0);
	feed_call(&f, 100, CALL_getppid, no_args, 0);
	expect(&f, "100   close(7)                          = 0\n"
		   "100   unlink(\"/etc/passwd\")             = 0\n");
}
END_TEST

START_TEST(test_stack)
{
	static const char stack[] = "/lib/libc.so.6\tread\t10\t7f0010\tread.c\t26\n"
				    "/bin/cat\t\t\t401000\t\t\n"
				    "\t\t\t1234\t\t\n";
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	feed_enter(&f, 100, CALL_getppid, no_args);
	feed_payload(&f, 100, RECORD_STACK, 0, stack, strlen(stack));
	feed_exit(&f, 100, CALL_getppid, no_args, 1);
	expect(&f, "100   getppid()                         = 1\n"
		   " > /lib/libc.so.6(read+0x10) [0x7f0010] read.c:26\n"
		   " > /bin/cat() [0x401000]\n"
		   " > [0x1234]\n");
}
END_TEST

START_TEST(test_a_file_for_each_task)
{
	char path[80];
	struct feed f;
	feed_init(&f);
	f.options.per_task = true;
	feed_start(&f);
	feed_enter(&f, 100, CALL_pause, no_args);
	for (pid_t tid = 101; tid < 2101; tid++)
		feed_call(&f, tid, CALL_getppid, no_args, 1);
	feed_exit(&f, 100, CALL_pause, no_args, -EINTR);
	ck_assert_int_eq(recorder_finish(f.recorder), 0);
	for (pid_t tid = 101; tid < 2101; tid++) {
		(void)snprintf(path, sizeof(path), "%s.%d", f.file, tid);
		ck_assert_str_eq(feed_read_file(path), "getppid()                               = 1\n");
	}
	(void)snprintf(path, sizeof(path), "%s.100", f.file);
	ck_assert_str_eq(feed_read_file(path),
			 "pause()                                 = -1 EINTR (Interrupted system call)\n");
	(void)unlink(f.file);
}
END_TEST

START_TEST(test_summary)
{
	struct feed f;
	feed_init(&f);
	f.options.format = OBSERVE_NONE;
	f.options.summary = true;
	f.options.sort = COLUMN_CALLS;
	feed_start(&f);
	for (int i = 0; i < 3; i++)
		feed_call(&f, 100, CALL_close, ARGS(3), i ? -EBADF : 0);
	feed_call(&f, 100, CALL_getppid, no_args, 1);
	feed_event(&f, 100, RECORD_TASK_EXITED, 0);
	expect(&f, "% time     seconds  usecs/call  p50 usecs  p99 usecs     calls    errors syscall\n"
		   "------ ----------- ----------- ---------- ---------- --------- --------- ----------------\n"
		   " 75.00    0.000030          10       10.0       10.0         3         2 close\n"
		   " 25.00    0.000010          10       10.0       10.0         1           getppid\n"
		   "------ ----------- ----------- ---------- ---------- --------- --------- ----------------\n"
		   "100.00    0.000040          10       10.0       10.0         4         2 total\n");
}
END_TEST

START_TEST(test_json)
{
	struct feed f;
	feed_init(&f);
	f.options.format = OBSERVE_JSON;
	feed_start(&f);
	feed_enter(&f, 101, CALL_unlink, ARGS(0x1000));
	feed_payload(&f, 101, RECORD_STACK, 0, "a\tb\t1\t2\tc\t3\n", 12);
	feed_exit(&f, 101, CALL_unlink, ARGS(0x1000), -ENOENT);
	feed_event(&f, 101, RECORD_TASK_EXITED, 2);
	const char *text = feed_finish(&f);
	const char *call = "{\"type\":\"call\",\"pid\":100,\"tid\":101,\"syscall\":\"unlink\",\"nr\":87,\"abi\":\"x86_64\","
			   "\"args\":{\"pathname\":\"/etc/passwd\"},\"result\":-1,\"errno\":\"ENOENT\",\"start\":";
	ck_assert_msg(strncmp(text, call, strlen(call)) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, ",\"duration\":0.000020000,\"stack\":[{\"module\":\"a\",\"symbol\":\"b\","
					   "\"offset\":\"0x1\",\"ip\":\"0x2\",\"file\":\"c\",\"line\":3}]}\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n{\"type\":\"exited\",\"pid\":100,\"tid\":101,\"status\":2,\"time\":"));
}
END_TEST

START_TEST(test_full_disk)
{
	struct feed f;
	feed_init(&f);
	(void)unlink(f.file);
	f.options.file = "/dev/full";
	feed_start(&f);
	for (int i = 0; i < 10000; i++)
		feed_call(&f, 100, CALL_getppid, no_args, 1);
	ck_assert_int_eq(recorder_finish(f.recorder), -ENOSPC);
}
END_TEST

START_TEST(test_reader_gone)
{
	struct feed f;
	feed_init(&f);
	(void)unlink(f.file);
	f.options.file = "|exec true";
	feed_start(&f);
	for (int i = 0; i < 10000; i++)
		feed_call(&f, 100, CALL_getppid, no_args, 1);
	int err = recorder_finish(f.recorder);
	ck_assert(err == -EPIPE || err == 0);
}
END_TEST

START_TEST(test_command_reads_all)
{
	char command[160];
	struct feed f;
	feed_init(&f);
	(void)snprintf(command, sizeof(command), "|wc -l >%s", f.file);
	f.options.file = command;
	feed_start(&f);
	for (int i = 0; i < 10000; i++)
		feed_call(&f, 100, CALL_getppid, no_args, 1);
	/* finish waits for the command, so its file is whole. */
	expect(&f, "10000\n");
}
END_TEST

START_TEST(test_unopenable)
{
	struct feed f;
	feed_init(&f);
	(void)unlink(f.file);
	f.options.file = "/nonexistent/trace";
	ck_assert_int_eq(recorder_create(&f.options, &f.recorder), -ENOENT);
}
END_TEST

START_TEST(test_oversized_and_odd_records)
{
	struct feed f;
	feed_init(&f);
	feed_start(&f);
	AUTO_FREE char *huge = calloc(1, 2 << 20);
	ck_assert_ptr_nonnull(huge);
	struct record r = {.kind = RECORD_ENTER, .id = CALL_unlink, .tid = 100, .tgid = 100, .args = {0x1000}};
	recorder_put(f.recorder, &r, huge, 2 << 20);
	r.kind = RECORD_EXIT;
	recorder_put(f.recorder, &r, NULL, 0);
	r.kind = 200;
	recorder_put(f.recorder, &r, NULL, 0);
	expect(&f, "100   unlink(0x1000)                    = 0\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("observe");
	TCase *tc = tcase_create("observe");
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_plain_calls);
	tcase_add_test(tc, test_interleaved_tasks);
	tcase_add_test(tc, test_calls_without_end);
	tcase_add_test(tc, test_exec_of_a_thread);
	tcase_add_test(tc, test_superseded_after_its_exit);
	tcase_add_test(tc, test_signals);
	tcase_add_test(tc, test_statuses);
	tcase_add_test(tc, test_times);
	tcase_add_test(tc, test_path_filter);
	tcase_add_test(tc, test_stack);
	tcase_add_test(tc, test_a_file_for_each_task);
	tcase_add_test(tc, test_summary);
	tcase_add_test(tc, test_json);
	tcase_add_test(tc, test_full_disk);
	tcase_add_test(tc, test_reader_gone);
	tcase_add_test(tc, test_command_reads_all);
	tcase_add_test(tc, test_unopenable);
	tcase_add_test(tc, test_oversized_and_odd_records);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
