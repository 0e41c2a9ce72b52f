#!/usr/bin/env python3
"""The groups against the installed strace's: test_table_groups.py SRC PROBE

PROBE enters every number of an ABI; what strace -e trace=%GROUP shows of it is the group as strace has it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SRC, PROBE = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SRC, "src", "syscalls"))
import gen_model  # noqa: E402

SKIP = 77
MARK = 0x72


def shown(abi, what):
    """The names of the calls that strace shows, or None where it cannot trace here."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as out:
        done = subprocess.run(["strace", "-qq", "-o", out.name, "-e", "signal=none", "-e", "trace=" + what, PROBE, abi],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        if done.returncode != MARK:
            return None
        names = set(re.findall(r"^([a-z_]\w*)\(", out.read(), re.M))
    return {n for n in names if not n.startswith("syscall_0x")}


def compare(abi, rows):
    known = shown(abi, "all")
    if not known:
        return None
    index = gen_model.ABIS.index(abi)
    rows = [r for r in rows if r.numbers[index] is not None and r.name in known]
    wrong = []
    for group in gen_model.GROUPS:
        theirs = shown(abi, "%" + group)
        for row in rows:
            if (row.name in theirs) != (group in row.groups):
                wrong.append(f"{abi} {row.name}: {'not ' * (group in row.groups)}in strace's %{group}")
    print(f"{abi}: {len(rows)} calls compared in {len(gen_model.GROUPS)} groups")
    return wrong


def main():
    if not shutil.which("strace"):
        print("no strace here: skipped")
        return SKIP
    directory = os.path.join(SRC, "src", "syscalls")
    flags = [os.path.join(directory, "flags", f) for f in sorted(os.listdir(os.path.join(directory, "flags")))]
    rows = gen_model.load(os.path.join(directory, "types.tbl"), os.path.join(directory, "syscalls.tbl"), flags)[1]
    results = [compare(abi, rows) for abi in ("x86_64", "i386")]
    if all(r is None for r in results):
        print("strace cannot trace here: skipped")
        return SKIP
    wrong = [line for r in results if r for line in r]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
