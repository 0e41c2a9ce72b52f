#!/usr/bin/env python3
"""kill -9 of the supervisor leaves no guest; kill -9 of any guest leaves the others and the supervisor as they were."""
import os
import random
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import proctree
from scenario import check, equal, kill, main, until


def start(opts, prefix, *args):
    child = subprocess.Popen([*prefix, os.path.join(opts.helpers, "guest_tree_target"), *args],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(child.stdout.readline(), b"ready\n", "the target starts")
    return child


def alive():
    return [p for p in proctree.descendants(os.getpid()) if proctree.state(p) not in ("", "Z")]


def supervisor_dies(opts, prefix):
    """All that ran below it is gone soon, sessions of their own included."""
    if not prefix:
        return
    for _ in range(opts.count or 5):
        child = start(opts, prefix, "--processes")
        check(len(alive()) >= 8, "eight guests at work")
        kill(child.pid)
        child.wait()
        until(lambda: (proctree.reap(), not alive())[1], "the guests to end with their supervisor", 5)
        child.stdin.close()
        child.stdout.close()


def supervisor_dies_handing_over(opts, prefix):
    """At a moment of chance, while children change hands between trap threads: one that nobody traces dies too."""
    if not prefix or opts.mechanism != "step":
        return
    random.seed(2)
    for _ in range(opts.count or 15):
        child = subprocess.Popen([opts.trapline, "trace", "-o", "/dev/null", "--",
                                  os.path.join(opts.helpers, "guest_hand_over")])
        try:
            child.wait(random.uniform(0.001, 0.25))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        until(lambda: (proctree.reap(), not alive())[1], "the guests to end with their supervisor", 5)


def any_guest_dies(opts, prefix):
    """One after the other of the workers is killed; what is left works on, and the status is the command's."""
    child = start(opts, prefix, "--processes")
    random.seed(1)
    workers = [p for p in alive() if p != child.pid and is_worker(p)]
    check(len(workers) >= 7, f"seven workers, not {len(workers)}")
    random.shuffle(workers)
    for pid in workers:
        kill(pid)
        child.stdin.write(b"x")
        child.stdin.flush()
        equal(child.stdout.readline(), b"on\n", f"the rest goes on without {pid}")
    child.stdin.close()
    equal(child.stdout.readline(), b"ok\n", "the command ends well")
    equal(child.wait(opts.timeout), 0, "its status")


def is_worker(pid):
    """A child of the command, not the command: both have its name."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            parent = int(f.read().rsplit(")", 1)[1].split()[1])
        with open(f"/proc/{pid}/comm") as f, open(f"/proc/{parent}/comm") as g:
            return f.read() == g.read() == "guest_tree_targ\n"
    except OSError:
        return False


def command_dies(opts, prefix):
    """kill -9 of the command itself: trapline ends by the same signal, what the command had started goes on."""
    script = "exec 3<&0; (read -r word <&3; echo $word) & echo $$; while :; do sleep 0.01; done"
    with subprocess.Popen([*prefix, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        kill(int(child.stdout.readline()))
        child.stdin.write(b"late\n")
        child.stdin.flush()
        equal(child.stdout.readline(), b"late\n", "the orphan goes on")
        equal(child.wait(opts.timeout), -signal.SIGKILL, "the status of a killed command")


def forker_dies(opts, prefix):
    """Killed while it forks, it cannot tell of its child, which may not have stopped yet when nobody else is left."""
    for _ in range(opts.count or 20):
        with subprocess.Popen([*prefix, "sh", "-c", "echo $$; while :; do (:); done"], stdout=subprocess.PIPE) as child:
            kill(int(child.stdout.readline()))
            equal(child.wait(opts.timeout), -signal.SIGKILL, "the status of a killed command")


def daemon(opts, prefix):
    """A command that ends before its background job: the status is the command's, the job runs to its end."""
    script = "(setsid sh -c 'sleep 0.2; echo late; exit 9' &) ; exit 3"
    read, write = os.pipe()
    child = subprocess.Popen([*prefix, "sh", "-c", script], stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as out:
        equal(out.read(), b"late\n", "the daemon goes on")
    equal(child.wait(opts.timeout), 3, "the status of the command")


if __name__ == "__main__":
    main(supervisor_dies, supervisor_dies_handing_over, any_guest_dies, command_dies, forker_dies, daemon)
