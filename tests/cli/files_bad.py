"""Trees of the guest's own on what fails: a full upper, a device with errors, a host that changes, no descriptors, a kill.

TRAPLINE_KILLS (8) is how often the supervisor is killed, TRAPLINE_OPEN (2000) how many files are open at once.
"""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness
import mounted
from harness import NOBODY, PATIENCE, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))
import ways  # noqa: E402

PYTHON = "/usr/bin/python3"
KILLS = int(os.environ.get("TRAPLINE_KILLS", "8"))
OPEN = int(os.environ.get("TRAPLINE_OPEN", "2000"))

# For guests: each change by its name and its errno's; what a tree holds.
PRELUDE = r"""
import errno, os, stat, sys
def tell(what, f, *a, **k):
    try:
        got = f(*a, **k)
        print(what, 'ok', flush=True)
        return got
    except OSError as e:
        print(what, errno.errorcode[e.errno], flush=True)
def show(top):
    for path, dirs, files in os.walk(top):
        dirs.sort()
        for n in sorted(dirs + files):
            p = os.path.join(path, n); st = os.lstat(p)
            text = os.readlink(p) if stat.S_ISLNK(st.st_mode) else st.st_size if stat.S_ISREG(st.st_mode) else ''
            print(os.path.relpath(p, top), stat.filemode(st.st_mode), st.st_uid, text)
def write(path, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    fd = os.open(path, flags, 0o644)
    try:
        while data:
            data = data[os.write(fd, data):]
    finally:
        os.close(fd)
"""


def upper_names(upper):
    """What an upper layer holds beside its work directory."""
    found = [os.path.relpath(os.path.join(path, n), upper) for path, dirs, files in os.walk(upper) for n in dirs + files]
    return sorted(n for n in found if ".wh..wh.work" not in n)


class Layers(mounted.Case):
    """An overlay of ours and one of Linux, of the same lower directory, the uppers on file systems of their own."""

    def setUp(self):
        super().setUp()
        for name in ("low", "up", "linux", "at"):
            os.mkdir(self.path(name))

    def mount(self, what, where, kind, data=None):
        ways.mount(what, self.path(where), kind, 0, data)
        self.addCleanup(subprocess.run, ["umount", "-l", self.path(where)], check=False)

    def on_linux(self, script):
        for name in ("up", "work"):
            os.mkdir(self.path("linux", name))
        at = self.path("linux")
        self.mount("overlay", "at", "overlay", f"lowerdir={self.path('low')},upperdir={at}/up,workdir={at}/work,redirect_dir=on,xino=off")
        return run([PYTHON, "-c", PRELUDE + script, self.path("at")])

    def on_ours(self, script, options=()):
        return run([harness.trapline, "run", "--overlay", f"{self.path('low')}:{self.path('up')}:/x", *options, "--",
                    PYTHON, "-c", PRELUDE + script, "/x"])

    def same(self, script):
        want, got = self.on_linux(script), self.on_ours(script)
        self.assert_clean(got)
        self.assertEqual((got.status, got.out, got.err), (0, want.out, want.err))
        return got


