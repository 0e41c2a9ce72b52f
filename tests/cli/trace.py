"""What `trapline trace` writes about real programs: text that strace's readers can read, JSON that parses, numbers that
add up, and outputs that are slow, full or gone."""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess

import harness
from harness import PATIENCE, run

CALL = re.compile(r"^(?:\d+ +|\[pid +\d+\] )?(?:<\.\.\. )?\w+(?:\(| resumed>).*(?: = .*| <unfinished \.\.\.>)$")
EVENT = re.compile(r"^(?:\d+ +|\[pid +\d+\] )?(?:--- .* ---|\+\+\+ .* \+\+\+)$")


class TraceCase(harness.Case):
    needs = "trace"

    def trace(self, *words, timeout=60, **options):
        got = run([harness.trapline, "trace", *words], timeout, **options)
        self.assert_clean(got)
        return got

    def file(self, name="out"):
        return os.path.join(self.tmp, name)

    def traced(self, *words):
        """The lines that a trace to a file has."""
        self.trace("-o", self.file(), *words)
        with open(self.file(), errors="replace", encoding="utf-8") as f:
            return f.read().splitlines()

    def start(self, *argv, **streams):
        """A process that does not outlive a failed test."""
        p = subprocess.Popen(argv, **streams)

        def end():
            p.kill()
            p.wait()
            for stream in (p.stdin, p.stdout, p.stderr):
                if stream:
                    stream.close()
        self.addCleanup(end)
        return p

    def read_until(self, fd, wanted, seconds=10 * PATIENCE):
        seen = b""
        while wanted not in seen:
            ready, _, _ = select.select([fd], [], [], seconds)
            self.assertTrue(ready, f"{wanted} did not come: {seen[-300:]}")
            data = os.read(fd, 65536)
            self.assertTrue(data, f"{wanted} did not come: {seen[-300:]}")
            seen += data
        return seen


