#!/usr/bin/env python3
"""The command's end is trapline's end: every exit status, every deadly signal, its input and what a shell makes of it."""
import os
import resource
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import proctree
from scenario import equal, main

DEADLY = [s for s in range(1, 32) if s not in (signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
                                                signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH)]


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def statuses(opts, prefix):
    for code in (0, 1, 2, 3, 42, 77, 125, 126, 127, 128, 129, 130, 137, 139, 143, 254, 255):
        got = proctree.run([*prefix, "sh", "-c", f"exit {code}"], opts.timeout, grace=0.2)
        equal((got.status, got.out), (code, b""), f"exit {code}\n{got.err}")


def signals(opts, prefix):
    for sig in DEADLY + [34, 64]:
        got = proctree.run([*prefix, sys.executable, "-SEc", f"import os; os.kill(os.getpid(), {sig})"], opts.timeout, preexec=no_core)
        if sig in (signal.SIGINT,):     # python's own handler
            continue
        if sig in (signal.SIGPIPE, signal.SIGXFSZ):     # ignored by python
            equal(got.status, 0, f"signal {sig}\n{got.err}")
            continue
        equal(got.status, -sig, f"signal {sig}\n{got.err}")


def shell_sees(opts, prefix):
    words = " ".join(prefix)
    got = proctree.run(["sh", "-c", f"ulimit -c 0; {words} sh -c 'kill -9 $$'; echo $?; {words} sh -c 'kill -15 $$'; echo $?"], opts.timeout)
    equal(got.out, b"137\n143\n", f"what a shell sees\n{got.err}")


def standard_input(opts, prefix):
    data = os.urandom(300000)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        with os.fdopen(write, "wb") as f:
            f.write(data)
        os._exit(0)
    os.close(write)
    got = proctree.run([*prefix, "cat"], opts.timeout, stdin=read)
    os.close(read)
    equal(got.out == data, True, "cat of a pipe gives it back")


def ignored_signals(opts, prefix):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    script = "grep -E '^Sig(Ign|Blk)' /proc/self/status"
    want = proctree.run(["sh", "-c", script], opts.timeout, preexec=ignore)
    got = proctree.run([*prefix, "sh", "-c", script], opts.timeout, preexec=ignore)
    equal(got.out, want.out, f"ignored and blocked signals\n{got.err}")


def closed_descriptors(opts, prefix):
    script = "for i in 0 1 2 3 4 5 6 7 8 9 10 11; do [ -e /proc/$$/fd/$i ] && printf \"$i \" >&7; done; exit 5"
    for redirect in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        tail = f"sh -c '{script}' 7>&1 {redirect}"
        want = proctree.run(["sh", "-c", tail], opts.timeout)
        got = proctree.run(["sh", "-c", " ".join(prefix) + " " + tail], opts.timeout)
        equal((got.status, got.out), (want.status, want.out), f"with {redirect}\n{got.err}")


def two_at_once(opts, prefix):
    children = [subprocess.Popen([*prefix, "sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do /bin/true; done; exit {i + 1}"]) for i in range(4)]
    equal([c.wait(opts.timeout) for c in children], [1, 2, 3, 4], "four at once")


if __name__ == "__main__":
    main(statuses, signals, shell_sees, standard_input, ignored_signals, closed_descriptors, two_at_once)