class FullUpper(Layers):
    def fill(self, options):
        for name in ("up", "linux"):
            self.mount("none", name, "tmpfs", options)

    def test_no_room_for_a_copy(self):
        """Copying up fails whatever asked for it, and nothing of it stays; what needs no room goes on."""
        self.fill("size=512k")
        os.mkdir(self.path("low/d"))
        for name in ("big", "d/big"):
            with open(self.path("low", name), "wb") as f:
                f.write(b"x" * 2_000_000)
        got = self.same("""
os.chdir(sys.argv[1])
tell('append', os.open, 'big', os.O_WRONLY | os.O_APPEND)
tell('chmod', os.chmod, 'big', 0o600)
tell('truncate', os.truncate, 'big', 1999999)
tell('link', os.link, 'big', 'link')
tell('rename', os.rename, 'big', 'renamed')
tell('in a directory', os.open, 'd/big', os.O_RDWR)
tell('small', write, 'small', b'x')
tell('fill', write, 'fill', b'y' * 1000000)
tell('when full', os.open, 'd/big', os.O_RDWR)
os.unlink('fill')
tell('again', write, 'fill', b'y' * 100000)
tell('emptied', os.open, 'big', os.O_WRONLY | os.O_TRUNC)
tell('read', lambda: open('d/big').read())
show('.')
""")
        self.assertIn("append ENOSPC", got.out)
        self.assertEqual(upper_names(self.path("up")), ["big", "d", "fill", "small"])
        self.assertEqual(os.listdir(self.path("up/d")), [])

    def test_room_is_given_back(self):
        """At once: what was removed, replaced or cut makes room for the next file."""
        self.fill("size=1M")
        script = """
os.chdir('/x')
for how in 'unlink', 'rename', 'cut', 'open':
    for i in range(20):
        fd = os.open('f', os.O_RDWR | os.O_CREAT | os.O_TRUNC); data = b'x' * 800000
        while data: data = data[os.write(fd, data):]
        if how == 'rename': os.close(os.open('g', os.O_CREAT | os.O_RDWR)); os.rename('g', 'f')
        if how == 'open': os.unlink('f')
        os.close(fd)
        if how == 'unlink': os.unlink('f')
"""
        for options in (["--tmpfs", "/x:size=1M"], ["-b", self.path("up") + ":/x"],
                        ["--overlay", f"{self.path('low')}:{self.path('linux')}:/x"]):
            with self.subTest(options):
                got = run([harness.trapline, "run", *options, "--", PYTHON, "-c", PRELUDE + script])
                self.assert_clean(got)
                self.assertEqual((got.status, got.err), (0, ""))

    def test_no_room_for_names(self):
        """No inodes left: nothing is made, removed or moved, and nothing that was tried is left behind."""
        self.fill("nr_inodes=24")
        os.mkdir(self.path("low/d"))
        for i in range(40):
            with open(self.path("low/d", str(i)), "w", encoding="ascii") as f:
                f.write(str(i))
        script = """
os.chdir(sys.argv[1])
made = 0
try:
    for i in range(100):
        os.mkdir('m%d' % i) if i % 2 else write('m%d' % i, b'x'); made += 1
except OSError as e:
    print(errno.errorcode[e.errno], file=sys.stderr)
tell('mkdir', os.mkdir, 'none'); tell('symlink', os.symlink, 'a', 'none'); tell('create', write, 'none', b'')
tell('copy', os.chmod, 'd/1', 0o600); tell('fifo', os.mkfifo, 'none'); tell('read', lambda: open('d/3').read())
print(len(os.listdir('d')))
for i in range(made):
    os.rmdir('m%d' % i) if i % 2 else os.unlink('m%d' % i)
import time
def patiently(name):            # a directory's inode is given back a moment later
    for i in range(3000):
        try: return os.mkdir(name)
        except OSError as e:
            if e.errno != errno.ENOSPC or i == 2999: raise
        time.sleep(0.01)
tell('mkdir again', patiently, 'none')
tell('copy again', os.chmod, 'd/1', 0o600)
show('.')
"""
        got = self.same(script)
        self.assertEqual(got.err, "ENOSPC\n")
        self.assertEqual(upper_names(self.path("up")), ["d", "d/1", "none"])

    def test_a_directory_that_does_not_fit(self):
        """Renaming it copies all that is in it: all or nothing."""
        self.fill("size=512k")
        os.makedirs(self.path("low/d/sub"))
        for i in range(20):
            with open(self.path("low/d/sub", str(i)), "wb") as f:
                f.write(b"x" * 60_000)
        got = self.on_ours("""
os.chdir(sys.argv[1])
tell('rename', os.rename, 'd', 'e')
print(os.listdir('.'), len(os.listdir('d/sub')))
tell('write', write, 'd/sub/1', b'y' * 300000)
""")
        self.assertEqual(got.out, "rename ENOSPC\n['d'] 20\nwrite ok\n")
        self.assertEqual(upper_names(self.path("up")), ["d", "d/sub", "d/sub/1"])


