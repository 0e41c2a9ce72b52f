#!/usr/bin/env python3
"""A Debian tree from debootstrap: the scripts of debian/ in a chroot as root, then with `trapline run -r TREE -0` as an ordinary user.

debian.py --tree DIR [--trapline BIN] [--user NAME] [--only NAME,...] [--disk DIR] [--timeout S] [--log FILE] [--make]

The tree is copied twice, for root and for the user. --make makes it first, from the mirror of this machine (debootstrap, root).
Last line: "N passed, N failed"; exit 77 when not root (the chroot and the change of user need it) or without the tree.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.abspath(__file__))
for folder in ("tests/guest", "tests/differential"):
    sys.path.insert(0, os.path.join(HOME, "..", "..", folder))
sys.path.insert(0, HOME)
sys.dont_write_bytecode = True
import proctree  # noqa: E402
import ways  # noqa: E402
from run import judge, note  # noqa: E402

INCLUDED = "python3,perl,gcc,libc6-dev,git,make,acl,apt-utils"


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--tree", required=True)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--user", default="nobody")
    p.add_argument("--only")
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=300)
    p.add_argument("--log", default="/tmp/trapline-debian.log")
    p.add_argument("--make", action="store_true")
    return p.parse_args()


def make(tree):
    subprocess.run(["debootstrap", "--variant=minbase", "--include=" + INCLUDED, "bookworm", tree], check=True)


def copy(tree, where, user):
    """As root the tree as it is; as the user what he may make of it: everything but devices, owned by him."""
    os.mkdir(where)
    become = ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"] if user else []
    if user:
        shutil.chown(where, user)
    pack = subprocess.Popen(["tar", "-C", tree, "--exclude=./dev/*", "--exclude=./var/cache/apt/archives/*.deb", "-cf", "-", "."],
                            stdout=subprocess.PIPE)
    subprocess.run([*become, "tar", "-C", where, "-xpf", "-"], stdin=pack.stdout, check=True)
    pack.stdout.close()
    if pack.wait() != 0:
        raise OSError("tar could not read the tree")


def enter(root):
    ways.own_mounts()
    ways.mount("proc", root + "/proc", "proc")
    ways.mount("/dev", root + "/dev", None, ways.MS_BIND | ways.MS_REC)
    os.chroot(root)
    os.chdir("/")


def run(opts, root, script, user):
    name = os.path.basename(script)
    inside = os.path.join(root, "tmp", name)
    shutil.copy(script, inside)
    os.chmod(inside, 0o755)
    argv = ["/bin/sh", "/tmp/" + name]
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    before = None
    if user:
        argv = ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups", opts.trapline, "run", "-r", root, "--proc", "--dev",
                "-0", "-w", "/", "--", *argv]
    else:
        def before():
            enter(root)
    started = time.monotonic()
    outcome = proctree.run(argv, opts.timeout, env=env, preexec=before)
    outcome.seconds = time.monotonic() - started
    os.unlink(inside)
    return outcome


def main():
    opts = parse()
    if os.getuid() != 0:
        print("skipped: not root", file=sys.stderr)
        return 77
    if opts.make and not os.path.isdir(opts.tree):
        make(opts.tree)
    if not os.path.isdir(os.path.join(opts.tree, "usr/bin")):
        print(f"skipped: no tree at {opts.tree}", file=sys.stderr)
        return 77
    opts.trapline = os.path.abspath(opts.trapline) if opts.trapline else None
    proctree.become_subreaper()
    base = tempfile.mkdtemp(prefix="trapline-debian-", dir=opts.disk)
    os.chmod(base, 0o755)
    passed = failed = 0
    try:
        copy(opts.tree, base + "/root", None)
        copy(opts.tree, base + "/user", opts.user)
        with open(opts.log, "w") as log:
            for name in sorted(os.listdir(os.path.join(HOME, "debian"))):
                if opts.only and name.removesuffix(".sh") not in opts.only.split(","):
                    continue
                script = os.path.join(HOME, "debian", name)
                want = run(opts, base + "/root", script, None)
                print(f"{name:16} {want.text():9} {want.seconds:6.1f} s", end=" ", flush=True)
                if not opts.trapline:
                    print(want.out.decode(), want.err)
                    continue
                got = run(opts, base + "/user", script, opts.user)
                verdict = judge(want, got, True)
                passed += verdict == "same"
                failed += verdict != "same"
                if verdict != "same":
                    note(log, name, "as " + opts.user, verdict, want, got)
                print(f"{verdict:8} {got.seconds:6.1f} s", flush=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{passed} passed, {failed} failed" + (f"; details in {opts.log}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
