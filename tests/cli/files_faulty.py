"""Trees of the guest's own on a file system that fails, is slow or dies: what guests see is what they see natively on the same one.

The file system is faulty.py. TRAPLINE_FAULTS: "all": every request with every errno (minutes), or "OP ERRNO".
"""
import collections
import difflib
import os
import shutil
import subprocess
import sys
import time

import harness
import mounted
from harness import PATIENCE

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))
import faulty  # noqa: E402

PYTHON = "/usr/bin/python3"
FAULTS = os.environ.get("TRAPLINE_FAULTS", "")

# For guests. sys.argv: the tree, the descriptor by which the file system is told what to do.
PRELUDE = r"""
import ctypes, errno, mmap, os, socket, stat, sys
top, channel = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
LIBC = ctypes.CDLL(None, use_errno=True)
def order(line):
    channel.sendall(line.encode() + b'\n'); got = b''
    while not got.endswith(b'\n'): got += channel.recv(64)
    return got.decode().strip()
def tell(what, f, *a, **k):
    try:
        got = f(*a, **k); print(' ', what, 'ok'); return got
    except OSError as e:
        print(' ', what, errno.errorcode[e.errno])
def write(path, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    fd = os.open(path, flags, 0o644)
    try: os.write(fd, data)
    finally: os.close(fd)
def read(path):
    fd = os.open(path, os.O_RDONLY)
    try: return os.read(fd, 100)
    finally: os.close(fd)
def on(path, f, *a, flags=os.O_RDWR):
    fd = os.open(path, flags)
    try: return f(fd, *a)
    finally: os.close(fd)
def fallocate(fd, size):
    if LIBC.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(size)) < 0: raise OSError(ctypes.get_errno(), '')
def renameat2(old, new, flags):
    if LIBC.renameat2(-100, old.encode(), -100, new.encode(), flags) < 0: raise OSError(ctypes.get_errno(), '')
def tmpfile():
    fd = os.open('.', os.O_TMPFILE | os.O_RDWR)
    try:
        if LIBC.linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'named', 0x400) < 0: raise OSError(ctypes.get_errno(), '')
    finally: os.close(fd)
def bind():
    s = socket.socket(socket.AF_UNIX)
    try: s.bind('sock')
    finally: s.close()
def show(where):
    for path, dirs, files in os.walk(where):
        dirs.sort()
        for n in sorted(dirs + files):
            p = os.path.join(path, n); st = os.lstat(p); mode = st.st_mode
            text = os.readlink(p) if stat.S_ISLNK(mode) else repr(read(p)) if stat.S_ISREG(mode) else ''
            xattrs = [] if stat.S_ISLNK(mode) else [x for x in sorted(os.listxattr(p)) if x.startswith('user.') and 'overlay' not in x]
            print('   ', os.path.relpath(p, where), stat.filemode(mode), st.st_uid, 0 if stat.S_ISDIR(mode) else st.st_nlink, text, *xattrs)
def fill(d):
    os.makedirs(d + '/dir/sub')
    for n in 'read write trunc append chmod chown times cut xattr bare linked moved over gone sync alloc both map'.split():
        write(d + '/' + n, n.encode())
    write(d + '/dir/in', b'in'); os.mkdir(d + '/empty'); os.symlink('read', d + '/link'); os.setxattr(d + '/xattr', 'user.a', b'1'); os.setxattr(d + '/bare', 'user.a', b'1')
def calls(old, olddir, fault):
    # Each call has objects of its own, so that one that failed does not change what the next one finds.
    t = tell
    t('stat', os.stat, 'read'); t('lstat', os.lstat, 'link'); t('missing', os.stat, 'none'); t('below', os.stat, 'dir/in')
    t('readlink', os.readlink, 'link'); t('access', lambda: os.access('read', os.R_OK) or os.stat('read')); t('read', read, 'read')
    t('by link', read, 'link'); t('list', os.listdir, 'dir'); t('list by fd', os.listdir, olddir)
    t('fstat', os.fstat, old); t('pread', os.pread, old, 9, 0); t('pwrite', os.pwrite, old, b'B', 0); t('fsync', os.fsync, old)
    t('fchmod', os.fchmod, old, 0o640); t('ftruncate', os.ftruncate, old, 3); t('fgetxattr', os.listxattr, old)
    t('write', write, 'write', b'new', os.O_WRONLY); t('trunc', write, 'trunc', b''); t('append', write, 'append', b'+', os.O_WRONLY | os.O_APPEND)
    t('create', write, 'made', b'made'); t('excl', write, 'made2', b'', os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    t('mkdir', os.mkdir, 'newdir'); t('symlink', os.symlink, 'to', 'newlink'); t('fifo', os.mkfifo, 'fifo'); t('tmpfile', tmpfile)
    # bind(2) makes the name by renaming one of ours.
    fault == 'rename' or t('bind', bind); t('link', os.link, 'linked', 'link2')
    t('rename', os.rename, 'moved', 'moved2'); t('replace', os.rename, 'over', 'gone')
    t('exchange', renameat2, 'both', 'dir', 2); t('move in', os.rename, 'chmod', 'both/chmod')
    t('unlink', os.unlink, 'linked'); t('rmdir', os.rmdir, 'empty'); t('not empty', os.rmdir, 'dir')
    t('chmod', os.chmod, 'sync', 0o600); t('chown', os.chown, 'chown', 1, 1); t('utime', os.utime, 'times', (1, 2)); t('truncate', os.truncate, 'cut', 1)
    t('setxattr', os.setxattr, 'xattr', 'user.b', b'2'); t('getxattr', os.getxattr, 'xattr', 'user.a'); t('listxattr', os.listxattr, 'xattr')
    t('removexattr', os.removexattr, 'bare', 'user.a'); t('statvfs', os.statvfs, 'read'); t('fstatvfs', os.fstatvfs, old)
    t('alloc', on, 'alloc', fallocate, 9000); t('data', on, 'alloc', os.lseek, 0, os.SEEK_HOLE); t('chdir', os.chdir, 'dir')
"""

