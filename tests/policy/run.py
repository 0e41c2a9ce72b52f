#!/usr/bin/env python3
"""Real programs under policies: what they see is what the policy says.

    run.py --trapline FILE --flip FILE [SCENARIO...]

Each scenario is a method named check_*; each guest has a time limit. Exit status 1 if anything is not as it should be.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# For what hangs, not for a loaded machine.
LIMIT = 60 * float(os.environ.get("TRAPLINE_TEST_PATIENCE", "1"))


class Checks:
    def __init__(self, trapline, flip, work):
        self.trapline, self.flip, self.work = trapline, flip, work
        self.failed = 0

    def run(self, policy, argv, mechanism="auto", options=(), command="run"):
        """A command under a policy's text: (status, output, errors)."""
        path = os.path.join(self.work, "policy")
        with open(path, "w") as f:
            f.write(policy)
        argv = [self.trapline, command, "--policy", path, "--mechanism", mechanism, *options, "--", *argv]
        env = dict(os.environ, LC_ALL="C")
        done = subprocess.run(["timeout", "-s", "KILL", str(LIMIT), *argv], cwd=self.work, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")

    def check(self, what, holds, seen):
        if not holds:
            print(f"not true: {what}: {seen!r}")
            self.failed += 1

    def write(self, name, content):
        with open(os.path.join(self.work, name), "w") as f:
            f.write(content)
        return os.path.join(self.work, name)

    # ---- scenarios ----

    def check_secrets(self):
        """A file has many names, and none of them opens it."""
        secret = self.write("secret", "SECRET\n")
        self.write("public", "public\n")
        os.symlink(secret, os.path.join(self.work, "link"))
        os.symlink(self.work, os.path.join(self.work, "dirlink"))
        policy = f'default native\nerrno EACCES %file when path == "{secret}"\n'
        names = [secret, "secret", "./secret", "link", "dirlink/secret", "/proc/self/cwd/secret",
                 f"/proc/self/root{secret}", f"{self.work}/../{os.path.basename(self.work)}//secret"]
        program = (
            "import os,sys\n"
            "def tried(f):\n"
            "    try: return f()\n"
            "    except OSError as e: return e.strerror\n"
            "d = os.open('.', os.O_RDONLY)\n"
            "for n in sys.argv[1:]:\n"
            "    print(tried(lambda: open(n).read()), tried(lambda: os.stat(n).st_size), tried(lambda: os.chmod(n, 0o600)))\n"
            "print(tried(lambda: os.open('secret', os.O_RDONLY, dir_fd=d)))\n"
            "print(tried(lambda: os.stat('secret', dir_fd=d).st_size))\n"
            "print(tried(lambda: os.rename('public', 'secret')), tried(lambda: os.link('secret', 'other')))\n"
            "print(open('public').read().strip())\n")
        denied = "Permission denied"
        want = [" ".join([denied] * 3)] * len(names) + [denied, denied, f"{denied} {denied}", "public"]
        for mechanism in ("auto", "trace", "step"):
            _, out, err = self.run(policy, [sys.executable, "-c", program, *names], mechanism)
            self.check(f"secrets under {mechanism}", out.splitlines() == want, out + err[-300:])
            self.check(f"the log names rule, path and pid under {mechanism}",
                       re.search(rf"policy:2: errno EACCES: openat {re.escape(secret)} \(pid \d+\)", err), err[:300])

    def check_roots(self):
        """A guest that takes another root names files otherwise, and meets the same rules."""
        if os.getuid():
            print("SKIP: chroot needs root")
            return
        root = os.path.join(self.work, "root")
        os.makedirs(os.path.join(root, "etc"))
        os.symlink("/etc/there", os.path.join(root, "etc", "link"))
        for name in ("there", "secret"):
            with open(os.path.join(root, "etc", name), "w") as f:
                f.write(name)
        policy = (f'default native\nerrno EACCES openat when path == "{root}/etc/there" or path == "/etc/hostname"\n'
                  f'redirect openat when path == "{root}/1" to "{root}/etc/secret"\n'
                  f'redirect openat when path == "{root}/2" to "/etc/secret"\n')
        program = (
            "import os,sys\n"
            "def tried(n):\n"
            "    try: return os.read(os.open(n, os.O_RDONLY), 9).decode()\n"
            "    except OSError as e: return e.strerror.split()[0]\n"
            "print(tried('/etc/hostname'), tried(sys.argv[1] + '/etc/there'), tried(sys.argv[1] + '/etc/link'))\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    os.chroot(sys.argv[1])\n"
            "    os.chdir('/')\n"
            "    print(*map(tried, ('/etc/there', 'etc/link', '/etc/secret', '../etc/there', '/1', '2')), flush=True)\n"
            "    os._exit(0)\n"
            "os.waitpid(pid, 0)\n"
            "print(tried('/etc/hostname'))\n")
        want = "Permission Permission No\nPermission Permission secret Permission secret No\nPermission\n"
        for mechanism in ("auto", "trace", "step"):
            _, out, err = self.run(policy, [sys.executable, "-u", "-c", program, root], mechanism)
            self.check(f"roots under {mechanism}", out == want, out + err[-300:])

    def check_needs_trace(self):
        """What cannot be carried out safely is refused before anything runs."""
        policy = f'default native\nerrno EACCES %file when path == "{self.work}/x"\n'
        for mechanism, options in (("notify", ()), ("sysemu", ()), ("native", ()), ("auto", ("--no-ptrace",))):
            status, out, err = self.run(policy, ["echo", "ran"], mechanism, options)
            self.check(f"refused under {mechanism}", status != 0 and "ran" not in out and err, (status, out, err))
        status, out, err = self.run("default native\nerrno EPERM memfd_create\n" + policy[15:], ["echo", "ran"])
        self.check("refused without memfd_create", status != 0 and "memfd_create" in err, (status, err))

    def check_flip(self):
        """Another thread changes the string between check and use."""
        good, bad = self.write("good", "A\n"), self.write("a-longer-name", "D\n")
        policy = f'default native\nerrno EACCES %file when path == "{bad}"\n'
        for mechanism in ("trace", "step"):
            status, out, err = self.run(policy, [self.flip, good, bad, "3000"], mechanism, ["-q"])
            self.check(f"flip under {mechanism}", status == 0 and out == "read allowed some, refused some, denied 0\n",
                       (status, out, err))

    def check_newborn(self):
        """Threads are born while the leader's arguments are changed."""
        policy = f'default native\nerrno EACCES %file when path == "{self.work}/x"\n'
        for mechanism in ("trace", "step"):
            status, out, err = self.run(policy, [os.path.join(os.path.dirname(self.flip), "newborn")], mechanism)
            self.check(f"newborn under {mechanism}", status == 0 and out == "wrong 0\n", (status, out, err[-300:]))

    def check_redirect(self):
        self.write("from", "from\n")
        self.write("to", "to\n")
        os.mkdir(os.path.join(self.work, "new"))
        self.write("new/inside", "new inside\n")
        policy = (f'default native\nredirect open* when path == "{self.work}/from" to "{self.work}/to"\n'
                  f'redirect %file when path under "{self.work}/old" to "{self.work}/new"\n')
        for mechanism in ("trace", "step"):
            _, out, err = self.run(policy, ["cat", "from", "old/inside", "to"], mechanism)
            self.check(f"redirect under {mechanism}", out == "to\nnew inside\nto\n", out + err)

    def check_network(self):
        policy = ("default native\nerrno ENETUNREACH connect when addr.family == AF_INET or addr.family == AF_INET6\n"
                  'errno EACCES connect when addr.path under "/nowhere"\n')
        program = (
            "import socket\n"
            "def tried(f, a):\n"
            "    s = socket.socket(f)\n"
            "    try: s.connect(a)\n"
            "    except OSError as e: print(e.strerror)\n"
            "tried(socket.AF_INET, ('127.0.0.1', 1))\n"
            "tried(socket.AF_UNIX, '/nowhere/x')\n"
            "tried(socket.AF_UNIX, '/elsewhere')\n"
            "l = socket.socket(socket.AF_UNIX); l.bind('s'); l.listen()\n"
            "c = socket.socket(socket.AF_UNIX); c.connect('s'); c.send(b'x'); print(l.accept()[0].recv(9))\n")
        want = "Network is unreachable\nPermission denied\nNo such file or directory\nb'x'\n"
        for mechanism in ("trace", "step"):
            _, out, err = self.run(policy, [sys.executable, "-c", program], mechanism)
            self.check(f"network under {mechanism}", out == want, out + err[-300:])
            os.unlink(os.path.join(self.work, "s"))

    def check_disk(self):
        """Every third write fails; reads are short, and no byte is lost."""
        data = bytes(range(256)) * 20
        with open(os.path.join(self.work, "in"), "wb") as f:
            f.write(data)
        policy = (f'default native\ninject write when fd.path == "{self.work}/out" error ENOSPC every 3\n'
                  f'inject read when fd.path == "{self.work}/in" short 100\n')
        for mechanism in ("trace", "step"):
            status, _, err = self.run(policy, ["dd", "if=in", "of=out", "bs=512"], mechanism)
            size = os.path.getsize(os.path.join(self.work, "out"))
            self.check(f"dd under {mechanism}", status == 1 and size == 200 and "No space left" in err, (size, err))
            short = policy.splitlines()[0] + "\n" + policy.splitlines()[2] + "\n"
            _, out, err = self.run(short, ["cat", "in"], mechanism)
            self.check(f"short reads under {mechanism}", out.encode("latin-1") == data, (len(out), err))

    def check_values(self):
        """Errnos and values by number and integer arguments, under every mechanism; identity; argument rewriting."""
        policy = ("default native\nvalue 4242 getppid\nerrno EPERM mkdir when mode == 0o700\n"
                  'rewrite lseek when offset == 5 with offset = 7\nidentity uid=77 hostname="box"\n')
        program = (
            "import os,socket\n"
            "print(os.getppid(), os.getuid(), socket.gethostname())\n"
            "try: os.mkdir('d', 0o700)\n"
            "except OSError as e: print(e.strerror)\n"
            "os.mkdir('d', 0o755); os.rmdir('d')\n"
            "f = os.open('/dev/zero', os.O_RDONLY); f = os.open('policy', os.O_RDONLY); print(os.lseek(f, 5, 0))\n")
        want = "4242 77 box\nOperation not permitted\n7\n"
        for mechanism in ("auto", "trace", "step"):
            _, out, err = self.run(policy.replace("0o700", "0700"), [sys.executable, "-c", program], mechanism)
            self.check(f"values under {mechanism}", out == want, out + err[-300:])
        policy = policy.replace("0o700", "0700").replace("rewrite", "#")
        for mechanism, options in (("notify", ()), ("notify", ("--no-ptrace",)), ("sysemu", ())):
            _, out, err = self.run(policy, [sys.executable, "-c", program], mechanism, options)
            self.check(f"values under {mechanism}", out == want.replace("\n7\n", "\n5\n"), out + err[-300:])

    def check_poke(self):
        """Memory is overwritten at entry and exit, in the checked copy too; a harmless call stands in for another."""
        one, two = self.write("one", "1\n"), self.write("two", "2\n")
        policy = (f'default native\ninject openat when path == "{one}" poke-enter path = "{two}"\n'
                  'inject read when count == 77 poke-exit buf = "XYZ"\n'
                  'inject pread64 when count == 78 retval 4 poke-exit arg1 = 5758595a\n'
                  'inject pread64 when count == 79 error ENXIO as getpid\n')
        program = (
            "import os,sys\n"
            "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
            "print(os.pread(fd, 9, 0), os.read(fd, 77), os.pread(fd, 78, 0))\n"
            "try: os.pread(fd, 79, 0)\n"
            "except OSError as e: print(e.strerror)\n")
        want = "b'2\\n' b'XY' b'WXYZ'\nNo such device or address\n"
        for mechanism in ("auto", "trace", "step"):
            _, out, err = self.run(policy, [sys.executable, "-c", program, one], mechanism)
            self.check(f"poked under {mechanism}", out == want, out + err[-300:])

    def check_learn(self):
        """What was learned of a run lets it run again: pipes have other numbers then, and no more is allowed for them."""
        self.write("in", "learned\n")
        command = ["sh", "-c", "cat in | cat; touch -c in"]
        done = subprocess.run(["timeout", "-s", "KILL", str(LIMIT), self.trapline, "policy", "learn", "-o", "learned", "--",
                               *command], cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True)
        self.check("learns", (done.returncode, done.stdout) == (0, b"learned\n"), done)
        with open(os.path.join(self.work, "learned")) as f:
            policy = f.read()
        self.check("no path of a pipe", "pipe:[" not in policy, policy)
        status, out, err = self.run(policy, command)
        self.check("runs again", (status, out, err) == (0, "learned\n", ""), (status, out, err))
        status, out, err = self.run(policy, ["sh", "-c", "cat in | cat; touch -c in; cat /etc/hostname"])
        self.check("and no more", "errno EPERM: openat /etc/hostname" in err, (status, out, err))

    def check_narrow(self):
        """Under "abi i386 same" 32-bit calls meet the same rules, by notify and trace, and pass with checked copies."""
        narrow = os.path.join(os.path.dirname(self.flip), "narrow")
        if not os.path.exists(narrow):
            print("SKIP: no 32-bit compiler: calls of i386 are not tried")
            return
        one, two = self.write("one", "1\n"), self.write("two", "2\n")
        value = "abi i386 same\nvalue 77 getppid\n"
        rules = f'{value}errno ENXIO open openat when path == "{two}"\nredirect open openat when path == "/3" to "{one}"\n'
        for policy, files, want in ((value, [one, two], "77 1 2"),
                                    (rules, [one, two, "/3"], "77 1 No such device or address 1")):
            for mechanism in ("auto", "trace", "step"):
                _, out, err = self.run(policy, [narrow, *files], mechanism)
                self.check(f"32 bits under {mechanism}", out.split() == want.split(), out + err[-300:])

    def check_counters(self):
        """Without ptrace too each process counts from 1, and ended ones leave nothing behind."""
        program = ("import os, subprocess, sys\n"
                   "child = 'import os\\nfor i in 1, 2: os.getpriority(0, 0)'\n"
                   "said = {subprocess.run([sys.executable, '-S', '-c', child], capture_output=True).stderr[-30:]\n"
                   "        for i in range(100)}\n"
                   "print(said, len(os.listdir(f'/proc/{os.getppid()}/fd')) < 90)\n")
        for options in ((), ("--no-ptrace",)):
            _, out, err = self.run("default native\ninject getpriority error ENXIO every 2\n",
                                   [sys.executable, "-c", program], options=options)
            self.check(f"counted {options}", out.count("device or address") == 1 and out.count(",") == 0 and
                       out.endswith(" True\n"), out + err)

    def check_where(self):
        """Facts are the guest's: its capabilities, its kernel."""
        policy = ("default native\nvalue 1 getppid where cap CAP_SYS_CHROOT and kernel >= 4.8\n"
                  "value 2 getppid where not cap CAP_SYS_CHROOT and kernel >= 4.8\nvalue 3 getppid\n"
                  "value 4 getpgrp where kernel >= 99.0\nvalue 5 getpgrp\n")
        program = [sys.executable, "-c", "import os; print(os.getppid(), os.getpgrp(), ' '.join(l.split()[1] for l in "
                   "open('/proc/self/status') if l.startswith('CapEff')))"]
        _, out, err = self.run(policy, program)
        ppid, pgrp, caps = (out.split() + ["", "", "0"])[:3]
        self.check("where", (ppid, pgrp) == ("1" if int(caps, 16) >> 18 & 1 else "2", "5"), out + err)
        done = subprocess.run([self.trapline, "policy", "test", "--here", "policy", "getppid()"], cwd=self.work,
                              capture_output=True)
        self.check("test --here", done.stdout.startswith(b"getppid() = value " + ppid.encode()), done)
        done = subprocess.run([self.trapline, "policy", "test", "policy", "getppid()"], cwd=self.work, capture_output=True)
        self.check("test", done.stdout.startswith(b"getppid() = value 2"), done)

    def check_options(self):
        """Options are statements of the same model: they win over the file's, piece by piece, and need no file."""
        ids = ["sh", "-c", "id -u; id -g; uname -n"]
        file = 'identity uid=77 gid=78 hostname="file"\n'
        for options, want in (((), "77 78 file"), (("--uid", "5"), "5 78 file"),
                              (("--gid", "6", "--hostname", 'a"b\\c'), '77 6 a"b\\c')):
            status, out, err = self.run(file, ids, options=options)
            self.check(f"identity with {options}", (status, out.split()) == (0, want.split()), out + err)
        status, out, err = self.run(file + "identity uid=1\n", ids, options=("--uid", "5"))
        self.check("two identities in a file", status == 1 and ":2:1: error: a second identity" in err, err)

    def check_kill(self):
        """A rule that kills ends the process as the kernel's filter does, by SIGSYS, wherever it is decided."""
        call = "import ctypes, os, signal, sys, threading\n%sos.getpriority(0, 0)\nprint(1)\n"
        handler = "signal.signal(signal.SIGSYS, lambda *a: print('handled', flush=True))\n"
        thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        path = "default native\nkill openat when path == \"/dev/full\"\nkill getpriority when task.calls >= 1\n"
        simple = "default native\nkill getpriority\n"
        # Decided by a worker or without a filter, a process with several threads or a handler is killed with SIGKILL.
        cases = [(policy, before, mechanism) for policy in (simple, path) for before in ("", handler, thread)
                 for mechanism in ("auto", "notify", "trace", "step") if policy == simple or mechanism != "notify"]
        for policy, before, mechanism in cases:
            status, out, err = self.run(policy, [sys.executable, "-c", call % before], mechanism)
            want = (-31, 128 + 31)
            if before and (mechanism == "step" or policy == path and mechanism == "auto"):
                want += (-9, 128 + 9)
            self.check(f"killed under {mechanism}, {before or 'plain'}", status in want and not out, (policy, status, out, err))

    def check_audit(self):
        """Denials as JSON lines, also those that the filter alone would have made; log lets the call pass."""
        policy = "default native\nlog mkdir\nerrno EPERM rmdir\n"
        for mechanism in ("auto", "trace", "step", "notify"):
            log = os.path.join(self.work, "audit")
            status, _, err = self.run(policy, ["sh", "-c", "mkdir made; rmdir made"], mechanism, ["--audit", log])
            with open(log) as f:
                lines = [json.loads(line) for line in f]
            seen = [(l["call"], l["action"], l["rule"].rsplit("/", 1)[-1], l["paths"]) for l in lines]
            made = os.path.join(self.work, "made")
            self.check(f"audit under {mechanism}", seen == [("mkdir", "log", "policy:2", [made]),
                                                           ("rmdir", "errno EPERM", "policy:3", [made])], seen)
            self.check(f"rmdir fails under {mechanism}", status == 1 and "not permitted" in err, err)
            os.unlink(log)
            os.rmdir(made)

    def check_foreign(self):
        """Numbers of another ABI do not go round the rules."""
        program = ("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                   "print(libc.syscall(0x40000000 + 39), ctypes.get_errno())\n")
        for mechanism in ("auto", "step"):
            _, out, err = self.run("default native\nerrno EPERM getpriority\n", [sys.executable, "-c", program], mechanism)
            self.check(f"x32 under {mechanism}", out == "-1 38\n", out + err[-200:])

    def check_trace_shows(self):
        out = os.path.join(self.work, "out.trace")
        self.run("default native\nerrno EPERM rmdir\nvalue 5 getppid\n", ["rmdir", "nothing"], "auto",
                 ["-qq", "-e", "trace=rmdir", "-o", out], "trace")
        with open(out) as f:
            text = f.read()
        self.check("trace --policy", re.search(
            r'rmdir\("nothing"\) += -1 EPERM \(Operation not permitted\) \(INJECTED\)\n$', text), text)

    def check_reload(self):
        """Rules of calls that always stop can change while the guest runs, all of them or none."""
        self.write("one", "1\n")
        self.write("two", "2\n")
        first = f'default native\nerrno EACCES open* when path == "{self.work}/one"\nerrno EPERM rmdir\n'
        self.write("second", f'default native\nerrno ENOENT open* when path == "{self.work}/two"\nerrno EPERM rmdir\n')
        self.write("third", f'default native\nerrno EIO open* when path == "{self.work}/two"\nvalue 0 rmdir\n')
        self.write("fourth", "what\n")
        program = (
            "import os,subprocess,sys,time\n"
            "def tried(n):\n"
            "    try: return open(n).read().strip()\n"
            "    except OSError as e: return e.strerror\n"
            "print(tried('one'), tried('two'), flush=True)\n"
            "for n in ('second', 'third', 'fourth'):\n"
            "    open('policy', 'w').write(open(n).read())\n"
            "    subprocess.run([sys.argv[1], 'policy', 'reload', str(os.getppid())], check=True,\n"
            "                   env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))\n"    # not in a traced process
            "    end = time.time() + 50\n"
            "    while len(open('said').read().split('reloaded')) < 2 + ('second', 'third', 'fourth').index(n):\n"
            "        assert time.time() < end\n"
            "        time.sleep(0.01)\n"
            "    print(tried('one'), tried('two'), flush=True)\n")
        said = os.path.join(self.work, "said")
        command = ["sh", "-c", 'exec 2>said; exec "$@"', "sh", self.trapline, "run", "-q", "--policy", "policy", "--",
                   sys.executable, "-c", program, self.trapline]
        self.write("policy", first)
        done = subprocess.run(["timeout", "-s", "KILL", str(LIMIT), *command], cwd=self.work, capture_output=True)
        with open(said) as f:
            text = f.read()
        want = b"Permission denied 2\n" + 3 * b"1 No such file or directory\n"
        self.check("what is in force", done.stdout == want, (done.stdout, text))
        self.check("what is said", re.search(r"is reloaded\n.*not reloaded: rmdir: .*\n(.*\n)*.*stays\n", text), text)

    def check_inject(self):
        """The same -e inject and -e fault give the same trace, output and status as strace."""
        strace = shutil.which("strace")
        if not strace:
            print("SKIP: strace is not installed: injections are not compared")
            return
        self.write("in", "x" * 3000)
        dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=6", "status=none"]
        cases = [
            ("read", "inject=read:error=EINTR:when=3+2", ["cat", "in", "in", "in"]),
            ("read", "inject=read:error=EIO:when=4", ["cat", "in", "in"]),
            ("openat", "fault=openat:when=2+", ["cat", "in"]),
            ("openat", "fault=openat:error=EMFILE:when=3..4", ["cat", "in"]),
            ("geteuid", "inject=geteuid:retval=77", ["id", "-u"]),
            ("write", "inject=write:signal=USR1:when=2", dd),
            ("write", "inject=write:signal=SIGTERM:when=3", dd),
            ("write", "inject=write:delay_enter=20000:when=2..3", dd),
            ("write", "inject=write:delay_exit=2ms:when=1+2", dd),
            ("write", "inject=write:error=ENOSPC:delay_exit=2000:when=3", dd),
            ("%file", "fault=%file:error=EACCES:when=2+3", ["ls", "-d", "."]),
            ("all", "inject=mmap:error=ENOMEM:when=5..6", ["true"]),
            ("read", "inject=read:poke_exit=@arg2=58595A:when=2", ["cat", "in", "in"]),
            ("read", "inject=read:retval=5:poke_exit=@arg2=58595a0a0a:when=3", ["cat", "in"]),
            ("read", "inject=read:retval=5:poke_enter=@arg2=58595a0a0a:when=3", ["cat", "in"]),
            ("read", "inject=read:error=EIO:poke_enter=@arg2=58:poke_exit=@arg2=5959:when=1", ["cat", "in"]),
            ("write", "inject=write:poke_enter=@arg2=4142", ["echo", "hello"]),
            ("write", "inject=write:poke_enter=@arg2=4142:delay_exit=1000:when=1", ["echo", "hello"]),
            ("openat", "inject=openat:poke_enter=@arg2=2f78:when=1", ["cat", "in"]),
            ("openat", "inject=openat:poke_exit=@arg2=2f78:when=1", ["cat", "in"]),
            ("read", "inject=read:syscall=getpid:retval=5:when=3", ["cat", "in"]),
            ("read", "inject=read:syscall=getpid:error=EINTR:delay_exit=1000:when=3", ["cat", "in"]),
            ("read", "inject=read:syscall=getpid:delay_enter=1000:when=1:when=3", ["cat", "in"]),
            ("read", "fault=read:syscall=gettid:when=2", ["cat", "in"]),
        ]
        for trace, inject, argv in cases:
            seen = []
            for tool in ([strace, "-f"], [self.trapline, "trace"]):
                out = os.path.join(self.work, "trace.out")
                done = subprocess.run(["timeout", "-s", "KILL", str(LIMIT), *tool, "-qq", "-o", out, "-e",
                                       "trace=" + trace, "-e", inject, *argv], cwd=self.work, capture_output=True,
                                      env=dict(os.environ, LC_ALL="C"))
                with open(out) as f:
                    text = re.sub(r"(?m)^\d+ +", "", f.read())
                text = re.sub(r"0x[0-9a-f]{6,}", "ADDR", re.sub(r" += ", " = ", text))
                seen.append((done.returncode, done.stdout, done.stderr, text))
            self.check(f"strace -e {inject}", seen[0] == seen[1], seen)
        for what in ("syscall=getpid", "syscall=write:retval=5", "syscall=39:retval=5", "syscall=%pure:retval=5",
                     "syscall=getpid:syscall=gettid:retval=5", "poke_exit=", "poke_exit=@arg2=", "poke_exit=@arg2=123",
                     "poke_exit=@arg0=58", "poke_exit=@arg8=58", "poke_exit=@ret=58", "poke_enter=@arg2=58:@arg3=00",
                     "poke_enter=@arg2=58,@arg2=59", "poke_enter=@arg2=58:poke_enter=@arg3=00"):
            status = [subprocess.run([*tool, "-e", "inject=read:" + what, "true"], capture_output=True).returncode != 0
                      for tool in ([strace], [self.trapline, "trace"])]
            self.check(f"refused: {what}", status == [True, True], status)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trapline", required=True)
    parser.add_argument("--flip", required=True)
    parser.add_argument("scenarios", nargs="*")
    args = parser.parse_args()
    os.umask(0o022)
    failed = 0
    names = args.scenarios or [n[6:] for n in dir(Checks) if n.startswith("check_")]
    for name in names:
        with tempfile.TemporaryDirectory() as work:
            checks = Checks(os.path.realpath(args.trapline), os.path.realpath(args.flip), os.path.realpath(work))
            getattr(checks, "check_" + name)()
            failed += checks.failed
    return failed != 0


sys.exit(main())
