#!/usr/bin/env python3
"""The guests that ask for no rights pass for a user without any, too: some of them, as nobody, through run.py."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
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
    if prefix[1:2] == ["trace"]:
        return      # run.py does both
    if os.getuid() != 0:
        runner.skip("becoming another user needs root")
    here = os.path.dirname(os.path.abspath(__file__))
    for name, *args in GUESTS:
        got = subprocess.run([sys.executable, os.path.join(here, "run.py"), "--trapline", opts.trapline, "--mechanism", opts.mechanism,
                              "--", os.path.join(opts.helpers, "guest_" + name), *args],
                             preexec_fn=drop, cwd="/", stderr=subprocess.PIPE)
        check(got.returncode in (0, runner.SKIP), f"{name}: {got.stderr.decode()}")


if __name__ == "__main__":
    main(as_nobody)
