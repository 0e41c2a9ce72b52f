#!/usr/bin/env python3
"""Runs programs under strace and under trapline trace and reports the calls that look different.

    trace_vs_strace.py TRAPLINE [--options='-v -y'] [PROGRAM ...]

Both traces are reduced to shapes: pids, addresses, times, sizes and counters become one word each, an interrupted line
is joined with its resumption. A shape that one tool printed and the other never did is a difference. Scheduling makes
some shapes come and go (EAGAIN, a restarted wait, a lock that is free, a child that has ended already), so a program that
differs is run again: what differs every time counts. One tool is slower than the other, and so always the same shapes may be
missing: the runs are made in different circumstances (PACES).

Exit status: 0 none differs, 1 some do, 77 strace is not there.
"""

import collections
import concurrent.futures
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

PYTHON_NET = """
import socket, threading
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', 0))
s.listen(1); c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.sendall(b'hello'); a.recv(10)
u, v = socket.socketpair(); socket.send_fds(u, [b'x'], [0]); socket.recv_fds(v, 5, 1)
d = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); d.bind(('::1', 0)); d.sendto(b'q', d.getsockname())
d.recvfrom(9)
"""

PROGRAMS = {
    "true": "true",
    "echo": "sh -c 'echo hello; echo error >&2'",
    "ls": "ls -l /etc",
    "cat": "cat /etc/passwd /nonexistent",
    "pipeline": "sh -c 'cat /etc/services | grep tcp | sort | head -3 | wc -l'",
    "redirect": "sh -c 'cd DIR; umask 077; echo a > trv.$$; mv trv.$$ trv2.$$; ln -s x trv3.$$; "
                "rm trv2.$$ trv3.$$'",
    "jobs": "sh -c 'sleep 0.05 & wait; kill -0 $$; trap \"echo t\" USR1; kill -USR1 $$; exit 3'",
    "id": "id",
    "date": "date",
    "stat": "stat /etc/passwd /dev/null /tmp /nonexistent",
    "find": "find /usr/share/doc -maxdepth 1 -name 'g*'",
    "ps": "ps aux",
    "df": "df -h",
    "python": "python3 -c 'import os, json, time; os.listdir(\"/\"); time.sleep(0.01); print(os.stat(\"/\"))'",
    "threads": "python3 -c 'import threading; t = [threading.Thread(target=print) for _ in range(3)]; "
               "[x.start() for x in t]; [x.join() for x in t]'",
    "subprocess": "python3 -c 'import subprocess; subprocess.run([\"true\"]); "
                  "subprocess.Popen([\"sleep\", \"0.01\"]).wait()'",
    "select": "python3 -c 'import select, os; r, w = os.pipe(); print(select.select([r], [w], [], 0.01)); "
              "p = select.poll(); p.register(w); p.poll(5); e = select.epoll(); e.register(w); e.poll(0.01)'",
    "network": "python3 -c " + shlex.quote(PYTHON_NET),
    "perl": "perl -e 'print 1; system(\"true\"); opendir D, \"/\"; readdir D'",
    "gcc": "sh -c 'echo \"int main(void){return 0;}\" | gcc -x c -o DIR/out - && rm DIR/out'",
    "tar": "sh -c 'tar cf - /etc/passwd /etc/group 2>/dev/null | tar tf -'",
    "git": "git --version",
    "sqlite": "python3 -c 'import sqlite3; c = sqlite3.connect(\"DIR/db\"); "
              "c.execute(\"create table t(a)\"); c.execute(\"insert into t values(1)\"); c.commit()'",
    "stty": "script -qec 'stty -a' /dev/null",
    "make": "make --version",
    "gzip": "sh -c 'gzip -c /etc/services | gunzip | md5sum'",
    "timeout": "timeout 0.3 sleep 50",
    "env": "env -i /bin/sh -c 'ulimit -a; times; pwd'",
}

# The fast tool is made slow by turns, and the slow one gets a machine for itself.
PACES = ("as it is", "on one core", "both at once", "on one core at once")
RUNS = 6 * len(PACES)

