#!/usr/bin/env python3
"""Job control in a terminal: an interactive bash under trapline, and trapline itself as the job of one."""
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

sys.dont_write_bytecode = True
import proctree
from scenario import check, equal, main, until

INTR, SUSP, QUIT, EOF = b"\x03", b"\x1a", b"\x1c", b"\x04"


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, argv, limit):
        self.limit, self.seen = limit, b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="P> ", TERM="dumb", HISTFILE="/dev/null", INPUTRC="/dev/null")
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execvp(argv[0], argv)

    def expect(self, pattern):
        """Wait for a pattern in what comes; forget everything up to it."""
        end = time.monotonic() + self.limit
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = end - time.monotonic()
            check(left > 0 and select.select([self.fd], [], [], left)[0], f"waited for {pattern!r}, saw {self.seen!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError as e:
                check(e.errno == errno.EIO, str(e))
                data = b""
            check(data, f"the terminal closed; waited for {pattern!r}, saw {self.seen!r}")
            self.seen += data

    def send(self, data):
        os.write(self.fd, data)

    def line(self, text):
        self.send(text.encode() + b"\n")

    def foreground(self, name):
        """Wait until the foreground group is led by a program of this name that sleeps."""
        def there():
            group = struct.unpack("i", fcntl.ioctl(self.fd, termios.TIOCGPGRP, b"\0" * 4))[0]
            try:
                with open(f"/proc/{group}/comm") as f:
                    return f.read().strip() == name and proctree.state(group) in "St"
            except OSError:
                return False
        until(there, f"{name} in the foreground", self.limit)

    def end(self):
        """The wait status of the command."""
        got = until(lambda: os.waitpid(self.pid, os.WNOHANG)[1:] if self.ended() else None, "the end of the command", self.limit)
        os.close(self.fd)
        return got[0]

    def ended(self):
        if select.select([self.fd], [], [], 0)[0]:
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                pass
        info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return info is not None


def bash_inside(opts, prefix):
    """bash -i is the guest: ^Z, fg, ^C, a background reader, a window change, and its own exit status."""
    t = Terminal([*prefix, "bash", "--norc", "--noprofile", "-i"], opts.timeout)
    t.expect(rb"P> ")
    t.line("sleep 100")
    t.foreground("sleep")
    t.send(SUSP)
    t.expect(rb"Stopped.*sleep 100")
    t.expect(rb"P> ")
    t.line("jobs")
    t.expect(rb"\[1\].*Stopped")
    t.expect(rb"P> ")
    t.line("fg")
    t.foreground("sleep")
    t.send(INTR)
    t.expect(rb"P> ")
    t.line("echo rc=$?")
    t.expect(rb"rc=130")
    t.expect(rb"P> ")
    t.line("cat &")
    t.expect(rb"P> ")
    t.line("until jobs | grep -q Stopped; do sleep 0.01; done; jobs")
    t.expect(rb"Stopped.*cat")
    t.expect(rb"P> ")
    t.line("fg")
    t.foreground("cat")
    t.line("hello there")
    t.expect(rb"hello there\r\nhello there\r\n")
    t.send(EOF)
    t.expect(rb"P> ")
    t.line("sleep 100 | cat")
    t.foreground("sleep")
    until(lambda: any(comm(p) == "cat" for p in proctree.descendants(t.pid)), "the other end of the pipe")
    t.send(SUSP)
    t.expect(rb"Stopped")
    t.expect(rb"P> ")
    t.line("bg; kill %1; wait; echo over")
    t.expect(rb"over\r\n")
    t.expect(rb"P> ")
    t.line("trap 'echo winch' WINCH")
    t.expect(rb"P> ")
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    t.line("")
    t.expect(rb"winch")
    t.line("stty size; exit 7")
    t.expect(rb"33 99")
    equal(os.waitstatus_to_exitcode(t.end()), 7, "bash's status")


def interrupts(opts, prefix):
    """^C reaches the guest exactly once each and does not end trapline; without a handler both end by it."""
    script = "trap 'n=$((n+1)); echo hit=$n' INT; n=0; echo ready; while [ $n -lt 3 ]; do sleep 0.01 & wait $!; done; sleep 0.05; echo n=$n; exit 4"
    t = Terminal([*prefix, "dash", "-c", script], opts.timeout)
    t.expect(rb"ready")
    for i in range(1, 4):
        t.send(INTR)
        t.expect(f"hit={i}".encode())
    t.expect(rb"n=3")
    equal(os.waitstatus_to_exitcode(t.end()), 4, "status after three interrupts")
    for key, sig in ((INTR, signal.SIGINT), (QUIT, signal.SIGQUIT)):
        t = Terminal([*prefix, "sh", "-c", "ulimit -c 0; echo ready; exec sleep 100"], opts.timeout)
        t.expect(rb"ready")
        until(lambda: any(comm(p) == "sleep" for p in [t.pid, *proctree.descendants(t.pid)]), "sleep")
        t.send(key)
        equal(os.waitstatus_to_exitcode(t.end()), -sig, f"status after {sig.name}")


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def job_of_a_shell(opts, prefix):
    """A native bash starts trapline as a job: ^Z stops the job as the shell sees it, fg continues it, ^C ends it."""
    t = Terminal(["bash", "--norc", "--noprofile", "-i"], opts.timeout)
    t.expect(rb"P> ")
    for _ in range(3):
        t.line(" ".join([*prefix, "sleep", "100"]))
        until(lambda: any(comm(p) == "sleep" for p in proctree.descendants(t.pid)), "sleep")
        t.send(SUSP)
        t.expect(rb"Stopped")
        t.expect(rb"P> ")
        t.line("fg")
        until(lambda: all(proctree.state(p) not in "Tt" or comm(p) == "bash" for p in proctree.descendants(t.pid)), "the job to go on")
        t.send(INTR)
        t.expect(rb"P> ")
        t.line("echo rc=$?")
        t.expect(rb"rc=130")
        t.expect(rb"P> ")
    t.line("exit 8")
    equal(os.waitstatus_to_exitcode(t.end()), 8, "the shell's status")


def hangup(opts, prefix):
    """The terminal goes away: SIGHUP ends the guest, and trapline by the same signal."""
    t = Terminal([*prefix, "sleep", "100"], opts.timeout)
    until(lambda: any(comm(p) == "sleep" for p in [t.pid, *proctree.descendants(t.pid)]), "sleep")
    os.close(t.fd)
    got = until(lambda: os.waitpid(t.pid, os.WNOHANG)[1], "the end after a hangup")
    equal(os.waitstatus_to_exitcode(got), -signal.SIGHUP, "status after a hangup")


if __name__ == "__main__":
    main(bash_inside, interrupts, job_of_a_shell, hangup)
