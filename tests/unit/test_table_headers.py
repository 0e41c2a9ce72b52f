#!/usr/bin/env python3
"""Compares the tables with the system's headers: test_table_headers.py SRC numbers|constants CC

numbers: every __NR_ macro of each ABI's header that is installed, and every row up to the header's newest call.
constants: the value of every constant that a header here knows.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile

SRC, WHAT, CC = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SRC, "src", "syscalls"))
import gen_model  # noqa: E402

SKIP = 77
# What glibc gives these names on 64-bit systems is the plain command's number; the table has the kernel's own.
RENAMED = {"F_GETLK64", "F_SETLK64", "F_SETLKW64"}
DIR = os.path.join(SRC, "src", "syscalls")
FLAG_FILES = sorted(os.path.join(DIR, "flags", f) for f in os.listdir(os.path.join(DIR, "flags")))

# The header with an ABI's numbers, for a compiler that runs on x86_64 and one that makes aarch64 code.
NUMBER_HEADERS = {"x86_64": "asm/unistd_64.h", "i386": "asm/unistd_32.h", "x32": "asm/unistd_x32.h"}
# Macros of <asm/unistd.h> that are no calls.
NOT_CALLS = {"syscalls", "arch_specific_syscall"}

# Headers that can be included together; a constant is looked for in each group.
HEADER_GROUPS = [
    "fcntl.h sys/stat.h sys/mman.h sys/mount.h sys/wait.h sys/resource.h sys/time.h sys/timex.h sched.h "
    "signal.h poll.h sys/epoll.h sys/eventfd.h sys/inotify.h sys/fanotify.h sys/signalfd.h sys/timerfd.h "
    "sys/ptrace.h sys/personality.h sys/socket.h netinet/in.h netinet/tcp.h sys/xattr.h sys/random.h "
    "sys/shm.h sys/sem.h sys/msg.h sys/file.h dirent.h sys/ioctl.h sys/quota.h sys/swap.h sys/statvfs.h "
    "unistd.h sys/reboot.h sys/klog.h linux/aio_abi.h sys/pidfd.h",
    "linux/fcntl.h linux/stat.h linux/mman.h linux/mount.h linux/wait.h linux/sched.h linux/prctl.h "
    "linux/capability.h linux/seccomp.h linux/futex.h linux/kcmp.h linux/keyctl.h linux/landlock.h "
    "linux/memfd.h linux/mempolicy.h linux/membarrier.h linux/bpf.h linux/perf_event.h linux/io_uring.h "
    "linux/kexec.h linux/reboot.h linux/random.h linux/openat2.h linux/close_range.h linux/magic.h "
    "linux/quota.h linux/dqblk_xfs.h linux/userfaultfd.h linux/rseq.h linux/audit.h linux/securebits.h "
    "linux/module.h linux/falloc.h linux/fs.h linux/ioprio.h linux/netlink.h linux/rtnetlink.h "
    "linux/if_ether.h linux/if_arp.h linux/elf.h linux/hw_breakpoint.h linux/fanotify.h linux/inotify.h "
    "linux/eventpoll.h linux/aio_abi.h asm/prctl.h asm/ptrace.h asm/mman.h linux/xattr.h",
    "stdint.h sys/socket.h linux/in6.h linux/vm_sockets.h linux/tls.h linux/if_packet.h linux/if_xdp.h "
    "linux/rxrpc.h linux/rds.h linux/tipc.h linux/if_alg.h linux/can.h linux/can/raw.h linux/kcm.h "
    "linux/nfc.h linux/llc.h linux/dccp.h linux/udp.h linux/sctp.h linux/ax25.h linux/phonet.h "
    "linux/caif/caif_socket.h linux/smc.h linux/if_pppol2tp.h linux/net.h",
    "sys/types.h sys/ioctl.h linux/sockios.h linux/loop.h linux/kvm.h linux/if_tun.h linux/rtc.h "
    "linux/input.h linux/vt.h linux/kd.h linux/cdrom.h linux/hdreg.h linux/fuse.h linux/btrfs.h "
    "linux/fscrypt.h linux/watchdog.h linux/nbd.h linux/dm-ioctl.h linux/uinput.h linux/vhost.h "
    "linux/nsfs.h linux/fsverity.h linux/fiemap.h linux/blkzoned.h",
]


def run(command, source):
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False)


def numbers_of(cc, header, bit):
    """Name to number of every call in a header, or None where the header is not installed."""
    done = run([*cc, "-E", "-dM", "-x", "c", "-"], f"#include <{header}>\n")
    if done.returncode:
        return None
    macros = dict(re.findall(r"#define (\w+) (.+)", done.stdout))
    found = {}
    for name, value in macros.items():
        if not name.startswith("__NR_") or name[5:] in NOT_CALLS:
            continue
        value = value.replace("__X32_SYSCALL_BIT", "0")
        while value in macros:
            value = macros[value]
        if re.fullmatch(r"[\d ()+]+", value):
            found[name[5:]] = sum(int(n) for n in re.findall(r"\d+", value)) & ~bit
    return found


def compare_numbers(rows, abi, header_numbers):
    index = gen_model.ABIS.index(abi)
    ours = {row.name: row.numbers[index] for row in rows if row.numbers[index] is not None}
    newest = max(n for n in header_numbers.values() if n < 512)
    wrong = []
    for name, number in header_numbers.items():
        if ours.get(name) != number:
            wrong.append(f"{abi} {name}: {number} in the header, {ours.get(name, 'nothing')} in the table")
    for name, number in ours.items():
        # uretprobe and uprobe took free numbers among the old ones.
        if number <= newest and name not in header_numbers and name not in ("uretprobe", "uprobe"):
            wrong.append(f"{abi} {name}: {number} in the table, not in the header")
    print(f"{abi}: {len(header_numbers)} calls in the header, newest {newest}")
    return wrong


def check_numbers(rows):
    wrong, seen = [], 0
    headers = [(abi, CC, header) for abi, header in NUMBER_HEADERS.items()]
    headers.append(("aarch64", ["aarch64-linux-gnu-gcc"], "asm/unistd.h"))
    for abi, cc, header in headers:
        try:
            found = numbers_of(cc, header, 0x40000000 if abi == "x32" else 0)
        except FileNotFoundError:
            found = None
        if not found:
            print(f"{abi}: no {header} here, not compared")
            continue
        seen += 1
        wrong += compare_numbers(rows, abi, found)
    return wrong, seen


def evaluate(names, headers):
    """The values of those names that these headers define."""
    includes = "#define _GNU_SOURCE\n" + "".join(f"#if __has_include(<{h}>)\n#include <{h}>\n#endif\n" for h in headers)
    # Only words that occur at all are tried: gcc takes long to look for what an unknown name could have meant.
    known = set(re.findall(r"#define (\w+) ", run([*CC, "-E", "-dM", "-x", "c", "-"], includes).stdout))
    known |= set(re.findall(r"\w+", run([*CC, "-E", "-P", "-x", "c", "-"], includes).stdout))
    names = [n for n in names if n in known]
    head = f"{includes}#include <stdio.h>\n"
    rest = "int main(void)\n{\nfor (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++)\n"
    rest += 'printf("%s %llu\\n", v[i].name, v[i].value);\n}\n'
    with tempfile.TemporaryDirectory() as work:
        exe = os.path.join(work, "values")
        for _ in range(8):
            lines = "".join(f'{{"{n}", {n}}},\n' for n in names)
            source = head + "static const struct { const char *name; unsigned long long value; } v[] = {\n#line 1\n"
            done = run([*CC, "-w", "-fmax-errors=0", "-x", "c", "-", "-o", exe], source + lines + "};\n" + rest)
            if not done.returncode:
                break
            bad_lines = map(int, re.findall(r"<stdin>:(\d+):\d+: error", done.stderr))
            bad = {names[n - 1] for n in bad_lines if n <= len(names)}
            if not bad:
                raise RuntimeError(done.stderr[:2000])
            names = [n for n in names if n not in bad]
        out = subprocess.run([exe], capture_output=True, text=True, check=True).stdout
    return {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}


def check_constants(sets):
    host = gen_model.ABIS.index(platform.machine()) if platform.machine() in gen_model.ABIS else gen_model.ABI_X86_64
    ours = {f.name: f.value for s in sets.values() for f in s.variants.get(host, s).flags}
    wrong, seen = {}, set()
    for group in HEADER_GROUPS:
        for name, value in evaluate(ours, group.split()).items():
            seen.add(name)
            if (value ^ ours[name]) & 0xffffffff:
                wrong.setdefault(name, []).append(value)
            else:
                wrong.setdefault(name, []).append(None)
    # A name that two headers give different meanings is right if one of them agrees.
    bad = [f"{n}: {ours[n]:#x} here, {v[0]:#x} in a header" for n, v in wrong.items()
           if None not in v and n not in RENAMED]
    print(f"{len(ours)} constants, {len(seen)} of them in a header here")
    return bad, len(seen)


def main():
    _types, rows, sets = gen_model.load(os.path.join(DIR, "types.tbl"), os.path.join(DIR, "syscalls.tbl"), FLAG_FILES)
    wrong, seen = check_numbers(rows) if WHAT == "numbers" else check_constants(sets)
    for line in wrong:
        print(line)
    if not seen:
        print("no header to compare with: skipped")
        return SKIP
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
