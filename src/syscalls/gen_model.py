"""Reads types.tbl, syscalls.tbl and flags/*.tbl into plain objects and rejects what is wrong with file:line."""

import re

ABIS = ("x86_64", "aarch64", "i386", "x32")
ABI_X86_64, ABI_AARCH64, ABI_I386, ABI_X32 = range(4)
# Bits of call_desc.groups, in the order of enum call_group; '%stat' is strace's %%stat.
GROUPS = ("file", "desc", "process", "network", "signal", "ipc", "memory", "creds", "clock", "pure",
          "stat", "lstat", "fstat", "statfs", "fstatfs", "%stat", "%statfs")
SUPPORTS = ("native", "emulated", "partial", "refused")
RESULTS = ("int", "fd", "hex", "oct", "pid", "none")
KINDS = ("int", "uint", "flags", "enum", "mode", "fd", "dirfd", "path", "string", "sockaddr", "pid", "uid",
         "signal", "pointer")
DIRS = ("in", "out", "inout")
MAX_NR = 1024
MAX_REGS = 6

NAME = re.compile(r"[a-z_][a-z0-9_]*$")
CONSTANT = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]*(<<[A-Z]+)?$")
TYPE_USE = re.compile(r"([a-z_][a-z0-9_]*)(?:\(([^()]*)\))?$")


class TableError(Exception):
    """What is wrong, with the place: str() is 'file:line: message'."""

    def __init__(self, where, message):
        super().__init__(f"{where}: {message}")


class Type:
    """One line of types.tbl: a word that parameters and results are declared with."""

    def __init__(self, name, kind, bits, signed, regs, direction, args):
        self.name = name
        self.kind = kind
        self.bits = bits
        self.signed = signed
        self.regs = regs
        self.direction = direction
        self.args = args


class Param:
    """A parameter of a call: where it sits in the registers, what it is, and which parameters it needs."""

    def __init__(self, name, type_, reg, set_name, links):
        self.name = name
        self.type = type_
        self.reg = reg
        self.set_name = set_name
        self.links = links


class Row:
    """One system call."""

    def __init__(self, where, name):
        self.where = where
        self.name = name
        self.numbers = [None] * len(ABIS)
        self.groups = []
        self.support = "native"
        self.result = "int"
        self.result_type = None
        self.params = []
        self.variants = {}      # index of an ABI: its own list of params
        self.note = None
        self.since = None


class Flag:
    def __init__(self, name, value, mask):
        self.name = name
        self.value = value
        self.mask = mask


class FlagSet:
    """A named set of constants; variants maps an ABI's index to the set that replaces it there."""

    def __init__(self, where, name, exclusive, unknown):
        self.where = where
        self.name = name
        self.exclusive = exclusive
        self.unknown = unknown
        self.flags = []
        self.variants = {}


def lines_of(path):
    """(file:line, text) of every line that is not empty or a comment."""
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield f"{path}:{number}", line.rstrip("\n")


def parse_int(where, word):
    """A number as C writes it: 10, -1, 0x1f, 017."""
    try:
        return int(word, 8 if re.match(r"-?0[0-7]+$", word) else 0)
    except ValueError:
        raise TableError(where, f"'{word}' is not a number") from None


# ---- types.tbl ----

def parse_type(where, line):
    words = line.split("#", 1)[0].split()
    if len(words) < 4:
        raise TableError(where, "a type needs: name kind width direction [arguments]")
    name, kind, width, direction, *args = words
    if not NAME.match(name):
        raise TableError(where, f"'{name}' is not a type name")
    if kind not in KINDS:
        raise TableError(where, f"unknown kind '{kind}' (one of: {' '.join(KINDS)})")
    match = re.match(r"([su])(32|64)(x2)?$", width)
    if not match:
        raise TableError(where, f"unknown width '{width}' (s32, u32, s64, u64; u64x2: two registers)")
    if direction not in DIRS:
        raise TableError(where, f"unknown direction '{direction}' (one of: {' '.join(DIRS)})")
    for arg in args:
        if arg not in ("set", "link", "link?"):
            raise TableError(where, f"unknown argument '{arg}' (set, link or link?)")
    return Type(name, kind, int(match[2]), match[1] == "s", 2 if match[3] else 1, direction, args)


def load_types(path):
    types = {}
    for where, line in lines_of(path):
        type_ = parse_type(where, line)
        if type_.name in types:
            raise TableError(where, f"type '{type_.name}' is declared twice")
        types[type_.name] = type_
    return types


# ---- flags/*.tbl ----

