#!/usr/bin/env python3
"""Checks the shape of the sources: who includes whom, and the rules a compiler does not know.

    layers.py SOURCE_ROOT

Prints one line a fault, "file:line: what", and exits 1 if there is any. Long files and functions are listed as
warnings. The rules are those of docs/design.md, "Layers".
"""
import fnmatch
import os
import re
import sys

# The generated and hand-written parts of src/syscalls that know nothing of a session: numbers, names, decoding.
TABLE = ["syscalls/table.h", "syscalls/call_ids.h", "syscalls/call_set.h", "syscalls/flag_sets.h"]
DECODE = TABLE + ["syscalls/decode*.h"]
ANSWER = DECODE + ["syscalls/*.h"]

# File under src/ (first pattern that matches) -> headers it may include. A directory always sees its own headers,
# except where the row says "own": False.
RULES = [
    {"who": "base/*", "may": []},
    {"who": "regs/*", "may": ["base/*"]},
    {"who": "policy/*", "may": ["base/*", "regs/*"] + TABLE},
    {"who": "syscalls/sys_*", "may": ["base/*", "kernel/*"] + ANSWER},
    {"who": "syscalls/dispatch*", "may": ["base/*", "kernel/*"] + ANSWER},
    {"who": "syscalls/identity*", "may": ["base/*", "kernel/*"] + ANSWER},
    {"who": "syscalls/file*", "may": ["base/*", "kernel/*"] + ANSWER},
    {"who": "syscalls/copyio*", "may": ["base/*", "kernel/*"] + ANSWER},
    {"who": "syscalls/decode*", "may": ["base/*"] + DECODE + ["syscalls/*decode*.h", "syscalls/*_priv*.h"], "own": False},
    {"who": "syscalls/*", "may": ["base/*"]},
    {"who": "kernel/fs/procfs*", "may": ["base/*", "kernel/guest.h", "kernel/vfs/*", "kernel/mm/*", "kernel/task/*"]},
    {"who": "kernel/fs/overlay*", "may": ["base/*", "kernel/vfs/*"]},
    {"who": "kernel/fs/*", "may": ["base/*", "kernel/guest.h", "kernel/vfs/*", "kernel/mm/pagecache.h"]},
    {"who": "kernel/*", "may": ["base/*", "kernel/*"]},
    {"who": "observe/*", "may": ["base/*"] + DECODE},
    {"who": "tracer/loader/*", "may": ["call.h", "tracer/loader/*"]},  # freestanding; call.h is the architecture's
    {"who": "tracer/*", "may": ["base/*", "regs/*", "policy/*", "kernel/*", "observe/record.h", "observe/recorder.h"]
        + ANSWER},
    {"who": "bench/guest/*", "may": ["base/*", "regs/*"]},
    {"who": "bench/*", "may": ["base/*", "regs/*", "policy/*", "kernel/*", "tracer/*.h", "observe/*.h"] + ANSWER},
    {"who": "embed/*", "may": ["base/*", "kernel/*", "tracer/session.h", "tracer/policy/session_policy.h", "trapline/*"] + ANSWER},
    {"who": "cli/*", "may": ["*"]},
]

ARCH_WORDS = re.compile(r"\b(__x86_64__|__aarch64__|__i386__|__ILP32__|__arm__|__riscv)\b")
ARCH_PLACES = ["regs/*", "tracer/stub/*", "bench/guest/*"]

# Calls that end the process belong to main. (_exit in a forked child is another matter.)
EXIT_CALL = re.compile(r"(?<![\w.>])(exit|quick_exit|errx?|verrx?)\s*\(")
EXIT_PLACES = ["cli/exit.c", "cli/main.c", "bench/guest/*"]

# Who may know how a call is caught. policy writes BPF; the decoder names the constants that guests give to these calls.
MECHANISM_HEADERS = {
    "sys/ptrace.h": ["tracer/*", "regs/*", "bench/*", "cli/doctor*", "syscalls/decode*"],
    "linux/ptrace.h": ["tracer/*", "regs/*", "bench/*", "cli/doctor*", "syscalls/decode*"],
    # sys_cred: who may install a filter
    "linux/seccomp.h": ["tracer/*", "policy/*", "bench/*", "cli/doctor*", "syscalls/decode*", "syscalls/sys_cred.c"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
MAX_FILE = 600
MAX_FUNCTION = 100


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def strip_comments(text):
    """The text with comments and string contents blanked, line numbers kept."""
    def blank(m):
        s = m.group(0)
        if s[0] == '"' or s[0] == "'":
            return s[0] + s[0]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def rule_for(path):
    for rule in RULES:
        if fnmatch.fnmatchcase(path, rule["who"]):
            return rule
    return None


def resolve(header, path, src):
    """The path under src/ that a quoted include means."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), header))
    if os.path.exists(os.path.join(src, beside)) and not os.path.exists(os.path.join(src, header)):
        return beside
    return header


def check_include(path, kind, header, src):
    if kind == "<":
        places = MECHANISM_HEADERS.get(header)
        if places and not matches(path, places):
            return f"only {', '.join(places)} may include <{header}>"
        return None
    header = resolve(header, path, src)
    if header.startswith("trapline/"):
        return None
    rule = rule_for(path)
    if rule is None:
        return f"no layer: add src/{os.path.dirname(path)} to tests/layers.py"
    own = os.path.dirname(path)
    top = own.split("/")[0]
    if rule.get("own", True) and (os.path.dirname(header) == own or (top != "kernel" and header.startswith(top + "/"))):
        return None
    if matches(header, rule["may"]):
        return None
    return f'may not include "{header}"'


def check_lines(path, text, src):
    code = strip_comments(text)
    for number, (line, plain) in enumerate(zip(text.splitlines(), code.splitlines()), 1):
        m = INCLUDE.match(line)
        if m:
            fault = check_include(path, m.group(1), m.group(2), src)
            if fault:
                yield number, fault
        if re.match(r"\s*#\s*(if|elif)", plain) and ARCH_WORDS.search(plain) and not matches(path, ARCH_PLACES):
            yield number, "architecture named outside src/regs, src/tracer/stub and src/bench/guest"
        if EXIT_CALL.search(plain) and not matches(path, EXIT_PLACES):
            yield number, "exit() below main: return an error"
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield number, "unfinished business in a comment: do it or file an issue"


def long_functions(text):
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > MAX_FUNCTION:
                yield start, number - start - 1
            start = None


def sources(src):
    for directory, _, names in sorted(os.walk(src)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                full = os.path.join(directory, name)
                yield os.path.relpath(full, src), full


def check(root):
    """Returns (faults, warnings), each a list of lines."""
    src = os.path.join(root, "src")
    faults, warnings = [], []
    for path, full in sources(src):
        with open(full, encoding="utf-8") as f:
            text = f.read()
        faults += [f"src/{path}:{n}: {what}" for n, what in check_lines(path, text, src)]
        lines = text.count("\n")
        if lines > MAX_FILE:
            warnings.append(f"src/{path}: {lines} lines (aim: {MAX_FILE})")
        warnings += [f"src/{path}:{n}: a function of {length} lines (aim: {MAX_FUNCTION})"
                     for n, length in long_functions(text)]
    return faults, warnings


def main():
    if len(sys.argv) != 2:
        print("usage: layers.py SOURCE_ROOT", file=sys.stderr)
        return 2
    faults, warnings = check(sys.argv[1])
    for line in warnings:
        print(f"warning: {line}")
    for line in faults:
        print(line)
    print(f"layers: {len(faults)} faults, {len(warnings)} warnings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
