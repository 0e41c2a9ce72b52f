"""What the command-line tests share: run trapline, or the same command natively, and know all that it left behind.

A test file is run as FILE TRAPLINE DENY_CALLS. What cannot be tried here is skipped with its reason; exit status 77 when
nothing could be tried.
"""
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
import proctree  # noqa: E402
from proctree import PATIENCE  # noqa: E402

# Who is not root will do for nobody.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
MECHANISMS = ("auto", "notify", "trace", "sysemu", "step")
WATCHING = ("auto", "trace", "step")

trapline = ""
deny_calls = ""


def run(argv, timeout=30, **options):
    """A proctree.Outcome whose .out is text."""
    got = proctree.run(argv, timeout * PATIENCE, **options)
    got.out = got.out.decode(errors="replace")
    return got


@functools.cache
def subcommands():
    text = subprocess.run([trapline, "help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * PATIENCE,
                          check=False).stdout
    return {line.split()[0] for line in text.splitlines() if line.startswith("  ")}


def ways(native=False):
    """The ways to run a command that must not show, as far as this build has them: a name and the words before it."""
    known = subcommands()
    found = [("native", [])] if native else []
    if "run" in known:
        found += [(f"run {m}", [trapline, "run", "--mechanism", m, "--"]) for m in MECHANISMS]
        found.append(("run files", [trapline, "run", "--tmpfs", "/mnt", "--"]))
    if "trace" in known:
        found += [(f"trace {m}", [trapline, "trace", "--mechanism", m, "-o", "/dev/null", "--"]) for m in WATCHING]
    return found


class Case(unittest.TestCase):
    maxDiff = 3000
    needs = "run"

    def setUp(self):
        if self.needs not in subcommands():
            self.skipTest(f"this build has no 'trapline {self.needs}'")
        self.tmp = tempfile.mkdtemp(prefix="trapline-cli-")
        os.chmod(self.tmp, 0o755)
        self.addCleanup(shutil.rmtree, self.tmp, True)

    def need(self, program):
        if not shutil.which(program):
            self.skipTest(f"{program} is not installed")

    def need_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")

    def assert_clean(self, got):
        self.assertFalse(got.hang, f"hang\n{got.err}")
        self.assertEqual(got.leaked, "", f"left running\n{got.err}")

    def assert_refused(self, got, status, *words):
        """One clear line from trapline on stderr that has these words, nothing on stdout, this status, no guest left."""
        self.assert_clean(got)
        self.assertEqual(got.status, status, got.err)
        self.assertEqual(got.out, "")
        lines = got.err.splitlines()
        self.assertEqual(len(lines), 1, got.err)
        self.assertTrue(lines[0].startswith("trapline"), got.err)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_works_or_says_why(self, got, out, status=0):
        """Either all is as it should be, or trapline could not and says so in one line."""
        self.assert_clean(got)
        if got.status == status and got.out == out:
            return
        self.assertEqual(got.status, 1, f"status {got.status}, wrote {got.out!r}, not {out!r}\n{got.err}")
        self.assertEqual(got.out, "")
        lines = [line for line in got.err.splitlines() if line.startswith("trapline")]
        self.assertEqual(len(lines), 1, got.err)

    def assert_same_as_native(self, argv, **options):
        """Status, output and errors under every mechanism are those of the native run."""
        want = run(argv, **options)
        self.assert_clean(want)
        for name, words in ways():
            with self.subTest(name):
                got = run(words + argv, **options)
                self.assert_clean(got)
                self.assertEqual((got.status, got.out, got.err), (want.status, want.out, want.err))


def main():
    global trapline, deny_calls
    trapline, deny_calls = (os.path.abspath(path) for path in sys.argv[1:3])
    del sys.argv[1:3]
    os.environ["LC_ALL"] = "C.UTF-8"
    os.umask(0o022)
    proctree.become_subreaper()
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
