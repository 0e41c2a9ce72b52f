#!/usr/bin/env python3
"""A program's own test suite, verdict by verdict: natively, then under trapline in each way.

verdicts.py [--trapline BIN] [--ways NAME,...] [--form FORM] [--user NAME] [--disk DIR] [--log FILE] [--timeout S] [--keep] [--list]
    [--show] [--cwd DIR] [--] CMD [ARG...]

CMD runs with TMPDIR, HOME and WORK (an empty directory of the way's file system) in its environment, in WORK or in --cwd. What it
prints is read in one of the forms of test suites (go, tap, automake, autotest, busybox, unittest, archive, padded, tcl, acl, lines);
names are those of the last line "## NAME" before, if there is one. Prints for each way how many tests passed, and which have another verdict than
natively as the same user; the last line is "N same, M differ". --log has what CMD printed.
"""
import argparse
import os
import pwd
import re
import shutil
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HOME, "..", "..", "tests/guest"))
sys.dont_write_bytecode = True
import proctree  # noqa: E402

# Form: what a line with a verdict looks like. Times and reasons are no part of it.
FORMS = {
    "go": r"^\s*--- (?P<verdict>PASS|FAIL|SKIP): (?P<name>\S+)|^(?P<worst>panic: .*|fatal error: .*)",
    "tap": r"^(?P<verdict>ok|not ok) (?P<name>\d+[^#]*(# (TODO|skip|SKIP))?)",
    "automake": r"^(?P<verdict>PASS|FAIL|XFAIL|XPASS|SKIP|ERROR): (?P<name>\S+)",
    "autotest": r"^\s*(?P<name>\d+: .*?)\s+(?P<verdict>ok|FAILED|skipped|expected failure|UNEXPECTED PASS)\b",
    "busybox": r"^(?P<verdict>PASS|FAIL|SKIPPED|UNTESTED): (?P<name>.*)",
    "unittest": r"^(?P<name>test\w* \([\w.]+\)).*? \.\.\. (?P<verdict>ok|FAIL|ERROR|skipped|expected failure)",
    "archive": r"^\s*\d+: (?P<name>test_\w+)\s+(?P<verdict>ok|FAIL.*|skip.*)\s*$|^\s*(?P<worst>Skips reported: .*)",
    "padded": r"^(?P<verdict>PASS|FAIL|XFAIL|SKIP|ERROR)\s+(?P<name>[\w.-]+)",
    "tcl": r"^[+=]{4} (?P<name>\S+) .*?(?P<verdict>PASSED|FAILED|SKIPPED)\b",
    "acl": r"^\[\d+\] (?P<name>.*?) -- (?P<verdict>ok|failed)",
    "lines": r"^(?P<name>.*)(?P<verdict>)$",
}
GOOD = ("ok", "PASS", "PASSED", "XFAIL", "expected failure", "UNEXPECTED PASS", "")
# Way: the options of run (or of trace), as whom natively, as whom under trapline.
OVERLAY = "{base}/lower:{base}/upper:{base}/work"
FILES = {"host": ["-r", "/"], "tmpfs": ["-r", "/", "--tmpfs", "{base}/work:mode=01777"], "overlay": ["-r", "/", "--overlay", OVERLAY],
         "memory": ["-r", "/", "--overlay", "{base}/lower::{base}/work"], "root": ["--overlay", "/"]}
SYSTEM = ["--proc", "--dev"]
WAYS = {name: (["run", *options, *SYSTEM], None, None) for name, options in FILES.items()}
WAYS |= {name + " user": (["run", *options, *SYSTEM], "user", "user") for name, options in FILES.items()}
WAYS |= {name + " -0": (["run", *options, *SYSTEM, "-0"], None, "user") for name, options in FILES.items()}
WAYS |= {name: (["run", "--uid", "0", "--mechanism", name], None, None) for name in ("step", "sysemu", "trace", "notify")}
WAYS |= {"traced": (["trace", "-o", "/dev/null"], None, None), "traced openat": (["trace", "-e", "openat", "-o", "/dev/null"], None, None)}


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--ways", default="host,tmpfs,root,host -0")
    p.add_argument("--form", default="tap", choices=FORMS)
    p.add_argument("--user", default="nobody")
    p.add_argument("--cwd")
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=900)
    p.add_argument("--log", default="/tmp/trapline-verdicts.log")
    p.add_argument("--keep", action="store_true", help="leave the directories")
    p.add_argument("--show", action="store_true", help="print what CMD prints natively, and end")
    p.add_argument("--list", action="store_true")
    p.add_argument("cmd", nargs="*")
    opts = p.parse_args()
    if opts.list:
        print("\n".join(WAYS))
        sys.exit(0)
    if os.getuid() != 0 or not opts.trapline or not opts.cmd:
        p.error("needs root, a trapline and a command")
    opts.trapline = os.path.abspath(opts.trapline)
    return opts


