#!/usr/bin/env python3
"""Real work in another root: natively (chroot), under trapline, PRoot and gVisor's runsc, in one run.

    files_mix.py TRAPLINE ROOT [--rounds N] [--pinned] [--only NAME,...] [--json]

ROOT is a Debian tree with gcc, git, make, perl and tar (debootstrap --variant=minbase --include=gcc,libc6-dev,make,git).
Needs root for chroot(2). Tools that are not installed are left out. Prints the median wall time of each job under each
tool, and how many times faster trapline is; the ways of a job are interleaved, so that noise meets them all.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SETUP = r"""
set -e
rm -rf /tmp/mix; mkdir -p /tmp/mix/tree /tmp/mix/src; cd /tmp/mix
i=0
while [ $i -lt 2000 ]; do
    d=tree/d$((i / 50)); mkdir -p $d; echo "file $i" > $d/f$i; i=$((i + 1))
done
tar cf tree.tar tree
git -c init.defaultBranch=main init -q tree
git -C tree -c core.fsync=none add .
git -C tree -c user.name=a -c user.email=a@b -c core.fsync=none commit -qm one
i=0
while [ $i -lt 8 ]; do
    printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { printf("%%d", x); return x; }\n' $i > src/f$i.c
    i=$((i + 1))
done
echo 'int main(void) { return 0; }' > src/main.c
printf 'OBJS = main.o f0.o f1.o f2.o f3.o f4.o f5.o f6.o f7.o\nprog: $(OBJS)\n\tgcc -o $@ $(OBJS)\n' > src/Makefile
"""

# What a way does before its job, unmeasured. git: each way shows inode numbers of its own, so the index that another way
# left behind would have each file read again; it is refreshed first, as a user's is.
BEFORE = {"git status": "cd /tmp/mix/tree && git status --porcelain > /dev/null"}

# Each untar goes into a new directory, and nothing is removed before the end: where many files were removed within the last
# minute, ext4 took up to 20 times as long to make one, natively too, and that was all that was seen.
JOBS = {
    "start": "true",
    "find+stat": "find /usr/lib /usr/share -type f -exec stat -c %s {} + > /dev/null 2>&1; true",
    "untar": "cd /tmp/mix && d=$(mktemp -d out.XXXXXX) && tar xf tree.tar -C $d",
    "git status": "cd /tmp/mix/tree && git status --porcelain > /dev/null",
    "gcc build": "cd /tmp/mix/src && rm -f *.o prog && make -s CC=gcc prog",
    "100 execs": "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i + 1)); done",
}


def runsc_bundle(directory, root, script):
    """An OCI bundle that runs script in root."""
    config = {
        "ociVersion": "1.0.0",
        "root": {"path": root, "readonly": False},
        "process": {"args": ["/bin/sh", "-c", script], "cwd": "/", "env": ["PATH=/usr/bin:/bin", "HOME=/root"],
                    "user": {"uid": 0, "gid": 0}, "terminal": False},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "hostname": "mix",
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}]},
    }
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f)


def command(way, args, script, scratch):
    shell = ["/bin/sh", "-c", script]
    if way == "native":
        return ["chroot", args.root] + shell
    if way == "trapline":
        return [args.trapline, "run", "-r", args.root, "--proc", "--dev", "-w", "/", "--"] + shell
    if way == "proot":
        return ["proot", "-r", args.root, "-b", "/proc", "-b", "/dev", "-w", "/"] + shell
    runsc_bundle(scratch, args.root, script)
    name = "mix%d-%d" % (os.getpid(), time.monotonic_ns())
    return ["runsc", "--platform=ptrace", "--network=none", "--ignore-cgroups", "--root=" + scratch + "/state",
            "run", "--bundle=" + scratch, name]


def once(way, args, script, scratch):
    """Seconds, or None with a line on stderr."""
    line = command(way, args, script, scratch)
    if args.pinned:
        line = ["taskset", "-c", "0"] + line
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
    # Files, not /dev/null: as root, runsc gives its standard descriptors away to nobody, the host's own node with them.
    with tempfile.TemporaryFile() as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(line, env=env, stdin=nothing, stdout=out, stderr=err)
        return finished(way, args, script, start, process, err)


def finished(way, args, script, start, process, err):
    # A wait with a timeout would look now and then, and see the end up to 50 ms late.
    watch = threading.Timer(args.limit, process.kill)
    watch.start()
    status = process.wait()
    seconds = time.monotonic() - start
    watch.cancel()
    if status:
        err.seek(0)
        why = err.read().decode(errors="replace")[-200:]
        print(f"{way}: status {status} after {seconds:.1f} s of {args.limit}: {script[:40]}: {why}", file=sys.stderr)
        return None
    return seconds


def measure(args, ways, jobs, scratch):
    times = {job: {way: [] for way in ways} for job in jobs}
    for _ in range(args.rounds):
        for job in jobs:
            for way in ways:
                if job in BEFORE:
                    once(way, args, BEFORE[job], scratch)
                seconds = once(way, args, JOBS[job], scratch)
                if seconds is not None:
                    times[job][way].append(seconds)
    return {job: {way: statistics.median(v) if v else None for way, v in row.items()} for job, row in times.items()}


def show(rows, ways):
    print(f"{'seconds':14}" + "".join(f"{way:>10}" for way in ways) + "".join(f"{way + '/tl':>12}" for way in ways))
    total = {way: 0.0 for way in ways}
    for job, row in rows.items():
        line = f"{job:14}" + "".join(f"{row[way]:10.3f}" if row[way] else f"{'-':>10}" for way in ways)
        for way in ways:
            total[way] += row[way] or 0
            ok = row[way] and row.get("trapline")
            line += f"{row[way] / row['trapline']:12.2f}" if ok else f"{'-':>12}"
        print(line)
    if total.get("trapline") and total.get("native"):
        print(f"all together: trapline {total['trapline'] / total['native']:.2f} x native")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trapline")
    parser.add_argument("root")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=120, help="seconds for one job")
    parser.add_argument("--only", help="names of jobs, comma-separated")
    parser.add_argument("--ways", help="native,trapline,proot,runsc")
    parser.add_argument("--pinned", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.trapline, args.root = os.path.abspath(args.trapline), os.path.abspath(args.root)
    ways = [w for w in (args.ways or "native,trapline,proot,runsc").split(",")
            if w in ("native", "trapline") or shutil.which(w)]
    jobs = [j for j in JOBS if not args.only or j in args.only.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        if once("native", args, SETUP, scratch) is None:
            return 1
        rows = measure(args, ways, jobs, scratch)
        once("native", args, "rm -rf /tmp/mix", scratch)
    if args.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        show(rows, ways)
    return 0


if __name__ == "__main__":
    sys.exit(main())
