"""Run a command and know every process that it starts: a hang, a leak and a lost process are all seen.

The caller becomes a child subreaper, so whatever the command leaves behind is re-parented here, and the tree below this
process is complete at any moment. Processes are only ever killed by id.
"""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
# Time limits are for what hangs; a loaded machine or a sanitizer is no hang. tests/meson.build asks for more.
PATIENCE = float(os.environ.get("TRAPLINE_TEST_PATIENCE", "1"))


def default_signals():
    """What nohup, or a shell that starts this in the background, has it ignore is not for the tests to inherit."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def become_subreaper():
    default_signals()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/children") as f:
                    found += [int(p) for p in f.read().split()]
            except OSError:
                pass
    except OSError:
        pass
    return found


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        for child in children(todo.pop()):
            found.append(child)
            todo.append(child)
    return found


def state(pid):
    """The state letter in /proc, '' when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return ""


def describe(pid):
    """What every thread of a process is doing, for the report of a hang."""
    lines = []
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            command = f.read().replace("\0", " ").strip()[:100]
        for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int)[:8]:
            base = f"/proc/{pid}/task/{task}/"
            fields = {}
            with open(base + "status") as f:
                for line in f:
                    key, _, value = line.partition(":")
                    fields[key] = value.strip()
            extra = []
            for name in ("syscall", "stack"):
                try:
                    with open(base + name) as f:
                        text = f.read().strip()
                    if name == "stack":
                        text = " < ".join(entry.split()[-1].split("+")[0] for entry in text.splitlines()[:6])
                    extra.append(f"{name} {text}")
                except OSError:
                    pass
            lines.append(f"  {pid}/{task} {fields.get('Name')} ({command}) state {fields.get('State')} "
                         f"ppid {fields.get('PPid')} tracer {fields.get('TracerPid')} "
                         f"pending {fields.get('SigPnd')}/{fields.get('ShdPnd')} blocked {fields.get('SigBlk')}; "
                         + "; ".join(extra))
    except OSError:
        pass
    return "\n".join(lines)


def reap():
    """Collect the children of ours that nobody waits for."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def kill_tree():
    """Kill everything below this process, until nothing is left."""
    until = time.monotonic() + 10 * PATIENCE
    while time.monotonic() < until:
        alive = descendants(os.getpid())
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.005)
    print("could not kill: " + ", ".join(map(str, descendants(os.getpid()))), file=sys.stderr)


def leftovers(grace):
    """Live processes below us, after a moment for those that are just dying."""
    until = time.monotonic() + grace * PATIENCE
    while True:
        reap()
        alive = [pid for pid in descendants(os.getpid()) if state(pid) not in ("", "Z")]
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.01)


class Outcome:
    """How a run ended: status as wait(2) means it (negative: signal), the bytes it wrote, and what went wrong."""

    def __init__(self, status, out, err, hang=False, leaked=""):
        self.status, self.out, self.err, self.hang, self.leaked = status, out, err, hang, leaked

    def same(self, other):
        return not self.hang and not self.leaked and self.status == other.status and self.out == other.out

    def text(self):
        if self.hang:
            return "hang"
        if self.status is not None and self.status < 0:
            return f"signal {-self.status}"
        return f"status {self.status}"


def run(argv, timeout, env=None, stdin=subprocess.DEVNULL, cwd=None, grace=0.5, preexec=None):
    """Run argv to its end, or kill it and all it started after timeout seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=err, env=env, cwd=cwd, preexec_fn=preexec)
        hang, report = False, ""
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            hang = True
            status = None
            report = "\n".join(filter(None, (describe(pid) for pid in descendants(os.getpid()))))
        leaked = ""
        if not hang:
            alive = leftovers(grace)
            leaked = "\n".join(filter(None, (describe(pid) for pid in alive)))
        if hang or leaked:
            kill_tree()
            child.poll()
        out.seek(0)
        err.seek(0)
        errors = err.read().decode(errors="replace")
        if report:
            errors += "\nat the time limit:\n" + report
        return Outcome(status, out.read(), errors, hang, leaked)
