"""man/trapline-syscalls.7: every system call, its numbers, its groups, and what trapline does with it."""

from gen_model import ABIS, GROUPS

INTRO = """trapline-syscalls(7)

# NAME

trapline-syscalls - the system calls that trapline knows, and what it does with each

# DESCRIPTION

This page is made from the table that trapline is built from. It lists _{count}_ system calls with their numbers on
each ABI ('-': that ABI does not have the call), the groups that hold them, and how far trapline answers them itself.

# SUPPORT

*native*
	Passes to the host kernel at native speed. It can be traced, denied and injected into, but trapline's kernel
	layer has no answer of its own to it.

*emulated*
	Answered by trapline's kernel layer when a policy selects it.

*partial*
	Answered by trapline's kernel layer in some cases, which the note names; the others pass to the host.

*refused*
	Answered with the errno in the note while emulation is on.

# GROUPS

A group selects all its calls, in policies and in *-e trace=*. The names are those of *strace*(1).

"""


def group_name(group):
    return "%" + group


def numbers(row):
    return [("-" if n is None else str(n)) for n in row.numbers]


def groups_section(rows):
    text = ""
    for group in GROUPS:
        names = " ".join(escape(row.name) for row in rows if group in row.groups)
        text += f"*{group_name(group)}*\n\t{names}\n\n"
    return text


def escape(text):
    """scdoc takes '_' for underlining; inside words it must be escaped to be safe."""
    return text.replace("_", "\\_").replace("*", "\\*")


def signature(row):
    return ", ".join(p.name for p in row.params)


def page(_types, rows, _sets):
    text = INTRO.format(count=len(rows)) + groups_section(rows) + "# SYSTEM CALLS\n\n"
    for row in rows:
        pairs = ", ".join(f"{abi} {n}" for abi, n in zip(ABIS, numbers(row)))
        text += f"*{escape(row.name)}*({escape(signature(row))})\n\t{pairs}. {row.support}"
        if row.groups:
            text += "; " + " ".join(group_name(g) for g in row.groups)
        if row.since:
            text += f"; since Linux {row.since}"
        text += ".\n"
        if row.note:
            text += f"\t{escape(row.note)}.\n"
        text += "\n"
    return text + "# SEE ALSO\n\n*trapline*(1), *strace*(1), *syscalls*(2)\n"
