#!/usr/bin/env python3
"""Attach to a running program of many threads and detach, again and again: it never notices. --count N times."""
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import proctree
from scenario import check, equal, main, until


def attaches(opts, prefix):
    """Only stepping can begin in the middle: a seccomp filter is installed by a program in itself."""
    return prefix[1:2] == ["trace"] and opts.mechanism in ("step", "auto")


def watcher_dies(opts, prefix):
    """kill -9 of the watcher: the program was not trapline's, it goes on."""
    if not attaches(opts, prefix):
        return
    for _ in range(5):
        target = subprocess.Popen([os.path.join(opts.helpers, "guest_tree_target")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(target.stdout.readline(), b"ready\n", "the target starts")
        tracer = subprocess.Popen([opts.trapline, "trace", "--mechanism", opts.mechanism, "-p", str(target.pid), "-o", "/dev/null"],
                                  stderr=subprocess.DEVNULL)
        until(lambda: "0" not in tracer_of(target.pid), "every thread to be traced")
        tracer.kill()
        tracer.wait()
        target.stdin.write(b"x")
        target.stdin.flush()
        equal(target.stdout.readline(), b"on\n", "all threads go on")
        target.stdin.close()
        equal(target.stdout.readline(), b"ok\n", "the target ends well")
        equal(target.wait(opts.timeout), 0, "its status")


def refused(opts, prefix):
    """Where it cannot attach it says so and leaves the program alone."""
    if prefix[1:2] != ["trace"] or attaches(opts, prefix):
        return
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as target:
        got = subprocess.run([opts.trapline, "trace", "--mechanism", opts.mechanism, "-p", str(target.pid)], stderr=subprocess.PIPE)
        check(got.returncode == 1 and b"cannot attach" in got.stderr, f"refusal: {got.returncode}, {got.stderr!r}")
        target.stdin.close()
        equal(target.wait(opts.timeout), 0, "the program's status")


def tracer_of(pid):
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/status") as f:
                found |= {line.split()[1] for line in f if line.startswith("TracerPid:")}
        except OSError:
            pass
    return found


def attach(opts, pid, log):
    tracer = subprocess.Popen([opts.trapline, "trace", "--mechanism", opts.mechanism, "-p", str(pid), "-o", log],
                              stderr=subprocess.PIPE)
    until(lambda: tracer.poll() is not None or tracer_of(pid) == {str(tracer.pid)} or len(tracer_of(pid) - {"0"}) == 1
          and "0" not in tracer_of(pid), "every thread to be traced")
    until(lambda: tracer.poll() is not None or os.path.exists(log) and os.path.getsize(log) > 0, "the first line")
    tracer.send_signal(signal.SIGINT)
    _, errors = tracer.communicate(timeout=opts.timeout)
    check(tracer.returncode in (0, -signal.SIGINT, 130), f"trapline trace -p ended with {tracer.returncode}: {errors.decode()}")
    equal(tracer_of(pid), {"0"}, "nobody traces it afterwards")


def again_and_again(opts, prefix):
    if prefix and not attaches(opts, prefix):
        return
    target = subprocess.Popen([os.path.join(opts.helpers, "guest_tree_target")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(target.stdout.readline(), b"ready\n", "the target starts")
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(opts.count or 20):
            if prefix:
                log = os.path.join(tmp, "log")
                attach(opts, target.pid, log)
                os.unlink(log)
            target.stdin.write(b"x")
            target.stdin.flush()
            equal(target.stdout.readline(), b"on\n", f"all threads go on after detaching, time {i}")
            check(proctree.state(target.pid) in "RS", f"state {proctree.state(target.pid)} after detaching")
    target.stdin.close()
    equal(target.stdout.readline(), b"ok\n", "the target ends well")
    equal(target.wait(opts.timeout), 0, "its status")


def ends_with_target(opts, prefix):
    """The target ends while it is watched: so does the watcher."""
    if not attaches(opts, prefix):
        return
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as target:
        tracer = subprocess.Popen([opts.trapline, "trace", "--mechanism", opts.mechanism, "-p", str(target.pid), "-o", "/dev/null"],
                                  stderr=subprocess.PIPE)
        until(lambda: tracer.poll() is not None or "0" not in tracer_of(target.pid), "the target to be traced")
        target.stdin.close()
        _, errors = tracer.communicate(timeout=opts.timeout)
        equal(target.wait(opts.timeout), 0, "the target's status")
        equal(tracer.returncode, 0, f"the watcher's status: {errors.decode()}")


if __name__ == "__main__":
    main(again_and_again, ends_with_target, watcher_dies, refused)