class Errors(Layers):
    """A device that ends too early: what lies beyond cannot be read."""

    def setUp(self):
        super().setUp()
        self.need("mkfs.ext4")
        image = self.path("image")
        with open(image, "wb") as f:
            f.truncate(48 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
        if subprocess.run(["mount", "-o", "loop", image, self.path("low")], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no loop devices here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("low")], check=False)
        os.mkdir(self.path("low/d"))
        for name, size in (("early", 1000), ("big", 30 << 20), ("late", 8 << 20), ("d/big", 30)):
            with open(self.path("low", name), "wb") as f:
                f.write(os.urandom(size))
        subprocess.run(["umount", self.path("low")], check=True)
        subprocess.run(["mount", "-o", "loop,errors=continue", image, self.path("low")], check=True)
        os.truncate(image, 16 << 20)

    SCRIPT = """
os.chdir(sys.argv[1])
tell('early', lambda: len(open('early', 'rb').read()))
tell('big', lambda: len(open('big', 'rb').read()))
fd = os.open('late', os.O_RDONLY); tell('pread', os.pread, fd, 100, 7 << 20)
tell('stat', os.stat, 'big'); print(sorted(os.listdir('.')))
"""
    CHANGES = """
tell('copy up', os.open, 'big', os.O_RDWR); tell('chmod', os.chmod, 'late', 0o600); tell('rename', os.rename, 'late', 'renamed')
tell('link', os.link, 'big', 'link'); tell('small one', os.chmod, 'early', 0o600); tell('new', write, 'new', b'x')
tell('without its data', os.open, 'late', os.O_WRONLY | os.O_TRUNC); tell('unlink', os.unlink, 'big')
show('.')
"""

    def test_reading(self):
        want = run([PYTHON, "-c", PRELUDE + self.SCRIPT, self.path("low")])
        self.assertIn("big EIO\npread EIO\n", want.out)
        for options in (["-b", self.path("low") + ":/x"], ["--overlay", self.path("low") + "::/x"]):
            got = run([harness.trapline, "run", *options, "--", PYTHON, "-c", PRELUDE + self.SCRIPT, "/x"])
            self.assert_clean(got)
            self.assertEqual((got.status, got.out, got.err), (0, want.out, want.err))

    def test_copying_up(self):
        self.same(self.SCRIPT + self.CHANGES)
        self.assertEqual([n for n in upper_names(self.path("up")) if n not in ("big", ".wh.big")], ["early", "late", "new"])
        self.assertEqual(os.stat(self.path("up/late")).st_size, 0)


