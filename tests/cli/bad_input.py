"""What cannot be done: one clear line on stderr, the right status, no guest left."""
import os
import signal
import subprocess

import harness
from harness import NOBODY, PATIENCE, run


class Command(harness.Case):
    """Commands that cannot be executed have sh's statuses, under every mechanism, for run and for trace."""

    def refused(self, command, status, *says):
        for name, words in harness.ways():
            with self.subTest(f"{name} {command}"):
                self.assert_refused(run(words + [command], cwd=self.tmp), status, *says)

    def file(self, name, text, mode):
        path = os.path.join(self.tmp, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def test_there_is_none(self):
        self.refused("no-such-command-anywhere", 127, "no-such-command-anywhere")
        self.refused("/no/such/command", 127, "/no/such/command", "No such file or directory")

    def test_there_is_none_where_one_may_look(self):
        os.mkdir(self.tmp + "/closed", 0)
        env = ["env", f"PATH={self.tmp}/closed:/usr/bin:/bin", harness.trapline, "run"]
        for options in ([], ["--tmpfs", "/mnt"]):
            got = run([*NOBODY, *env, *options, "--", "no-such-command-anywhere"])
            self.assert_refused(got, 127, "no-such-command-anywhere")

    def test_it_has_no_name(self):
        self.refused("", 127)

    def test_it_is_no_program(self):
        self.refused("/etc/passwd", 126, "/etc/passwd", "Permission denied")
        self.refused("/etc/passwd/x", 126, "Not a directory")

    def test_it_has_no_header(self):
        """execvp(3) gives such a file to sh, whatever is in it; so do env, nohup and sudo."""
        self.assert_same_as_native(["env", self.file("script", "echo $0 is a script; exit 4\n", 0o755)])
        garbage = self.file("garbage", "\x7fELF garbage", 0o755)
        want = run(["env", garbage])
        for name, words in harness.ways():
            with self.subTest(name):
                got = run(words + [garbage])
                self.assert_clean(got)
                self.assertEqual((got.status, got.out, got.err), (want.status, want.out, want.err))

    def test_it_is_a_directory(self):
        self.refused("/tmp", 126, "/tmp")
        self.refused("./", 126)

    def test_its_interpreter_is_missing(self):
        self.refused(self.file("script", "#!/no/such/interpreter\n", 0o755), 127, "script")

    def test_it_is_a_loop_of_links(self):
        path = os.path.join(self.tmp, "loop")
        os.symlink(path, path)
        self.refused(path, 126, "Too many levels of symbolic links")


class Output(harness.Case):
    needs = "trace"

    def test_unwritable(self):
        witness = os.path.join(self.tmp, "started")
        for path, why in (("/no/such/dir/x", "No such file or directory"), (self.tmp, "Is a directory")):
            got = run([harness.trapline, "trace", "-o", path, "touch", witness])
            self.assert_refused(got, 1, path, why)
            self.assertFalse(os.path.exists(witness), "the command was started")

    def test_separate_files_in_no_directory(self):
        got = run([harness.trapline, "trace", "-ff", "-o", "/no/such/dir/x", "true"])
        self.assert_refused(got, 1, "/no/such/dir/x", "No such file or directory")

    def test_audit(self):
        policy = os.path.join(self.tmp, "p.policy")
        with open(policy, "w", encoding="ascii") as f:
            f.write("errno ENOENT openat when path under \"/no/such\"\n")
        command = ["cat", "/no/such", "/no/such/x"]
        words = [harness.trapline, "run", "--policy", policy, "--audit"]
        self.assert_refused(run(words + [self.tmp] + command), 1, self.tmp, "Is a directory")
        got = run(words + ["/dev/full"] + command)
        self.assertEqual(got.status, 1)
        said = [line for line in got.err.splitlines() if line.startswith("trapline")]
        self.assertEqual(len(said), 1, got.err)
        self.assertIn("/dev/full", said[0])

    def test_full_disk_does_not_hurt_the_guest(self):
        got = run([harness.trapline, "trace", "-o", "/dev/full", "sh", "-c", "ls -lR /etc >/dev/null; echo fine; exit 3"])
        self.assert_clean(got)
        self.assertEqual(got.out, "fine\n")
        self.assertEqual(got.status, 3)
        self.assertIn("No space left on device", got.err)
        self.assertEqual(len([line for line in got.err.splitlines() if line.startswith("trapline")]), 1, got.err)

    def test_broken_pipe_does_not_hurt_the_guest(self):
        witness = os.path.join(self.tmp, "finished")
        got = run(["bash", "-c", '"$0" trace sh -c "ls -lR /etc >/dev/null; touch $1; exit 3" 2> >(exec true); exit $?',
                   harness.trapline, witness])
        self.assert_clean(got)
        self.assertTrue(os.path.exists(witness))
        self.assertEqual(got.status, 3)


class Attach(harness.Case):
    needs = "trace"

    def gone(self):
        child = subprocess.Popen(["true"])
        child.wait()
        return str(child.pid)

    def sleeper(self, *before):
        child = subprocess.Popen([*before, "sleep", "1000"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return str(child.pid)

    def attach(self, pid, *before, timeout=10 * PATIENCE):
        """One attachment that must fail. The target is a child of ours, so proctree's own leak check cannot be used."""
        got = subprocess.run([*before, harness.trapline, "trace", "-o", "/dev/null", "-p", pid], timeout=timeout, text=True,
                             stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(got.returncode, 1, got.stderr)
        self.assertEqual(len(got.stderr.splitlines()), 1, got.stderr)
        return got.stderr

    def test_process_gone(self):
        pid = self.gone()
        text = self.attach(pid)
        self.assertIn(pid, text)
        self.assertIn("no such process", text)

    def test_process_ended(self):
        with subprocess.Popen(["true"]) as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            text = self.attach(str(child.pid))
            self.assertIn("it has ended", text)

    def test_not_permitted(self):
        self.need_root()
        pid = self.sleeper()
        text = self.attach(pid, *NOBODY)
        self.assertIn("Operation not permitted", text)

    def test_oneself(self):
        got = run(["sh", "-c", 'exec "$0" trace -o /dev/null -p $$', harness.trapline])
        self.assert_refused(got, 1)

    def test_traced_by_another(self):
        self.need("strace")
        pid = self.sleeper()
        with subprocess.Popen(["strace", "-o", "/dev/null", "-p", pid], stderr=subprocess.PIPE, text=True) as other:
            self.assertIn("attached", other.stderr.readline())
            text = self.attach(pid)
            other.send_signal(signal.SIGINT)
        self.assertIn(pid, text)
        self.assertIn("already traces it", text)


class Limits(harness.Case):
    """Little to work with: all is as natively, or one line says what is lacking."""

    def limited(self, limit, *before):
        script = f'ulimit {limit}; exec "$0" run --uid 5 -- sh -c "ulimit {limit.split()[0]}"'
        want = run(["sh", "-c", f"ulimit {limit}; ulimit {limit.split()[0]}"]).out
        got = run([*before, "sh", "-c", script, harness.trapline])
        with self.subTest(limit):
            self.assert_works_or_says_why(got, want)

    def test_descriptors(self):
        for n in (4, 5, 6, 8, 10, 12, 16, 20):    # with 3 not even ld.so can work
            self.limited(f"-n {n}")

    def test_descriptors_for_a_tree(self):
        for n in range(4, 14):
            got = run(["sh", "-c", f'ulimit -n {n}; exec "$0" "$@"', harness.trapline, "run", "-r", "/", "--proc", "--", "/bin/true"])
            with self.subTest(n):
                if got.status != 0:
                    self.assertRegex(got.err, r"^trapline: [^\n]*ulimit -n\)\n$")

    def test_address_space(self):
        for kilobytes in (20000, 50000, 200000):
            self.limited(f"-v {kilobytes}")

    def test_processes(self):
        self.need_root()
        for n in (0, 1, 2, 3):
            script = f'ulimit -u {n}; exec "$0" run --uid 5 -- /usr/bin/id -u'
            got = run([*NOBODY, "bash", "-c", script, harness.trapline])
            with self.subTest(n):
                self.assert_works_or_says_why(got, "5\n")

    def test_no_thread(self):
        """Neither an abort of a library nor silence."""
        self.need_root()
        for words in (["run", "--tmpfs", "/mnt"], ["trace", "-o", "/dev/null"]):
            got = run([*NOBODY, "bash", "-c", 'ulimit -u 1; exec "$0" "$@"', harness.trapline, *words, "--", "/bin/true"])
            with self.subTest(words):
                self.assert_refused(got, 1, "Resource temporarily unavailable")

    def test_no_proc(self):
        self.need_root()
        for how in ("umount -l /proc", "mount -t tmpfs none /proc"):
            script = f'{how} && exec "$0" "$@"'
            got = run(["unshare", "-m", "sh", "-c", script, harness.trapline, "run", "--tmpfs", "/mnt", "--", "true"])
            with self.subTest(how):
                self.assert_refused(got, 1, "/proc")

    def test_file_size(self):
        got = run(["sh", "-c", '(ulimit -f 0; exec "$0" run --uid 5 -- id -u) | cat', harness.trapline])
        self.assert_works_or_says_why(got, "5\n")

    def test_policy_about_paths(self):
        """The checked copies are a short file where files must be short; where there is no room at all, it is said once."""
        policy = os.path.join(self.tmp, "policy")
        with open(policy, "w") as f:
            f.write('errno ENOENT open* when path under "/nowhere"\n')
        script = 'ulimit -f {}; exec "$0" run --policy "$1" -- cat /etc/hostname'
        with open("/etc/hostname") as f:
            want = f.read()
        for blocks in (100, 32):
            got = run([*NOBODY, "sh", "-c", script.format(blocks), harness.trapline, policy])
            self.assertEqual((got.status, got.out, got.err), (0, want, ""), blocks)
        got = run([*NOBODY, "sh", "-c", script.format(31), harness.trapline, policy])
        self.assert_refused(got, 1, "ulimit -f")
        self.need_root()
        script = 'umount -l /proc && exec "$0" run --policy "$1" -- cat /etc/hostname'
        got = run(["unshare", "-m", "sh", "-c", script, harness.trapline, policy])
        self.assert_refused(got, 1, "/proc")

    def test_directories_that_cannot_be_written(self):
        for cwd in ("/proc/self", "/sys", "/"):
            got = run([harness.trapline, "run", "--uid", "5", "--", "id", "-u"], cwd=cwd)
            self.assertEqual((got.status, got.out, got.err), (0, "5\n", ""), cwd)

    def test_directory_removed(self):
        got = run(["sh", "-c", 'mkdir x && cd x && rmdir ../x && exec "$0" run --uid 5 -- id -u', harness.trapline],
                  cwd=self.tmp)
        self.assertEqual((got.status, got.out, got.err), (0, "5\n", ""))

    def test_many_arguments(self):
        argv = ["sh", "-c", 'echo $# $(printf "%s" "$*" | cksum)', "sh"] + ["y" * 100000] * 15
        self.assert_same_as_native(argv)

    def test_no_environment(self):
        got = run([harness.trapline, "run", "--uid", "5", "--", "/usr/bin/id", "-u"], env={})
        self.assertEqual((got.status, got.out), (0, "5\n"))


class Privileges(harness.Case):
    def test_an_ordinary_user_needs_none(self):
        self.need_root()
        for mechanism in harness.MECHANISMS:
            with self.subTest(mechanism):
                got = run([*NOBODY, harness.trapline, "run", "--mechanism", mechanism, "--uid", "5", "--", "id", "-u"])
                self.assert_clean(got)
                self.assertEqual((got.status, got.out, got.err), (0, "5\n", ""))


class Forbidden(harness.Case):
    """ptrace or seccomp refused, as strict containers do."""

    def denied(self, calls, mechanism, kill=False):
        options = ["--kill"] if kill else []
        return run([harness.deny_calls, *options, *calls, "--", harness.trapline, "run", "--mechanism", mechanism,
                    "--uid", "5", "--", "id", "-u"])

    def test_ptrace_forbidden(self):
        got = self.denied(["ptrace"], "auto")
        self.assert_clean(got)
        self.assertEqual((got.status, got.out), (0, "5\n"), got.err)
        for mechanism in ("trace", "sysemu", "step"):
            with self.subTest(mechanism):
                self.assert_refused(self.denied(["ptrace"], mechanism), 1, f"'{mechanism}'", "not permitted")

    def test_seccomp_forbidden(self):
        for mechanism in ("auto", "sysemu", "step"):
            with self.subTest(mechanism):
                got = self.denied(["seccomp"], mechanism)
                self.assert_clean(got)
                self.assertEqual((got.status, got.out), (0, "5\n"), got.err)
        for mechanism in ("notify", "trace"):
            with self.subTest(mechanism):
                self.assert_refused(self.denied(["seccomp"], mechanism), 1, f"'{mechanism}'", "not permitted")

    def test_both_forbidden(self):
        for mechanism in harness.MECHANISMS:
            with self.subTest(mechanism):
                self.assert_refused(self.denied(["seccomp", "ptrace"], mechanism), 1)

    def test_fork_forbidden(self):
        self.assert_refused(self.denied(["clone", "clone3", "fork", "vfork"], "auto"), 1)

    def test_a_call_that_kills(self):
        got = self.denied(["ptrace", "seccomp"], "auto", kill=True)
        self.assert_clean(got)
        self.assertNotEqual(got.status, 0)
        self.assertEqual(got.out, "")


class Nested(harness.Case):
    """Inside another tracer, and another tracer inside."""

    def test_under_strace(self):
        self.need("strace")
        for mechanism in harness.MECHANISMS:
            with self.subTest(mechanism):
                got = run(["strace", "-f", "-o", "/dev/null", harness.trapline, "run", "--mechanism", mechanism,
                           "--uid", "5", "--", "id", "-u"])
                self.assert_works_or_says_why(got, "5\n")

    def test_tree_under_another(self):
        self.need("strace")
        tree = [harness.trapline, "run", "--tmpfs", "/mnt", "--", "echo", "hi"]
        for outer in (["strace", "-f", "-o", "/dev/null"], [harness.trapline, "run", "-r", "/", "--"]):
            with self.subTest(outer):
                got = run(outer + tree)
                self.assert_clean(got)
                self.assertIn("another file tree needs ptrace", got.err)
                self.assertNotIn("hi", got.out)

    def test_under_gdb(self):
        self.need("gdb")
        got = run(["gdb", "-q", "-batch", "-nx", "-ex", "run", "--args", harness.trapline, "run", "--uid", "5", "--",
                   "id", "-u"], timeout=60)
        self.assert_clean(got)
        lines = got.out.splitlines()
        self.assertTrue("5" in lines or "trapline" in got.err, got.out + got.err)

    def test_under_trapline(self):
        inner = [harness.trapline, "run", "--uid", "7", "--", "id", "-u"]
        for mechanism in harness.MECHANISMS:
            with self.subTest(mechanism):
                got = run([harness.trapline, "run", "--mechanism", mechanism, "--uid", "5", "--"] + inner)
                # A ptrace stop comes before the filter: step and sysemu answer before an inner trapline is asked.
                self.assert_works_or_says_why(got, "5\n" if mechanism in ("step", "sysemu") else "7\n")

    def test_strace_inside(self):
        self.need("strace")
        self.need_root()    # strace -f asks for its own user id back, which is not 5
        got = run([harness.trapline, "run", "--mechanism", "notify", "--no-ptrace", "--uid", "5", "--",
                   "strace", "-f", "-o", "/dev/null", "id", "-u"])
        self.assert_clean(got)
        self.assertEqual((got.status, got.out, got.err), (0, "5\n", ""))


if __name__ == "__main__":
    harness.main()
