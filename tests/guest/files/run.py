#!/usr/bin/env python3
"""Run a guest about files natively, then on one of trapline's trees, and want the same status and the same output.

run.py --trapline BIN --tree native|host|tmpfs|overlay|fake|weak|stub|stub-tmpfs [--timeout S] -- GUEST [ARGS]

The guest works in a directory of its own below its working directory, which is a new one on the host's disk, on an emulated tmpfs
or on an overlay; fake: on the disk with -0; weak: trapline may not raise limits; stub: calls go by shared memory whenever they can; the rest of its tree is the host's, with our /proc and /dev. Exit status: 0 passed, 1 failed, 77 skipped.
"""
import argparse
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import proctree  # noqa: E402

SKIP = 77


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", required=True)
    p.add_argument("--tree", required=True, choices=("native", "host", "tmpfs", "overlay", "fake", "weak", "stub", "stub-tmpfs"))
    p.add_argument("--timeout", type=float, default=60 * proctree.PATIENCE)
    p.add_argument("--only", action="store_true", help="not natively first")
    p.add_argument("guest", nargs="+")
    return p.parse_args()


def command(opts, work, base):
    start = [opts.trapline, "run", "-r", "/"]
    if opts.tree == "weak" and os.geteuid() == 0:
        start = ["setpriv", "--bounding-set", "-sys_resource", *start]
    if opts.tree in ("stub", "stub-tmpfs"):
        start += ["--stub", "always"]
    if opts.tree in ("tmpfs", "stub-tmpfs"):
        start += ["--tmpfs", work]
    if opts.tree == "fake":
        start += ["-0"]
    if opts.tree == "overlay":
        os.mkdir(base + "/lower")
        os.mkdir(base + "/upper")
        start += ["--overlay", f"{base}/lower:{base}/upper:{work}"]
    return [*start, "--proc", "--dev", "-w", work, "--", *opts.guest]


def make_hidden():
    """A program of the host's that the guest's tree does not have, as its /dev is another; None where the host has no such place."""
    if not os.access("/dev/shm", os.W_OK):
        return None
    hidden = tempfile.mkdtemp(prefix="trapline-hidden-", dir="/dev/shm")
    os.chmod(hidden, 0o755)
    shutil.copy("/bin/true", hidden + "/program")
    return hidden


def run(opts, native):
    base = tempfile.mkdtemp(prefix="trapline-guest-", dir=os.environ.get("TRAPLINE_TEST_DISK", "/var/tmp"))
    os.chmod(base, 0o755)
    work = base + "/work"
    os.mkdir(work)
    hidden = make_hidden()
    try:
        env = dict(os.environ)
        if not native:
            env.update(TRAPLINE_TEST_TREE={"stub": "host", "stub-tmpfs": "tmpfs"}.get(opts.tree, opts.tree))
            if hidden:
                env.update(TRAPLINE_TEST_HIDDEN=hidden + "/program")
        return proctree.run(opts.guest if native else command(opts, work, base), opts.timeout, cwd=work, env=env)
    finally:
        shutil.rmtree(base, ignore_errors=True)
        if hidden:
            shutil.rmtree(hidden, ignore_errors=True)


def main():
    opts = parse()
    if opts.guest[0] == "--":
        del opts.guest[0]
    opts.guest[0] = os.path.abspath(opts.guest[0])
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    os.umask(0o022)
    want = proctree.Outcome(0, b"", "")
    if not opts.only:
        want = run(opts, True)
    if want.status == SKIP:
        print("skipped: " + want.err.strip(), file=sys.stderr)
        return SKIP
    if want.status != 0 or want.hang or want.leaked:
        print(f"native: {want.text()}\n{want.err}{want.leaked}", file=sys.stderr)
        return 1
    if opts.tree == "native":
        return 0
    got = run(opts, False)
    if got.same(want):
        return 0
    print(f"{opts.tree}: {got.text()}\n{got.err[-8000:]}{got.leaked}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
