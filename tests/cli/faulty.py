"""A file system that fails when it is told to: a directory, passed on by FUSE (fuse(4), no library), as another one.

    with Faulty(folder, mountpoint) as f:       # in a mount namespace of one's own (ways.own_mounts)
        f.tell("set write EIO"); ...; f.tell("clear")

What it can be told, one line each, answered by one line when it is done:

    set OP ERRNO [NAME]     from now on OP (a name of OPS, "*": all) fails; NAME: only for objects or names called so
    hold OP [NAME]          OP is not answered before "release", except with EINTR where the caller is interrupted
    held                    waits until a request is held
    seen OP                 how often OP was asked for
    clear, release, die     forget all that was set; answer what is held; end at once, as a server that crashed

Nothing is cached (each name and attribute is asked for each time), so that a fault is met by the next call.
f.channel() gives a guest a socket to say the same through.
"""
import collections
import ctypes
import errno
import os
import select
import socket
import stat
import struct
import subprocess
import sys

OPS = {
    1: "lookup", 3: "getattr", 4: "setattr", 5: "readlink", 6: "symlink", 8: "mknod", 9: "mkdir", 10: "unlink", 11: "rmdir", 12: "rename",
    13: "link", 14: "open", 15: "read", 16: "write", 17: "statfs", 18: "release", 20: "fsync", 21: "setxattr", 22: "getxattr",
    23: "listxattr", 24: "removexattr", 25: "flush", 26: "init", 27: "opendir", 28: "readdir", 29: "releasedir", 30: "fsyncdir", 35: "create",
    43: "fallocate", 45: "rename", 46: "lseek", 51: "tmpfile",
}
FORGET, INTERRUPT, BATCH_FORGET, RENAME2 = 2, 36, 42, 45
WITHOUT_ANSWER = (FORGET, INTERRUPT, BATCH_FORGET)
MAX_WRITE = 128 * 1024
O_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def text(raw):
    return os.fsdecode(raw.split(b"\0", 1)[0])


class Node:
    def __init__(self, fd, name):
        self.fd, self.name, self.lookups = fd, name, 0

    def path(self):
        return f"/proc/self/fd/{self.fd}"