class Text(TraceCase):
    def test_every_line_has_a_known_shape(self):
        for line in self.traced("sh", "-c", "/bin/true; (exit 3); ls /nonexistent | cat; kill -9 $$"):
            self.assertTrue(CALL.match(line) or EVENT.match(line), line)

    def test_stacks_of_a_32_bit_program(self):
        """The host's libunwind knows nothing of them: where the call was made, and nothing made up."""
        program = os.path.join(os.path.dirname(harness.trapline), "../../tests/guest/guest_i386")
        if not os.path.exists(program):
            self.skipTest("no 32-bit compiler")
        frames = [line for line in self.traced("-k", "-e", "trace=getresuid32,nanosleep,clock_nanosleep_time64,uname", program)
                  if line.startswith(" > ")]
        self.assertTrue(frames)
        for line in frames:
            self.assertTrue(0 < int(line.rsplit("[", 1)[1].split("]")[0], 16) < 1 << 32, line)

    def test_a_task_and_its_child(self):
        lines = self.traced("-e", "trace=execve,exit_group,wait4", "sh", "-c", "/bin/false; exit 4")
        self.assertRegex(lines[0], r'^\d+ +execve\("/\S*/sh", \["sh", "-c", "/bin/false; exit 4"\], 0x\w+ /\* \d+ vars \*/\) = 0$')
        self.assertRegex(lines[-1], r"^\d+ +\+\+\+ exited with 4 \+\+\+$")
        self.assertRegex(lines[-2], r"^\d+ +exit_group\(4\) +\s+= \?$")
        pids = {line.split()[0] for line in lines}
        self.assertEqual(len(pids), 2)
        self.assertTrue(any("+++ exited with 1 +++" in line for line in lines))
        self.assertTrue(any("--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED" in line for line in lines))

    def test_results_in_column_40(self):
        got = self.trace("-e", "trace=close,exit_group", "true")
        for line in got.err.splitlines():
            if "(" in line and len(line.split(" = ")[0]) <= 40:
                self.assertEqual(line.find("= "), 40, line)

    def test_successful_and_failed(self):
        both = self.traced("-e", "trace=%file", "ls", "/nonexistent")
        ok = self.traced("-z", "-e", "trace=%file", "ls", "/nonexistent")
        bad = self.traced("-Z", "-e", "trace=%file", "ls", "/nonexistent")
        self.assertEqual(len(ok) + len(bad), len(both) + 1)  # each has the line of the exit
        self.assertTrue(all(" = -1 E" in line for line in bad[:-1]))

    def test_path_filter(self):
        lines = self.traced("-P", "/etc/passwd", "cat", "/etc/hostname", "/etc/passwd")
        self.assertTrue(any('openat(AT_FDCWD, "/etc/passwd"' in line for line in lines))
        self.assertTrue(any(re.search(r" close\(\d+\) ", line) for line in lines))
        self.assertFalse(any("</" in line for line in lines))
        self.assertFalse(any("hostname" in line for line in lines))

    def test_descriptors_of_processes(self):
        lines = self.traced("-yy", "-e", "pidfd_open", "python3", "-c", "import os; os.pidfd_open(os.getpid())")
        opened = next(line for line in lines if "pidfd_open(" in line)
        self.assertRegex(opened, r"pidfd_open\((\d+), 0\) += \d+<pid:\1>$")

    def test_interfaces_by_name(self):
        names = [name for index, name in socket.if_nameindex() if index > 1]
        if not names:
            self.skipTest("no interface but the loopback's")
        code = f"import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW).bind(('{names[0]}', 0))"
        lines = self.traced("-e", "bind", "python3", "-c", code)
        self.assertTrue(any(f'sll_ifindex=if_nametoindex("{names[0]}")' in line for line in lines), lines)

    def test_times(self):
        lines = self.traced("-ttt", "-T", "-e", "trace=close", "true")
        for line in lines[:-1]:
            self.assertRegex(line, r"^\d+ +\d{10}\.\d{6} close\(\d\) += 0 <0\.\d{6}>$")

    def test_a_file_for_each_task(self):
        self.trace("-ff", "-o", self.file("t"), "sh", "-c", "/bin/true; /bin/true; exit 0")
        files = [n for n in os.listdir(self.tmp) if n.startswith("t.")]
        self.assertEqual(len(files), 3)
        for name in files:
            with open(self.file(name), encoding="utf-8") as f:
                text = f.read()
            self.assertNotIn("unfinished", text)
            self.assertTrue(text.endswith("+++ exited with 0 +++\n"), text[-200:])

    def test_append(self):
        once = len(self.traced("-e", "trace=execve", "true"))
        self.assertEqual(len(self.traced("-A", "-e", "trace=execve", "true")), 2 * once)

    @harness.unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_names_of_cplusplus_in_stacks(self):
        with open(self.file("f.c"), "w", encoding="ascii") as f:
            f.write('#include <unistd.h>\nvoid f(int) __asm__("_ZN2ns1fEi");\n'
                    'void f(int x) { chdir("/"); __asm__ volatile("" ::: "memory"); }\n'
                    'int main(void) { f(1); __asm__ volatile("" ::: "memory"); return 0; }\n')
        run(["cc", "-w", "-o", self.file("f"), self.file("f.c")])
        lines = self.traced("-k", "-e", "trace=chdir", self.file("f"))
        # without libstdc++ they stay as they are
        self.assertTrue(any("(ns::f(int)+0x" in line or "(_ZN2ns1fEi+0x" in line for line in lines), lines)

    def test_stack(self):
        lines = self.traced("-k", "-e", "trace=write", "echo", "hi")
        at = next(i for i, line in enumerate(lines) if "write(1" in line)
        self.assertRegex(lines[at + 1], r"^ > \S+libc\S*\(\w*write\w*\+0x[0-9a-f]+\) \[0x[0-9a-f]+\]")


