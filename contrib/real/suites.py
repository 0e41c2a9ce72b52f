#!/usr/bin/env python3
"""Suites of Python's standard library, test by test: natively, then on each of trapline's trees.

suites.py [--trapline BIN] [--tree DIR] [--only test_os,...] [--ways NAME,...] [--user NAME] [--log FILE] [--list]
    [--sqlite-tests DIR]

The suites are those of Debian's python3 (libpython3.11-testsuite). The ways of the first group share this machine's root; the
second group is inside --tree (a Debian tree with python3, see debian.py; the tests are bound there if it has none), compared with
a chroot. Prints suite by way: how many tests have another verdict than natively (names and reasons go to --log), then the last line
"N same, M differ". Root is needed (a chroot, a change of user).
"""
import argparse
import glob
import os
import pwd
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree

HOME = os.path.dirname(os.path.abspath(__file__))
for folder in ("tests/guest", "tests/differential"):
    sys.path.insert(0, os.path.join(HOME, "..", "..", folder))
sys.dont_write_bytecode = True
import proctree  # noqa: E402
import ways as mounts  # noqa: E402

SUITES = ("test_os", "test_posix", "test_pathlib", "test_shutil", "test_tempfile", "test_glob", "test_mmap", "test_fcntl",
          "test_zipfile", "test_tarfile", "test_sqlite3")
MISSING = "test_sqlite3"    # not in Debian's package: taken from another CPython 3.11
OTHER = "/root/.pyenv/versions/3.11*/lib/python3.11/test/"
PYTHON = "/usr/bin/python3"
TESTS = "/usr/lib/python3.11/test"
# Way: place of the temporary files, as whom natively, as whom under trapline, with -0.
HERE = {"host": ("host", None, None, False), "host user": ("host", "user", "user", False), "tmpfs": ("tmpfs", None, None, False),
        "tmpfs user": ("tmpfs", "user", "user", False), "overlay": ("overlay", None, None, False),
        "overlay user": ("overlay", "user", "user", False), "memory": ("memory", None, None, False),
        "host -0": ("host", None, "user", True), "overlay -0": ("overlay", None, "user", True), "tmpfs -0": ("tmpfs", None, "user", True)}
TREE = {"tree": ("tree", None, None, False), "tree -0": ("tree", None, None, True), "tree user": ("tree", "user", "user", False),
        "tree user -0": ("tree", None, "user", True)}


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--tree", default="/var/tmp/trapline/root")
    p.add_argument("--only", default=",".join(SUITES))
    p.add_argument("--ways", default=",".join([*HERE, *TREE]))
    p.add_argument("--user", default="nobody")
    p.add_argument("--sqlite-tests", default=next(iter(glob.glob(OTHER + MISSING)), None))
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=600)
    p.add_argument("--log", default="/tmp/trapline-suites.log")
    p.add_argument("--list", action="store_true")
    return p.parse_args()


def become(opts, user):
    return ["setpriv", "--reuid", opts.user, "--regid", str(pwd.getpwnam(opts.user).pw_gid), "--clear-groups"] if user else []


def options(opts, place, base):
    """What makes the tree; the temporary files are in WORK."""
    work = base + "/work"
    if place == "tree":
        found = ["-r", opts.tree, "-b", base + "/out", "--tmpfs", work + ":mode=01777"]
        return found if os.path.exists(opts.tree + TESTS + "/test_os.py") else [*found, "-b", TESTS]
    found = ["-r", "/"]
    if place == "tmpfs":
        found += ["--tmpfs", work + ":mode=01777"]
    if place == "overlay":
        found += ["--overlay", f"{base}/lower:{base}/upper:{work}"]
    if place == "memory":
        found += ["--overlay", f"{base}/lower::{work}"]
    return found


def enter(opts, base):
    """The native tree: a chroot in a mount namespace of its own, with nothing written in it."""
    mounts.own_mounts()
    root = base + "/root"
    mounts.mount("overlay", root, "overlay", 0, f"lowerdir={opts.tree},upperdir={base}/upper,workdir={base}/lower")
    mounts.mount("proc", root + "/proc", "proc")
    mounts.mount("/dev", root + "/dev", None, mounts.MS_BIND | mounts.MS_REC)
    for folder in (base + "/out", base + "/work", TESTS):
        os.makedirs(root + folder, exist_ok=True)
        mounts.mount(folder, root + folder, None, mounts.MS_BIND)
    os.chroot(root)
    os.chdir(base + "/work")