class Server:
    """Requests are answered one at a time; names are below descriptors of the directories."""

    def __init__(self, device, folder, channels):
        self.device = device
        self.nodes = {1: Node(os.open(folder, O_PATH), "")}
        self.numbers = {}           # (st_dev, st_ino) -> node number
        self.next_node, self.next_file = 2, 1
        self.files, self.listings = {}, {}
        self.faults, self.holds, self.held, self.waiting = {}, set(), collections.OrderedDict(), []
        self.seen = collections.Counter()
        self.channels = {c.fileno(): c for c in channels}
        self.pending = {}

    # ---- what it is told ----

    def obey(self, channel, words):
        if words[0] == "set":
            self.faults[words[1], words[3] if len(words) > 3 else None] = getattr(errno, words[2])
        elif words[0] == "hold":
            self.holds.add((words[1], words[2] if len(words) > 2 else None))
        elif words[0] == "clear":
            self.faults.clear()
            self.holds.clear()
        elif words[0] == "release":
            self.holds.clear()
            for request in list(self.held.values()):
                self.answer(*request)
            self.held.clear()
        elif words[0] == "held":
            if not self.held:
                self.waiting.append(channel)
                return
        elif words[0] == "seen":
            channel.sendall(b"%d\n" % self.seen[words[1]])
            return
        elif words[0] == "die":
            os._exit(0)
        channel.sendall(b"ok\n")

    def hear(self, fd):
        channel = self.channels[fd]
        data = self.pending.get(fd, b"") + channel.recv(4096)
        if not data:
            del self.channels[fd]
            return
        *lines, self.pending[fd] = data.split(b"\n")
        for line in lines:
            self.obey(channel, line.decode().split())

    # ---- requests ----

    def serve(self):
        while self.channels:
            ready, _, _ = select.select([self.device, *self.channels], [], [])
            for fd in ready:
                if fd == self.device:
                    self.request()
                else:
                    self.hear(fd)

    def request(self):
        try:
            raw = os.read(self.device, MAX_WRITE + 4096)
        except OSError as e:
            if e.errno == errno.ENODEV:     # unmounted
                os._exit(0)
            if e.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                return
            raise
        _, code, unique, node, uid, gid = struct.unpack_from("IIQQII", raw)
        body = raw[40:]
        op = OPS.get(code, "other")
        self.seen[op] += 1
        if code == INTERRUPT:
            request = self.held.pop(struct.unpack_from("Q", body)[0], None)
            if request:
                self.reply(request[0], -errno.EINTR)
        elif any(self.matches(op, node, code, body, h) for h in self.holds):
            self.held[unique] = (unique, code, node, uid, gid, body)
            while self.waiting:
                self.waiting.pop().sendall(b"ok\n")
        else:
            self.answer(unique, code, node, uid, gid, body)

    def names(self, code, node, body):
        """What the request is about: the object's name, and those that are in the request."""
        known = {self.nodes[node].name} if node in self.nodes else set()
        at = {1: 0, 6: 0, 8: 16, 9: 8, 10: 0, 11: 0, 12: 8, 45: 16, 13: 8, 35: 16}.get(code)
        return known | {os.fsdecode(n) for n in body[at:].split(b"\0") if n} if at is not None else known

    def matches(self, op, node, code, body, wanted):
        kind, name = wanted
        return (kind in (op, "*") and op not in ("init", "other") and code not in WITHOUT_ANSWER and
                (name is None or name in self.names(code, node, body)))

    def fault(self, op, node, code, body):
        for wanted, number in self.faults.items():
            if self.matches(op, node, code, body, wanted):
                return number
        return 0

    def answer(self, unique, code, node, uid, gid, body):
        op = OPS.get(code)
        number = self.fault(op, node, code, body)
        method = getattr(self, "do_" + op, None) if op else getattr(self, "forget", None) if code in (FORGET, BATCH_FORGET) else None
        if op in ("release", "releasedir"):
            method(node, body)      # whatever it says, it is closed
        try:
            if number:
                raise OSError(number, "")
            if not method:
                raise OSError(errno.ENOSYS, "")
            if code in WITHOUT_ANSWER:
                method(code, node, body)
                return
            self.who = uid, gid
            data = b"" if op in ("release", "releasedir") else method(node, body, code) if op == "rename" else method(node, body)
        except OSError as e:
            if code not in WITHOUT_ANSWER:
                self.reply(unique, -e.errno)
        else:
            self.reply(unique, 0, data or b"")

    def reply(self, unique, number, data=b""):
        try:
            os.write(self.device, struct.pack("IiQ", 16 + len(data), number, unique) + data)
        except OSError as e:
            if e.errno != errno.ENOENT:     # given up meanwhile
                raise

    # ---- nodes and attributes ----

    @staticmethod
    def attr(st):
        def parts(ns):
            return ns // 10**9, ns % 10**9
        (a, an), (m, mn), (c, cn) = parts(st.st_atime_ns), parts(st.st_mtime_ns), parts(st.st_ctime_ns)
        rdev = os.minor(st.st_rdev) & 0xff | os.major(st.st_rdev) << 8 | (os.minor(st.st_rdev) & ~0xff) << 12
        return struct.pack("6Q10I", st.st_ino, st.st_size, st.st_blocks, a & 2**64 - 1, m & 2**64 - 1, c & 2**64 - 1, an, mn, cn, st.st_mode,
                           st.st_nlink, st.st_uid, st.st_gid, rdev, st.st_blksize, 0)

    def entry(self, parent, name):
        return self.entry_of(os.open(name, O_PATH, dir_fd=self.nodes[parent].fd), name)

    def entry_of(self, fd, name):
        st = os.stat(fd)
        key = st.st_dev, st.st_ino
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = self.next_node
            self.next_node += 1
            self.nodes[number] = Node(fd, name)
        else:
            os.close(fd)
        node = self.nodes[number]
        node.lookups += 1
        node.name = name
        return struct.pack("4Q2I", number, 0, 0, 0, 0, 0) + self.attr(st)

    def forget(self, code, node, body):
        if code == FORGET:
            forgotten = [(node, struct.unpack_from("Q", body)[0])]
        else:
            count = struct.unpack_from("I", body)[0]
            forgotten = [struct.unpack_from("QQ", body, 8 + 16 * i) for i in range(count)]
        for number, times in forgotten:
            n = self.nodes.get(number)
            if not n or number == 1:
                continue
            n.lookups -= times
            if n.lookups <= 0:
                st = os.stat(n.fd)
                self.numbers.pop((st.st_dev, st.st_ino), None)
                os.close(n.fd)
                del self.nodes[number]

    def made(self, parent, name):
        if self.who != (0, 0):
            os.chown(name, *self.who, dir_fd=self.nodes[parent].fd, follow_symlinks=False)
        return self.entry(parent, name)

    def do_init(self, _node, body):
        major, minor, ahead, flags = struct.unpack_from("4I", body)
        wanted = 1 << 3 | 1 << 5        # O_TRUNC comes with open; writes of more than a page
        return struct.pack("4I2H2I2H2I6I", 7, min(minor, 38), ahead, flags & wanted, 16, 12, MAX_WRITE, 1, MAX_WRITE // 4096, 0, 0, 0, *[0] * 6)

    def do_lookup(self, node, body):
        return self.entry(node, text(body))

    def do_getattr(self, node, _body):
        return struct.pack("Q2I", 0, 0, 0) + self.attr(os.stat(self.nodes[node].fd))

    def do_setattr(self, node, body):
        valid, _, fh, size, _, atime, mtime, _, atimens, mtimens, _, mode, _, uid, gid, _ = struct.unpack_from("2I6Q8I", body)
        path = self.nodes[node].path()
        if valid & 1:
            os.chmod(path, mode & 0o7777)
        if valid & 6:
            os.chown(path, uid if valid & 2 else -1, gid if valid & 4 else -1)
        if valid & 8:
            os.truncate(self.files[fh] if valid & 64 and fh in self.files else path, size)
        if valid & 0x1b0:
            now, omit = (1 << 30) - 1, (1 << 30) - 2
            parts = [(atime, now if valid & 0x80 else atimens if valid & 0x10 else omit),
                     (mtime, now if valid & 0x100 else mtimens if valid & 0x20 else omit)]
            times = (ctypes.c_int64 * 4)(*(n if n < 2**63 else n - 2**64 for p in parts for n in p))
            checked(LIBC.utimensat(-100, path.encode(), times, 0))
        return self.do_getattr(node, b"")

    # ---- names ----

    def do_readlink(self, node, _body):
        return os.fsencode(os.readlink("", dir_fd=self.nodes[node].fd))

    def do_symlink(self, node, body):
        name, target = body.split(b"\0")[:2]
        os.symlink(target, name, dir_fd=self.nodes[node].fd)
        return self.made(node, os.fsdecode(name))

    def do_mknod(self, node, body):
        mode, rdev = struct.unpack_from("2I", body)
        device = os.makedev(rdev >> 8 & 0xfff, rdev & 0xff | rdev >> 12 & 0xfff00)
        os.mknod(text(body[16:]), mode, device, dir_fd=self.nodes[node].fd)
        return self.made(node, text(body[16:]))

    def do_mkdir(self, node, body):
        os.mkdir(text(body[8:]), struct.unpack_from("I", body)[0] & 0o7777, dir_fd=self.nodes[node].fd)
        return self.made(node, text(body[8:]))

    def do_unlink(self, node, body):
        os.unlink(text(body), dir_fd=self.nodes[node].fd)

    def do_rmdir(self, node, body):
        os.rmdir(text(body), dir_fd=self.nodes[node].fd)

    def do_rename(self, node, body, code):
        newdir, flags = struct.unpack_from("QI", body)
        old, new = body[16 if code == RENAME2 else 8:].split(b"\0")[:2]
        checked(LIBC.renameat2(self.nodes[node].fd, old, self.nodes[newdir].fd, new, flags if code == RENAME2 else 0))

    def do_link(self, node, body):
        old = self.nodes[struct.unpack_from("Q", body)[0]]
        os.link(old.path(), text(body[8:]), dst_dir_fd=self.nodes[node].fd, follow_symlinks=True)
        return self.entry(node, text(body[8:]))

    # ---- open files ----

    def opened(self, fd):
        self.next_file += 1
        self.files[self.next_file] = fd
        return struct.pack("QII", self.next_file, 0, 0)

    def do_open(self, node, body):
        flags = struct.unpack_from("I", body)[0] & ~(os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL | os.O_APPEND)
        fd = os.open(self.nodes[node].path(), flags | os.O_CLOEXEC)
        return self.opened(fd)

    def do_create(self, node, body):
        flags, mode = struct.unpack_from("2I", body)
        name = text(body[16:])
        fd = os.open(name, flags & ~os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode & 0o7777, dir_fd=self.nodes[node].fd)
        entry = self.made(node, name)
        return entry + self.opened(fd)

    def do_tmpfile(self, node, body):
        flags, mode = struct.unpack_from("2I", body)
        fd = os.open(self.nodes[node].path(), flags & ~os.O_APPEND & ~os.O_EXCL | os.O_TMPFILE | os.O_CLOEXEC, mode & 0o7777)
        entry = self.entry_of(os.open(f"/proc/self/fd/{fd}", os.O_PATH | os.O_CLOEXEC), "")
        return entry + self.opened(fd)

    def do_read(self, _node, body):
        fh, offset, size = struct.unpack_from("QQI", body)
        return os.pread(self.files[fh], size, offset)

    def do_write(self, _node, body):
        fh, offset, size = struct.unpack_from("QQI", body)
        return struct.pack("II", os.pwrite(self.files[fh], body[40:40 + size], offset), 0)

    def do_release(self, _node, body):
        os.close(self.files.pop(struct.unpack_from("Q", body)[0]))

    def do_flush(self, _node, _body):
        pass

    def do_fsync(self, _node, body):
        os.fsync(self.files[struct.unpack_from("Q", body)[0]])

    def do_fsyncdir(self, _node, _body):
        pass

    def do_fallocate(self, _node, body):
        fh, offset, length, mode = struct.unpack_from("3QI", body)
        checked(LIBC.fallocate(self.files[fh], mode, ctypes.c_int64(offset), ctypes.c_int64(length)))

    def do_lseek(self, _node, body):
        fh, offset, whence = struct.unpack_from("2QI", body)
        return struct.pack("Q", os.lseek(self.files[fh], offset, whence))

    def do_statfs(self, node, _body):
        v = os.statvfs(self.nodes[node].path())
        return struct.pack("5Q10I", v.f_blocks, v.f_bfree, v.f_bavail, v.f_files, v.f_ffree, v.f_bsize, v.f_namemax, v.f_frsize, *[0] * 7)

    # ---- directories ----

    def do_opendir(self, node, _body):
        fd = os.open(self.nodes[node].path(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.scandir(fd) as entries:
                found = [(".", 0, stat.S_IFDIR), ("..", 0, stat.S_IFDIR)]
                for e in sorted(entries, key=lambda e: e.name):
                    found.append((e.name, e.inode(), stat.S_IFMT(e.stat(follow_symlinks=False).st_mode)))
        finally:
            os.close(fd)
        self.next_file += 1
        self.listings[self.next_file] = found
        return struct.pack("QII", self.next_file, 0, 0)

    def do_readdir(self, _node, body):
        fh, offset, size = struct.unpack_from("QQI", body)
        out = b""
        for i, (name, ino, kind) in list(enumerate(self.listings[fh]))[offset:]:
            raw = os.fsencode(name)
            record = struct.pack("QQII", ino or 1, i + 1, len(raw), kind >> 12) + raw
            record += b"\0" * (-len(record) % 8)
            if len(out) + len(record) > size:
                break
            out += record
        return out

    def do_releasedir(self, _node, body):
        del self.listings[struct.unpack_from("Q", body)[0]]

    # ---- extended attributes ----

    def do_setxattr(self, node, body):
        size, flags = struct.unpack_from("2I", body)
        name, value = body[8:].split(b"\0", 1)
        os.setxattr(self.nodes[node].path(), name, value[:size], flags)

    @staticmethod
    def sized(data, body):
        size = struct.unpack_from("I", body)[0]
        if size == 0:
            return struct.pack("II", len(data), 0)
        if len(data) > size:
            raise OSError(errno.ERANGE, "")
        return data

    def do_getxattr(self, node, body):
        return self.sized(os.getxattr(self.nodes[node].path(), text(body[8:])), body)

    def do_listxattr(self, node, body):
        return self.sized(b"".join(os.fsencode(n) + b"\0" for n in os.listxattr(self.nodes[node].path())), body)

    def do_removexattr(self, node, body):
        os.removexattr(self.nodes[node].path(), text(body))


class Faulty:
    """For tests: the server, a process of its own."""

    def __init__(self, folder, at):
        self.folder, self.at = folder, at
        self.own, theirs = socket.socketpair()
        guests, guests_end = socket.socketpair()
        self.guests = guests_end
        ends = [theirs.fileno(), guests.fileno()]
        self.server = subprocess.Popen([sys.executable, "-S", "-B", os.path.abspath(__file__), folder, at, *map(str, ends)],
                                       pass_fds=ends, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        theirs.close()
        guests.close()
        self.works = self.server.stdout.readline() == b"ready\n"

    def tell(self, line):
        self.own.sendall(line.encode() + b"\n")
        got = b""
        while not got.endswith(b"\n"):
            some = self.own.recv(64)
            if not some:
                return ""
            got += some
        return got.decode().strip()

    def channel(self):
        """A descriptor to be passed to guests."""
        return self.guests.fileno()

    def close(self):
        if self.server.returncode is not None:
            return
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()
        self.own.close()
        self.guests.close()
        LIBC.umount2(os.fsencode(self.at), 2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    folder, at, *fds = sys.argv[1:]
    os.umask(0)
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        checked(LIBC.mount(b"faulty", os.fsencode(at), b"fuse", 0, options.encode()))
    except OSError as e:
        print(os.strerror(e.errno), flush=True)
        return
    print("ready", flush=True)
    Server(device, folder, [socket.socket(fileno=int(fd)) for fd in fds]).serve()


if __name__ == "__main__":
    main()