def parse_set_head(where, words):
    if len(words) < 3 or words[1] not in ("flags", "enum"):
        raise TableError(where, "a set's head needs: NAME[@abi] flags|enum UNKNOWN")
    name, _, abi = words[0].partition("@")
    if not NAME.match(name):
        raise TableError(where, f"'{name}' is not a set name")
    if abi and abi not in ABIS:
        raise TableError(where, f"unknown ABI '{abi}' (one of: {' '.join(ABIS)})")
    new = FlagSet(where, name, words[1] == "enum", words[2] if words[2] != "-" else "")
    return new, abi


def parse_flag(where, words, exclusive):
    if len(words) < 2 or len(words) > 2:
        raise TableError(where, "a constant needs: NAME VALUE or NAME VALUE/MASK")
    if not CONSTANT.match(words[0]):
        raise TableError(where, f"'{words[0]}' is not the name of a constant")
    value_text, _, mask_text = words[1].partition("/")
    value = parse_int(where, value_text) & 0xffffffffffffffff
    mask = parse_int(where, mask_text) if mask_text else (0xffffffffffffffff if exclusive else value)
    if value & ~mask:
        raise TableError(where, f"{words[0]} has bits outside its mask")
    return Flag(words[0], value, mask)


def add_flag(where, target, flag):
    for other in target.flags:
        if other.name == flag.name:
            raise TableError(where, f"{flag.name} is twice in set '{target.name}'")
    target.flags.append(flag)


def load_flag_file(path, sets):
    """Sets are heads at the left margin, constants indented below; '+ OTHER' takes in another set's constants."""
    current = None
    for where, line in lines_of(path):
        words = line.split("#", 1)[0].split()
        if not line[0].isspace():
            current, abi = parse_set_head(where, words)
            if abi:
                if current.name not in sets:
                    raise TableError(where, f"set '{current.name}' must be declared before its {abi} variant")
                sets[current.name].variants[ABIS.index(abi)] = current
            elif current.name in sets:
                raise TableError(where, f"set '{current.name}' is declared twice")
            else:
                sets[current.name] = current
        elif current is None:
            raise TableError(where, "a constant outside any set")
        elif words[0] == "+":
            if len(words) != 2 or words[1] not in sets:
                raise TableError(where, f"'+ {' '.join(words[1:])}': no such set above")
            for flag in sets[words[1]].flags:
                add_flag(where, current, flag)
        else:
            add_flag(where, current, parse_flag(where, words, current.exclusive))


def load_flags(paths):
    sets = {}
    for path in paths:
        load_flag_file(path, sets)
    check_constants(sets)
    return sets


def check_constants(sets):
    """A constant means the same wherever it stands, or conditions written with its name would be ambiguous."""
    seen = {}
    for flag_set in sets.values():
        if not flag_set.flags:
            raise TableError(flag_set.where, f"set '{flag_set.name}' is empty")
        for flag in flag_set.flags:
            value, where = seen.setdefault(flag.name, (flag.value, flag_set.where))
            # A signed 32-bit constant may stand in a 64-bit set: AT_FDCWD.
            if value & 0xffffffff != flag.value & 0xffffffff:
                message = f"{flag.name} is {flag.value:#x} here, {value:#x} in the set at {where}"
                raise TableError(flag_set.where, message)


# ---- syscalls.tbl ----

def split_attributes(where, line):
    """The columns, and the attributes behind the first ';' as a dict."""
    columns, *rest = line.split(";")
    attributes = {}
    for text in rest:
        key, _, value = text.strip().partition(" ")
        if key not in ("since", "note") or not value.strip():
            raise TableError(where, f"'; {text.strip()}': expected '; since VERSION' or '; note TEXT'")
        if key in attributes:
            raise TableError(where, f"'{key}' is given twice")
        attributes[key] = value.strip()
    return columns.split(), attributes


