#!/usr/bin/env python3
"""The guests that ask for no rights pass for a user without any, too: some of them, as nobody."""
import os
import sys

sys.dont_write_bytecode = True
import proctree
import run as runner
from scenario import check, main

GUESTS = (("args",), ("bad_pointers",), ("clone_flags",), ("exec_thread", "5"), ("fork_many", "100"), ("group_stop",),
          ("kill_random", "10"), ("sigurg", "500"), ("spurious", "500"))
NOBODY = 65534


def drop():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def as_nobody(opts, prefix):
    if os.getuid() != 0:
        runner.skip("becoming another user needs root")
    if "--uid" in prefix:
        prefix = [str(NOBODY) if word == "0" else word for word in prefix]
    for name, *args in GUESTS:
        if name == "spurious" and "--no-ptrace" in prefix:
            continue    # nobody mends an interrupted notification there: doctor says so
        try:
            got = proctree.run([*prefix, os.path.join(opts.helpers, "guest_" + name), *args], opts.timeout, cwd="/", preexec=drop)
        except PermissionError as e:
            runner.skip(f"nobody cannot reach {e.filename}")
        check(got.status == 0 and not got.leaked, f"{name}: {got.text()} {got.leaked}\n{got.err}")


if __name__ == "__main__":
    main(as_nobody)