class Changing(harness.Case):
    """Somebody else changes the host's directories while guests use them."""

    def test_names_are_looked_up_anew(self):
        script = """
os.chdir('/x')
def step(): print(flush=True); sys.stdin.readline()
os.mkdir('d'); write('f', b'one'); fd = os.open('f', os.O_RDONLY); d = os.open('d', os.O_RDONLY); step()
print(open('f').read(), os.read(fd, 9), oct(os.stat('f').st_mode), os.stat('new').st_size, os.listdir('d')); os.chdir('d'); step()
tell('cwd is gone', os.listdir, '.'); tell('in it', write, 'a', b''); tell('stat', os.stat, 'f'); tell('fstat', os.fstat, d)
tell('by descriptor', os.stat, 'a', dir_fd=d); tell('getcwd', os.getcwd); os.chdir('/x'); print(sorted(os.listdir('.'))); step()
tell('dir', os.listdir, 'f'); tell('file', lambda: open('d').read()); tell('link', os.readlink, 'new'); tell('loop', os.stat, 'new')
tell('replace', os.rename, 'd', 'g'); print(sorted(os.listdir('.')))
"""

        def host(at, turn):
            p = lambda n: os.path.join(at, n)  # noqa: E731
            if turn == 0:
                with open(p("f2"), "w", encoding="ascii") as f:
                    f.write("two")
                os.rename(p("f2"), p("f"))
                os.chmod(p("f"), 0o604)
                with open(p("new"), "w", encoding="ascii") as f:
                    f.write("new")
                os.mkdir(p("d/made"))
            elif turn == 1:
                shutil.rmtree(p("d"))
            elif turn == 2:
                os.unlink(p("f"))
                os.mkdir(p("f"))
                with open(p("d"), "w", encoding="ascii") as f:
                    f.write("file")
                os.unlink(p("new"))
                os.symlink("new", p("new"))

        def play(argv, at):
            with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
                said = ""
                for turn in range(3):
                    while (line := child.stdout.readline()) not in ("\n", ""):
                        said += line
                    host(at, turn)
                    child.stdin.write("\n")
                    child.stdin.flush()
                out, err = child.communicate(timeout=20 * PATIENCE)
                return said + out, err, child.returncode

        for name in ("native", "host"):
            os.mkdir(os.path.join(self.tmp, name))
        native = os.path.join(self.tmp, "native")
        want = play([PYTHON, "-c", PRELUDE + script.replace("'/x'", repr(native))], native)
        ours = os.path.join(self.tmp, "host")
        got = play([harness.trapline, "run", "-b", ours + ":/x", "--", PYTHON, "-c", PRELUDE + script], ours)
        self.assertEqual(got, want)
        self.assertEqual(want[2], 0, want)

    def test_a_lower_file_that_is_replaced(self):
        """Where an overlay's layer is changed underneath, the next look-up finds what is there, and what is open stays open."""
        script = """
os.chdir('/x'); fd = os.open('f', os.O_RDONLY); tell('link', os.readlink, 'l'); os.stat('g'); os.stat('h')
print(flush=True); sys.stdin.readline()
print(open('f').read(), os.stat('f').st_size, os.readlink('l'), os.fstat(fd).st_size, os.read(fd, 9), os.stat('g').st_mode & 0o777)
write('h', b'+', os.O_WRONLY | os.O_APPEND); print(open('h').read()); tell('gone', os.stat, 'gone')
"""
        low, up = os.path.join(self.tmp, "low"), os.path.join(self.tmp, "up")
        os.mkdir(low)
        os.mkdir(up)

        def make(name, text, mode=0o644):
            with open(os.path.join(low, "new"), "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(os.path.join(low, "new"), mode)
            os.rename(os.path.join(low, "new"), os.path.join(low, name))

        for name in "fgh":
            make(name, "old")
        os.symlink("a", os.path.join(low, "l"))
        argv = [harness.trapline, "run", "--overlay", f"{low}:{up}:/x", "--", PYTHON, "-c", PRELUDE + script]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            while child.stdout.readline() not in ("\n", ""):
                pass
            make("f", "newer")
            make("g", "new", 0o600)
            make("h", "new")
            os.unlink(os.path.join(low, "l"))
            os.symlink("b", os.path.join(low, "l"))
            got = child.communicate("\n", timeout=20 * PATIENCE)
        self.assertEqual(got, ("newer 5 b 3 b'old' 384\nnew+\ngone ENOENT\n", ""))

    def test_a_storm_of_changes(self):
        """Whatever the host does to the directories, guests get answers and the supervisor goes on."""
        at = os.path.join(self.tmp, "at")
        os.mkdir(at)
        os.mkdir(os.path.join(self.tmp, "up"))
        script = r"""
import random, sys, os, errno
os.chdir('/x'); r = random.Random(7); names = ['a', 'b', 'c', 'a/b', 'a/c', 'b/a', 'c/c/c']; n = lambda: r.choice(names)
seen = set()
for i in range(4000):
    try:
        r.choice([lambda: os.stat(n()), lambda: os.listdir(n()), lambda: os.mkdir(n()), lambda: os.rmdir(n()), lambda: os.unlink(n()),
            lambda: os.rename(n(), n()), lambda: os.close(os.open(n(), os.O_RDWR | os.O_CREAT)), lambda: os.symlink(n(), n()),
            lambda: os.link(n(), n()), lambda: os.chmod(n(), 0o755), lambda: os.chdir('/x/' + n()), lambda: os.chdir('/x')])()
    except OSError as e:
        seen.add(errno.errorcode[e.errno])
known = {'ENOENT', 'EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EINVAL', 'ELOOP', 'EPERM', 'ESTALE', 'EBUSY', 'ENXIO', 'EXDEV'}
print(sorted(seen - known))
"""
        for options in (["-b", at + ":/x"], ["--overlay", f"{at}:{self.tmp}/up:/x"]):
            endless = script.replace("'/x", f"'{at}").replace("4000", "10**9").replace("Random(7)", "Random(8)")
            with subprocess.Popen([PYTHON, "-c", endless]) as storm:
                try:
                    got = subprocess.run([harness.trapline, "run", *options, "--", PYTHON, "-c", script], timeout=60 * PATIENCE, text=True,
                                         stdin=subprocess.DEVNULL, capture_output=True, check=False)
                finally:
                    storm.kill()
            self.assertEqual((got.returncode, got.stdout, got.stderr), (0, "[]\n", ""))
            shutil.rmtree(at)
            os.mkdir(at)


class Descriptors(harness.Case):
    """Many open files, and few descriptors for the supervisor."""
    SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
os.chdir(sys.argv[2]); held = []; count = int(sys.argv[1])
for i in range(count):
    try:
        fd = os.open(str(i), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600); os.write(fd, b'%d' % i); held.append(fd)
    except OSError as e:
        print(errno.errorcode[e.errno], file=sys.stderr); count = len(held); break
for i in range(0, count, 7):
    assert os.pread(held[i], 9, 0) == b'%d' % i and os.fstat(held[i]).st_ino == os.stat(str(i)).st_ino
    os.unlink(str(i)); assert os.fstat(held[i]).st_nlink == 0 and os.pread(held[i], 9, 0) == b'%d' % i
for i in range(0, count, 7): os.close(held[i])
for i in range(1, count, 7): assert open(str(i), 'rb').read() == b'%d' % i
print(int(sys.argv[1]) == count and len(os.listdir('.')))
os.closerange(3, 1 << 15)
tell('afterwards', write, 'more', b'x')
"""

    REMOVE = """
os.chdir(sys.argv[1]); failed = 0
for i in range(3000):
    os.symlink('a', 'n')
    try: os.rename('n', 'l'); os.close(os.open('/etc/passwd', os.O_RDONLY))
    except OSError: failed += 1
for i in range(300):
    try: os.mkdir('d%d' % i); os.listdir('d%d' % i)
    except OSError: failed += 1
for i in range(300):
    try: os.mkdir('e'); os.path.exists('e/none'); os.rmdir('e'); os.close(os.open('/etc/passwd', os.O_RDONLY))
    except OSError: failed += 1
for i in range(300):
    try: os.close(os.open('.', os.O_TMPFILE | os.O_RDWR))
    except OSError: failed += 1
print(failed)
"""

    def test_what_was_removed_takes_none(self):
        """What is removed goes a moment later, and directories that were listed are kept for a while: never too many of them."""
        for options in self.trees():
            with self.subTest(options):
                got = run(["sh", "-c", 'ulimit -n 200; exec "$@"', "sh",
                           harness.trapline, "run", *options, "--", PYTHON, "-S", "-c", PRELUDE + self.REMOVE, "/x"], timeout=60)
                self.assert_clean(got)
                self.assertEqual((got.status, got.out, got.err), (0, "0\n", ""))

    def trees(self):
        for name in ("host", "low", "up"):
            os.mkdir(os.path.join(self.tmp, name))
        return (["-b", f"{self.tmp}/host:/x"], ["--tmpfs", "/x"], ["--overlay", f"{self.tmp}/low::/x"],
                ["--overlay", f"{self.tmp}/low:{self.tmp}/up:/x"])

    def test_many_open(self):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < OPEN + 100:
            self.skipTest("RLIMIT_NOFILE is too low")
        for options in self.trees():
            with self.subTest(options):
                got = run([harness.trapline, "run", *options, "--", PYTHON, "-c", PRELUDE + self.SCRIPT, str(OPEN), "/x"], timeout=100)
                self.assert_clean(got)
                self.assertEqual((got.status, got.out, got.err), (0, f"{OPEN - (OPEN + 6) // 7}\nafterwards ok\n", ""))

    def test_the_supervisor_has_few(self):
        """Three guests hold more files than the supervisor may have open."""
        limit = 512
        for options in self.trees():
            with self.subTest(options):
                guest = os.path.join(self.tmp, "guest.py")
                with open(guest, "w", encoding="ascii") as f:
                    f.write(PRELUDE + self.SCRIPT)
                script = f"mkdir /x/1 /x/2 /x/3; for i in 1 2 3; do {PYTHON} {guest} 400 /x/$i & done; wait; ls /x | wc -l"
                got = run(["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh",
                           harness.trapline, "run", *options, "--", "sh", "-c", script])
                self.assert_clean(got)
                self.assertEqual((got.status, got.out.count("afterwards ok\n"), got.out[-2:]), (0, 3, "3\n"), got.out + got.err)
                self.assertIn(got.err, ["ENFILE\n" * n for n in range(4)])


class Killed(harness.Case):
    """The supervisor is killed at any moment: the upper is as before or after the change it was at, and the next run goes on."""
    GUEST = r"""
import random
def changes(top):
    r = random.Random(int(sys.argv[2])); dirs = ['', 'a/', 'a/b/', 'c/', 'new/']; join = os.path.join
    at = lambda: join(top, r.choice(dirs) + r.choice('fghijk'))
    def over(p, size):
        fd = os.open(p, os.O_WRONLY); os.pwrite(fd, b'%d' % size, size % 5000); os.close(fd)
    while True:
        p, q, n = at(), at(), r.randrange(10**6)
        yield r.choice([lambda: os.close(os.open(p, os.O_CREAT | os.O_EXCL, 0o644)), lambda: os.unlink(p), lambda: os.rename(p, q),
            lambda: os.link(p, q), lambda: os.symlink(str(n), p), lambda: os.mkdir(p), lambda: os.rmdir(p), lambda: os.rename(p, q),
            lambda: os.chmod(p, 0o700 | n % 64), lambda: os.truncate(p, n % 9000), lambda: over(p, n), lambda: os.utime(p, (n, n)),
            lambda: os.rename(join(top, 'a'), join(top, 'new')), lambda: os.rename(join(top, 'new'), join(top, 'a')),
            lambda: os.setxattr(p, 'user.x', b'%d' % n), lambda: os.chown(p, n % 7, 3), lambda: os.mkdir(join(top, 'new'))])
def make(top, first, last, say):
    for i, change in enumerate(changes(top)):
        if i >= last: break
        if i < first: continue
        try: change()
        except OSError as e:
            if e.errno == errno.ENOSYS: os._exit(1)     # the listener is closed and we are not yet killed
        if say: os.write(1, b'%d\n' % (i + 1))
def read(p):
    with open(p, 'rb') as f: return f.read()
def holds(top):
    found = []
    for path, dirs, files in os.walk(top):
        for n in dirs + files:
            p = os.path.join(path, n); st = os.lstat(p); link = stat.S_ISLNK(st.st_mode)
            body = os.readlink(p) if link else read(p) if stat.S_ISREG(st.st_mode) else b''
            xattrs = [] if link else [(x, os.getxattr(p, x)) for x in sorted(os.listxattr(p)) if x.startswith('user.x')]
            found.append((os.path.relpath(p, top), st.st_mode, st.st_uid, st.st_gid, body, xattrs))
    return sorted(found)
"""

    def setUp(self):
        super().setUp()
        self.need_root()
        self.tmp = tempfile.mkdtemp(prefix="trapline-cli-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.tmp, True)
        for name in ("low/a/b", "low/c", "up"):
            os.makedirs(f"{self.tmp}/{name}")
        for name in ("f", "a/f", "a/g", "a/b/h", "c/i", "c/j"):
            with open(f"{self.tmp}/low/{name}", "w", encoding="ascii") as f:
                f.write(name * 999)
        shutil.copytree(f"{self.tmp}/low", f"{self.tmp}/model")

    def guest(self, seed, code):
        return [harness.trapline, "run", "--overlay", f"{self.tmp}/low:{self.tmp}/up:/x", "--", PYTHON, "-S", "-E", "-c",
                PRELUDE + self.GUEST + code, "/x", str(seed)]

    def until_killed(self, seed, done, wait):
        """Lets it make changes from number done on and kills it; the number of those that it said it made."""
        with subprocess.Popen(self.guest(seed, f"make('/x', {done}, 10**9, True)"), stdout=subprocess.PIPE) as child:
            head = child.stdout.readline()
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
            said = head + child.stdout.read()
            self.assertEqual(child.wait(20 * PATIENCE), -signal.SIGKILL)
        lines = said.split(b"\n")
        return int(lines[-2]) if len(lines) > 1 else done

    def test_any_time(self):
        seed = int(os.environ.get("TRAPLINE_SEED", "1"))
        draw, done, model = random.Random(seed), 0, {}
        exec(PRELUDE + self.GUEST, model)  # pylint: disable=exec-used
        sys.argv[1:] = ["", str(seed)]
        for turn in range(KILLS):
            made = self.until_killed(seed, done, draw.random() * 0.03)
            model["make"](f"{self.tmp}/model", done, made, False)
            got = run(self.guest(seed, "print(holds('/x'))"))
            self.assertEqual((got.status, got.err), (0, ""), f"seed {seed}, turn {turn}, after {made}")
            if got.out.strip() != repr(model["holds"](f"{self.tmp}/model")):
                before = got.out
                model["make"](f"{self.tmp}/model", made, made + 1, False)
                made += 1
                self.assertEqual(before.strip(), repr(model["holds"](f"{self.tmp}/model")), f"seed {seed}, turn {turn}, in {made}")
            done = made
        print(f"{KILLS} kills in {done} changes", file=sys.stderr)


class Nobody(harness.Case):
    def test_a_layer_that_cannot_be_read(self):
        self.need_root()
        os.mkdir(os.path.join(self.tmp, "low"), 0o700)
        os.mkdir(os.path.join(self.tmp, "root"), 0o700)
        for options in (["-r", self.tmp + "/root"], ["--overlay", f"{self.tmp}/low::/x"], ["-b", f"{self.tmp}/low/d:/x"]):
            got = run(NOBODY + [harness.trapline, "run", *options, "--", "/bin/ls", "/x"])
            self.assertIn(got.status, (1, 2, 126), got.err)
            self.assertIn("Permission denied", got.err)
            self.assert_clean(got)


if __name__ == "__main__":
    harness.main()
