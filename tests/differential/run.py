#!/usr/bin/env python3
"""The differential tester: random sequences of file calls, natively and on trapline's filesystems, must leave the same log.

run.py --program FSOPS [--trapline BIN] [--ops N] [--seed S] [--fs NAME,...] [--length L] [--jobs J] [--disk DIR] [--native] [--no-shrink]

N operations on each filesystem (tmpfs, hostfs, overlay, overlay-memory), in sequences of L, J at a time, seeds from S on ("random":
from a number that is drawn and printed). A sequence that differs is shrunk and printed as the shortest list that still differs.
--native compares the native ways with themselves: what chance there is in the log. Last line: "N passed, N failed" (sequences); exit
77: this user may not mount, so there is no native root to compare with.
"""
import argparse
import array
import concurrent.futures
import contextlib
import io
import itertools
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import ways  # noqa: E402

# Fields that two filesystems of one kind need not have in common, and why. "": every pair.
LEFT_OUT = {
    "native-tmpfs": {},
    "native-disk": {
        "blocks": "when ext4 allocates is a matter of its delayed allocation",
        "dirsize": "ext4's directories never shrink and hash names with a seed of the filesystem",
    },
    "native-overlay": {
        "blocks": "as on the disk below",
        "dirsize": "as on the disk below",
        "dirnlink": "overlayfs shows 1 for merged directories and the upper's own number for others",
        "atime": "listing a merged directory may or may not count as reading it",
        "fifotime": "what goes through a fifo is no change of it for overlayfs, which asks the layer below for its times",
        "fifotimes": "as fifotime",
        "mask": "overlayfs passes on what the layer below gives",
    },
    "": {
        "lookup": "F_GETFL of what is no directory, or O_PATH, keeps O_NOFOLLOW, O_DIRECTORY and O_TMPFILE of the open; ours looked the name up before it opened the object",
        "flags": "statfs: the mount options of a root made for this run",
        "attr": "statx: the attributes of a mount root and what the disk adds",
    },
}


# What may be left out by name, to look behind a difference that is known (fsops.h).
FEATURES = {"devices": 1, "ids": 2, "sync": 4, "o-path": 8, "inotify": 16, "long-lists": 32, "lower": 64, "readlink-fd": 128,
            "failed-writes": 256, "caps": 512}


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--program", required=True, help="fsops, statically linked")
    p.add_argument("--trapline", default="")
    p.add_argument("--ops", type=int, default=20000)
    p.add_argument("--seed", type=lambda s: random.SystemRandom().randrange(1, 10 ** 9) if s == "random" else int(s), default=1)
    p.add_argument("--length", type=int, default=2000)
    p.add_argument("--fs", default="tmpfs,hostfs,overlay")
    p.add_argument("--disk", default="/var/tmp")
    p.add_argument("--timeout", type=float, default=120 * float(os.environ.get("TRAPLINE_TEST_PATIENCE", "1")))
    p.add_argument("--native", action="store_true")
    p.add_argument("--no-shrink", action="store_true")
    p.add_argument("--tries", type=int, default=300, help="runs that shrinking may take")
    p.add_argument("--stop", type=int, default=3, help="failures after which a filesystem is given up")
    p.add_argument("--features", type=lambda s: int(s, 0), default=0x3ff, help="what fsops may do: enum features of fsops.h")
    p.add_argument("--leave-out", default="", help=f"what fsops must not do: {', '.join(FEATURES)}")
    p.add_argument("--jobs", type=int, default=1, help="sequences at a time")
    p.add_argument("--keep-logs", help="a directory for the logs of what differs")
    opts = p.parse_args()
    for name in filter(None, opts.leave_out.split(",")):
        opts.features &= ~FEATURES[name]
    return opts


