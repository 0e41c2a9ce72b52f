"""Prints what a process inherits and can see of itself, for transparent.py to compare. Run by the plain python3."""
import os
import resource
import signal

STATUS = ("Name", "Umask", "Uid", "Gid", "Groups", "Threads", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "CapInh", "CapPrm",
          "CapEff", "CapBnd", "CapAmb", "Mems_allowed", "THP_enabled", "CoreDumping")

with open("/proc/self/status", encoding="ascii") as f:
    for line in f:
        if line.split(":")[0] in STATUS:
            print(line.rstrip())
for name in ("personality", "oom_score_adj", "coredump_filter", "timerslack_ns", "comm"):
    try:
        with open(f"/proc/self/{name}", encoding="ascii") as f:
            print(name, f.read().strip())
    except OSError as error:
        print(name, error.errno)
for name in sorted(dir(resource)):
    if name.startswith("RLIMIT_"):
        print(name, resource.getrlimit(getattr(resource, name)))
print("affinity", sorted(os.sched_getaffinity(0)), "processors", os.cpu_count())
print("scheduler", os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))
print("cwd", os.getcwd())
print("signals blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
print("timers", signal.getitimer(signal.ITIMER_REAL), signal.getitimer(signal.ITIMER_PROF))
for fd in sorted(int(name) for name in os.listdir("/proc/self/fd")):
    try:
        where = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        continue    # the directory that we just listed
    print("fd", fd, "a file" if where.startswith(os.environ.get("TMPDIR", "/tmp") + "/") else where, os.get_inheritable(fd))
for name in sorted(set(os.environ) - {"_", "PWD", "OLDPWD"}):
    print(name, os.environ[name])