class Reader:
    """Parses syscalls.tbl with the types and sets that its rows may use."""

    def __init__(self, types, sets):
        self.types = types
        self.sets = sets
        self.rows = []

    def load(self, path):
        for where, line in lines_of(path):
            if line[0].isspace():
                self.add_variant(where, line)
            else:
                self.rows.append(self.parse_row(where, line))
        check_rows(self.rows)
        return self.rows

    def parse_row(self, where, line):
        words, attributes = split_attributes(where, line)
        if len(words) < 8:
            raise TableError(where, "a row needs: name x86_64 aarch64 i386 x32 groups support result [name:type ...]")
        row = Row(where, words[0])
        if not NAME.match(row.name):
            raise TableError(where, f"'{row.name}' is not the name of a call")
        row.numbers = [self.parse_number(where, word) for word in words[1:5]]
        row.groups = [] if words[5] == "-" else words[5].split(",")
        for group in row.groups:
            if group not in GROUPS:
                raise TableError(where, f"unknown group '{group}' (one of: {' '.join(GROUPS)})")
        row.support = words[6]
        if row.support not in SUPPORTS:
            raise TableError(where, f"unknown support '{row.support}' (one of: {' '.join(SUPPORTS)})")
        self.parse_result(where, row, words[7])
        row.params = self.parse_params(where, words[8:])
        row.note = attributes.get("note")
        row.since = attributes.get("since")
        if row.support in ("partial", "refused") and not row.note:
            raise TableError(where, f"support '{row.support}' needs a '; note' that says which cases or errno")
        return row

    def parse_number(self, where, word):
        if word == "-":
            return None
        if not word.isdigit() or int(word) >= MAX_NR:
            raise TableError(where, f"'{word}' is not a system call number or '-'")
        return int(word)

    def parse_result(self, where, row, word):
        match = TYPE_USE.match(word)
        if match and match[1] == "special" and match[2]:
            if match[2] not in self.types:
                raise TableError(where, f"unknown type '{match[2]}' of the result")
            row.result, row.result_type = "special", self.types[match[2]]
        elif word in RESULTS:
            row.result = word
        else:
            raise TableError(where, f"unknown result '{word}' (one of: {' '.join(RESULTS)} special(type))")

    def add_variant(self, where, line):
        words = line.split()
        abis = words[0].rstrip(":").split(",")
        if not self.rows or not words[0].endswith(":"):
            raise TableError(where, "an indented line needs: ABI[,ABI]: name:type ... below a call's row")
        row = self.rows[-1]
        params = self.parse_params(where, words[1:])
        for abi in abis:
            if abi not in ABIS:
                raise TableError(where, f"unknown ABI '{abi}' (one of: {' '.join(ABIS)})")
            index = ABIS.index(abi)
            if row.numbers[index] is None:
                raise TableError(where, f"{row.name} has no {abi} number, so no {abi} parameters either")
            if index in row.variants:
                raise TableError(where, f"{row.name} has {abi} parameters already")
            row.variants[index] = params

    def parse_params(self, where, words):
        """NAME:TYPE each, '-' for a register that the call ignores."""
        uses, reg = [], 0
        for word in words:
            if word == "-":
                reg += 1
                continue
            name, _, use = word.partition(":")
            match = TYPE_USE.match(use)
            if not NAME.match(name) or not match:
                raise TableError(where, f"'{word}' is not a parameter (name:type or name:type(argument,...))")
            type_ = self.types.get(match[1])
            if not type_:
                raise TableError(where, f"unknown type '{match[1]}' of parameter '{name}'")
            uses.append((name, type_, reg, [a for a in (match[2] or "").split(",") if a]))
            reg += type_.regs
        if reg > MAX_REGS:
            raise TableError(where, f"{reg} argument registers, at most {MAX_REGS} exist")
        names = [use[0] for use in uses]
        for name in names:
            if names.count(name) > 1:
                raise TableError(where, f"parameter '{name}' is given twice")
        return [self.resolve(where, use, names) for use in uses]

    def resolve(self, where, use, names):
        """Turn the arguments of a type's use into a set and links to other parameters."""
        name, type_, reg, args = use
        needed = [a for a in type_.args if not a.endswith("?")]
        if not len(needed) <= len(args) <= len(type_.args):
            counts = f"{len(needed)} to {len(type_.args)} arguments"
            raise TableError(where, f"type '{type_.name}' of '{name}' takes {counts}")
        set_name, links = None, []
        for kind, arg in zip(type_.args, args):
            if kind == "set":
                if arg not in self.sets:
                    raise TableError(where, f"unknown set '{arg}' of parameter '{name}'")
                set_name = arg
            elif arg not in names:
                raise TableError(where, f"'{name}' refers to '{arg}', which is no parameter of the call")
            else:
                links.append(names.index(arg))
        return Param(name, type_, reg, set_name, links)


def check_rows(rows):
    names, numbers = {}, [{} for _ in ABIS]
    for row in rows:
        if row.name in names:
            raise TableError(row.where, f"call '{row.name}' is declared twice (first at {names[row.name]})")
        names[row.name] = row.where
        if all(n is None for n in row.numbers):
            raise TableError(row.where, f"call '{row.name}' has no number on any ABI")
        for abi, number in enumerate(row.numbers):
            if number is None:
                continue
            other = numbers[abi].setdefault(number, row.name)
            if other != row.name:
                raise TableError(row.where, f"{ABIS[abi]} number {number} of '{row.name}' is taken by '{other}'")


def load(types_path, calls_path, flag_paths):
    """All three: (types, rows, sets)."""
    types = load_types(types_path)
    sets = load_flags(flag_paths)
    return types, Reader(types, sets).load(calls_path), sets
