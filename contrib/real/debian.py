#!/usr/bin/env python3
"""A Debian tree from debootstrap: the scripts of debian/ in a chroot as root, then in the same tree under `trapline run`.

debian.py --tree DIR [--trapline BIN] [--ways WAY,...] [--user NAME] [--only NAME,...] [--disk DIR] [--timeout S] [--log FILE]
    [--make] [--mirror]

Ways: "user", `-r TREE -0` as an ordinary user, to whom the whole tree belongs (the scripts that need other owners in it, or what an
earlier run set, are left out); "overlay", `-0` in an overlay that the same user filled with tar, owners and devices too; "root",
`-r TREE` as root. Each has a copy of the tree. --make makes the tree first, from the mirror of this machine (debootstrap, root).
--mirror also installs packages from there, and builds one. Last line: "N passed, N failed"; exit 77 when not root (the chroot and
the change of user need it) or without the tree.
"""
import argparse
import difflib
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
import ways as mounts  # noqa: E402
from run import judge, note  # noqa: E402

INCLUDED = "python3,perl,gcc,libc6-dev,git,make,acl,attr,apt-utils,ca-certificates"
WAYS = ("user", "overlay", "root")
ONE_OWNER = ("1-identity", "2-programs", "3-git", "4-dpkg")
TAR = ["tar", "--xattrs", "--xattrs-include=user.*", "--exclude=./var/cache/apt/archives/*.deb"]


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--tree", required=True)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--ways", default=",".join(WAYS))
    p.add_argument("--user", default="nobody")
    p.add_argument("--only")
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=300)
    p.add_argument("--log", default="/tmp/trapline-debian.log")
    p.add_argument("--make", action="store_true")
    p.add_argument("--mirror", action="store_true")
    return p.parse_args()


def make(tree):
    subprocess.run(["debootstrap", "--variant=minbase", "--include=" + INCLUDED, "bookworm", tree], check=True)


def lacking(tree):
    """What the scripts need and the tree has not: they would fail alike natively and here."""
    with open(tree + "/var/lib/dpkg/status", encoding="utf-8") as f:
        there = {line.split()[1] for line in f if line.startswith("Package: ")}
    return [n for n in INCLUDED.split(",") if n not in there]


class Way:
    """A copy of the tree, and how to run something in it."""

    def __init__(self, opts, name, base):
        self.opts, self.name, self.top = opts, name, f"{base}/{name}"
        self.become = ["setpriv", "--reuid", opts.user, "--regid", "nogroup", "--clear-groups"]
        if name in ("native", "root"):
            self.become = []
        os.mkdir(self.top)
        self.root = self.top + "/upper" if name == "overlay" else self.top
        if name == "overlay":
            os.mkdir(self.root)
            os.mkdir(self.top + "/lower")
        if self.become:
            for path in (self.top, self.root):
                shutil.chown(path, opts.user)

    def guest(self, target="/"):
        """The words before a command in the tree."""
        if self.name == "native":
            return []
        if self.name == "overlay":
            tree = ["--overlay", f"{self.top}/lower:{self.root}:{target}", "-0"]
        else:
            tree = ["-r", self.root] + (["-0"] if self.name == "user" else [])
        return [*self.become, self.opts.trapline, "run", *tree, "--proc", "--dev", "-w", "/", "--"]

    def fill(self):
        """As a user what he may make: everything but devices, owned by him; in the overlay as it is."""
        devices = [] if self.name == "overlay" else ["--exclude=./dev/*"]
        pack = subprocess.Popen([*TAR, *devices, "-C", self.opts.tree, "-cf", "-", "."], stdout=subprocess.PIPE)
        unpack = [*self.guest("/mnt"), *TAR, "-C", "/mnt", "-xpf", "-"]
        if self.name != "overlay":
            unpack = [*self.become, *TAR, "-C", self.root, "-xpf", "-"]
        subprocess.run(unpack, stdin=pack.stdout, check=True)
        pack.stdout.close()
        if pack.wait() != 0:
            raise OSError("tar could not read the tree")
        shutil.copy("/etc/resolv.conf", self.root + "/etc/resolv.conf")

    def enter(self):
        mounts.own_mounts()
        mounts.mount("proc", self.root + "/proc", "proc")
        mounts.mount("/dev", self.root + "/dev", None, mounts.MS_BIND | mounts.MS_REC)
        os.chroot(self.root)
        os.chdir("/")

    def run(self, script):
        name = os.path.basename(script)
        inside = os.path.join(self.root, "tmp", name)
        shutil.copy(script, inside)
        os.chmod(inside, 0o755)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb",
               "REAL_MIRROR": "1" if self.opts.mirror else ""}
        started = time.monotonic()
        outcome = proctree.run([*self.guest(), "/bin/sh", "/tmp/" + name], self.opts.timeout, env=env,
                               preexec=self.enter if self.name == "native" else None)
        outcome.seconds = time.monotonic() - started
        os.unlink(inside)
        return outcome


def note_difference(log, name, way, verdict, want, got):
    note(log, name, way, verdict, want, got)
    texts = [o.out.decode(errors="replace").splitlines() for o in (want, got)]
    log.writelines(line + "\n" for line in list(difflib.unified_diff(*texts, "natively", way, n=0, lineterm=""))[:400])
    log.flush()


def compare_all(opts, native, others, log):
    passed = failed = 0
    for name in sorted(os.listdir(os.path.join(HOME, "debian"))):
        if opts.only and name.removesuffix(".sh") not in opts.only.split(","):
            continue
        script = os.path.join(HOME, "debian", name)
        want = native.run(script)
        print(f"{name:16} {want.text():9} {want.seconds:6.1f} s", end=" ", flush=True)
        if not others:
            print(want.out.decode(), want.err)
        for way in others:
            if way.name == "user" and name.removesuffix(".sh") not in ONE_OWNER:
                print(f"{'-':8} {'':8}", end=" ", flush=True)
                continue
            got = way.run(script)
            verdict = judge(want, got, True)
            passed += verdict == "same"
            failed += verdict != "same"
            if verdict != "same":
                note_difference(log, name, way.name, verdict, want, got)
            print(f"{verdict:8} {got.seconds:6.1f} s", end=" ", flush=True)
        print(flush=True)
    return passed, failed


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
    if lacking(opts.tree):
        print("the tree lacks " + " ".join(lacking(opts.tree)), file=sys.stderr)
        return 1
    opts.trapline = os.path.abspath(opts.trapline) if opts.trapline else None
    proctree.become_subreaper()
    base = tempfile.mkdtemp(prefix="trapline-debian-", dir=opts.disk)
    os.chmod(base, 0o755)
    try:
        native = Way(opts, "native", base)
        others = [Way(opts, name, base) for name in opts.ways.split(",")] if opts.trapline else []
        for way in (native, *others):
            way.fill()
        print(f"{'script':16} {'native':18}", *(f"{w.name:17}" for w in others), flush=True)
        with open(opts.log, "w") as log:
            passed, failed = compare_all(opts, native, others, log)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{passed} passed, {failed} failed" + (f"; details in {opts.log}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