class OneCore(TraceCase):
    """Everything on one core: the trap thread gives it to the guest by itself, which must not let others starve them."""

    def setUp(self):
        super().setUp()
        mask = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(mask)})
        self.addCleanup(os.sched_setaffinity, 0, mask)

    def test_short_processes_beside_one_that_computes(self):
        busy = "while :; do :; done & busy=$!"
        lines = self.traced("sh", "-c", busy + "; for i in $(seq 30); do /bin/true; done; kill $busy; wait; exit 5")
        self.assertEqual(sum('execve("/bin/true"' in line for line in lines), 30)
        self.assertEqual(sum("killed by SIGTERM +++" in line for line in lines), 1)
        self.assertRegex(lines[-1], r"exited with 5 \+\+\+$")

    def test_short_processes_beside_one_that_only_calls(self):
        calls = "dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none"
        lines = self.traced("sh", "-c", calls + " & for i in 1 2 3 4 5; do /bin/true; done; echo shell; wait")
        last_short = max(i for i, line in enumerate(lines) if '"shell' in line)
        self.assertTrue(any("read(0" in line for line in lines[last_short:]), "all calls of dd came first")

    def test_one_process_that_computes_between_its_calls(self):
        lines = self.traced("sh", "-c", "i=0; while [ $i -lt 300 ]; do i=$((i + 1)); [ -e /nonexistent ]; done; exit 6")
        self.assertEqual(sum('"/nonexistent"' in line for line in lines), 300)
        self.assertRegex(lines[-1], r"exited with 6 \+\+\+$")


class Json(TraceCase):
    def objects(self, *words):
        return [json.loads(line) for line in self.traced("--json", *words)]

    def test_real_programs(self):
        for words in (["sh", "-c", "ls -l / | cat; kill -TERM $$"], ["-y", "-v", "-s", "4096", "ls", "-l", "/etc"],
                      ["-k", "-e", "trace=openat", "cat", "/etc/hostname"]):
            with self.subTest(words):
                for o in self.objects(*words):
                    self.assertIn(o["type"], ("call", "signal", "new", "exited", "killed"))
                    self.assertGreater(o["tid"], 0)

    def test_a_call(self):
        found = self.objects("-e", "trace=openat", "cat", "/nonexistent")
        call = next(o for o in found if o.get("args", {}).get("pathname") == "/nonexistent")
        self.assertEqual((call["syscall"], call["result"], call["errno"]), ("openat", -1, "ENOENT"))
        self.assertEqual(call["args"]["flags"], ["O_RDONLY"])
        self.assertGreater(call["start"], 1.6e9)
        self.assertGreaterEqual(call["duration"], 0)
        self.assertEqual(found[-1]["type"], "exited")
        self.assertEqual(found[-1]["status"], 1)

    def test_stack_is_in_the_call(self):
        calls = [o for o in self.objects("-k", "-e", "trace=openat", "true") if o["type"] == "call"]
        self.assertTrue(calls and all(o["stack"] for o in calls))


class Summary(TraceCase):
    def test_counts_are_those_of_the_trace(self):
        lines = self.traced("-C", "-U", "calls,errors,name", "ls", "/nonexistent")
        calls = [line for line in lines if re.match(r"^\d+ +\w+\(.* = (?!\?)", line)]
        failed = [line for line in calls if " = -1 E" in line]
        total = next(line for line in lines if line.endswith(" total")).split()
        self.assertEqual(total, [str(len(calls)), str(len(failed)), "total"])


class Outputs(TraceCase):
    def test_full_disk(self):
        got = self.trace("-o", "/dev/full", "sh", "-c", "ls -lR /etc >/dev/null 2>&1; exit 7")
        self.assertEqual(got.status, 7)
        self.assertEqual(got.err.splitlines(),
                         ["trapline: cannot write /dev/full: No space left on device: the rest of the trace is lost"])

    def test_reader_that_goes_away(self):
        got = self.trace("-o", "|head -n 1", "sh", "-c", "ls -lR /etc >/dev/null 2>&1; exit 7")
        self.assertEqual(got.status, 7)
        self.assertIn("execve(", got.out)
        self.assertIn("reads no more", got.err)

    def test_slow_reader_loses_nothing(self):
        reader = f"|while read line; do echo x; [ -e {self.file('slow')} ] || {{ sleep 0.5; : >{self.file('slow')}; }}; done"
        got = self.trace("-e", "trace=read", "-o", reader, "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=5000")
        self.assertGreaterEqual(got.out.count("x"), 5000)

    def test_unwritable(self):
        self.assert_refused(self.trace("-o", "/nonexistent/out", "true"), 1, "/nonexistent/out")


