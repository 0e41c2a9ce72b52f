#!/usr/bin/env python3
"""strace's own tests with `trapline trace` in strace's place: how many pass with strace, how many with trapline.

strace_suite.py [--dir DIR] [--trapline BIN] [--strace BIN] [--only NAME,...] [--jobs N] [--log DIR]

The source of strace 6.1 (GPL, never part of trapline) comes from this machine's Debian mirror and is built in DIR, once. A test that
the installed strace does not pass here says nothing and is left out. Prints the tests that trapline does not pass, those that differ
on purpose with the reason. Names that strace 6.1 does not know yet are taken for their numbers. Last line: "N passed, N failed, N differ on purpose". What a test said is in --log. Exit 77 without the
source or a compiler.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

VERSION = "6.1"
MIRROR = "http://deb.debian.org/debian/pool/main/s/strace"
ENVIRONMENT = {"srcdir": ".", "STRACE_ARCH": "x86_64", "STRACE_NATIVE_ARCH": "x86_64", "SIZEOF_LONG": "8", "SIZEOF_KERNEL_LONG_T": "8",
               "MIPS_ABI": "", "CC": "gcc", "LC_ALL": "C", "ENABLE_STACKTRACE": "no"}

ON_PURPOSE = (
    ("bpf-obj_get_info_by_fd-prog*", "the log that the verifier wrote is shown, not what was there before"),
    ("bpf-success-long-y", "descriptors of other processes are not named as if they were the caller's"),
    ("nsyscalls*", "calls of newer kernels have names"),
    ("epoll_pwait2*", "what the caller gave is shown also when the call failed"),
    ("clone_ptrace*", "trapline follows all tasks; a guest cannot trace what trapline traces"),
    ("ptrace*", "trapline follows all tasks; a guest cannot trace what trapline traces"),
    ("fsmount.gen", "flags that the kernel takes have names"),
    ("landlock_restrict_self*", "flags of newer kernels have names"),
    ("count*", "times are by the wall clock, unless asked"),
    ("strace-Y-0123456789*", "the parent is called trapline"),
    ("strace--decode-pids-comm*", "the parent is called trapline"),
    ("strace-S", "the table has two more columns"),
    ("strace-C", "the table has two more columns"),
    ("options-syntax", "messages are trapline's own"),
    ("qual_*-syntax", "messages are trapline's own"),
    ("filtering_*-syntax", "messages are trapline's own"),
    ("fflush", "messages are trapline's own"),
    ("first_exec_failure", "messages are trapline's own"),
)


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--dir", default="/var/tmp/strace-suite")
    p.add_argument("--trapline", default=shutil.which("trapline"))
    p.add_argument("--strace", default=shutil.which("strace"))
    p.add_argument("--only")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--log", default="/tmp/strace-suite-log")
    return p.parse_args()


def build(folder):
    """The tests directory, made first if there is none; None if it cannot be."""
    top = os.path.join(folder, "strace-" + VERSION)
    if not os.path.exists(os.path.join(top, "built")):
        os.makedirs(folder, exist_ok=True)
        archive = os.path.join(folder, f"strace_{VERSION}.orig.tar.xz")
        steps = [] if os.path.exists(archive) else [
            (["/usr/lib/apt/apt-helper", "download-file", f"{MIRROR}/{os.path.basename(archive)}", archive], folder)]
        steps += [(["tar", "xf", archive], folder), (["./configure", "--enable-mpers=no"], top), (["make"], top),
                  (["make", "-C", "tests", "check", "TESTS="], top), (["touch", "built"], top)]
        for command, where in steps:
            if subprocess.run(command, cwd=where, stdout=subprocess.DEVNULL, check=False).returncode:
                print("cannot", *command)
                return None
    return os.path.join(top, "tests")


# ---- as strace: without -f only the first task is in the file, and no ids ----

def what_is_asked(args):
    """The trace's file, whether tasks are followed, and the column of results."""
    file, follow, column, i = None, False, 40, 0
    while i < len(args) and args[i].startswith("-") and args[i] != "--":
        arg = args[i]
        follow = follow or arg.startswith("--follow") or bool(re.match(r"-[A-DFcdhiknqrtvwxyzYZ]*f", arg))
        if arg == "-o":
            file = args[i + 1]
        elif arg.startswith("--output="):
            file = arg[9:]
        elif arg == "-a":
            column = int(args[i + 1])
        elif re.match(r"-a\d|--columns=", arg):
            column = int(re.sub(r"\D", "", arg))
        i += 2 if arg in ("-e", "-s", "-a", "-P", "-E", "-p", "-S", "-U", "-O", "-u", "-I", "-b", "-X", "-o") else 1
    # as strace: with several processes each line says whose it is
    return file, follow or sum(a == "-p" for a in args[:i]) + (i < len(args)) > 1, column