def verdicts(form, text):
    """Test to verdict; a name that comes again is numbered, so that each has its own."""
    found, section, seen = {}, "", {}
    for line in text.splitlines():
        if re.match(r"## \w", line):
            section = line[3:] + ": "
            continue
        match = re.search(FORMS[form], line)
        if not match:
            continue
        parts = match.groupdict()
        name = section + (parts.get("worst") or parts["name"].strip())
        seen[name] = seen.get(name, 0) + 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = (parts["verdict"] or "").strip()
    return found


def run(opts, user, way):
    base = tempfile.mkdtemp(prefix="trapline-verdicts-", dir=opts.disk)
    try:
        os.chmod(base, 0o755)
        for name in ("work", "lower", "upper"):
            os.mkdir(f"{base}/{name}")
            os.chmod(f"{base}/{name}", 0o1777 if name == "work" else 0o777)
        argv = ["nice"]
        if user:
            argv += ["setpriv", "--reuid", opts.user, "--regid", str(pwd.getpwnam(opts.user).pw_gid), "--clear-groups"]
        cwd = opts.cwd or base + "/work"
        if way:
            argv += [opts.trapline, *(part.format(base=base) for part in way)]
            argv += ["-w", cwd] if "-r" in way or "--overlay" in way else []
            argv += ["--"]
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": base + "/work",
               "TMPDIR": base + "/work", "WORK": base + "/work"}
        started = time.monotonic()
        outcome = proctree.run(argv + opts.cmd, opts.timeout, env=env, cwd=cwd)
        outcome.seconds = time.monotonic() - started
        outcome.said = (outcome.out.decode(errors="replace") + "\n" + outcome.err).replace(base, "BASE")
        outcome.tests = verdicts(opts.form, outcome.said.partition("\nat the time limit:\n")[0])
        return outcome
    finally:
        if not opts.keep:
            shutil.rmtree(base, ignore_errors=True)


def report(name, outcome, natively=None):
    """How many verdicts are not the native ones; they are printed."""
    good = sum(v in GOOD for v in outcome.tests.values())
    want = natively.tests if natively else outcome.tests
    names = sorted(n for n in want | outcome.tests if want.get(n) != outcome.tests.get(n))
    more = f"; {len(names)} differ" if natively else ""
    print(f"{name:14} {good:5} of {len(outcome.tests)} pass, {outcome.text()}, {outcome.seconds:.0f} s{more}", flush=True)
    for n in names[:60]:
        print(f"    {n}: {outcome.tests.get(n, 'absent')}, natively {want.get(n, 'absent')}", flush=True)
    if natively and (outcome.hang or outcome.leaked):
        print(f"    left over: {outcome.leaked or 'hang'}")
        return max(len(names), 1)
    return len(names)


def main():
    opts = parse()
    proctree.become_subreaper()
    known, same, differ = {}, 0, 0
    with open(opts.log, "w") as log:
        for name in opts.ways.split(","):
            options, native_user, user = WAYS[name]
            if native_user not in known:
                first = known[native_user] = run(opts, native_user, None)
                log.write(f"==== natively, {native_user or 'root'}\n{first.said}\n")
                report("natively" + (" user" if native_user else ""), first)
                if opts.show:
                    print(first.said)
                    return 0
            outcome = run(opts, user, options)
            log.write(f"==== {name}\n{outcome.said}\n")
            log.flush()
            different = report(name, outcome, known[native_user])
            differ += different
            same += max(len(known[native_user].tests) - different, 0)
    print(f"{same} same, {differ} differ; details in {opts.log}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
