"""Command lines that make no sense: one line on stderr, with the nearest right word, and status 2."""
import os

import harness
from harness import run


class Main(harness.Case):
    needs = "help"

    def test_help_lists_subcommands(self):
        got = run([harness.trapline, "help"])
        self.assertEqual((got.status, got.err), (0, ""))
        self.assertEqual(got.out, run([harness.trapline, "--help"]).out)
        for name in harness.subcommands() - {"help", "version"}:
            text = run([harness.trapline, "help", name])
            self.assertEqual((text.status, text.err), (0, ""), name)
            self.assertTrue(text.out.lower().startswith("usage: trapline " + name), text.out[:80])
            self.assertEqual(run([harness.trapline, name, "--help"]).out, text.out)

    def test_no_subcommand(self):
        got = run([harness.trapline])
        self.assertEqual((got.status, got.out), (2, ""))
        self.assertIn("Usage:", got.err)

    def test_unknown_subcommand(self):
        self.assert_refused(run([harness.trapline, "vesion"]), 2, "'vesion'", "did you mean 'version'?")
        self.assert_refused(run([harness.trapline, "help", "vesion"]), 2, "did you mean 'version'?")
        self.assert_refused(run([harness.trapline, "xyzzy"]), 2, "'xyzzy'", "trapline help")
        self.assert_refused(run([harness.trapline, ""]), 2)

    def test_odd_argv0(self):
        for name in ("", "-trapline", "x" * 4096):
            got = run(["bash", "-c", 'exec -a "$1" "$2" version', "bash", name, harness.trapline])
            self.assertEqual((got.status, got.err), (0, ""))
            self.assertTrue(got.out.startswith("trapline "))

    def test_full_and_closed_output(self):
        got = run(["sh", "-c", '"$0" help >/dev/full', harness.trapline])
        self.assert_refused(got, 1, "standard output", "No space left on device")
        for words in (["policy", "check", "-"], ["policy", "explain", "--all", "-"], ["doctor", "--json"]):
            if words[0] in harness.subcommands():
                got = run(["sh", "-c", '"$0" "$@" >/dev/full </dev/null', harness.trapline, *words])
                self.assert_refused(got, 1, "standard output")
        got = run(["sh", "-c", 'exec "$0" help >&- 2>&- <&-', harness.trapline])
        self.assert_clean(got)


class Run(harness.Case):
    def refused(self, *words, says=()):
        self.assert_refused(run([harness.trapline, "run", *words]), 2, "trapline run: ", *says)

    def test_options(self):
        self.refused("--mechansim", "notify", "true", says=["'--mechansim'", "did you mean '--mechanism'?"])
        self.refused("-Q", "true", says=["'-Q'"])
        self.refused("--uid", says=["'--uid' needs a value"])
        for mechanism in ("trace", "sysemu", "step"):
            self.refused("--no-ptrace", "--mechanism", mechanism, "true", says=["--no-ptrace", mechanism])
        self.refused("--uid", "-1", "true", says=["--uid", "'-1'"])
        self.refused("--uid", "4294967295", "true", says=["4294967295"])
        self.refused("--gid", "root", "true", says=["--gid", "'root'"])
        self.refused("--mechanism", "notfy", "true", says=["'notfy'", "did you mean 'notify'?"])
        self.refused("--hostname", "x" * 65, "true", says=["--hostname"])
        self.refused("--hostname", "", "true", says=["--hostname"])

    def test_proots_words(self):
        def says(*words):
            got = run([harness.trapline, "run", *words])
            self.assertEqual((got.status, got.err), (0, ""), words)
            return got.out
        self.assertEqual(says("-i", "5:6", "--", "sh", "-c", "id -u; id -g"), "5\n6\n")
        self.assertEqual(says("--change-id", "5", "--", "id", "-g"), "5\n")
        self.assertEqual(says("-k", "5.4.0-x", "--", "uname", "-r"), "5.4.0-x\n")
        self.assertEqual(says("-k", "5.4.0-x", "--proc", "--", "cat", "/proc/sys/kernel/osrelease"), "5.4.0-x\n")
        self.assertEqual(says("-m", "/etc:/x", "--mount", "/usr:/y", "--pwd", "/x", "--", "pwd"), "/x\n")
        self.refused("-i", "5:", "true", says=["-i", "''"])
        self.refused("-i", "x:5", "true", says=["-i", "'x'"])
        self.refused("-k", "", "true", says=["--kernel-release"])
        self.refused("--audit", "/dev/null", "true", says=["--policy"])

    def test_values_of_mounts(self):
        """One line, not the policy's statement with a caret that the option stands for."""
        self.refused("--tmpfs", "/x:size=abc", "true", says=["size=abc"])
        self.refused("--tmpfs", "/x:mode=999", "true", says=["mode=999"])
        self.refused("-r", "", "true", says=['""'])
        self.refused("-b", "/tmp:/x", "-b", "/etc:/x", "true", says=["second mount", "/x"])

    def test_no_command(self):
        self.refused(says=["command"])
        self.refused("--", says=["command"])