class Live(TraceCase):
    def test_a_call_that_blocks_is_shown(self):
        p = self.start(harness.trapline, "trace", "-e", "trace=read", "cat", stdin=subprocess.PIPE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.read_until(p.stderr.fileno(), b"\nread(0, ")
        p.stdin.write(b"x\n")
        p.stdin.flush()
        self.read_until(p.stderr.fileno(), b'"x\\n", 131072)')
        p.stdin.close()
        self.assertEqual(p.wait(20 * PATIENCE), 0)

    def test_attach_and_detach(self):
        guest = self.start("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        guest.stdin.write(b"1\n")
        guest.stdin.flush()
        self.read_until(guest.stdout.fileno(), b"1\n")
        p = self.start(harness.trapline, "trace", "-p", str(guest.pid), stderr=subprocess.PIPE)
        self.read_until(p.stderr.fileno(), b"attached\n")
        guest.stdin.write(b"2\n")
        guest.stdin.flush()
        self.read_until(p.stderr.fileno(), b'write(1, "2\\n", 2)')
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20 * PATIENCE), -signal.SIGINT)
        self.assertIn(b"detached", p.stderr.read())
        guest.stdin.close()
        self.assertEqual(guest.wait(20 * PATIENCE), 0)

    def test_processes_beside_a_command(self):
        guests = [self.start("cat", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(2)]
        p = self.start(harness.trapline, "trace", "-e", "trace=exit_group", "-p", str(guests[0].pid), "-p", str(guests[1].pid),
                       "sh", "-c", "exit 3", stderr=subprocess.PIPE)
        self.read_until(p.stderr.fileno(), b"exited with 3 +++\n")
        for guest in guests:
            guest.stdin.close()
            self.assertEqual(guest.wait(20 * PATIENCE), 0)
        self.assertEqual(p.wait(20 * PATIENCE), 3)
        self.assertEqual(p.stderr.read().count(b"exited with 0 +++"), 2)

    def test_interrupted_beside_a_command_all_are_let_go(self):
        guest = self.start("cat", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        p = self.start(harness.trapline, "trace", "-e", "trace=execve", "-p", str(guest.pid), "sh", "-c",
                       "trap 'exit 0' INT; echo ready; read x", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        self.read_until(p.stdout.fileno(), b"ready\n")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20 * PATIENCE), -signal.SIGINT)
        self.assertIn(b"Process %d detached\n" % guest.pid, p.stderr.read())
        guest.stdin.close()
        self.assertEqual(guest.wait(20 * PATIENCE), 0)

    def test_interruptible_the_command_is_let_go(self):
        p = self.start(harness.trapline, "trace", "-I2", "-e", "trace=read", "cat", stdin=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        self.read_until(p.stderr.fileno(), b"\nread(0, ")
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.wait(20 * PATIENCE), -signal.SIGTERM)
        self.assertTrue(p.stderr.read().startswith(b" <detached ...>\n"))

    def test_let_go_it_goes_on_as_if_nothing_had_been(self):
        out = self.file("said")
        for words in ((), ("-e", "trace=read")):
            p = self.start(harness.trapline, "trace", "-I2", *words, "sh", "-c",
                           f"trap '' TERM; echo $$; read x; id -u > {out}; grep Seccomp: /proc/self/status >> {out}; echo done",
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.read_until(p.stdout.fileno(), b"\n")
            p.send_signal(signal.SIGTERM)
            self.assertEqual(p.wait(20 * PATIENCE), -signal.SIGTERM)
            p.stdin.write(b"\n")
            p.stdin.flush()
            self.read_until(p.stdout.fileno(), b"done")
            with open(out, encoding="utf-8") as f:
                self.assertEqual(f.read(), f"{os.getuid()}\nSeccomp:\t0\n")

    def test_the_other_end_of_a_pipe_that_the_command_closed(self):
        p = self.start(harness.trapline, "trace", "-e", "trace=none", "sh", "-c", "exec >&-; read x", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(p.stdout.read(), b"")      # the end is seen while the command still runs
        self.assertIsNone(p.poll())
        p.stdin.write(b"\n")
        p.stdin.close()
        self.assertEqual(p.wait(20 * PATIENCE), 0)

    def test_only_what_is_watched_is_injected(self):
        self.assertEqual(self.trace("-e", "trace=write", "-e", "inject=openat:error=EPERM", "cat", "/dev/null").status, 0)
        self.assertEqual(self.trace("-e", "inject=openat:error=EPERM", "cat", "/dev/null").status, 127)
        got = self.trace("-e", "trace=geteuid", "-e", "inject=signal,geteuid:retval=0x8000000000000000", "id", "-u")
        self.assertIn("geteuid()                               = 9223372036854775808 (INJECTED)\n", got.err)

    def test_where_a_signal_came(self):
        lines = self.traced("-i", "-e", "trace=none", "sh", "-c", "kill -USR1 $$")
        self.assertRegex(lines[0], r"\[[0-9a-f]{16}\] --- SIGUSR1 ")

    def test_attaches_where_the_first_thread_has_ended(self):
        """By the process's id, and by that of a thread."""
        script = ("import ctypes, os, threading\n"
                  "libc = ctypes.CDLL(None)\n"
                  "libc.read.restype = ctypes.c_ssize_t\n"
                  "threading.Thread(target=lambda: [None for _ in iter(lambda: libc.read(0, bytes(9), 1), 0)]).start()\n"
                  "libc.pthread_exit(None)\n")
        guest = self.start("/usr/bin/python3", "-c", script, stdin=subprocess.PIPE)

        def state():
            with open(f"/proc/{guest.pid}/stat", encoding="ascii") as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        while state() != "Z":
            self.assertIsNone(guest.poll())
        thread = max(os.listdir(f"/proc/{guest.pid}/task"), key=int)
        for name in (str(guest.pid), thread):
            p = self.start(harness.trapline, "trace", "--json", "-e", "trace=read", "-p", name, stderr=subprocess.PIPE)
            self.read_until(p.stderr.fileno(), b'{"type":"new","pid":%d,"tid":%s,' % (guest.pid, thread.encode()))
            guest.stdin.write(b"x")
            guest.stdin.flush()
            self.read_until(p.stderr.fileno(), b'"syscall":"read"')
            p.send_signal(signal.SIGINT)
            p.wait()


class Command(TraceCase):
    """How the command is started."""

    def test_let_go_at_execve(self):
        lines = self.traced("-b", "execve", "-e", "trace=execve,exit_group", "sh", "-c", "/bin/true; exit 0")
        self.assertEqual(sum("= 0" in line for line in lines if "execve(" in line), 1)
        self.assertTrue(any(re.search(r'execve\("/bin/true".* <detached \.\.\.>$', line) for line in lines), lines)
        self.assertEqual(sum("exit_group(" in line for line in lines), 1)

    @harness.unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_another_user(self):
        for user in ("nobody", "65534"):
            got = self.trace("-e", "trace=none", "-u", user, "sh", "-c", "id -u; id -G")
            self.assertEqual(got.out.split(), ["65534", "65534"])
        got = run([harness.trapline, "trace", "-u", "no-such-user", "true"])
        self.assertEqual(got.status, 2)
        self.assertIn("no-such-user", got.err)

    def test_another_name(self):
        got = self.trace("-e", "trace=execve", "--argv0=other", "sh", "-c", "echo $0")
        self.assertEqual(got.out, "other\n")
        self.assertIn('/sh", ["other", "-c"', got.err)

    def test_the_command_in_our_place(self):
        for level in ("-D", "-DD", "-DDD"):
            with self.subTest(level):
                p = self.start(harness.trapline, "trace", level, "-e", "trace=execve,exit_group", "sh", "-c",
                               "echo $$; exit 5", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual(int(p.stdout.readline()), p.pid)
                self.assertEqual(p.wait(20 * PATIENCE), 5)
                lines = p.stderr.read().decode().splitlines()
                self.assertRegex(lines[0], r'^execve\("/\S*/sh"')
                self.assertEqual(lines[-1], "+++ exited with 5 +++")
                self.assertEqual(len(lines), 3)


if __name__ == "__main__":
    harness.main()