def verdicts(path):
    """Test to verdict, from JUnit's XML; a test with several subtests has its worst one's."""
    found = {}
    try:
        cases = xml.etree.ElementTree.parse(path).getroot().iter("testcase")
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    for case in cases:
        verdict, why = "ok", ""
        for kind in ("skipped", "error", "failure"):
            for child in case.iter(kind):
                verdict, why = kind, (child.text or child.get("message") or "").strip()
        name = case.get("name")
        if found.get(name, ("ok", ""))[0] in ("ok", "skipped"):
            found[name] = (verdict, why)
    return found


def run(opts, suite, place, user, prefix):
    base = tempfile.mkdtemp(prefix="trapline-suites-", dir=opts.disk)
    try:
        os.chmod(base, 0o755)
        for name in ("work", "out", "lower", "upper", "root"):
            os.mkdir(f"{base}/{name}")
            os.chmod(f"{base}/{name}", 0o1777 if name == "work" else 0o777)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": base + "/work", "TMPDIR": base + "/work"}
        if suite == MISSING and opts.sqlite_tests:
            for name in ("support", "libregrtest"):
                shutil.copytree(f"{TESTS}/{name}", f"{base}/out/test/{name}")
            for name in ("__init__.py", "__main__.py"):
                shutil.copy(f"{TESTS}/{name}", f"{base}/out/test/")
            shutil.copytree(opts.sqlite_tests, f"{base}/out/test/{MISSING}")
            env["PYTHONPATH"] = base + "/out"
        argv = [*become(opts, user), *prefix(base), PYTHON, "-m", "test", "--junit-xml", base + "/out/xml", suite]
        before = (lambda: enter(opts, base)) if place == "tree" and not prefix(base) else None
        started = time.monotonic()
        outcome = proctree.run(argv, opts.timeout, env=env, cwd=base + "/work", preexec=before)
        outcome.seconds = time.monotonic() - started
        outcome.tests = verdicts(base + "/out/xml")
        return outcome
    finally:
        shutil.rmtree(base, ignore_errors=True)


def natively(opts, known, suite, place, user):
    key = suite, place == "tree", user
    if key not in known:
        known[key] = run(opts, suite, "tree" if place == "tree" else "host", user, lambda base: [])
    return known[key]


def compare(log, suite, way, want, got):
    if not got.tests or not want.tests:
        said = got.out[-3000:].decode(errors="replace") + got.err[-4000:]
        log.write(f"==== {suite}, {way}: no verdicts; {got.text()}, natively {want.text()}\n{said}\n")
        return "none" if not got.hang else "hang"
    different = 0
    for name in sorted(set(want.tests) | set(got.tests)):
        a, b = want.tests.get(name, ("absent", "")), got.tests.get(name, ("absent", ""))
        if a[0] != b[0]:
            different += 1
            log.write(f"==== {suite}, {way}: {name}: {b[0]}, natively {a[0]}\n{b[1][-1500:]}\n")
            log.write(f"-- natively: {a[1][-600:]}\n" if a[1] else "")
    if got.leaked:
        log.write(f"==== {suite}, {way}: left over\n{got.leaked}\n")
        different += 1
    log.flush()
    return different


def main():
    opts = parse()
    columns = {w: {**HERE, **TREE}[w] for w in opts.ways.split(",")}
    if opts.list:
        print("\n".join(opts.only.split(",")), "\n".join(columns), sep="\n")
        return 0
    if os.getuid() != 0 or not opts.trapline:
        print("skipped: not root, or no trapline", file=sys.stderr)
        return 77
    opts.trapline = os.path.abspath(opts.trapline)
    proctree.become_subreaper()
    same = differ = 0
    with open(opts.log, "w") as log:
        print(f"{'suite':14} {'native':>14}", *(f"{w:>12}" for w in columns), flush=True)
        for suite in opts.only.split(","):
            known = {}
            first = natively(opts, known, suite, next(iter(columns.values()))[0], next(iter(columns.values()))[1])
            print(f"{suite:14} {len(first.tests or ()):5} {first.seconds:6.1f} s", end=" ", flush=True)
            for way, (place, user_native, user, root) in columns.items():
                want = natively(opts, known, suite, place, user_native)
                got = run(opts, suite, place, user, lambda base: [
                    opts.trapline, "run", *options(opts, place, base), "--proc", "--dev", *(["-0"] if root else []),
                    "-w", base + "/work", "--"])
                verdict = compare(log, suite, way, want, got)
                count = verdict if isinstance(verdict, int) else max(len(want.tests or ()), 1)
                differ += count
                same += max(len(want.tests or ()) - count, 0)
                print(f"{verdict!s:>12}", end=" ", flush=True)
            print(flush=True)
    print(f"{same} same, {differ} differ; details in {opts.log}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