class Tester:
    def __init__(self, opts, base):
        self.opts, self.base = opts, base
        self.program = os.path.abspath(opts.program)
        self.lower = os.path.join(base, "lower")
        self.trapline = os.path.abspath(opts.trapline) if opts.trapline else None
        if opts.native:
            self.kinds = ways.NATIVE
            for kind in self.kinds.values():
                kind.oracle = kind
        else:
            self.kinds = {name: ways.EMULATED[name] for name in opts.fs.split(",")}

    def way(self, kind):
        return kind(self.trapline, self.program, self.lower)

    def run(self, kind, seed, count, keep=None, left_out=0):
        """The log, as lines; a last line says how the run ended if not well."""
        way = self.way(kind)
        folder = tempfile.mkdtemp(prefix="run-", dir=self.base)
        features = self.opts.features & ~left_out
        args = ["--seed", str(seed), "--features", str(features), *(["--keep"] if keep is not None else ["--ops", str(count)])]
        given = array.array("I", keep).tobytes() if keep is not None else b""
        os.chmod(folder, 0o755)
        try:
            way.setup(folder)
            return self.execute(way, folder, args, given)
        finally:
            subprocess.run(["rm", "-rf", "--", folder], check=False)

    def execute(self, way, folder, args, given):
        with tempfile.TemporaryFile(dir=self.base) as log, tempfile.TemporaryFile(dir=self.base) as err:
            argv = way.argv(folder, args)
            with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=err, start_new_session=True,
                                  preexec_fn=lambda: way.enter(folder)) as child:
                try:
                    child.communicate(given, timeout=self.opts.timeout)
                    ended = f"status {child.returncode}"
                except subprocess.TimeoutExpired:
                    ended = "hang"
                    os.killpg(child.pid, 9)
            log.seek(0)
            err.seek(0)
            lines = log.read().decode("latin-1").splitlines()
            if ended != "status 0":
                lines.append(f"ended: {ended}: {err.read()[-2000:].decode(errors='replace')}")
            return lines

    def chance(self, kind, seed, count, want, at, left_out, clean):
        """Does the native log itself differ there from one run to the next (a clock's tick between two changes)?"""
        for _ in range(3):
            again = self.run(kind, seed, count, left_out=left_out)
            if at >= len(again) or clean(again[at]) != clean(want[at]):
                print(f"  chance: natively {clean(want[at])[:300]}\n   or {clean(again[at])[:300] if at < len(again) else '(end)'}")
                return True
        return False


def cleaner(oracle):
    """A line without the fields that are left out."""
    names = [*LEFT_OUT[""], *LEFT_OUT[oracle.name.replace("overlay-memory", "overlay")]]
    pattern = re.compile(r" ~(?:" + "|".join(names) + r"):\S+?(?=[ \]]|$)")
    if "overlay" in oracle.name:    # whether a copy-up of a name counts as a change of its directory
        pattern = re.compile(pattern.pattern + r"| above:\w*")
        # A copy-up makes a new file: when that was. Ours is made with its directory, when that is renamed (docs/design.md).
        opens = re.compile(r"^(\d+ w\d (?:open|openat|openat2|creat|reopen)\(.*) times:c\b")
        return lambda line: opens.sub(r"\1 times:", pattern.sub("", line))
    return lambda line: pattern.sub("", line)


def first_difference(want, got, clean):
    """The index of the first line that differs, or None."""
    for i, (a, b) in enumerate(zip(want, got)):
        if a != b and clean(a) != clean(b):
            return i
    return None if len(want) == len(got) else min(len(want), len(got))


def operation_at(lines, at):
    """The index of the operation on this line, or of the last before it (an audit's lines)."""
    for i in range(min(at, len(lines) - 1), -1, -1):
        m = re.match(r"(\d+) w\d", lines[i])
        if m:
            return int(m.group(1))
    return -1


def place_of(lines, at):
    """The operation that differs; in an audit, which may be a later one if there are fewer operations, the object."""
    line = lines[at] if at < len(lines) else ""
    return " ".join(line.split(" ")[:3]) if line.startswith("  ") else line.split("(")[0]


def show(want, got, at, clean, context=6):
    def line(lines, i):
        return clean(lines[i]) if i < len(lines) else "(end)"
    for i in range(max(0, at - context), at):
        print("    " + line(want, i)[:600])
    print("  - " + line(want, at)[:3000])
    print("  + " + line(got, at)[:3000])