class Policy(harness.Case):
    needs = "policy"

    def refused(self, *words, status=2, says=()):
        self.assert_refused(run([harness.trapline, "policy", *words]), status, "trapline policy", *says)

    def test_call(self):
        """Three lines: what, the call, a caret."""
        got = run([harness.trapline, "policy", "test", "/dev/null", "openatt(1)"])
        self.assertEqual((got.status, got.out), (2, ""))
        self.assertEqual(got.err.splitlines()[1:], ["  openatt(1)", "  ^"])
        self.assertTrue(got.err.splitlines()[0].endswith("did you mean openat?"), got.err)

    def test_files(self):
        self.refused("check", "", status=1, says=["''"])
        self.refused("import", "/tmp", status=1, says=["/tmp: Is a directory"])
        self.refused("learn", "--from", "/tmp", status=1, says=["/tmp: Is a directory"])
        self.refused("learn", "--from", "/dev/null", status=1, says=["an empty trace"])
        self.refused("test", "--cwd", "x", "/dev/null", "getuid()", says=["'x'"])

    def test_learning_from_nothing(self):
        got = run([harness.trapline, "policy", "learn", "no-such-command"])
        self.assert_refused(got, 1, "no-such-command")

    def test_learning_in_another_place(self):
        """TMPDIR is where its trace is kept meanwhile."""
        got = run([harness.trapline, "policy", "learn", "true"], env={**os.environ, "TMPDIR": "/no/such"})
        self.assert_refused(got, 1, "trapline policy learn: /no/such/")


class Trace(harness.Case):
    needs = "trace"

    def refused(self, *words, says=()):
        self.assert_refused(run([harness.trapline, "trace", *words]), 2, "trapline trace: ", *says)

    def test_names(self):
        self.refused("-e", "trace=opennat", "true", says=["'opennat'", "did you mean 'openat'?"])
        self.refused("-e", "trace=read,wirte", "true", says=["'wirte'", "did you mean 'write'?"])
        self.refused("-e", "trace=%fiel", "true", says=["'%fiel'", "did you mean '%file'?"])
        self.refused("-e", "trace=/(", "true", says=["("])
        self.refused("-e", "signal=SIGTREM", "true", says=["TREM"])

    def test_options(self):
        self.refused("--jsno", "true", says=["did you mean '--json'?"])
        self.refused("-s", "many", "true", says=["'many'"])
        self.refused("-p", "x1", says=["'x1'"])
        self.refused("-p", "0", says=["0"])
        self.refused("-o", says=["-o"])

    def test_dumps_are_text(self):
        self.refused("--json", "-e", "read=0", "true", says=["--json", "-e read="])

    def test_neither_command_nor_process(self):
        self.refused(says=["command"])


if __name__ == "__main__":
    harness.main()
