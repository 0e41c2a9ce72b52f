#!/usr/bin/env python3
"""Host files change underneath a running guest: what it sees is what it sees natively.

underneath.py --trapline BIN GUEST. The same changes are made outside twice, for the guest alone and for the guest in a tree.
"""
import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from proctree import PATIENCE  # noqa: E402


def write(name, text):
    with open(name, "w", encoding="ascii") as f:
        f.write(text)


def replace(name, text):
    write(name + ".new", text)
    os.rename(name + ".new", name)


class Guest:
    def __init__(self, command, base):
        self.child = subprocess.Popen(command, cwd=base, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base = base
        self.said = []

    def tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        self.said.append("> " + line)
        while (got := self.child.stdout.readline()) not in ("end\n", ""):
            self.said.append(got.rstrip("\n").replace(self.base, "BASE"))

    def end(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.said.append(f"status {self.child.wait(20 * PATIENCE)}")
        return self.said


def fill(base):
    os.makedirs(base + "/d/sub")
    for name in ("f", "g", "sub/x"):
        write(f"{base}/d/{name}", name)
    os.symlink("d", base + "/l")


def changes(guest):
    """Each step: what is changed outside. The guest has looked before, so that it knows what was there."""
    d = guest.base + "/d"
    yield lambda: replace(d + "/f", "another")
    yield lambda: write(d + "/late", "late")
    yield lambda: os.link(d + "/g", d + "/h")
    yield lambda: (os.chmod(d + "/g", 0o755), os.truncate(d + "/g", 0))
    yield lambda: (os.rename(d, guest.base + "/d2"), os.makedirs(d + "/sub"), write(d + "/f", "new"))
    yield lambda: (os.rmdir(d + "/sub"), write(d + "/sub", "a file"))
    yield lambda: (os.unlink(d + "/f"), os.mkdir(d + "/f"))
    yield lambda: (os.rmdir(d + "/f"), os.symlink("../d2/f", d + "/f"))
    yield lambda: (os.unlink(guest.base + "/l"), os.symlink("d2", guest.base + "/l"))
    yield lambda: (shutil.rmtree(d), os.rename(guest.base + "/d2", d))
    yield lambda: guest.tell("hold d/sub") or guest.tell("hold d/f")
    # not moved: a held file that others move is shown as deleted
    yield lambda: os.unlink(d + "/f")
    yield lambda: (shutil.rmtree(d + "/sub"), os.mkdir(d + "/sub"))
    yield lambda: guest.tell("make d/sub/x")
    yield lambda: shutil.rmtree(d)
    yield lambda: fill_again(d)


def fill_again(d):
    os.makedirs(d + "/sub")
    write(d + "/f", "again")


def seen(command, base):
    fill(base)
    guest = Guest(command, base)
    guest.tell("look")
    for change in changes(guest):
        change()
        guest.tell("look")
    guest.tell("cd d/sub")
    shutil.rmtree(base + "/d")
    guest.tell("look")
    return guest.end()


def raced(command, base, rounds):
    for name in ("a", "b"):
        os.makedirs(f"{base}/r/{name}")
        write(f"{base}/r/{name}/x", name)
    write(base + "/r/f", "0000")
    os.symlink("0", base + "/r/l")
    guest = Guest(command, base)
    swapper = subprocess.Popen([command[-1], "swap"], cwd=base)
    try:
        guest.tell(f"race {rounds}")
    finally:
        swapper.kill()
        swapper.wait()
    return guest.end()


def at_new_place(test, command, *args):
    base = os.path.realpath(tempfile.mkdtemp(prefix="trapline-under-", dir=os.environ.get("TRAPLINE_TEST_DISK", "/var/tmp")))
    try:
        return test([w.replace("BASE", base) for w in command], base, *args)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--trapline", required=True)
    p.add_argument("--rounds", type=int, default=2000)
    p.add_argument("guest")
    opts = p.parse_args()
    os.umask(0o022)
    guest = os.path.abspath(opts.guest)
    inside = [os.path.abspath(opts.trapline), "run", "-r", "/", "--proc", "-w", "BASE", "--", guest]
    failed = 0
    for test, args in ((seen, ()), (raced, (opts.rounds,))):
        want = at_new_place(test, [guest], *args)
        got = at_new_place(test, inside, *args)
        if got != want:
            failed = 1
            print(f"{test.__name__}: natively and in the tree", file=sys.stderr)
            print("\n".join(difflib.unified_diff(want, got, lineterm="", n=20)), file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