MATRIX = r"""
os.chdir(top)
def battery(i, what, errname):
    print(what, errname); t = 't%d' % i
    if MAKE: fill(t)
    os.chdir(t)
    old, olddir = os.open('map', os.O_RDWR), os.open('.', os.O_RDONLY)
    if errname: order('set %s %s' % (what, errname))
    if what != 'nothing': calls(old, olddir, what)
    order('clear'); os.close(old); os.close(olddir); os.chdir(top); print(' after'); show(t)
for i, case in enumerate(CASES): battery(i, *case)
print(sorted(os.listdir('.')))
"""

ERRNOS = ["EIO", "ENOSPC", "EROFS", "ESTALE", "ENOTCONN", "EACCES", "EPERM", "ENOMEM", "EDQUOT"]
OPS = sorted({op for op in faulty.OPS.values() if op not in ("init", "release", "releasedir", "flush", "fsyncdir")})


def cases():
    if FAULTS and FAULTS != "all":
        return [tuple(FAULTS.split())]
    return [("", "")] + [(op, name) for op in OPS for name in (ERRNOS if FAULTS else ["EIO"])]


def matrix(make):
    return MATRIX.replace("CASES", repr(cases())).replace("MAKE", repr(make))


Outcome = collections.namedtuple("Outcome", "out err status")


class Case(mounted.Case):
    """A directory (self.back), passed on to self.at by a file system that can fail."""

    def setUp(self):
        super().setUp()
        self.back, self.at, self.fs = self.path("back"), self.path("at"), None

    def fresh(self, *names):
        if self.fs:
            self.fs.close()
        for name in ("back", "at", *names):
            shutil.rmtree(self.path(name), ignore_errors=True)
            os.mkdir(self.path(name))
        fs = self.fs = faulty.Faulty(self.back, self.at)
        if not fs.works:
            fs.close()
            self.skipTest("no FUSE here")
        self.addCleanup(fs.close)
        return fs

    def guest(self, fs, words, tree, script, timeout=100):
        with open(self.path("guest.py"), "w", encoding="ascii") as f:
            f.write(PRELUDE + script)
        argv = [*words, PYTHON, "-S", self.path("guest.py"), tree, str(fs.channel())]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              pass_fds=[fs.channel()]) as child:
            try:
                out, err = child.communicate(timeout=timeout * PATIENCE)
            except subprocess.TimeoutExpired:
                fs.tell("die")      # or nobody can be killed
                child.kill()
                out, err = child.communicate()
                self.fail(f"hang\n{out[-5000:]}\n{err}")
        return Outcome(out, err, child.returncode)

    def assert_same(self, want, got):
        self.assertEqual((want.err, want.status), ("", 0))
        if want != got:
            diff = difflib.unified_diff(want.out.split("\n"), got.out.split("\n"), "natively", "in the tree", lineterm="", n=60)
            self.fail("\n".join(diff)[:400000] + f"\n{want.status} {want.err}\n{got.status} {got.err}")


class Host(Case):
    def test_each_call(self):
        fs = self.fresh()
        want = self.guest(fs, [], self.at, matrix(True))
        fs.close()
        fs = self.fresh()
        self.assert_same(want, self.guest(fs, [harness.trapline, "run", "-b", self.at + ":/x", "--"], "/x", matrix(True)))


