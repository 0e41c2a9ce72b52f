#!/usr/bin/env python3
"""Real software on emulated trees: each program natively first, then in a directory that is the host's, a tmpfs, an overlay.

trees.py [--trapline BIN] [--trees host,tmpfs,overlay] [--seconds N] [--only NAME,...] [--list]

The programs are those of trees/ and programs/, stress-ng's stressors of files with --verify, and the suites of Python's standard
library. All run with `-r /` and our /proc and /dev. Prints program by tree: same (status, and for the scripts output, equal to
the native run's), differs, hang, leak or skip, then "N passed, N failed". Details of what failed go to --log.
"""
import argparse
import os
import shutil
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HOME, "..", "..", "tests", "guest"))
sys.path.insert(0, HOME)
sys.dont_write_bytecode = True
import proctree  # noqa: E402
from run import judge, needs, note  # noqa: E402

STRESSORS = ("dir", "dentry", "rename", "link", "symlink", "chmod", "chown", "xattr", "flock", "lockf", "mmap", "open", "readahead", "seek",
             "fallocate", "utime", "inotify", "fstat", "filename", "dirdeep", "dirmany", "hdd", "sendfile", "copy-file", "fifo", "getdent",
             "touch", "locka", "lockofd", "chdir", "access", "chattr", "dnotify", "dup", "eventfd", "fanotify", "fcntl", "fiemap",
             "file-ioctl", "fpunch", "fsize", "handle", "inode-flags", "io", "iomix", "ioprio", "lease", "mknod", "procfs", "sync-file")
SUITES = ("test_os", "test_posix", "test_pathlib", "test_shutil", "test_tempfile", "test_glob", "test_mmap", "test_fcntl", "test_zipfile",
          "test_tarfile", "test_sqlite3", "test_posixpath", "test_fileio", "test_io", "test_mailbox", "test_stat", "test_dbm", "test_subprocess")
TREES = ("host", "tmpfs", "overlay")


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--trees", default=",".join(TREES))
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--only")
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=300)
    p.add_argument("--log", default="/tmp/trapline-trees.log")
    p.add_argument("--list", action="store_true")
    opts = p.parse_args()
    if not opts.trapline and not opts.list:
        p.error("no trapline in PATH: give --trapline")
    return opts


def programs(opts):
    """Name, argv, what must be installed, whether the output is compared."""
    found = []
    for folder in ("trees", "programs"):
        for name in sorted(os.listdir(os.path.join(HOME, folder))):
            path = os.path.join(HOME, folder, name)
            found.append((name.removesuffix(".sh"), ["bash" if folder == "trees" else "sh", path], needs(path), name != "dbench.sh"))
    for name in SUITES:
        found.append((name, ["python3", "-m", "test", "-q", name], ["python3"], False))
    for name in STRESSORS:
        argv = ["stress-ng", "-q", "--verify", "--temp-path", ".", "--" + name, str(opts.workers), "--timeout", f"{opts.seconds}s"]
        found.append(("stress-" + name, argv, ["stress-ng"], False))
    wanted = opts.only.split(",") if opts.only else None
    return [p for p in found if not wanted or p[0] in wanted or p[0].split("-")[0].split("_")[0] in wanted]


def tree_options(tree, base, work):
    if tree == "tmpfs":
        return ["--tmpfs", work]
    if tree == "overlay":
        os.mkdir(base + "/lower")
        os.mkdir(base + "/upper")
        return ["--overlay", f"{base}/lower:{base}/upper:{work}"]
    return []


def run(opts, env, argv, tree=None):
    base = tempfile.mkdtemp(prefix="trapline-trees-", dir=opts.disk)
    work = base + "/work"
    os.mkdir(work)
    env = dict(env, TMPDIR=work)
    prefix = []
    if tree:
        prefix = [opts.trapline, "run", "-r", "/", *tree_options(tree, base, work), "--proc", "--dev", "-w", work, "--"]
    started = time.monotonic()
    try:
        outcome = proctree.run([*prefix, *argv], opts.timeout + opts.seconds, env=env, cwd=work)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    outcome.seconds = time.monotonic() - started
    outcome.out = outcome.out.replace(base.encode(), b"@")
    outcome.err = outcome.err.replace(base, "@")
    return outcome


def main():
    opts = parse()
    if opts.list:
        print("\n".join(p[0] for p in programs(opts)))
        return 0
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    trees = [t for t in opts.trees.split(",") if t]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="trapline-trees-cache-", dir=opts.disk) as cache, open(opts.log, "w") as log:
        env = dict(os.environ, LC_ALL="C.UTF-8", REAL_HOME=HOME, REAL_CACHE=cache)
        print(f"{'program':18} {'native':14}", *(f"{t:16}" for t in trees), flush=True)
        for name, argv, wanted, compared in programs(opts):
            if not all(shutil.which(w) for w in wanted):
                print(f"{name:18} skip: {' or '.join(wanted)} is not installed", flush=True)
                continue
            want = run(opts, env, argv)
            print(f"{name:18} {want.text().replace('status ', ''):5}{want.seconds:6.1f} s ", end=" ", flush=True)
            for tree in trees:
                got = run(opts, env, argv, tree)
                verdict = judge(want, got, compared)
                passed += verdict == "same"
                failed += verdict != "same"
                if verdict != "same":
                    note(log, name, tree, verdict, want, got)
                print(f"{verdict:8}{got.seconds:5.1f} s", end="  ", flush=True)
            print(flush=True)
    print(f"{passed} passed, {failed} failed" + (f"; details in {opts.log}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
