# needs: python3
# SQLite with a write-ahead log (a shared map and byte locks), two writers and a reader at once: all is there, and sound.
cat >w.py <<'PY'
import os, sqlite3, sys
def connect():
    c = sqlite3.connect("wal.db", timeout=60, isolation_level=None)
    c.execute("pragma journal_mode=wal"); c.execute("pragma synchronous=normal")
    return c
connect().execute("create table t (who integer, n integer, filler text)")
pids = []
for who in range(2):
    pid = os.fork()
    if pid == 0:
        c = connect()
        for n in range(400):
            c.execute("begin immediate"); c.execute("insert into t values (?, ?, ?)", (who, n, "x" * (n % 700))); c.execute("commit")
        os._exit(0)
    pids.append(pid)
pid = os.fork()
if pid == 0:
    c = connect(); last = 0
    while last < 800:
        now = c.execute("select count(*) from t").fetchone()[0]
        if now < last: os._exit(1)
        last = now
    os._exit(0)
pids.append(pid)
print([os.waitpid(p, 0)[1] for p in pids])
c = connect()
print(c.execute("select who, count(*), sum(n), sum(length(filler)) from t group by who").fetchall())
print(c.execute("pragma integrity_check").fetchall(), c.execute("pragma wal_checkpoint(truncate)").fetchall()[0][0])
c.close(); print(sorted(os.listdir(".")))
PY
python3 w.py