def told(out):
    """What MATRIX said: for each case what each call came to, and what there was at the end, without link counts."""
    cases_told, results, objects, heading = {}, None, None, False
    for line in out.splitlines():
        words = line.split(" ")
        if line.startswith("    ") and not heading:
            name, mode, uid, _, *rest = line.strip().split(" ")
            objects[name] = (mode, uid, *rest)
        elif line.startswith("  ") and results is not None:
            call, _, result = line.strip().rpartition(" ")
            results[call] = result
        elif line != " after" and not line.startswith("["):
            results, objects = cases_told[words[0], words[1]] = {}, {}
    return cases_told


class Layers(Case):
    """As one layer of an overlay, of which the other is on the disk. overlayfs asks its layers in another way, so it is no oracle."""

    # What each call makes, changes or removes.
    OBJECTS = {
        "trunc": ["trunc"], "excl": ["made2"], "mkdir": ["newdir"], "symlink": ["newlink"], "fifo": ["fifo"], "link": ["link2"],
        "rename": ["moved", "moved2"], "replace": ["over", "gone"], "exchange": ["both", "both/in", "both/sub", "dir", "dir/in", "dir/sub"],
        "move in": ["chmod", "both/chmod"], "unlink": ["linked"], "rmdir": ["empty"], "chmod": ["sync"], "chown": ["chown"],
        "truncate": ["cut"], "setxattr": ["xattr"], "removexattr": ["bare"],
    }
    CASES = [("nothing", ""), ("", "")] + cases()[1:]
    # As Linux: a file that is to be cut is copied up empty before it is opened.
    KNOWN = {("open", "trunc")}
    # What later calls say where an earlier one failed: the directory was not exchanged.
    LATER = {"ENOTDIR", "ENOTEMPTY", "ok"}

    def fill(self, folder):
        made = {}
        exec(PRELUDE.replace("top, channel", "# ", 1), made)  # pylint: disable=exec-used
        for i, _ in enumerate(self.CASES):
            made["fill"](os.path.join(folder, f"t{i}"))

    def run_on(self, lower, upper, options=()):
        fs = self.fresh("other")
        self.fill(lower)
        os.mkdir(upper + "/up")
        script = MATRIX.replace("CASES", repr(self.CASES)).replace("MAKE", "False")
        words = [harness.trapline, "run", *options, "--overlay", f"{self.at if lower == self.back else lower}:{upper}/up:/x", "--"]
        got = self.guest(fs, words, "/x", script)
        self.assertEqual((got.err, got.status), ("", 0))
        return told(got.out)

    def assert_all_or_nothing(self, seen):
        before, after = seen["nothing", ""][1], seen["", ""][1]
        wrong = []
        for (op, name), (results, objects) in list(seen.items())[2:]:
            for call, result in results.items():
                if (op, call) in self.KNOWN:
                    continue
                usual = seen["", ""][0][call]
                if result not in {usual, name} | self.LATER:
                    wrong.append((op, name, call, usual, result))
                want = after if result == "ok" else before
                wrong += [(op, name, call, result, n, want.get(n), objects.get(n)) for n in self.OBJECTS.get(call, [])
                          if objects.get(n) != want.get(n) and (call, result) != ("move in", "ENOTDIR")]
        self.assertEqual(wrong, [], "\n".join(map(str, wrong)))

    def assert_clean_upper(self, upper):
        left = [n for path, dirs, files in os.walk(upper + "/up") for n in dirs + files if n.startswith((".wh..wh.work", "#"))]
        self.assertEqual(left, [])

    def test_lower(self):
        for options in ((), ("-0",)):
            self.assert_all_or_nothing(self.run_on(self.back, self.path("other"), options))
            self.assert_clean_upper(self.path("other"))

    def test_upper(self):
        for options in ((), ("-0",)):
            self.assert_all_or_nothing(self.run_on(self.path("other"), self.at, options))
            self.assert_clean_upper(self.back)


LEAKS = r"""
import shutil
def battery(what, errname, before='', after=''):
    fill('t'); os.chdir('t')
    old, olddir = os.open('map', os.O_RDWR), os.open('.', os.O_RDONLY)
    order('set %s %s' % (what, errname))
    calls(old, olddir, what)
    order('clear'); os.close(old); os.close(olddir); os.chdir(top); shutil.rmtree('t')
os.chdir(top); said = os.dup(1); os.dup2(os.open('/dev/null', os.O_WRONLY), 1)
for turn in range(3):
    for case in CASES: battery(*case)
    os.write(said, b'counted\n'); os.read(0, 1)
"""


