"""A command under trapline ends, reads, writes, and is signalled and stopped as if trapline were not there."""
import os
import pty
import re
import select
import signal
import subprocess
import time

import harness
from harness import PATIENCE, run

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = ["/usr/bin/python3", "-I", "-B", "-S"]


class Endings(harness.Case):
    def test_statuses(self):
        for status in (0, 1, 42, 126, 127, 128, 255):
            self.assert_same_as_native(["sh", "-c", f"exit {status}"])

    def test_signals(self):
        for name in ("HUP", "INT", "QUIT", "ILL", "ABRT", "KILL", "SEGV", "PIPE", "ALRM", "TERM", "USR1", "XCPU", "SYS"):
            self.assert_same_as_native(["sh", "-c", f"ulimit -c 0; kill -{name} $$"])

    def test_a_real_time_signal(self):
        self.assert_same_as_native([*PYTHON, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)"])

    def test_as_a_shell_sees_it(self):
        for words in (["exit 3"], ["kill -TERM $$"]):
            for name, way in harness.ways():
                with self.subTest(name):
                    inner = run(["bash", "-c", '"$@"; echo $?', "bash", *way, "sh", "-c", *words])
                    self.assertEqual(inner.out, "3\n" if "exit" in words[0] else "143\n", inner.err)

    def test_no_core_of_ours(self):
        got = run(["bash", "-c", 'ulimit -c unlimited; "$0" run -- sh -c "kill -SEGV \\$\\$"; ls', harness.trapline],
                  cwd=self.tmp)
        self.assertNotIn("core", [name for name in got.out.split() if "trapline" in name])


class Streams(harness.Case):
    def test_standard_input(self):
        path = os.path.join(self.tmp, "data")
        with open(path, "wb") as f:
            f.write(os.urandom(3_000_000))
        self.assert_same_as_native(["sh", "-c", f"cat {path} | cksum"])
        for name, way in harness.ways(native=True):
            with self.subTest(name), open(path, "rb") as data:
                got = run([*way, "cksum"], stdin=data)
                want = run(["sh", "-c", f"cksum <{path}"])
                self.assertEqual((got.status, got.out, got.err), (want.status, want.out, want.err))

    def test_a_pipe_into_it(self):
        for name, way in harness.ways():
            with self.subTest(name):
                got = run(["bash", "-c", 'set -o pipefail; seq 100000 | "$@" | tail -n 1', "bash", *way, "cat"])
                self.assertEqual((got.status, got.out, got.err), (0, "100000\n", ""))

    def test_reader_gone(self):
        for name, way in harness.ways():
            with self.subTest(name):
                got = run(["bash", "-c", '"$@" | head -n 1; echo ${PIPESTATUS[0]}', "bash", *way, "yes"])
                self.assertEqual((got.out, got.err), ("y\n141\n", ""))

    def test_output_full(self):
        self.assert_same_as_native(["sh", "-c", "exec echo hello >/dev/full"])

    def test_closed_descriptors(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"):
            for name, way in harness.ways(native=True):
                path = os.path.join(self.tmp, "fds")
                got = run(["sh", "-c", f'exec "$@" {closed}', "sh", *way, *PYTHON, "-c",
                           f"fds = []\nfor fd in range(64):\n try: __import__('os').fstat(fd); fds.append(fd)\n"
                           f" except OSError: pass\nopen({path!r}, 'w').write(str(fds))"])
                self.assert_clean(got)
                with open(path, encoding="ascii") as f:
                    fds = f.read()
                if not way:
                    want = fds
                with self.subTest(f"{name} {closed}"):
                    self.assertEqual(fds, want)

    def test_inherited_state(self):
        argv = [*PYTHON, os.path.join(HERE, "inherited.py")]
        self.assert_same_as_native(argv)

    def test_inherited_state_that_is_odd(self):
        def odd():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
            os.umask(0o137)
            os.nice(3)
            os.setsid()
            os.dup2(1, 40, inheritable=True)
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        argv = [*PYTHON, os.path.join(HERE, "inherited.py")]
        self.assert_same_as_native(argv, preexec=odd, cwd="/proc")


class Supervisor(harness.Case):
    """What is done to trapline itself."""

    def start(self, way, script, **options):
        """trapline with a guest that has said "ready"."""
        process = subprocess.Popen([*way, "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(harness.proctree.kill_tree)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def assert_nothing_left(self):
        left = [harness.proctree.describe(pid) for pid in harness.proctree.leftovers(3)]
        harness.proctree.kill_tree()
        self.assertEqual(left, [])

    def test_terminated(self):
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            for name, way in harness.ways():
                with self.subTest(name):
                    process = self.start(way, "echo ready; exec sleep 1000")
                    process.send_signal(sig)
                    self.assertEqual(process.wait(10 * PATIENCE), -sig)
                    self.assert_nothing_left()

    def test_terminated_with_a_guest_that_handles_it(self):
        for name, way in harness.ways():
            with self.subTest(name):
                process = self.start(way, "trap 'echo handled; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.stdout.read(), "handled\n")
                self.assertEqual(process.wait(10 * PATIENCE), 7)
                self.assert_nothing_left()

    GROUP = r"""
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *a: os.write(1, b'hit\n'))
signal.signal(signal.SIGTERM, lambda *a: sys.exit(7))
os.write(1, b'ready\n')
while True: time.sleep(0.01)      # not pause: the signal may come before it
"""

    GROUP_END = r"""
import os, signal, time
for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMIN + 1):
    signal.signal(s, lambda s, f: os.write(1, b'%d\n' % s))
def end(*a):
    os.write(1, b'end\n')
    os._exit(7)
signal.signal(signal.SIGRTMIN + 9, end)
os.write(1, b'ready\n')
while True: time.sleep(0.01)
"""

    def no_tracer(self):
        return [("run no ptrace", [harness.trapline, "run", "--no-ptrace", "--uid", "5", "--"])]

    def test_each_signal_to_the_group_comes_once(self):
        for name, way in [*harness.ways(), *self.no_tracer()]:
            with self.subTest(name), subprocess.Popen([*way, *PYTHON, "-c", self.GROUP_END], stdin=subprocess.DEVNULL,
                                                      stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
                self.addCleanup(harness.proctree.kill_tree)
                self.assertEqual(process.stdout.readline(), "ready\n")
                sent = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMIN + 1]
                got = []
                for sig in sent:
                    os.killpg(process.pid, sig)
                    got.append(process.stdout.readline())
                process.send_signal(signal.SIGRTMIN + 9)    # to trapline alone: taken last, so all others were judged
                got += process.stdout.read().splitlines(True)
                self.assertEqual(got, [f"{int(sig)}\n" for sig in sent] + ["end\n"])
                self.assertEqual(process.wait(10 * PATIENCE), 7)

    def hits_of_one(self, way):
        """How often a signal to the group comes while the supervisor cannot run for longer than it gives it to arrive."""
        with subprocess.Popen([*way, *PYTHON, "-c", self.GROUP], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              start_new_session=True) as process:
            self.addCleanup(harness.proctree.kill_tree)
            self.assertEqual(process.stdout.readline(), "ready\n")
            os.killpg(process.pid, signal.SIGUSR1)
            self.assertEqual(process.stdout.readline(), "hit\n")
            time.sleep(0.005)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            hits = 1 + process.stdout.read().count("hit")
            self.assertEqual(process.wait(10 * PATIENCE), 7)
            return hits

    def test_a_signal_to_the_group_comes_once(self):
        for name, way in [*harness.ways(), *self.no_tracer()]:
            with self.subTest(name):
                # It may be stopped before it has taken its own, which then comes as a second one much later; not each time.
                self.assertIn(1, (self.hits_of_one(way) for _ in range(5)))

    def test_a_signal_that_is_left(self):
        """The command ends while trapline still has one of its own to judge."""
        for name, way in [*harness.ways(), *self.no_tracer()]:
            with self.subTest(name):
                process = self.start(way, "trap 'kill -USR1 0; kill -USR2 0; exit 7' TERM; trap : USR1 USR2; echo ready; while :; do sleep 0.05; done",
                                     start_new_session=True)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10 * PATIENCE), 7)

    def test_killed(self):
        for name, way in harness.ways():
            with self.subTest(name):
                process = self.start(way, "(sleep 1000 & sleep 1000) & echo ready; sleep 1000")
                process.kill()
                process.wait(10 * PATIENCE)
                self.assert_nothing_left()

    def test_guest_killed(self):
        for name, way in harness.ways():
            with self.subTest(name):
                process = self.start(way, "echo ready; echo $$; exec sleep 1000")
                os.kill(int(process.stdout.readline()), signal.SIGKILL)
                self.assertEqual(process.wait(10 * PATIENCE), -signal.SIGKILL)
                self.assert_nothing_left()


class Terminal:
    """A command on a pseudo-terminal of its own, as the leader of its session."""

    def __init__(self, argv):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.environ.update(PS1="<prompt>", TERM="dumb", HISTFILE="/dev/null")
                os.execvp(argv[0], argv)
            finally:
                os._exit(99)

    def read_some(self, until):
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:    # EIO: the last process on the terminal is gone
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def expect(self, pattern, timeout=15 * PATIENCE):
        """Wait for the pattern and forget all up to its end. Returns the match."""
        until = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            if not self.read_some(until):
                raise AssertionError(f"no {pattern!r} in {self.text!r}")

    def send(self, text):
        os.write(self.fd, text.encode())

    def finish(self, timeout=15 * PATIENCE, hang_up=False):
        """Its exit status as a return code, or None if it does not end."""
        until = time.monotonic() + timeout
        while not hang_up and self.read_some(until):
            pass
        if hang_up:
            os.close(self.fd)
        status = None
        while status is None and time.monotonic() < until:
            pid, got = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                status = os.waitstatus_to_exitcode(got)
            else:
                time.sleep(0.01)
        if not hang_up:
            os.close(self.fd)
        return status


class JobControl(harness.Case):
    def terminal(self, argv):
        self.addCleanup(harness.proctree.kill_tree)
        return Terminal(argv)

    def test_a_terminal_is_one(self):
        for name, way in harness.ways(native=True):
            with self.subTest(name):
                terminal = self.terminal([*way, "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo yes; stty size"])
                terminal.expect("yes\n")
                self.assertEqual(terminal.finish(), 0)

    def test_a_shell_inside(self):
        for name, way in harness.ways(native=True):
            with self.subTest(name):
                terminal = self.terminal([*way, "bash", "--norc", "--noprofile", "--noediting", "-i"])
                terminal.expect("<prompt>")
                terminal.send("sleep 1000\n")
                terminal.expect("sleep 1000\n")
                self.wait_for_foreground(terminal, "sleep")
                terminal.send("\x1a")
                terminal.expect(r"\[1\]\+ +Stopped +sleep 1000\n<prompt>")
                terminal.send("jobs\n")
                terminal.expect(r"\[1\]\+ +Stopped +sleep 1000\n<prompt>")
                terminal.send("bg\n")
                terminal.expect(r"\[1\]\+ sleep 1000 &\n<prompt>")
                terminal.send("fg\n")
                terminal.expect("fg\nsleep 1000\n")
                self.wait_for_foreground(terminal, "sleep")
                terminal.send("\x03")
                terminal.expect("<prompt>")
                terminal.send("echo status $?\n")
                terminal.expect("\nstatus 130\n<prompt>")
                terminal.send("exit 5\n")
                self.assertEqual(terminal.finish(), 5)

    def test_inside_a_shell(self):
        for name, way in harness.ways(native=True):
            with self.subTest(name):
                terminal = self.terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"])
                terminal.expect("<prompt>")
                terminal.send(" ".join([*way, "sleep", "1000"]) + "\n")
                terminal.expect("sleep 1000\n")
                self.wait_for_foreground(terminal, "sleep")
                terminal.send("\x1a")
                terminal.expect(r"\[1\]\+ +Stopped[^\n]*sleep 1000\n<prompt>")
                terminal.send("fg\n")
                terminal.expect("sleep 1000\n")
                self.wait_for_foreground(terminal, "sleep")
                terminal.send("\x03")
                terminal.expect("<prompt>")
                terminal.send("echo status $?\n")
                terminal.expect("\nstatus 130\n<prompt>")
                terminal.send("exit 0\n")
                self.assertEqual(terminal.finish(), 0)

    def test_hang_up(self):
        for name, way in harness.ways(native=True):
            with self.subTest(name):
                terminal = self.terminal([*way, "sh", "-c", "echo ready; sleep 1000"])
                terminal.expect("ready\n")
                status = terminal.finish(hang_up=True)
                left = [harness.proctree.describe(pid) for pid in harness.proctree.leftovers(1)]
                harness.proctree.kill_tree()
                self.assertEqual((status, left), (-signal.SIGHUP, []))

    def wait_for_foreground(self, terminal, comm):
        """Until the terminal's foreground group holds a running process of this name."""
        until = time.monotonic() + 10 * PATIENCE
        while time.monotonic() < until:
            group = os.tcgetpgrp(terminal.fd)
            for pid in harness.proctree.descendants(os.getpid()):
                try:
                    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                        name, rest = f.read().split("(", 1)[1].rsplit(") ", 1)
                except OSError:
                    continue
                state, _, pgrp = rest.split()[:3]
                if name == comm and int(pgrp) == group and state in "SR":
                    return
            time.sleep(0.01)
        raise AssertionError(f"{comm} never came to the foreground: {terminal.text!r}")


if __name__ == "__main__":
    harness.main()
