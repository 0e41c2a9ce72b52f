"""Where fsops runs: natively in a root of its own, or under trapline in one that looks the same.

Every root has /proc, a tmpfs on /m and the program as /fsops. A way makes what it needs in a folder, gives an argv (and what a
child does before it), and is compared with the native way of the same kind of filesystem.
"""
import ctypes
import os
import shutil
import subprocess

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags=0, data=None):
    args = [a.encode() if isinstance(a, str) else a for a in (source, target, kind)]
    if LIBC.mount(*args, ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind or 'bind'} on {target}")


def own_mounts():
    if LIBC.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def become_root(root):
    """root, a mount, is all there is: with chroot alone a guest that changes its root gets out."""
    os.chdir(root)
    if LIBC.syscall(PIVOT_ROOT, b".", b".") != 0 or LIBC.umount2(b".", MNT_DETACH) != 0:
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")


def mountable():
    """May this user mount in a namespace of his own? Asked in a child."""
    pid = os.fork()
    if pid == 0:
        try:
            own_mounts()
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def prepare_root(root):
    """What every root has, natively as real files."""
    for name in ("proc", "m"):
        os.makedirs(os.path.join(root, name), mode=0o755, exist_ok=True)
    with open(os.path.join(root, "fsops"), "a"):
        pass
    os.chmod(root, 0o755)


class Way:
    """folder: an empty directory of the run; program: the static fsops."""
    oracle = None
    left_out = 0    # features of fsops (fsops.h) that are not compared on it, each with its reason beside it

    def __init__(self, trapline, program, lower):
        self.trapline, self.program, self.lower = trapline, program, lower

    def setup(self, folder):
        """Before the run, in this process."""

    def enter(self, folder):
        """In the child, before exec: nothing under trapline."""

    def argv(self, folder, args):
        raise NotImplementedError


class Native(Way):
    def argv(self, folder, args):
        return ["/fsops", *args]

    def root(self, folder):
        return os.path.join(folder, "root")

    def setup(self, folder):
        os.mkdir(self.root(folder))

    def mount_root(self, folder):
        raise NotImplementedError

    def enter(self, folder):
        own_mounts()
        root = self.root(folder)
        self.mount_root(folder)
        prepare_root(root)
        mount("proc", root + "/proc", "proc")
        mount("tmpfs", root + "/m", "tmpfs", 0, "mode=1777")
        mount(self.program, root + "/fsops", None, MS_BIND)
        become_root(root)


class NativeTmpfs(Native):
    name = "native-tmpfs"

    def mount_root(self, folder):
        mount("tmpfs", self.root(folder), "tmpfs", 0, "mode=755")


class NativeDisk(Native):
    name = "native-disk"

    def mount_root(self, folder):
        mount(self.root(folder), self.root(folder), None, MS_BIND)


class NativeOverlay(Native):
    """With redirect_dir, as without it a directory of a lower layer cannot be renamed."""
    name = "native-overlay"

    def mount_root(self, folder):
        for part in ("upper", "work"):
            os.mkdir(os.path.join(folder, part))
        options = f"lowerdir={self.lower},upperdir={folder}/upper,workdir={folder}/work,redirect_dir=on,index=on"
        mount("overlay", self.root(folder), "overlay", 0, options)


class NativeOverlayMemory(NativeOverlay):
    """The upper layer on a tmpfs."""
    name = "native-overlay-memory"

    def mount_root(self, folder):
        os.mkdir(folder + "/memory")
        mount("tmpfs", folder + "/memory", "tmpfs", 0, "mode=755")
        for part in ("upper", "work"):
            os.mkdir(f"{folder}/memory/{part}")
        options = f"lowerdir={self.lower},upperdir={folder}/memory/upper,workdir={folder}/memory/work,redirect_dir=on,index=on,xino=on"
        mount("overlay", self.root(folder), "overlay", 0, options)


class Emulated(Way):
    tree = ()

    def argv(self, folder, args):
        return [self.trapline, "run", *(t.format(folder=folder, lower=self.lower) for t in self.tree), "-b", self.program + ":/fsops",
                "--tmpfs", "/m", "--proc", "-w", "/", "--", "/fsops", *args]