class Leaks(Case):
    """What failed keeps no descriptor of the supervisor's."""

    def guest_words(self, fs, options):
        with open(self.path("guest.py"), "w", encoding="ascii") as f:
            f.write(PRELUDE + LEAKS.replace("CASES", repr(cases()[1:])))
        return [harness.trapline, "run", *options, "--", PYTHON, "-S", self.path("guest.py"), "/x", str(fs.channel())]

    def count(self, pid, at_most):
        """What was removed is let go of a moment later."""
        for _ in range(500):
            count = len(os.listdir(f"/proc/{pid}/fd"))
            if count <= at_most:
                break
            time.sleep(0.01)
        return count

    def counts(self, options):
        fs = self.fresh("other")
        os.makedirs(self.path("other", "up"))
        os.makedirs(self.path("back", "up"))
        found = []
        with subprocess.Popen(self.guest_words(fs, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[fs.channel()]) as child:
            while child.stdout.readline() == b"counted\n":
                found.append(self.count(child.pid, min(found, default=0)))
                child.stdin.write(b"x")
                child.stdin.flush()
        self.assertEqual((child.returncode, len(found)), (0, 3))
        return found

    def test_none(self):
        for options in (["-b", f"{self.at}:/x"], ["--overlay", f"{self.at}:{self.path('other')}/up:/x"]):
            with self.subTest(options):
                found = self.counts(options)
                self.assertLessEqual(found[2], found[0] + 3, found)


# For guests: one child for each of SLOW is kept by the file system; meanwhile we use other mounts, then what was kept goes on.
SLOW_GUEST = r"""
import signal, time
os.chdir('/y'); write(top + '/f', b'f'); os.mkdir(top + '/d'); os.mkdir(top + '/d2'); write(top + '/d2/x', b'x')
write(top + '/true', open('/bin/true', 'rb').read()); os.chmod(top + '/true', 0o755)
def others():
    os.waitpid(os.fork() or os._exit(0), 0)     # which is told in stops
    for i in range(40):
        write('a', b'a'); os.stat('/etc/passwd'); os.rename('a', 'b'); os.mkdir('e'); os.listdir('.'); os.unlink('b'); os.rmdir('e')
    for i in range(REMOVED): write('a', b'a'); os.unlink('a')
def start(call):
    pid = os.fork()
    if pid == 0:
        try: call(); os._exit(0)
        except OSError as e: os._exit(e.errno)
        except BaseException: os._exit(200)
    return pid
for op, call in SLOW:
    order('hold ' + op); pid = start(call); order('held')
    began = time.monotonic(); others(); took = time.monotonic() - began
    done = os.waitpid(pid, os.WNOHANG)[0]
    order('release'); print(op, done, os.waitpid(pid, 0)[1], flush=True)
# Many at once, and somebody dies of it.
order('hold open'); pids = [start(lambda: read(top + '/f')) for i in range(MANY)]; order('held'); others()
os.kill(pids[0], signal.SIGKILL); print('killed', os.waitpid(pids[0], 0)[1])
order('release'); print([os.waitpid(p, 0)[1] for p in pids[1:]])
"""
SLOW = """[('getattr', lambda: os.stat(top + '/f')), ('open', lambda: read(top + '/f')), ('create', lambda: write(top + '/g', b'')),
    ('opendir', lambda: os.listdir(top + '/d')), ('readdir', lambda: os.listdir(top + '/d2')), ('mkdir', lambda: os.mkdir(top + '/e')),
    ('readlink', lambda: (os.symlink('f', top + '/l'), os.stat(top + '/l'))), ('rename', lambda: os.rename(top + '/g', top + '/h')),
    ('unlink', lambda: os.unlink(top + '/h')), ('setattr', lambda: os.chmod(top + '/f', 0o600)),
    ('setxattr', lambda: os.setxattr(top + '/f', 'user.a', b'')), ('statfs', lambda: os.statvfs(top)),
    ('getattr', lambda: os.open(top + '/f', os.O_PATH)), ('lookup', lambda: os.execv(top + '/true', ['true'])),
    ('open', lambda: os.execv(top + '/true', ['true'])), ('link', lambda: os.link(top + '/f', top + '/f2')),
    ('lookup', lambda: os.open(top + '/true', os.O_PATH | os.O_NOFOLLOW))]"""


class Slow(Case):
    """What a file system does not answer keeps the guest that asked, and no other."""

    def guest_of(self, tree, words, removed=3000, many=20):
        fs = self.fresh("other")
        script = SLOW_GUEST.replace("SLOW", SLOW).replace("REMOVED", str(removed)).replace("MANY", str(many))
        try:
            return self.guest(fs, words, tree, script, timeout=30)
        finally:
            fs.close()

    def test_others_go_on(self):
        for options in (["-b", f"{self.at}:/x"], ["--overlay", f"{self.path('other')}:{self.at}:/x"]):
            with self.subTest(options):
                got = self.guest_of("/x", [harness.trapline, "run", *options, "--tmpfs", "/y", "--"])
                self.assertEqual((got.err, got.status), ("", 0))
                lines = got.out.split("\n")
                self.assertEqual([line for line in lines[:17] if not line.endswith(" 0 0")], [])
                self.assertEqual(lines[17:], ["killed 9", str([0] * 19), ""])


if __name__ == "__main__":
    harness.main()
