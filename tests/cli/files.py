"""A tree of the guest's own: what the command line says, what cannot be mounted, rules over names in it."""
import errno
import os
import platform
import re
import shutil
import socket
import sys
import unittest

import harness
from harness import NOBODY, run


class Tree(harness.Case):
    """The options, and the same words in a policy."""

    def shell(self, options, script, **more):
        return run([harness.trapline, "run"] + options + ["--", "/bin/sh", "-c", script], **more)

    def assert_prints(self, got, out, status=0):
        self.assert_clean(got)
        self.assertEqual((got.status, got.out, got.err), (status, out, ""))

    def test_tmpfs_is_empty_and_gone_at_the_end(self):
        got = self.shell(["--tmpfs", self.tmp], f"cd {self.tmp}; ls -A; echo a > f; cat f; ls")
        self.assert_prints(got, "a\nf\n")
        self.assertEqual(os.listdir(self.tmp), [])

    def test_what_is_in_memory_is_not_given_more_than_it_is_shown_to_have(self):
        """On Linux a tmpfs has half of the memory; a reservation for more must not be tried."""
        program = "import os\nf = os.open('/mnt/f', os.O_CREAT | os.O_RDWR)\n" \
                  "try: os.posix_fallocate(f, 0, 5 * 10**12)\nexcept OSError as e: print(e.strerror)\n" \
                  "os.posix_fallocate(f, 0, 5000)\nprint(os.fstat(f).st_size)"
        for options in (["--tmpfs", "/mnt"], ["--overlay", self.tmp + "::/mnt"]):
            got = run([harness.trapline, "run", *options, "--", sys.executable, "-c", program])
            self.assert_prints(got, "No space left on device\n5000\n")

    def test_bind_shows_a_directory_elsewhere(self):
        os.mkdir(os.path.join(self.tmp, "d"))
        got = self.shell(["-b", f"{self.tmp}:/no/such/place"], "ls /no/such/place; ls /no; echo b > /no/such/place/f")
        self.assert_prints(got, "d\nsuch\n")
        with open(os.path.join(self.tmp, "f"), encoding="ascii") as f:
            self.assertEqual(f.read(), "b\n")

    def test_bind_read_only(self):
        got = self.shell(["-b", f"{self.tmp}:/x:ro"], "echo b > /x/f")
        self.assert_clean(got)
        self.assertIn("Read-only file system", got.err)
        self.assertEqual(os.listdir(self.tmp), [])

    def test_overlay_keeps_the_lower(self):
        low, up = (os.path.join(self.tmp, d) for d in ("low", "up"))
        os.mkdir(low)
        os.mkdir(up)
        with open(os.path.join(low, "f"), "w", encoding="ascii") as f:
            f.write("low\n")
        got = self.shell(["--overlay", f"{low}:{up}:/x"], "echo more >> /x/f; mv /x/f /x/g; cat /x/g")
        self.assert_prints(got, "low\nmore\n")
        self.assertEqual(os.listdir(low), ["f"])
        self.assertIn("g", os.listdir(up))

    def test_a_terminal_has_its_name_in_an_overlay(self):
        got = run(["script", "-qec", f"tty; {harness.trapline} run --overlay / -- tty", "/dev/null"])
        names = got.out.split()
        self.assertEqual((got.status, len(names), len(set(names))), (0, 2, 1), got.out)

    def file_flags(self, path, *add):
        """Words of a program that adds flags to a file's, by a descriptor that does not write, and of one that prints them."""
        program = "import fcntl, os, struct, sys\nf = os.open(sys.argv[1], os.O_RDONLY)\n" \
                  "old = struct.unpack('i', fcntl.ioctl(f, 0x80086601, bytes(4)))[0]\n" \
                  "for word in sys.argv[2:]: old |= int(word)\n" \
                  "try:\n if sys.argv[2:]: fcntl.ioctl(f, 0x40086602, struct.pack('i', old))\n print(old & 0x40)\n" \
                  "except OSError as e: print(e.strerror)"
        return ["/usr/bin/python3", "-c", program, path, *map(str, add)]

    def test_flags_of_what_is_not_to_be_changed(self):
        """FS_IOC_SETFLAGS, chattr(1), needs no descriptor that writes."""
        nodump = 0x40
        low, up = (os.path.join(self.tmp, d) for d in ("low", "up"))
        os.mkdir(low)
        os.mkdir(up)
        with open(low + "/f", "w", encoding="ascii") as f:
            f.write("low\n")
        if run(self.file_flags(low + "/f")).out != "0\n":
            self.skipTest("this file system has no such flags")
        for options, says in ((["-b", low + ":/x:ro"], "Read-only file system\n"), (["--overlay", f"{low}:{up}:/x"], "64\n")):
            with self.subTest(options):
                self.assert_prints(run([harness.trapline, "run", *options, "--", *self.file_flags("/x/f", nodump)]), says)
                self.assertEqual(run(self.file_flags(low + "/f")).out, "0\n")
        self.assertEqual(run(self.file_flags(up + "/f")).out, "64\n")

    @unittest.skipUnless(os.geteuid() == 0, "not root, who alone sets such flags")
    def test_what_is_immutable_below_is_so_above(self):
        immutable = 0x10
        os.mkdir(self.tmp + "/d")
        for name in ("f", "d/f"):
            with open(os.path.join(self.tmp, name), "w", encoding="ascii"):
                pass
        if run(self.file_flags(self.tmp + "/f", immutable)).out != "0\n":
            self.skipTest("this file system has no such flags")
        run(self.file_flags(self.tmp + "/d", immutable))
        script = "cd /x; echo > f; rm f; touch d/new; rm d/f; chmod 700 d; echo in > d/f; touch d/new; cat d/f"
        got = self.shell(["--overlay", self.tmp + "::/x"], script)
        run(["chattr", "-i", self.tmp + "/d", self.tmp + "/f"])
        self.assertEqual((got.out, got.err.count("not permitted")), ("in\n", 6), got.err)

    @unittest.skipUnless(os.geteuid() == 0, "needs another user, who may not read what he made")
    def test_an_overlay_removes_a_directory_that_nobody_may_read(self):
        for name in ("low", "up"):
            os.mkdir(os.path.join(self.tmp, name))
            os.chmod(os.path.join(self.tmp, name), 0o777)
        os.chmod(self.tmp, 0o755)
        script = "cd /x; mkdir -m 0 empty; mkdir -p full/in; chmod 0 full; rmdir empty; rmdir full 2>&1 | grep -c 'not empty'; ls"
        got = run([*NOBODY, harness.trapline, "run", "--overlay", f"{self.tmp}/low:{self.tmp}/up:/x", "--", "/bin/sh", "-c", script])
        self.assert_prints(got, "1\nfull\n")

    @unittest.skipUnless(os.geteuid() == 0, "not root, so no guest becomes somebody else")
    def test_a_socket_of_a_lower_layer_that_was_opened_up(self):
        """Who listens does so below, where the mode is the old one; on overlayfs nobody reaches him."""
        lower = os.path.join(self.tmp, "low")
        os.mkdir(lower)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(lower + "/s")
            os.chmod(lower + "/s", 0o700)
            listening.listen()
            script = "import os, socket; os.chmod('/x/s', 0o777); os.seteuid(1000); print(socket.socket(socket.AF_UNIX).connect_ex('/x/s'))"
            got = run([harness.trapline, "run", "--overlay", lower + "::/x", "--", "/usr/bin/python3", "-c", script])
        self.assert_prints(got, f"{errno.ECONNREFUSED}\n")

    def test_a_fifo_of_a_lower_layer_is_the_overlays_own(self):
        """Neither the host nor another session is met in it; two openers of this one are."""
        os.mkfifo(self.tmp + "/p")
        fd = os.open(self.tmp + "/p", os.O_RDWR | os.O_NONBLOCK)
        os.write(fd, b"secret")
        script = "import os; w = os.open('/x/p', os.O_RDWR | os.O_NONBLOCK); os.write(w, b'own'); os.chmod('/x/p', 0o600); " \
                 "r = os.open('/x/p', os.O_RDONLY); print(os.read(r, 99), os.stat(w).st_ino == os.stat('/x/p').st_ino)"
        got = run([harness.trapline, "run", "--overlay", self.tmp + "::/x", "--", "/usr/bin/python3", "-c", script])
        self.assert_prints(got, "b'own' True\n")
        self.assertEqual(os.read(fd, 99), b"secret")
        os.close(fd)

    def test_root_identity_is_remembered(self):
        script = f"cd {self.tmp}; touch f; chown 12:34 f; chmod 4751 f; mknod n c 5 6; stat -c '%u %g %a %t %T' f n; id -u"
        for options in (["-0", "-b", self.tmp], ["-0", "--tmpfs", self.tmp]):
            with self.subTest(options):
                self.assert_prints(self.shell(options, script), "12 34 4751 0 0\n0 0 644 5 6\n0\n")

    def test_only_root_names_the_host(self):
        script = "hostname a; setpriv --reuid 1000 --clear-groups hostname b 2>&1 | grep -c 'must be root'; uname -n"
        self.assert_prints(self.shell(["--tmpfs", "/x", "-0"], script), "1\na\n")

    def test_for_an_ordinary_user(self):
        os.chmod(self.tmp, 0o777)
        got = run(NOBODY + [harness.trapline, "run", "-0", "-b", f"{self.tmp}:/x", "--", "/bin/sh", "-c",
                            "cd /x; touch f; chown 12:34 f; stat -c '%u %g' f"])
        self.assert_prints(got, "12 34\n")

    def test_root_to_itself_has_no_audit(self):
        """EPERM would be the end of an sshd's session; a kernel without audit is not."""
        script = ("import socket, errno\nfor p in 9, 0:\n try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, p); print('ok')\n"
                  " except OSError as e: print(errno.errorcode[e.errno])")
        got = run(NOBODY + [harness.trapline, "run", "-0", "--tmpfs", "/mnt", "--", "/usr/bin/python3", "-c", script])
        self.assert_prints(got, "EPROTONOSUPPORT\nok\n")

    def test_short_files(self):
        """RLIMIT_FSIZE is the guest's, whatever its supervisor may not exceed itself."""
        script = ("ulimit -f {}; exec {} run --tmpfs /mnt -- /bin/bash -c "
                  "'head -c 9000 /dev/zero >/mnt/a; echo $?; stat -c %s /mnt/a'")
        got = run(NOBODY + ["/bin/bash", "-c", script.format(8, harness.trapline)])
        self.assertEqual((got.status, got.out), (0, "153\n8192\n"))
        got = run(NOBODY + ["/bin/bash", "-c", script.format(1, harness.trapline)])
        self.assert_refused(got, 1, "ulimit -f")

    def test_another_user_executes(self):
        """Root that has become somebody else may not look into trapline, and still executes what is in the tree."""
        self.need_root()
        self.need("busybox")
        os.makedirs(os.path.join(self.tmp, "root/bin"))
        os.makedirs(os.path.join(self.tmp, "root/etc"))
        shutil.copy(shutil.which("busybox"), os.path.join(self.tmp, "root/bin/busybox"))
        for name, text in (("etc/passwd", "root::0:0::/:\nu::1000:1000::/:/bin/sh\n"), ("mine", ""),
                           ("bin/sh", "#!/bin/busybox sh\nb=/bin/busybox; $b id -u; exec $b stat -c %u /mine\n"),
                           ("bin/start", "#!/bin/busybox sh\n/bin/busybox chown 1000:1000 /mine; exec /bin/busybox su u\n")):
            with open(os.path.join(self.tmp, "root", name), "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(f.name, 0o755)
        for options in ([], ["-0"]):
            with self.subTest(options):
                got = run([harness.trapline, "run", "-r", os.path.join(self.tmp, "root"), *options, "--", "/bin/start"])
                self.assert_prints(got, "1000\n1000\n")

    def test_the_hosts_proc_is_not_seen_through_other_mounts(self):
        for options, proc in ((["--overlay", "/"], "/proc"), (["--overlay", f"/::{self.tmp}"], self.tmp + "/proc"),
                              (["-b", f"/:{self.tmp}"], self.tmp + "/proc")):
            with self.subTest(options):
                self.assert_prints(self.shell(options, f"read name < {proc}/self/comm; echo $name"), "sh\n")

    def test_other_file_systems_of_the_host_are_apart(self):
        if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(self.tmp).st_dev:
            self.skipTest("/dev/shm is no other file system")
        os.mkdir(os.path.join(self.tmp, "sticky"))
        os.chmod(os.path.join(self.tmp, "sticky"), 0o1777)
        script = f"import os\nopen('{self.tmp}/sticky/f', 'w')\nos.setresuid(-1, 65534, -1)\n" \
                 f"try: os.rename('{self.tmp}/sticky/f', '/dev/shm/f')\nexcept OSError as e: print(e.strerror)"
        got = run([harness.trapline, "run", "-r", "/", "--", "python3", "-c", script])
        self.assert_prints(got, "Invalid cross-device link\n")

    def test_starts_where_it_is_told(self):
        self.assert_prints(self.shell(["--tmpfs", "/x", "-w", "/x"], "pwd; /bin/pwd"), "/x\n/x\n")

    def test_where_it_may_run(self):
        """A shell that runs its commands one by one is kept on one core (tracer/placement.h), and none of them sees it."""
        look = "grep Cpus_allowed /proc/self/status; grep Cpus_allowed_list /proc/$$/status; nproc; "
        script = "for i in 1 2 3 4 5 6 7 8; do /bin/true; done; " + look + f"sh -c '/bin/true; /bin/true; {look}'; " \
                 f"taskset -c {max(os.sched_getaffinity(0))} sh -c '/bin/true; /bin/true; {look}'; " \
                 "(nproc; nproc) & (nproc; nproc); wait; nproc"
        self.assert_prints(self.shell(["--tmpfs", "/mnt"], script), run(["/bin/sh", "-c", script]).out)

    def test_a_policy_mounts_too(self):
        policy = os.path.join(self.tmp, "p")
        with open(policy, "w", encoding="ascii") as f:
            f.write('mount "/x" tmpfs mode=0700\n')
        self.assert_prints(self.shell(["--policy", policy], "stat -c '%a %F' /x"), "700 directory\n")

    @unittest.skipUnless(os.geteuid() == 0, "not root, so no guest becomes somebody else")
    def test_a_path_descriptor_reads_nothing(self):
        """Nor where a policy makes the tree: O_PATH asks for no permission of the file's."""
        policy = os.path.join(self.tmp, "policy")
        with open(policy, "w", encoding="ascii") as f:
            f.write(f'mount "{self.tmp}/x" tmpfs\n')
        os.mkdir(self.tmp + "/x")
        script = f"import errno, fcntl, os; os.chdir('{self.tmp}/x'); os.close(os.open('f', os.O_CREAT, 0o600)); os.chmod('.', 0o755)\n" \
                 "os.seteuid(1000)\n" \
                 "for fd in (os.open('f', os.O_PATH), os.open('.', os.O_PATH)):\n" \
                 "    try: os.read(fd, 1); print('read')\n" \
                 "    except OSError as e: print(errno.errorcode[e.errno], fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH == os.O_PATH)"
        got = run([harness.trapline, "run", "--policy", policy, "-r", "/", "--", "/usr/bin/python3", "-c", script])
        self.assert_prints(got, "EBADF True\nEBADF True\n")

    def test_rules_are_about_names_in_the_tree(self):
        policy = os.path.join(self.tmp, "p")
        with open(policy, "w", encoding="ascii") as f:
            f.write('mount "/x" tmpfs\nerrno EACCES open* when path under "/x/secret"\n'
                    'redirect open* when path == "/x/link" to "/x/other"\n')
        script = ("mkdir /x/secret; cd /x; echo a > secret/f; echo $?; ln -s secret door; echo a > door/f; echo $?;"
                  "echo b > other; cat link")
        got = self.shell(["-q", "--policy", policy], script)
        self.assert_clean(got)
        self.assertEqual(got.out.split(), ["2", "2", "b"])


class Devices(harness.Case):
    def test_the_hosts_nodes_stay_as_they_are(self):
        """Also through a descriptor whose name is gone, and where trapline is root."""
        before = os.stat("/dev/null")
        script = ("import os\nos.mknod('/x/n', 0o20666, os.makedev(1, 3))\n"
                  "for n in '/dev/null', '/x/n':\n fd = os.open(n, os.O_RDWR)\n if n == '/x/n': os.unlink(n)\n"
                  " for change in lambda: os.fchmod(fd, 0o600), lambda: os.fchown(fd, 1, 1), lambda: os.utime(fd, (1, 1)):\n"
                  "  try: change()\n  except PermissionError: pass\n")
        got = run([harness.trapline, "run", "-0", "--dev", "--tmpfs", "/x", "--", "python3", "-c", script])
        self.assert_clean(got)
        self.assertEqual((got.status, got.err), (0, ""))
        after = os.stat("/dev/null")
        self.assertEqual((before.st_mode, before.st_uid, before.st_gid), (after.st_mode, after.st_uid, after.st_gid))
        self.assertNotEqual(after.st_mtime, 1)

    def test_no_way_to_other_devices(self):
        got = run([harness.trapline, "run", "-0", "--tmpfs", "/x", "--", "/bin/sh", "-c",
                   "mknod /x/k c 1 11; mknod /x/m c 1 1; cat /x/k; cat /x/m"])
        self.assert_clean(got)
        self.assertEqual((got.status, got.out), (1, ""))
        self.assertEqual(got.err.count("No such device or address"), 2, got.err)


class Stub(harness.Case):
    """Calls that take no stop."""
    often = "import os\nfor i in range(5000): os.stat('/etc')"

    def count(self, *options):
        got = run([harness.trapline, "run", "-r", "/", "--stats", *options, "--", "python3", "-S", "-c", self.often])
        self.assert_clean(got)
        self.assertEqual((got.status, got.out), (0, ""), got.err)
        return int(re.search(r"(\d+) of them without a stop", got.err).group(1))

    def test_never(self):
        self.assertEqual(self.count("--stub", "never"), 0)

    def test_always(self):
        # Of such a program nearly all, if a processor is free; where none is, they are taken back.
        count = self.count("--stub", "always")
        if platform.machine() == "x86_64" and len(os.sched_getaffinity(0)) > 1:
            self.assertGreater(count, 50)

    def test_wrong_word(self):
        self.assert_refused(run([harness.trapline, "run", "--stub", "often", "--", "/bin/true"]), 2, "--stub", "'often'")


class Traced(harness.Case):
    needs = "trace"

    def test_shows_the_guest_alone(self):
        """Every call shown, and none of the loader's; what a handler answered is not said to be injected."""
        policy = os.path.join(self.tmp, "p")
        with open(policy, "w", encoding="ascii") as f:
            f.write('mount "/x" tmpfs\n')
        for options in ([], ["-e", "trace=%file,getdents64"]):
            with self.subTest(options):
                got = run([harness.trapline, "trace", "--policy", policy] + options + ["ls", "/x"])
                self.assert_clean(got)
                self.assertEqual(got.status, 0, got.err)
                lines = got.err.splitlines()
                self.assertTrue(lines[0].startswith("execve("), got.err)
                self.assertTrue(any(line.startswith('openat(AT_FDCWD, "/x", ') for line in lines), got.err)
                self.assertTrue(any("2 entries" in line for line in lines), got.err)
                self.assertNotIn("nfsservctl", got.err)
                self.assertNotIn("INJECTED", got.err)


class Refused(harness.Case):
    """What cannot be mounted: one line, status 1 (2 for a command line that makes no sense), no guest."""

    def refused(self, options, *says, status=1):
        with self.subTest(options):
            self.assert_refused(run([harness.trapline, "run"] + options + ["--", "/bin/true"], cwd=self.tmp), status, *says)

    def test_not_there(self):
        self.refused(["-r", "/no/such/dir"], "/no/such/dir", "No such file or directory")
        self.refused(["-b", "/no/such/dir:/x"], "/no/such/dir", "No such file or directory")
        self.refused(["--overlay", "/no/such/dir"], "/no/such/dir", "No such file or directory")
        self.refused(["--tmpfs", "/x", "-w", "/no/such/dir"], "/no/such/dir", "No such file or directory")

    def test_part_of_proc(self):
        self.refused(["-b", f"/proc/sys:{self.tmp}"], "cannot mount '/proc/sys'", "the host's /proc")

    def test_wrong_kind(self):
        self.refused(["-r", "/etc/passwd"], "/etc/passwd", "Not a directory")
        self.refused(["-b", "/etc/passwd:/etc"], "/etc/passwd", "Not a directory")
        self.refused(["-b", "/etc:/etc/passwd"], "/etc/passwd", "Not a directory")

    def test_layers_that_overlap(self):
        os.mkdir(os.path.join(self.tmp, "in"))
        self.refused(["--overlay", f"{self.tmp}:{self.tmp}/in:/x"], "overlap")
        self.refused(["--overlay", f"{self.tmp}/in:{self.tmp}:/x"], "overlap")
        self.refused(["--overlay", f"{self.tmp},{self.tmp}:/x"], "overlap")

    def test_words_that_make_no_sense(self):
        self.refused(["-b", "/tmp:relative"], "relative", status=2)
        self.refused(["--tmpfs", "/x:sise=4"], "sise=4", status=2)
        self.refused(["-r", "/", "-r", "/tmp"], "twice", status=2)

    def test_mechanisms_that_cannot(self):
        self.refused(["--tmpfs", "/x", "--mechanism", "step"], "notify")
        self.refused(["--tmpfs", "/x", "--no-ptrace"], "ptrace")

    def test_command_is_not_in_the_tree(self):
        os.mkdir(os.path.join(self.tmp, "root"))
        got = run([harness.trapline, "run", "-r", os.path.join(self.tmp, "root"), "--", "/bin/true"])
        self.assert_refused(got, 127, "/bin/true", "No such file or directory")


if __name__ == "__main__":
    harness.main()
