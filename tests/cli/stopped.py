"""The supervisor is stopped while it installs descriptors, and guests are killed meanwhile: nothing is lost, nothing is kept.

TRAPLINE_STOPS (40) is how often it is stopped.
"""
import os
import random
import signal
import subprocess

import harness

STOPS = int(os.environ.get("TRAPLINE_STOPS", "40"))

# A worker opens files for ever: each has the lowest number that is free, and is the one that was asked for. A line of input is a
# worker to be killed (its number) or "end", upon which the others finish their round; what goes wrong is said and is status 1.
GUEST = r"""
import os, signal, sys
top, workers = sys.argv[1], 4
def work(n, pipe):
    i, stop = 0, []
    signal.signal(signal.SIGTERM, lambda *a: stop.append(1))
    free = os.dup(0); os.close(free)
    while not stop:
        i += 1
        name = f'{top}/{n}-{i % 7}'
        fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        assert fd == free, (fd, free)
        text = name.encode() * 9
        assert os.pread(fd, 999, 0) in (b'', text)
        os.pwrite(fd, text, 0)
        os.close(fd)
        if i % 3 == 0: os.unlink(name)
        if i == 50: os.write(pipe, b'x')
    assert os.dup(0) == free
    os._exit(0)
def start(n):
    pid = os.fork()
    if pid == 0:
        try: work(n, w)
        except BaseException as e: os.write(2, repr(e).encode() + b'\n')
        os._exit(1)
    return pid
r, w = os.pipe()
pids = [start(n) for n in range(workers)]
os.read(r, 1); os.read(r, 1); os.read(r, 1); os.read(r, 1)
print(*pids, flush=True)
status = 0
for line in sys.stdin:
    if line == 'end\n': break
    n = int(line)
    got = os.waitpid(pids[n], 0)[1]
    if got != signal.SIGKILL: print('died of', got, flush=True); status = 1
    pids[n] = start(n); os.read(r, 1)
    print(pids[n], flush=True)
for p in pids: os.kill(p, signal.SIGTERM)
for p in pids:
    if os.waitpid(p, 0)[1]: status = 1
print('ended', flush=True)
sys.stdin.readline()
sys.exit(status)
"""


class Stopped(harness.Case):
    def stop(self, pid):
        os.kill(pid, signal.SIGSTOP)
        self.assertTrue(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))

    def round(self, options, stops):
        """How many descriptors the supervisor has at the end."""
        choose = random.Random(stops)
        argv = [harness.trapline, "run", *options, "--", "/usr/bin/python3", "-S", "-E", "-c", GUEST, "/x"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            pids = [int(p) for p in child.stdout.readline().split()]
            self.assertEqual(len(pids), 4)
            for i in range(stops):
                self.stop(child.pid)
                n = choose.randrange(4) if i % 2 else -1
                if n >= 0:
                    os.kill(pids[n], signal.SIGKILL)
                os.kill(child.pid, signal.SIGCONT)
                if n >= 0:
                    child.stdin.write(f"{n}\n")
                    child.stdin.flush()
                    pids[n] = int(child.stdout.readline())
            child.stdin.write("end\n")
            child.stdin.flush()
            self.assertEqual(child.stdout.readline(), "ended\n")
            count = len(os.listdir(f"/proc/{child.pid}/fd"))
            child.stdin.close()
            self.assertEqual(child.wait(), 0)
        return count

    def test_nothing_is_lost_or_kept(self):
        for options in (["--tmpfs", "/x"], ["-b", f"{self.tmp}:/x"], ["--overlay", f"{self.tmp}::/x"]):
            with self.subTest(options):
                few, many = self.round(options, 0), self.round(options, STOPS)
                # Files that are there at the end differ, and so do directories that are kept at hand.
                self.assertLess(many, few + 30)


if __name__ == "__main__":
    harness.main()
