"""`trapline trace --observe=bpf`: the ends of calls are heard by a BPF program. What is told must be what stops tell."""
import difflib
import os
import re
import signal
import subprocess
import time

import harness
from harness import PATIENCE, run

late_calls = ""


def possible():
    return run([harness.trapline, "trace", "--observe=bpf", "-o", "/dev/null", "--", "true"]).status == 0


class Observe(harness.Case):
    needs = "trace"

    def setUp(self):
        super().setUp()
        if not possible():
            self.skipTest("no BPF programs here (root, CAP_BPF and CAP_PERFMON)")
        with open(os.path.join(self.tmp, "file"), "w", encoding="ascii") as f:
            f.write("0123456789" * 50)
        os.symlink("file/" + "x" * 60, os.path.join(self.tmp, "link"))

    def traced(self, observe, *words, guest=(), status=0):
        out = os.path.join(self.tmp, "trace." + observe)
        got = run([harness.trapline, "trace", "--observe=" + observe, "-o", out, *words, "--", late_calls, *guest], cwd=self.tmp)
        self.assert_clean(got)
        self.assertEqual(got.status, status, got.err)
        with open(out, encoding="utf-8", errors="surrogateescape") as f:
            return f.read().splitlines()

    @staticmethod
    def plain(lines, other):
        """By task, without ids (of other lines either), addresses and times; what was interrupted is joined."""
        tasks, open_calls = {}, {}
        tids = {line.split(None, 1)[0] for line in [*lines, *other]}
        for line in lines:
            tid, text = line.split(None, 1)
            text = re.sub(r"0x[0-9a-f]{6,}", "ADDR", text)
            text = re.sub(r"/\* \d{4}-\d\d-[^*]*\*/", "DATE", text)
            text = re.sub(r"si_[us]time=[^,}]*", "TIME", text)
            text = re.sub(r"\b\d+\b", lambda m: "N" if len(m[0]) > 3 or m[0] in tids else m[0], text)
            if text.endswith("<unfinished ...>"):
                open_calls[tid] = text[:-len("<unfinished ...>")].rstrip()
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", text)
            if resumed:
                text = open_calls.pop(tid) + text[resumed.end():]
            tasks.setdefault(tid, []).append(re.sub(r"\s+", "", text))
        return list(tasks.values())

    def both_plain(self, one, other):
        return self.plain(one, other), self.plain(other, one)

    def assert_same(self, *words, guest=()):
        stops, heard = self.both_plain(*(self.traced(observe, *words, guest=guest) for observe in ("stops", "bpf")))
        self.assertEqual(len(heard), len(stops))
        for ours, theirs in zip(heard, stops):
            self.assertEqual("\n".join(difflib.unified_diff(theirs, ours, "stops", "bpf", lineterm="", n=1)), "")

    def test_the_same_is_told(self):
        self.assert_same("-e", "trace=!brk,mmap")

    def test_with_long_strings(self):
        self.assert_same("-e", "trace=!brk,mmap", "-s", "200", "-v")
        self.assert_same("-e", "trace=!brk,mmap", "-s", "2000")

    def test_with_descriptors(self):
        self.assert_same("-e", "trace=!brk,mmap", "-yy")

    def test_of_some_calls_only(self):
        self.assert_same("-e", "trace=read,readlinkat,openat")

    def test_by_itself(self):
        stops, heard = self.both_plain(self.traced("stops"), self.traced("auto"))
        for ours, theirs in zip(heard, stops):
            ours, theirs = ([line for line in lines if "brk(" not in line] for lines in (ours, theirs))
            self.assertEqual("\n".join(difflib.unified_diff(theirs, ours, "stops", "auto", lineterm="", n=1)), "")

    def test_of_one_core(self):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        self.addCleanup(os.sched_setaffinity, 0, cores)
        self.assert_same("-e", "trace=!brk,mmap")

    def test_threads_and_processes(self):
        def trace(observe):
            return self.traced(observe, "-e", "trace=%file,read,pread64", guest=("threads",))

        def tasks(plain):
            """Which descriptor a thread gets depends on the others."""
            return sorted("\n".join(re.sub(r"\(\d+,|\)=\d$", "FD", line) for line in task) for task in plain)
        stops, heard = map(tasks, self.both_plain(trace("stops"), trace("bpf")))
        self.assertEqual(len(heard), len(stops))
        for ours, theirs in zip(heard, stops):
            self.assertEqual("\n".join(difflib.unified_diff(theirs.split(), ours.split(), lineterm="", n=0)), "")

    def test_a_filter_of_the_guest(self):
        """Calls that the guest's own filter answers, before ours, are seen all the same."""
        lines = self.traced("bpf", guest=("deny",))
        self.assertEqual(sum("getppid()" in l and "ENOANO" in l for l in lines), 21, "\n".join(lines[-60:]))
        self.assertEqual(sum("getpgrp()" in l and "ENOSYS" in l for l in lines), 20, "\n".join(lines[-60:]))

    def test_another_pid_namespace(self):
        """Its tasks are not heard, and stop instead."""
        out = os.path.join(self.tmp, "trace")
        got = run([harness.trapline, "trace", "--observe=bpf", "-o", out, "--", "unshare", "--pid", "--fork", "--mount-proc",
                   late_calls], cwd=self.tmp)
        self.assert_clean(got)
        if got.status:
            self.skipTest("no PID namespaces here")
        with open(out, encoding="utf-8") as f:
            text = f.read()
        self.assertEqual(text.count('readlinkat(AT_FDCWD, "link", "fil", 3)'), 20)
        self.assertEqual(got.err, "")

    def started(self, wish):
        out = os.path.join(self.tmp, "trace")
        p = subprocess.Popen([harness.trapline, "trace", "--observe=bpf", "-o", out, "--", late_calls, wish], cwd=self.tmp,
                             stdin=subprocess.PIPE)
        self.addCleanup(p.stdin.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p, out

    def wait_for(self, out, wanted):
        end = time.monotonic() + 10 * PATIENCE
        while time.monotonic() < end:
            if os.path.exists(out):
                with open(out, encoding="utf-8") as f:
                    if wanted in f.read():
                        return
            time.sleep(0.01)
        self.fail(f"{wanted} did not come")

    def test_a_call_that_ended_is_shown_while_the_guest_computes(self):
        p, out = self.started("compute")
        self.wait_for(out, 'access("computes", F_OK) ')
        self.assertIsNone(p.poll())

    def test_a_call_that_blocks_costs_nothing_and_ends(self):
        p, out = self.started("block")
        self.wait_for(out, "read(0, ")
        time.sleep(0.5)
        before = self.switches(p.pid)
        time.sleep(1)
        self.assertEqual(self.switches(p.pid), before)
        p.stdin.write(b"x")
        p.stdin.flush()
        self.assertEqual(p.wait(10 * PATIENCE), 0)
        self.wait_for(out, 'read(0, "x", 4096) ')

    @staticmethod
    def switches(pid):
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as f:
                total += sum(int(l.split()[1]) for l in f if "ctxt_switches" in l)
        return total

    def test_killed(self):
        p, out = self.started("block")
        self.wait_for(out, "read(0, ")
        p.send_signal(signal.SIGKILL)
        p.wait()

    def test_refused(self):
        for words in (("-k",), ("--mechanism=step",)):
            got = run([harness.trapline, "trace", "--observe=bpf", *words, "--", "true"])
            self.assertEqual(got.status, 1, got.err)
            self.assertEqual(got.err.count("\n"), 1, got.err)
            self.assertIn("observing with BPF", got.err)
        if harness.NOBODY:
            got = run([*harness.NOBODY, harness.trapline, "trace", "--observe=bpf", "--", "true"])
            self.assertEqual(got.status, 1, got.err)
            self.assertIn("CAP_BPF", got.err)

    def test_unknown(self):
        got = run([harness.trapline, "trace", "--observe=bfp", "true"])
        self.assert_refused(got, 2, "--observe", "did you mean 'bpf'")


if __name__ == "__main__":
    import sys
    late_calls = os.path.abspath(sys.argv.pop())
    harness.main()
