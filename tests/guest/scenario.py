"""What the scenario tests share: they drive trapline from the outside (a terminal, kill -9, attach), where a guest cannot.

scenario_X.py --trapline BIN --mechanism native|step|... [--helpers DIR] [--count N]. Exit status as run.py's.
"""
import argparse
import os
import signal
import sys
import time

import proctree
import run as runner

LIMIT = 20 * proctree.PATIENCE


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, want, what):
    check(got == want, f"{what}: {got!r}, not {want!r}")


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--trapline", required=True)
    p.add_argument("--mechanism", required=True, choices=runner.MECHANISMS)
    p.add_argument("--helpers", default=".", help="directory of the helper programs")
    p.add_argument("--count", type=int)
    p.add_argument("--timeout", type=float, default=LIMIT)
    return p.parse_args()


def ways(opts):
    """How to start a command: a name and what to put before the command."""
    if opts.mechanism == "native":
        yield "native", []
        return
    yield "run", [opts.trapline, "run", "--mechanism", opts.mechanism, *runner.host_identity(), "--"]
    if opts.mechanism == "notify":
        yield "run --no-ptrace", [opts.trapline, "run", "--mechanism", "notify", "--no-ptrace", *runner.host_identity(), "--"]
    if opts.mechanism in runner.WATCHING and "trace" in runner.VERBS:
        yield "trace", [opts.trapline, "trace", "--mechanism", opts.mechanism, "-o", "/dev/null", "--"]


def until(condition, what, limit=LIMIT):
    """Wait for a condition to come true; what it gave."""
    end = time.monotonic() + limit
    while True:
        got = condition()
        if got:
            return got
        check(time.monotonic() < end, f"waited {limit} s for {what}")
        time.sleep(0.005)


def main(*tests):
    """Run each test(opts, prefix) for each way; a test raises Failed."""
    opts = parse()
    proctree.become_subreaper()
    if opts.mechanism != "native":
        runner.usable(opts)
    failed = 0
    for test in tests:
        for name, prefix in ways(opts):
            try:
                test(opts, prefix)
            except Failed as e:
                failed = 1
                print(f"{test.__name__} ({name}, {opts.mechanism}): {e}", file=sys.stderr)
                for pid in proctree.descendants(os.getpid()):
                    print(proctree.describe(pid), file=sys.stderr)
            alive = proctree.leftovers(1)
            if alive and not failed:
                failed = 1
                print(f"{test.__name__} ({name}, {opts.mechanism}): still running afterwards", file=sys.stderr)
                for pid in alive:
                    print(proctree.describe(pid), file=sys.stderr)
            proctree.kill_tree()
    sys.exit(failed)


def signalled(status):
    return -status if status is not None and status < 0 else 0


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass
