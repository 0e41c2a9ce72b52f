# needs: python3
# python3 with threads, subprocesses, signals, a pool of processes and asyncio.
exec python3 -S - <<'PY'
import asyncio, multiprocessing, os, queue, signal, socket, subprocess, sys, tempfile, threading
q, total = queue.Queue(), []
def worker():
    while (n := q.get()) is not None:
        total.append(int(subprocess.run(["expr", str(n), "*", "2"], capture_output=True, check=True).stdout))
threads = [threading.Thread(target=worker) for _ in range(4)]
for t in threads: t.start()
for n in range(1, 41): q.put(n)
for t in threads: q.put(None)
for t in threads: t.join()
print(sum(total))
def square(n): return n * n
with multiprocessing.get_context("fork").Pool(3) as pool: print(sum(pool.map(square, range(100))))
hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(300): os.stat("/"), os.getppid(), os.uname()
signal.setitimer(signal.ITIMER_REAL, 0)
async def main():
    procs = [await asyncio.create_subprocess_exec("sh", "-c", f"exit {i}") for i in range(5)]
    return [await p.wait() for p in procs]
print(asyncio.run(main()))
a, b = socket.socketpair()
with tempfile.TemporaryFile() as f:
    f.write(b"passed"); f.flush(); socket.send_fds(a, [b"x"], [f.fileno()])
    fd = socket.recv_fds(b, 1, 1)[1][0]; print(os.pread(fd, 10, 0))
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
sys.exit(6)
PY
