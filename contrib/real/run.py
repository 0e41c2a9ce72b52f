#!/usr/bin/env python3
"""Real software under trapline: each program natively first, then answered (`run`) and watched (`trace`) by each mechanism.

run.py [--trapline BIN] [--mechanisms step,trace,notify] [--seconds N] [--only NAME,...] [--attach N] [--list]

Prints a table, program by way: same (status, standard output and error equal to the native run), differs, hang, leak (something
still ran afterwards) or skip (the program is not installed); then "N passed, N failed". Details of what failed go to --log.
--seconds is how long each stress-ng stressor runs; --attach also attaches to a program of many threads N times.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HOME = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(HOME, "..", "..", "tests", "guest")
sys.path.insert(0, TESTS)
sys.dont_write_bytecode = True
import proctree  # noqa: E402

STRESSORS = ("fork", "clone", "vfork", "exec", "pthread", "signal", "sigsegv", "timer", "sigrt", "sigq", "sigsuspend", "sigfpe",
             "sigtrap", "sigpending", "sigchld", "sigio", "itimer", "switch", "zombie", "kill", "wait")
WATCHING = ("step", "trace")


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--mechanisms", default="step,trace,notify")
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--only")
    p.add_argument("--attach", type=int, default=0)
    p.add_argument("--timeout", type=float, default=120)
    p.add_argument("--log", default="/tmp/trapline-real.log")
    p.add_argument("--list", action="store_true")
    opts = p.parse_args()
    if not opts.trapline and not opts.list:
        p.error("no trapline in PATH: give --trapline")
    return opts


def needs(path):
    with open(path) as f:
        first = f.readline()
    return first.split(":", 1)[1].split() if first.startswith("# needs:") else []


def programs(opts):
    """Name, argv, what must be installed, and whether the output is compared."""
    found = []
    folder = os.path.join(HOME, "programs")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        found.append((name.removesuffix(".sh"), ["sh", path], needs(path), True))
    for name in STRESSORS:
        argv = ["stress-ng", "-q", "--" + name, "2", "--timeout", f"{opts.seconds}s"]
        found.append(("stress-" + name, argv, ["stress-ng"], False))
    wanted = opts.only.split(",") if opts.only else None
    return [p for p in found if not wanted or p[0] in wanted or p[0].split("-")[0] in wanted]


def ways(opts):
    identity = ["--uid", str(os.getuid()), "--gid", str(os.getgid()), "--hostname", os.uname().nodename]
    found = {}
    for m in opts.mechanisms.split(","):
        found["run " + m] = [opts.trapline, "run", "--mechanism", m, *identity, "--"]
    for m in opts.mechanisms.split(","):
        if m in WATCHING:
            found["trace " + m] = [opts.trapline, "trace", "--mechanism", m, "-o", "/dev/null", "--"]
    return found


def run(opts, env, argv):
    """In a new directory, so that every run finds the same."""
    with tempfile.TemporaryDirectory(prefix="trapline-real-") as folder:
        return proctree.run(argv, opts.timeout + opts.seconds, env=env, cwd=folder)


def judge(want, got, compared):
    if got.hang:
        return "hang"
    if got.leaked:
        return "leak"
    if got.status != want.status or (compared and (got.out, got.err) != (want.out, want.err)):
        return "differs"
    return "same"


def note(log, name, way, verdict, want, got):
    log.write(f"==== {name}, {way}: {verdict}; {got.text()}, natively {want.text()}\n")
    if got.out != want.out:
        log.write(f"-- wrote\n{got.out[-3000:].decode(errors='replace')}\n-- natively\n{want.out[-3000:].decode(errors='replace')}\n")
    log.write(f"-- errors\n{got.err[-6000:]}\n-- natively\n{want.err[-2000:]}\n{got.leaked}\n")
    log.flush()


def attach(opts):
    """The attach scenario of the guest tests, many times."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "guest_tree_target")
        subprocess.run(["gcc", "-O2", "-pthread", "-D_GNU_SOURCE", "-o", target, os.path.join(TESTS, "tree_target.c")], check=True)
        return subprocess.run([sys.executable, os.path.join(TESTS, "scenario_attach.py"), "--trapline", opts.trapline, "--mechanism",
                               "step", "--helpers", folder, "--count", str(opts.attach)]).returncode == 0


def main():
    opts = parse()
    if opts.list:
        print("\n".join(p[0] for p in programs(opts)))
        return 0
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    columns = ways(opts)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="trapline-real-cache-") as cache, open(opts.log, "w") as log:
        env = dict(os.environ, LC_ALL="C.UTF-8", REAL_HOME=HOME, REAL_CACHE=cache)
        print(f"{'program':16} {'native':8}", *(f"{w:13}" for w in columns), flush=True)
        for name, argv, wanted, compared in programs(opts):
            if not all(shutil.which(w) for w in wanted):
                print(f"{name:16} skip: {' or '.join(wanted)} is not installed", flush=True)
                continue
            run(opts, env, argv)            # what is cached once (a compiled program) is cached now
            want = run(opts, env, argv)
            print(f"{name:16} {want.text().replace('status ', ''):8}", end=" ", flush=True)
            for way, prefix in columns.items():
                got = run(opts, env, [*prefix, *argv])
                verdict = judge(want, got, compared)
                passed += verdict == "same"
                failed += verdict != "same"
                if verdict != "same":
                    note(log, name, way, verdict, want, got)
                print(f"{verdict:13}", end=" ", flush=True)
            print(flush=True)
    if opts.attach:
        good = attach(opts)
        print(f"{'attach':16} {opts.attach} times: {'same' if good else 'differs'}")
        passed += good
        failed += not good
    print(f"{passed} passed, {failed} failed" + (f"; details in {opts.log}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
