#!/usr/bin/env python3
"""Run one attack on the root of a guest, and want that it holds.

run.py --trapline BIN --guest ESCAPE [--rounds N] [--tree host|overlay|tmpfs] [--root] ATTACK

The guest's root is a new directory, an overlay of it, or a tmpfs; above it on the host lies a file that it must not reach (see
escape.c). Some attacks have a part out here: somebody who changes the root's directories from the host (an overlay's lower layer
and its upper). Exit status: 0 held, 1 not.
"""
import argparse
import array
import ctypes
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


AT_FDCWD, RENAME_EXCHANGE = -100, 2
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    if LIBC.renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), f"exchange {a} and {b}")


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
    """/host/dir is a directory, a link to outside, a relative link to outside, by turns; /host/file likewise.

    All of it is there before the guest starts: a guest that truncates a file between its making and its first byte reads zeros.
    """

    def __init__(self, root, outside):
        super().__init__(root, outside)
        self.dir, self.file = self.root + "/host/dir", self.root + "/host/file"
        self.names = [self.outside + "/" + os.path.basename(self.root) + n for n in (".abs", ".rel", ".absfile", ".relfile")]
        os.makedirs(self.dir + "/sub", exist_ok=True)
        for name in (self.dir + "/secret", self.dir + "/sub/secret", self.file):
            write(name, "INSIDE\n")
        for i, target in enumerate((self.outside, "../../outside")):
            os.symlink(target, self.names[i])
            os.symlink(target + "/secret", self.names[i + 2])

    def run(self):
        while not self.over.is_set():
            for i in (0, 1, 0):
                exchange(self.dir, self.names[i])
                exchange(self.file, self.names[i + 2])
                self.swaps += 1


class Mover(Host):
    """Moves /host/away out of the root when the guest has opened it."""

    def run(self):
        while not self.over.wait(0.02):
            signal = os.path.dirname(self.root) + "/signal"
            if os.path.exists(signal + "/open"):
                os.rename(self.root + "/host/away", self.outside + "/away")
                os.mkdir(signal + "/moved")
                return


def state(path):
    st = os.lstat(path)
    return st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_mtime_ns, os.listxattr(path)


OUTSIDE = ("/secret", "/outside/secret", "/outside/sub", "/outside/sub/secret")


def made_outside(base, before):
    """What an attack made or changed where nothing may be made."""
    known = {"root", "upper", "signal", "secret", "outside"}
    inside = {"secret", "sub", "away"}
    found = [n for n in os.listdir(base) if n not in known]
    found += ["outside/" + n for n in os.listdir(base + "/outside") if n not in inside and not n.startswith(("root.", "upper."))]
    found += ["outside/sub/" + n for n in os.listdir(base + "/outside/sub") if n != "secret"]
    found += [n for n in OUTSIDE if not os.path.lexists(base + n) or state(base + n) != before[n]]
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


def tree(opts, base):
    """Options for the guest's root. On a tmpfs the program and what the host changes are bound from outside."""
    root = base + "/root"
    if opts.tree == "overlay":
        return ["--overlay", f"{root}:{base}/upper:/"]
    if opts.tree == "tmpfs":
        return ["--tmpfs", "/", "-b", f"{root}/bin:/bin:ro", "-b", f"{root}/host:/host"]
    return ["-r", root]


def hosts(opts, root, outside):
    """Those who change what the guest stands on, from outside."""
    if opts.attack == "moved-out":
        return [Mover(root, outside)]
    if opts.attack != "host":
        return []
    if opts.tree != "overlay":
        return [Swapper(root, outside)]
    upper = os.path.dirname(root) + "/upper"
    os.mkdir(upper + "/host")
    return [Swapper(root, outside), Swapper(upper, outside)]


def run(opts, base):
    root = make_world(base, opts.guest)
    for name in ("/upper", "/signal"):
        os.mkdir(base + name)
    others = hosts(opts, root, base + "/outside")
    before = {n: state(base + n) for n in OUTSIDE}
    given = descriptor(opts, root)  # the guest has it as standard input
    identity = ["-0"] if opts.root else []
    command = [opts.trapline, "run", *tree(opts, base), "-b", base + "/signal:/signal", "--proc", "--dev", *identity, "-w", "/", "--",
               "/bin/escape", opts.attack, str(opts.rounds), str(-1 if given is None else 0)]
    for host in others:
        host.start()
    try:
        result = proctree.run(command, opts.timeout, stdin=DEVNULL if given is None else given)
    finally:
        for host in others:
            host.over.set()
            host.join()
    return result, made_outside(base, before), sum(host.swaps for host in others)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", required=True)
    p.add_argument("--guest", required=True)
    p.add_argument("--rounds", type=int, default=2000)
    p.add_argument("--timeout", type=float, default=100 * proctree.PATIENCE)
    p.add_argument("--root", action="store_true", help="with -0")
    p.add_argument("--tree", default="host", choices=("host", "overlay", "tmpfs"))
    p.add_argument("attack")
    opts = p.parse_args()
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    os.umask(0o022)
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
