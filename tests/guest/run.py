#!/usr/bin/env python3
"""Run a guest natively, then under one mechanism, and want the same status and the same output.

run.py --trapline BIN --mechanism native|step|sysemu|trace|notify|auto [--identity | --plain] [--timeout S] [--cpu N] -- GUEST [ARGS]

Under a mechanism that watches (step, trace, auto) the guest runs twice: answered by `trapline run` and watched by
`trapline trace`. With --identity the guest is told its uid, gid and host name by arguments: the real ones natively, made-up
ones (given to trapline too) under a mechanism. Otherwise the options say the real identity, so that calls are answered, and
rightly; with --plain none is answered. Exit status: 0 passed, 1 failed, 77 could not be tried here, said aloud.
"""
import argparse
import difflib
import os
import sys

sys.dont_write_bytecode = True
import proctree  # noqa: E402

MECHANISMS = ("native", "step", "sysemu", "trace", "notify", "auto")
WATCHING = ("step", "trace", "auto")
IDENTITIES = (("1234", "5678", "box"), ("0", "0", "rootbox"), ("65534", "0", "h"))
SKIP = 77
VERBS = set(os.environ.get("TRAPLINE_TEST_VERBS", "run trace").split())
REFUSALS = ("not permitted", "not available", "unavailable", "not allowed", "forbidden", "not supported")


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--trapline", required=True)
    p.add_argument("--mechanism", required=True, choices=MECHANISMS)
    p.add_argument("--identity", action="store_true")
    p.add_argument("--plain", action="store_true", help="no identity: no call is answered")
    p.add_argument("--verb", choices=("run", "trace"), help="only this one")
    p.add_argument("--timeout", type=float, default=30 * proctree.PATIENCE)
    p.add_argument("--cpu", type=int, help="pin everything to this processor")
    p.add_argument("guest", nargs="+")
    return p.parse_args()


def skip(why):
    print("skipped: " + why, file=sys.stderr)
    sys.exit(SKIP)


def usable(opts):
    """Skip where the mechanism cannot be had; any other failure of /bin/true is a failure."""
    if not os.access(opts.trapline, os.X_OK):
        skip(f"{opts.trapline} is not built")
    got = proctree.run([opts.trapline, "run", "--mechanism", opts.mechanism, "--", "/bin/true"], opts.timeout)
    if got.status == 0 and not got.hang:
        return
    if not got.hang and any(word in got.err for word in REFUSALS):
        skip(f"mechanism {opts.mechanism}: {got.err.strip()}")
    print(f"/bin/true under {opts.mechanism}: {got.text()}\n{got.err}{got.leaked}", file=sys.stderr)
    sys.exit(1)


def native(opts):
    argv = list(opts.guest)
    if opts.identity:
        argv[1:1] = [str(os.getuid()), str(os.getgid()), os.uname().nodename]
    return proctree.run(argv, opts.timeout)


def host_identity():
    """The real identity, said by options: calls are answered by trapline, and with what Linux would say."""
    return ["--uid", str(os.getuid()), "--gid", str(os.getgid()), "--hostname", os.uname().nodename]


def commands(opts):
    """The ways to run the guest under the mechanism: a name and an argv each."""
    start = [opts.trapline, "run", "--mechanism", opts.mechanism]
    if not opts.plain:
        start += host_identity()
    guest = list(opts.guest)
    if opts.identity:
        for uid, gid, host in IDENTITIES:
            start = [opts.trapline, "run", "--mechanism", opts.mechanism, "--uid", uid, "--gid", gid, "--hostname", host]
            yield f"run as {uid}", start + ["--", guest[0], uid, gid, host, "sethostname"]
        return
    if opts.verb != "trace":
        yield "run", start + ["--", *guest]
    if opts.mechanism in WATCHING and opts.verb != "run" and "trace" in VERBS:
        yield "trace", [opts.trapline, "trace", "--mechanism", opts.mechanism, "-o", "/dev/null", "--", *guest]


def report(name, want, got):
    print(f"{name}: {got.text()}, natively {want.text()}", file=sys.stderr)
    if got.out != want.out:
        lines = [text.decode(errors="replace").splitlines() for text in (want.out, got.out)]
        print("\n".join(difflib.unified_diff(*lines, "natively", name, lineterm="", n=1)), file=sys.stderr)
    if got.leaked:
        print("still running afterwards:\n" + got.leaked, file=sys.stderr)
    print(got.err[-8000:], file=sys.stderr)


def main():
    opts = parse()
    if opts.guest[0] == "--":
        del opts.guest[0]
    if opts.cpu is not None:
        os.sched_setaffinity(0, {opts.cpu})
    proctree.become_subreaper()
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    os.umask(0o022)
    want = native(opts)
    if want.status == SKIP:
        skip(want.err.strip())
    if want.status != 0 or want.hang or want.leaked:
        report("native", want, want)
        return 1
    if opts.mechanism == "native":
        return 0
    usable(opts)
    failed = 0
    for name, argv in commands(opts):
        got = proctree.run(argv, opts.timeout)
        if not got.same(want):
            report(f"{name} --mechanism {opts.mechanism}", want, got)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