HEX = re.compile(r"0x[0-9a-f]{4,}")
RULES = [
    # Whether a futex was still held is the threads' timing.
    (re.compile(r"^(futex\(.*\)\s*)= .*"), r"\1= HELD"),
    # How many of what it waits for are ready when it looks depends on how fast the others have been.
    (re.compile(r"^((?:poll|ppoll|select|pselect6|epoll_wait|epoll_pwait)\(.*\)\s*)= [1-9]\d* \(.*\)$"), r"\1= READY"),
    # What it "returns" is the result of whatever call the signal fell upon.
    (re.compile(r"^(rt_sigreturn\(.*\)\s*)= .*"), r"\1= RESUMED"),
    (re.compile(r"/\* \d+ vars? \*/"), "/* N vars */"),
    (re.compile(r"/\* \d+ entries \*/"), "/* N entries */"),
    (re.compile(r"\\x[0-9a-f]{2}"), "X"),
    (re.compile(r"/tmp/[\w./-]+"), "/tmp/NAME"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d{4}"), "DATE"),
    (re.compile(r'"(?:\\.|[^"\\])*"(\.\.\.)?'), None),      # see shape()
    (HEX, "ADDR"),
    (re.compile(r" /\* \d+\.\d\d s \*/"), ""),
    (re.compile(r"\b\d+\*1024"), "N"),
    (re.compile(r"-?\b\d+\b"), "N"),
    (re.compile(r"(N ){2,}N"), "N N"),
]


def quoted(match):
    """A string keeps its form, not its text, where that varies: times and pids stand in many files."""
    return '"STR"' + (match[1] or "")


def shape(line):
    for pattern, to in RULES:
        line = pattern.sub(quoted if to is None else to, line)
    return re.sub(r"\)\s+= ", ") = ", line)


def joined(path):
    """The lines of a trace without pids, each unfinished one joined with what resumed it."""
    waiting = {}
    with open(path, errors="surrogateescape") as f:
        for line in f:
            pid, _, text = line.rstrip("\n").partition(" ")
            text = text.strip()
            if text.endswith("<unfinished ...>"):
                waiting[pid] = text[:-len("<unfinished ...>")].rstrip(" ")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", text)
            if resumed:
                text = waiting.pop(pid, "") + text[resumed.end():]
            yield text


def traced(command, output, argv):
    """The shapes of a trace of argv, which has a new directory for itself (DIR)."""
    with open(output, "w"):
        pass
    with tempfile.TemporaryDirectory(prefix="trv") as work:
        subprocess.run(command + shlex.split(argv.replace("DIR", work)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=600, check=False)
    shapes = collections.OrderedDict()
    for text in joined(output):
        key = re.sub(r"\s+", " ", shape(text))
        # What is joined may have lost a blank that the other tool's unbroken line has.
        shapes.setdefault(key.replace(", ", ",").replace(" ", ""), text)
    return shapes


@contextlib.contextmanager
def one_core(wanted):
    cores = os.sched_getaffinity(0)
    if wanted:
        os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def differences(trapline, options, argv, directory, pace):
    ours = [trapline, "trace", *options, "-o", f"{directory}/ours"], f"{directory}/ours", argv
    theirs = ["strace", "-f", *options, "-o", f"{directory}/theirs"], f"{directory}/theirs", argv
    with one_core("one core" in pace), concurrent.futures.ThreadPoolExecutor(2 if "at once" in pace else 1) as pool:
        ours, theirs = pool.map(lambda job: traced(*job), (ours, theirs))
    only_theirs = {k: v for k, v in theirs.items() if k not in ours}
    only_ours = {k: v for k, v in ours.items() if k not in theirs}
    return only_theirs, only_ours, len(theirs)


def lasting(trapline, options, argv, directory):
    """The differences that so many runs have in common, and the runs."""
    theirs, ours, count = differences(trapline, options, argv, directory, PACES[0])
    for i in range(1, RUNS):
        if not theirs and not ours:
            return theirs, ours, count, i
        again_theirs, again_ours, _ = differences(trapline, options, argv, directory, PACES[i % len(PACES)])
        theirs = {k: v for k, v in theirs.items() if k in again_theirs}
        ours = {k: v for k, v in ours.items() if k in again_ours}
    return theirs, ours, count, RUNS


def main(args):
    options = next((shlex.split(a[10:]) for a in args if a.startswith("--options=")), [])
    trapline, *names = [a for a in args if not a.startswith("--")]
    if not shutil.which("strace"):
        print("skipped: no strace")
        return 77
    failed = 0
    # A third tool above both would see neither's programs: none of the usual variables is changed but the language.
    os.environ["LC_ALL"] = "C"
    with tempfile.TemporaryDirectory(prefix="trv") as directory:
        for name in names or PROGRAMS:
            argv = PROGRAMS.get(name, name)
            if not shutil.which(shlex.split(argv)[0]):
                print(f"{name}: skipped, not installed")
                continue
            theirs, ours, count, runs = lasting(trapline, options, argv, directory)
            print(f"{name}: {count} shapes, {len(theirs)} only strace's, {len(ours)} only trapline's, {runs} runs", flush=True)
            failed += bool(theirs or ours)
            for sign, lines in (("-", theirs), ("+", ours)):
                for text in lines.values():
                    print(f"  {sign} {text[:1500]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