class Tmpfs(Emulated):
    name, oracle = "tmpfs", NativeTmpfs
    # inotify: there is no host object behind a directory, a device or a link in memory; devices: an open one is the host's
    left_out = 1 | 16
    tree = ("--tmpfs", "/:mode=755")


class Hostfs(Emulated):
    name, oracle = "hostfs", NativeDisk
    tree = ("-r", "{folder}/root")

    def setup(self, folder):
        os.mkdir(folder + "/root")
        prepare_root(folder + "/root")


class Overlay(Emulated):
    name, oracle = "overlay", NativeOverlay
    # devices: 0:0 is a whiteout; inotify: watches the layer below; lists: Linux counts its hidden attributes in the size
    # lower: who reads a file goes on reading the lower one (as overlayfs before Linux 4.19), since bytes move natively
    # failed writes: what the layer below refuses has dropped suid and sgid already
    left_out = 1 | 16 | 32 | 64 | 256
    tree = ("--overlay", "{lower}:{folder}/upper")

    def setup(self, folder):
        os.mkdir(folder + "/upper")
        os.chmod(folder + "/upper", 0o755)


class Inside(Emulated):
    """The tree below the host's, into which the guest changes its root itself."""

    def argv(self, folder, args):
        root = folder + "/root"
        with open(folder + "/policy", "w") as f:
            f.write("".join(m.format(root=root, folder=folder, lower=self.lower) + "\n" for m in self.tree))
            f.write(f'mount "{root}/proc" proc\nmount "{root}/m" tmpfs\nmount "{root}/fsops" host "{self.program}"\n')
        return [self.trapline, "run", "--policy", folder + "/policy", "-r", "/", "--", self.program, "--root", root, *args]


class TmpfsInside(Inside):
    left_out = 16
    name, oracle = "tmpfs-inside", NativeTmpfs
    tree = ('mount "{root}" tmpfs mode=755',)


class HostfsInside(Inside):
    name, oracle = "hostfs-inside", NativeDisk
    tree = ()

    def setup(self, folder):
        os.mkdir(folder + "/root")
        prepare_root(folder + "/root")


class OverlayMemory(Overlay):
    """The upper layer in memory."""
    name, oracle = "overlay-memory", NativeOverlayMemory
    tree = ("--overlay", "{lower}")


class HostfsStub(Hostfs):
    """Calls go by shared memory whenever they can; of a program that is not where libraries are, none can: FSOPS is a static PIE."""
    name = "hostfs-stub"
    tree = (*Hostfs.tree, "--stub", "always")


class TmpfsStub(Tmpfs):
    name = "tmpfs-stub"
    tree = (*Tmpfs.tree, "--stub", "always")


EMULATED = {w.name: w for w in (Tmpfs, Hostfs, Overlay, OverlayMemory, TmpfsInside, HostfsInside, HostfsStub, TmpfsStub)}
NATIVE = {w.name: w for w in (NativeTmpfs, NativeDisk, NativeOverlay, NativeOverlayMemory)}


def make_lower(program, where):
    """The lower layer of overlays: what a fixed sequence leaves on the disk (without devices)."""
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    way = NativeDisk(None, program, None)

    def enter():
        own_mounts()
        prepare_root(where)
        mount("proc", where + "/proc", "proc")
        mount("tmpfs", where + "/m", "tmpfs")
        mount(program, where + "/fsops", None, MS_BIND)
        os.chroot(where)
        os.chdir("/")
    argv = way.argv(where, ["--seed", "77", "--ops", "400", "--features", "0x1a"])
    subprocess.run(argv, preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    one_name_each(where)


def one_name_each(where):
    """Hard links of a lower layer: whether a copy keeps them is an option (index) of overlayfs."""
    seen = set()
    for folder, _, names in os.walk(where.encode()):
        for name in names:
            path = os.path.join(folder, name)
            inode = os.lstat(path).st_ino
            if inode in seen:
                os.unlink(path)
            seen.add(inode)