class Shrinker:
    """Delta debugging over the indices of the operations."""

    def __init__(self, tester, kind, seed, clean, tries):
        self.tester, self.kind, self.seed, self.clean, self.tries = tester, kind, seed, clean, tries
        self.best, self.place = None, None

    def differs(self, keep):
        self.tries -= 1
        want = self.tester.run(self.kind.oracle, self.seed, 0, keep, self.kind.left_out)
        got = self.tester.run(self.kind, self.seed, 0, keep, self.kind.left_out)
        at = first_difference(want, got, self.clean)
        if at is None or (self.place and place_of(want, at) != self.place):
            return False
        self.place = self.place or place_of(want, at)
        self.best = (want, got, at)
        return True

    def shrink(self, upto):
        keep = list(range(upto + 1))
        if not self.differs(keep):
            return None
        size = max(1, len(keep) // 2)
        while self.tries > 0:
            at, removed = 0, False
            while at < len(keep) and self.tries > 0:
                fewer = keep[:at] + keep[at + size:]
                if fewer and self.differs(fewer):
                    keep, removed = fewer, True
                else:
                    at += size
            if size == 1 and not removed:
                break
            size = max(1, size // 2)
        return keep


def report(tester, kind, seed, want, got, at, clean):
    opts = tester.opts
    print(f"DIFFERS: {kind.name}, seed {seed}, against {kind.oracle.name} (- native, + {kind.name})")
    show(want, got, at, clean)
    if opts.keep_logs:
        for name, lines in ((kind.oracle.name, want), (kind.name, got)):
            with open(os.path.join(opts.keep_logs, f"{seed}-{name}.log"), "w", encoding="latin-1") as f:
                f.write("\n".join(map(clean, lines)))
    if opts.no_shrink:
        return
    shrinker = Shrinker(tester, kind, seed, clean, opts.tries)
    keep = shrinker.shrink(operation_at(want, at))
    if keep is None:
        print("  not seen again: chance, or a race")
        return
    want, got, at = shrinker.best
    print(f"  shrunk to {len(keep)} operations: {keep}")
    show(want, got, at, clean, context=10 ** 6)


def check(tester, name, seed):
    """One sequence on one filesystem: does it leave the same log? And how many operations were compared, and what is to be printed."""
    opts, out = tester.opts, io.StringIO()
    kind = tester.kinds[name]
    clean = cleaner(kind.oracle)
    with contextlib.redirect_stdout(out):
        want = tester.run(kind.oracle, seed, opts.length, left_out=kind.left_out)
        if want and want[-1].startswith("ended:"):
            print(f"{kind.oracle.name}, seed {seed}: {want[-1]}")
            return False, 0, out.getvalue()
        got = tester.run(kind, seed, opts.length, left_out=kind.left_out)
        at = first_difference(want, got, clean)
        while at is not None and at < len(want) and tester.chance(kind.oracle, seed, opts.length, want, at, kind.left_out, clean):
            want[at] = got[at] if at < len(got) else want[at]
            at = first_difference(want, got, clean)
        if at is not None:
            report(tester, kind, seed, want, got, at, clean)
    return at is None, opts.length if at is None else operation_at(want, at) + 1, out.getvalue()


def sequences(opts, kinds, bad):
    """What is to be run, until a filesystem had its share of failures."""
    for seed in range(opts.seed, opts.seed + max(1, opts.ops // opts.length)):
        for kind in kinds:
            if bad[kind] < opts.stop:
                yield kind, seed


def run_all(tester, pool):
    """(equal, different) sequences and the operations that were compared, for each filesystem."""
    kinds = list(tester.kinds)
    equal, bad, compared = (dict.fromkeys(kinds, 0) for _ in range(3))
    ahead, running = sequences(tester.opts, kinds, bad), {}
    while True:
        for kind, seed in itertools.islice(ahead, tester.opts.jobs - len(running)):
            running[pool.submit(check, tester, kind, seed)] = kind
        if not running:
            return equal, bad, compared
        done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
        for future in done:
            kind = running.pop(future)
            same, operations, text = future.result()
            print(text, end="", flush=True)
            (equal if same else bad)[kind] += 1
            compared[kind] += operations


def main():
    opts = parse()
    if not ways.mountable():
        print("skipped: this user may not mount, so there is no native root", file=sys.stderr)
        return 77
    base = tempfile.mkdtemp(prefix="fsops-", dir=opts.disk)
    try:
        tester = Tester(opts, base)
        ways.make_lower(tester.program, tester.lower)
        started = time.monotonic()
        print(f"seeds {opts.seed} and up, {opts.length} operations each", flush=True)
        with concurrent.futures.ProcessPoolExecutor(opts.jobs, multiprocessing.get_context("fork")) as pool:
            equal, bad, compared = run_all(tester, pool)
        for kind in tester.kinds:
            print(f"{kind}: {equal[kind] + bad[kind]} sequences, {bad[kind]} of them differ, {compared[kind]} operations equal")
        print(f"{sum(compared.values())} operations in {time.monotonic() - started:.0f} s")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{sum(equal.values())} passed, {sum(bad.values())} failed")
    return 1 if sum(bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