def padded(line, call, result, column):
    return (line[:call] + b" ").ljust(column) + line[result:]


def of_one_task(text, column):
    """The first task's lines, its broken ones joined, without ids."""
    lines, begun = [], None
    tasks = [int(t) for t in re.findall(rb"(?m)^(\d+)[ <]", text)]
    first = b"%d" % min(tasks) if tasks else None
    for line in text.splitlines(True):
        head = re.match(rb"(\d+)(?:<[^>]*>)? +" if re.match(rb"\d{1,4}[ <]", line) else rb"(\d+)(?:<[^>]*>)? ", line)
        if not head:
            lines.append(line)
            continue
        if head[1] != first:
            continue
        line = line[head.end():]
        end = re.search(rb"\) +(?== )", line[:column + 2])
        if end:     # its column counted the id
            line = padded(line, end.start() + 1, end.end(), column)
        rest = re.match(rb"(?:\[[0-9a-f?]+\] |[0-9.:]+ )*<\.\.\. \w+ resumed>(.*)", line, re.S)
        if begun is not None and rest:
            end = re.search(rb"\) +(?== )", rest[1])
            line, begun = begun + rest[1], None
            if end:
                line = padded(line, len(line) - len(rest[1]) + end.start() + 1, len(line) - len(rest[1]) + end.end(), column)
        if line.endswith(b" <unfinished ...>\n"):
            begun = line[:-len(b" <unfinished ...>\n")]
        else:
            lines.append(line)
    return b"".join(lines + ([begun + b" <unfinished ...>\n"] if begun is not None else []))


# ---- names that strace 6.1 does not know are taken back to numbers ----

def newer_names(strace, folder):
    """{name: (value, what an unknown value is commented with)} of trapline's constants that are not in strace's binary
    (where the end of a string may be another)."""
    with open(strace, "rb") as f:
        binary = f.read()
    known = set(re.findall(rb"[A-Za-z_][A-Za-z0-9_]+", binary))
    names, unknown = {}, "-"
    for path in glob.glob(os.path.join(folder, "*.tbl")):
        with open(path, encoding="utf-8") as f:
            for line in f:
                words = line.split("#", 1)[0].split()
                if words and not line[0].isspace():
                    unknown = words[2] if len(words) > 2 else "-"
                elif len(words) == 2 and words[0] != "+" and words[0].encode() not in known:
                    names.setdefault(words[0], (number(words[1].split("/")[0]), unknown))
    return {n: v for n, v in names.items() if n.encode() + b"\0" not in binary}


def number(text):
    return int(text, 8) if re.fullmatch(r"0[0-7]+", text) else int(text, 0)


def older(text, names):
    """A|NEW|0x100 becomes A|0x180, NEW alone 0x80 /* X_??? */."""
    def value(match):
        parts = match[2].split("|")
        new = [p for p in parts if p in names]
        if not new:
            return match[0]
        kept = [p for p in parts if p not in names and not p.startswith("0x")]
        elsewhere = match[1] or match.string.endswith("sqe_op=", 0, match.start())
        if names[new[0]][1] == "IORING_OP_???" and not elsewhere:    # shown in decimal
            return f"{names[new[0]][0]} /* IORING_OP_??? */"
        rest = sum(names[p][0] for p in new) | sum(int(p, 16) for p in parts if p.startswith("0x"))
        unknown = names[new[0]][1]
        if match[1]:    # a comment behind a number
            return match[1] + ("|".join(kept + [hex(rest)]) if kept else unknown)
        if kept:
            return "|".join(kept + [hex(rest)])
        return hex(rest) + (f" /* {unknown} */" if unknown != "-" else "")

    if not names.keys() & set(re.findall(r"\w{4,}", text)):
        return text
    text = re.sub(r"(/\* )?\b(\w+(?:\|\w+\b(?!<<))*)", value, text)
    # an index is decimal
    return re.sub(r"\[0x([0-9a-f]+)( /\* \w+_\?\?\? \*/)\]=", lambda m: f"[{int(m[1], 16)}{m[2]}]=", text)


