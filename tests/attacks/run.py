#!/usr/bin/env python3
"""Run one attack on the root of a guest, and want that it holds.

run.py --trapline BIN --guest ESCAPE [--rounds N] ATTACK

The guest's root is a new directory; above it lies a file that it must not reach (see escape.c). Some attacks have a part out
here: somebody who changes the root's directories from the host. Exit status: 0 held, 1 not.
"""
import argparse
import array
import os
import shutil
import socket
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
import proctree  # noqa: E402
from subprocess import DEVNULL  # noqa: E402


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def make_world(base, guest):
    root = base + "/root"
    for name in ("/root", "/root/bin", "/root/in", "/root/host", "/root/host/away", "/outside", "/outside/sub"):
        os.mkdir(base + name)
    write(base + "/secret", "OUTSIDE\n")
    write(base + "/outside/secret", "OUTSIDE\n")
    write(base + "/outside/sub/secret", "OUTSIDE\n")
    write(root + "/in/secret", "INSIDE\n")
    write(root + "/secret", "INSIDE\n")
    write(root + "/host/away/mine", "INSIDE\n")
    shutil.copy(guest, root + "/bin/escape")
    return root


class Host(threading.Thread):
    """Somebody on the host, until told to stop."""

    def __init__(self, root, outside):
        super().__init__()
        self.root, self.outside = root, outside
        self.over = threading.Event()
        self.swaps = 0


class Swapper(Host):
    """/host/dir is a directory, a link to outside, a relative link to outside, by turns; /host/file likewise."""

    def run(self):
        d, f = self.root + "/host/dir", self.root + "/host/file"
        while not self.over.is_set():
            os.makedirs(d + ".new/sub", exist_ok=True)
            for name in ("/secret", "/sub/secret"):
                write(d + ".new" + name, "INSIDE\n")
            self.put(d + ".new", d)
            write(f + ".new", "INSIDE\n")
            os.rename(f + ".new", f)
            for target in (self.outside, "../../outside"):
                os.symlink(target, d + ".new")
                self.put(d + ".new", d)
                os.symlink(target + "/secret", f + ".new")
                os.rename(f + ".new", f)
                self.swaps += 1

    @staticmethod
    def put(new, name):
        try:
            os.rename(name, name + ".old")
        except FileNotFoundError:
            pass
        os.rename(new, name)
        if os.path.islink(name + ".old"):
            os.unlink(name + ".old")
        else:
            shutil.rmtree(name + ".old", ignore_errors=True)


class Mover(Host):
    """Moves /host/away out of the root when the guest has opened it."""

    def run(self):
        while not self.over.wait(0.02):
            if os.path.exists(self.root + "/host/open"):
                os.rename(self.root + "/host/away", self.outside + "/away")
                os.mkdir(self.root + "/host/moved")
                return


def made_outside(base):
    """What an attack made where nothing may be made."""
    known = {"root", "secret", "outside"}
    inside = {"secret", "sub", "away"}
    found = [n for n in os.listdir(base) if n not in known]
    found += ["outside/" + n for n in os.listdir(base + "/outside") if n not in inside]
    return found + [n for n in ("/made.socket", "/in-the-way") if os.path.lexists(n)]


def descriptor(opts, root):
    """What the guest is given from outside, or None."""
    if opts.attack == "inherited":
        return os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    if opts.attack != "received":
        return None
    ours, theirs = socket.socketpair()
    fd = os.open(os.path.dirname(root), os.O_RDONLY | os.O_DIRECTORY)
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
    return theirs.detach()


def run(opts, base):
    root = make_world(base, opts.guest)
    host = {"host": Swapper, "moved-out": Mover}.get(opts.attack)
    host = host and host(root, base + "/outside")
    given = descriptor(opts, root)  # the guest has it as standard input
    command = [opts.trapline, "run", "-r", root, "--proc", "--dev", *(["-0"] if opts.root else []), "--",
               "/bin/escape", opts.attack, str(opts.rounds), str(-1 if given is None else 0)]
    if host:
        host.start()
    try:
        result = proctree.run(command, opts.timeout, stdin=DEVNULL if given is None else given)
    finally:
        if host:
            host.over.set()
            host.join()
    return result, made_outside(base), host.swaps if host else 0


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", required=True)
    p.add_argument("--guest", required=True)
    p.add_argument("--rounds", type=int, default=2000)
    p.add_argument("--timeout", type=float, default=100)
    p.add_argument("--root", action="store_true", help="with -0")
    p.add_argument("attack")
    opts = p.parse_args()
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    base = tempfile.mkdtemp(prefix="trapline-attack-")
    os.chmod(base, 0o755)
    try:
        result, made, swaps = run(opts, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(result.text(), result.out.decode(errors="replace"), result.err, result.leaked)
    if swaps:
        print(f"the host swapped {swaps} times")
    if made:
        print("made outside:", ", ".join(made))
    held = result.status == 0 and b"held\n" in result.out and not result.hang and not result.leaked
    return 0 if held and not made else 1


if __name__ == "__main__":
    sys.exit(main())