def tracer_of(pid):
    """Of a process that will have one, or ends."""
    while True:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            said = dict(line.split(":", 1) for line in f if ":" in line)
        if int(said["TracerPid"]) or said["State"].split()[0] in "ZX":
            return int(said["TracerPid"])
        time.sleep(0.001)


def as_strace(trapline, args):
    file, follow, column = what_is_asked(args)
    if not file:    # nothing to be made from the file: as if it were strace itself
        os.execv(trapline, [trapline, "trace"] + args)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    p = subprocess.Popen([trapline, "trace"] + args, close_fds=False, restore_signals=False)
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda number, frame: p.send_signal(number))
    tracer = tracer_of(p.pid) if any(re.match(r"-D|--daemon", a) for a in args) else 0
    status = None
    while status is None:   # under `unshare -p` this is the namespace's init: orphans are its own to wait for
        pid, ended = os.wait()
        if pid == p.pid:
            status = os.waitstatus_to_exitcode(ended)
    while tracer and os.path.exists(f"/proc/{tracer}"):
        time.sleep(0.01)
    if file and os.path.isfile(file):
        with open(file, "rb") as f:
            text = f.read()
        text = text if follow else of_one_task(text, column)
        tables = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/syscalls/flags")
        names = newer_names(os.environ.get("STRACE_KNOWN", "/usr/bin/strace"), tables)
        with open(file, "wb") as f:
            f.write(older(text.decode("latin-1"), names).encode("latin-1"))
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


# ---- the tests ----

# They ask for what a process between the test and trapline does not pass on.
DIRECT = ("sigblock", "sigign", "termsig", "attach-p-cmd", "detach-*")


def passes(tests, name, strace, log):
    """strace: the command, or two: the second is for the tests of DIRECT."""
    if isinstance(strace, tuple):
        strace = strace[any(fnmatch.fnmatch(name, pattern) for pattern in DIRECT)]
    with open(os.path.join(tests, name + ".test"), encoding="utf-8") as f:
        shell = f.readline()[2:].split()
    with open(os.path.join(log, name), "w", encoding="utf-8") as out:
        p = subprocess.Popen(["timeout", "-s", "KILL", "40"] + shell + [f"./{name}.test"], cwd=tests,
                             env=dict(os.environ, STRACE=strace, **ENVIRONMENT), stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT, start_new_session=True)
        status = p.wait()
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except OSError:
        pass
    return status == 0


def run(tests, names, strace, log, jobs):
    os.makedirs(log, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return [n for n, ok in zip(names, pool.map(lambda n: passes(tests, n, strace, log), names)) if ok]


def reason(name):
    return next((why for pattern, why in ON_PURPOSE if fnmatch.fnmatch(name, pattern)), None)


def main():
    if sys.argv[1:2] == ["--as-strace"]:
        return as_strace(sys.argv[2], sys.argv[3:])
    o = parse()
    tests = build(o.dir)
    if not tests or not o.trapline or not o.strace:
        return 77
    names = sorted(f[:-5] for f in os.listdir(tests) if f.endswith(".test"))
    if o.only:
        names = [n for n in names if any(fnmatch.fnmatch(n, pattern) for pattern in o.only.split(","))]
    known = run(tests, names, o.strace, os.path.join(o.log, "strace"), o.jobs)
    print(f"{len(known)} of {len(names)} tests pass with {o.strace}")
    ours = (f"{sys.executable} {os.path.abspath(__file__)} --as-strace {os.path.abspath(o.trapline)}",
            f"{os.path.abspath(o.trapline)} trace")
    passed = set(run(tests, known, ours, os.path.join(o.log, "trapline"), o.jobs))
    differ = [n for n in known if n not in passed and reason(n)]
    failed = [n for n in known if n not in passed and not reason(n)]
    for name in differ:
        print(f"differs: {name}: {reason(name)}")
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(differ)} differ on purpose")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
