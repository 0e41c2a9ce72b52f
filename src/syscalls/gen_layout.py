"""
Reads layouts/*.tbl, and makes the C that they become: structures, and what ioctl requests, netlink attributes, socket
options and control messages carry. layouts/README says how the files look.
"""

import re

from gen_c import HEAD, c_string, guard
from gen_model import TableError, lines_of, parse_int

TYPE = re.compile(r"([a-z_][A-Za-z0-9_]*)(?:\(([^()]*)\))?(?:\[(\w*)\])?$")
NUMBER = re.compile(r"([usxob])(8|16|32|64)$")
FORMATS = {"u": "UINT", "s": "SINT", "x": "HEX", "o": "OCTAL", "b": "BIG"}
WORDS = {"ulong": "UINT", "long": "SINT", "xlong": "HEX", "ptr": "POINTER", "pstr": "STRING_AT"}
# Types of a fixed size: format, bytes.
FIXED = {
    "uid": ("UID", 4), "pid": ("PID", 4), "fd": ("FD", 4), "dirfd": ("DIRFD", 4), "sig": ("SIGNAL", 4),
    "dev32": ("DEV", 4), "dev": ("DEV", 8),
    "mode16": ("MODE", 2), "mode32": ("MODE", 4), "htons": ("HTONS", 2), "htonl": ("HTONL", 4), "in4": ("IN4", 4),
    "in6": ("IN6", 16), "ifindex": ("IFINDEX", 4), "clock32": ("TIME", 4), "clock64": ("TIME", 8), "inet4": ("INET4", 4),
    "inet6": ("INET6", 16), "errno": ("ERRNO", 4), "ptr64": ("POINTER", 8), "str64": ("STRING_AT", 8), "path64": ("PATH_AT", 8),
}
# Types of as many bytes as [N] says, or as there are.
BYTES = {"char": "CHARS", "bytes": "BYTES", "hex": "HEX_BYTES", "mac": "MAC", "str": "STRING"}
# Of netlink attributes only: (TABLE).
NESTS = {"nest": "NEST", "list": "NEST_LIST"}


class Struct:
    def __init__(self, where, name):
        self.where = where
        self.name = name
        self.fields = []        # (where, name, type text, marks); name None: cut


class Table:
    """attrs, ioctl, bpf, sockopt or cmsg: rows of (where, constant, words)."""

    def __init__(self, where, kind, name, set_name):
        self.where = where
        self.kind = kind
        self.name = name
        self.set_name = set_name
        self.rows = []


def parse_head(where, words, sets):
    if words[0] == "struct" and len(words) == 2:
        return Struct(where, words[1])
    if words[0] in ("attrs", "sockopt", "cmsg") and len(words) == 3:
        if words[2] not in sets:
            raise TableError(where, f"unknown set '{words[2]}'")
        return Table(where, words[0], words[1], words[2])
    if words == ["ioctl"]:
        return Table(where, "ioctl", "ioctl", "ioctl_requests")
    if words == ["bpf"]:
        return Table(where, "bpf", "bpf", "bpf_commands")
    raise TableError(where, "a head is: struct NAME, ioctl, bpf, or one of attrs, sockopt, cmsg with NAME SET")


def parse_line(where, words, current):
    if isinstance(current, Table):
        current.rows.append((where, words[0], words[1:]))
    elif words == ["..."]:
        current.fields.append((where, None, None, []))
    elif len(words) < 2:
        raise TableError(where, "a member needs: NAME TYPE [?]")
    else:
        current.fields.append((where, words[0], words[1], words[2:]))


class Layouts:
    """All files, and the C of them."""

    def __init__(self, paths, sets):
        self.sets = sets
        self.structs = {}
        self.tables = []
        self.functions = set()
        for path in paths:
            self.read(path)
        self.attrs = {t.name for t in self.tables if t.kind == "attrs"}

    def read(self, path):
        current = None
        for where, line in lines_of(path):
            words = line.split("#", 1)[0].split()
            if line[0].isspace():
                if current is None:
                    raise TableError(where, "a line outside any table")
                parse_line(where, words, current)
                continue
            current = parse_head(where, words, self.sets)
            if isinstance(current, Table):
                self.tables.append(current)
            elif current.name in self.structs:
                raise TableError(where, f"structure '{current.name}' is declared twice")
            else:
                self.structs[current.name] = current

    # ---- types ----

    def base(self, where, name, arg, word):
        """(format, bytes, alignment, C of .arg, C of .fn) of one value."""
        match = NUMBER.match(name)
        if match:
            size = int(match[2]) // 8
            form = FORMATS[match[1]]
            if not arg:
                return form, size, min(size, word), None, None
            if arg not in self.sets:
                raise TableError(where, f"unknown set '{arg}'")
            form = "NAMED" if match[1] == "s" else "BIG_FLAGS" if match[1] == "b" else "FLAGS"
            return form, size, min(size, word), f"&flag_set_{arg}", None
        if name in WORDS:
            if arg:
                if arg not in self.sets:
                    raise TableError(where, f"unknown set '{arg}'")
                return "FLAGS", word, word, f"&flag_set_{arg}", None
            return WORDS[name], word, word, None, None
        if name in FIXED:
            form, size = FIXED[name]
            return form, size, 1 if form in ("IN6", "INET6") else min(size, word), None, None
        if name in NESTS:
            if arg not in self.attrs:
                raise TableError(where, f"unknown table of attributes '{arg}'")
            return NESTS[name], 0, 1, f"&attrs_{arg}", None
        if name == "fn":
            function, _, size = arg.partition(",")
            self.functions.add(function)
            size = int(size or 0)
            return "CUSTOM", size, min(size, word) if size in (1, 2, 4, 8) else 1, None, function
        if name == "attr":
            self.functions.add("attr:" + arg)
            return "ATTR", 0, 1, f"&(const struct attr_decoder){{{arg}}}", None
        if name in self.structs:
            size, align = self.measure(name, word)
            suffix = "_i386" if word == 4 and self.differs(name) else ""
            return "STRUCT", size, align, f"&layout_{name}{suffix}", None
        raise TableError(where, f"unknown type '{name}'")

    def type_of(self, where, text, word):
        """(bytes in all, alignment, C initialisers)."""
        match = TYPE.match(text)
        if not match:
            raise TableError(where, f"'{text}' is not a type")
        name, arg, count = match[1], match[2], match[3]
        if name in BYTES:
            size = parse_int(where, count) if count else 0
            return size, 1, f".format = FIELD_{BYTES[name]}, .size = {size}"
        form, size, align, c_arg, c_fn = self.base(where, name, arg, word)
        text = f".format = FIELD_{form}, .size = {size}"
        if c_arg:
            text += f", .arg = {c_arg}"
        if c_fn:
            text += f", .fn = {c_fn}"
        if count is None:
            return size, align, text
        number = parse_int(where, count) if count else 0
        text += f", .count = {number or 'FIELD_COUNT_REST'}"
        return size * number, align, text

    def place(self, struct, word):
        """The fields with offsets: [(field, offset, C)], size, alignment."""
        offset, most, placed = 0, 1, []
        for field in struct.fields:
            where, name, text, _ = field
            if name is None:
                placed.append((field, 0, None))
                continue
            size, align, c_type = self.type_of(where, text, word)
            offset = (offset + align - 1) // align * align
            placed.append((field, offset, c_type))
            if "+" not in field[3]:     # the next member lies in the same place
                offset += size
            most = max(most, align)
        return placed, (offset + most - 1) // most * most, most

    def measure(self, name, word):
        _, size, align = self.place(self.structs[name], word)
        return size, align

    def differs(self, name):
        one = [(o, c) for _, o, c in self.place(self.structs[name], 8)[0]], self.measure(name, 8)[0]
        try:
            two = [(o, c) for _, o, c in self.place(self.structs[name], 4)[0]], self.measure(name, 4)[0]
        except RecursionError:
            return False
        return one != two

    # ---- C ----

    def c_layout(self, name, word, suffix):
        placed, size, _ = self.place(self.structs[name], word)
        text = f"static const struct field_desc fields_{name}{suffix}[] = {{\n"
        group = 0
        for (where, field, _, marks), offset, c_type in placed:
            if field is None:
                text += "\t{.format = FIELD_CUT},\n"
                continue
            if re.match("_[^_]", field):
                continue
            label = "NULL" if field == "-" else c_string(field)
            text += f"\t{{.name = {label}, .offset = {offset}, {c_type}"
            for mark in marks:
                if mark not in ("?", "+", "|"):
                    raise TableError(where, f"unknown mark '{mark}'")
            group = offset if "|" in marks else group
            text += f", .from = {group}" if group else ""
            text += ", .optional = true},\n" if "?" in marks else "},\n"
        text += "};\n"
        least = next((offset for (_, _, _, marks), offset, _ in placed if "|" in marks), None)
        if least is None:
            least = max([offset + self.type_of(w, t, word)[0] for (w, n, t, _), offset, _ in placed if n] or [0])
        return text + (f"const struct layout layout_{name}{suffix} = {{\n\t.fields = fields_{name}{suffix}, "
                       f".count = ARRAY_SIZE(fields_{name}{suffix}), .size = {size}, .least = {least}\n}};\n\n")

    def value_of(self, where, set_name, constant):
        for flag in self.sets[set_name].flags:
            if flag.name == constant:
                return flag.value
        raise TableError(where, f"'{constant}' is not in set '{set_name}'")

    def ioctl_row(self, value, constant, where, words):
        """The row, and the constants before the table that it needs."""
        counts = {"none": (1,), "value": (2,), "in": (2,), "out": (2,), "inout": (2, 3), "late": (3,), "both": (2,)}
        if not words or len(words) not in counts.get(words[0], ()):
            raise TableError(where, "a request needs: NAME none, NAME value|in|out|inout|both TYPE, or NAME inout|late TYPE TYPE")
        if len(words) == 1:
            return f"\t{{.request = {value:#x}, .direction = IOCTL_NONE}},\t/* {constant} */\n", ""
        native, other = self.type_of(where, words[1], 8)[2], self.type_of(where, words[1], 4)[2]
        row = f"\t{{.request = {value:#x}, .direction = IOCTL_{words[0].upper()}, .type = {{{native}}}"
        before = ""
        if other != native:
            before += f"static const struct field_desc ioctl_{constant}_i386 = {{{other}}};\n"
            row += f", .i386 = &ioctl_{constant}_i386"
        if len(words) > 2:
            second = self.type_of(where, words[2], 8)[2]
            before += f"static const struct field_desc ioctl_{constant}_other = {{{second}}};\n"
            row += f", .other = &ioctl_{constant}_other"
        return f"{row}}},\t/* {constant} */\n", before

    def c_ioctls(self):
        rows = {}
        for table in self.tables:
            for where, constant, words in table.rows if table.kind == "ioctl" else []:
                value = self.value_of(where, "ioctl_requests", constant)
                if value in rows:
                    raise TableError(where, f"'{constant}' has a row already, as '{rows[value][0]}'")
                rows[value] = (constant, where, words)
        before, text = "", "const struct ioctl_row ioctl_rows[] = {\n"
        for value in sorted(rows):
            row, needed = self.ioctl_row(value, *rows[value])
            text += row
            before += needed
        return before + text + f"}};\nconst size_t ioctl_rows_count = {len(rows)};\n\n"

    def c_bpf(self):
        text = "const struct bpf_row bpf_rows[] = {\n"
        rows = [row for table in self.tables if table.kind == "bpf" for row in table.rows]
        for where, constant, words in rows:
            if len(words) not in (1, 2) or words[0] not in self.structs:
                raise TableError(where, "a command needs: NAME STRUCT [MEMBER]")
            inner = c_string(words[1]) if words[1:] else "NULL"
            text += (f"\t{{.command = {self.value_of(where, 'bpf_commands', constant)}, .inner = {inner}, "
                     f".layout = &layout_{words[0]}}},\t/* {constant} */\n")
        return text + f"}};\nconst size_t bpf_rows_count = {len(rows)};\n\n"

    def c_rows(self, table):
        """attrs, sockopt and cmsg: sorted by the constant's value."""
        rows = {}
        default = ".format = FIELD_NOTHING"
        for where, constant, words in table.rows:
            if len(words) != 1 and words[1:] != ["?"]:
                raise TableError(where, "a row needs: NAME TYPE [?]")
            native = ".format = FIELD_NOTHING" if words[0] == "any" else self.type_of(where, words[0], 8)[2]
            if words[1:]:
                native += ", .optional = true"
            if constant == "*":
                default = native
                continue
            value = self.value_of(where, table.set_name, constant)
            if value in rows:
                raise TableError(where, f"'{constant}' has a row already")
            rows[value] = f"\t{{.key = {value}, .value = {{{native}}}}},\t/* {constant} */\n"
        name = f"{table.kind}_{table.name}"
        text = f"static const struct value_row rows_of_{name}[] = {{\n"
        text += "".join(rows[v] for v in sorted(rows)) + "\t{.key = 0}\n};\n"
        text += f"const struct value_table {name} = {{\n\t.names = &flag_set_{table.set_name}, .rows = rows_of_{name}, "
        return text + f".count = {len(rows)}, .other = {{{default}}}\n}};\n\n"

    def declarations(self):
        text = '#include "syscalls/decode_value_at.h"\n\n'
        for name in self.structs:
            text += f"extern const struct layout layout_{name};\n"
            if self.differs(name):
                text += f"extern const struct layout layout_{name}_i386;\n"
        text += "\n"
        for table in self.tables:
            if table.kind not in ("ioctl", "bpf"):
                text += f"extern const struct value_table {table.kind}_{table.name};\n"
        text += "\n/* Functions that the tables name. */\n"
        for name in sorted(self.functions):
            text += f"attr_fn {name[5:]};\n" if name.startswith("attr:") else f"field_fn {name};\n"
        return text

    def definitions(self):
        text = HEAD + '#include "base/errors.h"\n'
        text += '#include "syscalls/decode_layouts.h"\n#include "syscalls/flag_sets.h"\n\n'
        for name in self.structs:
            text += self.c_layout(name, 8, "")
            if self.differs(name):
                text += self.c_layout(name, 4, "_i386")
        for table in self.tables:
            text += "" if table.kind in ("ioctl", "bpf") else self.c_rows(table)
        return text + self.c_ioctls() + self.c_bpf()


def header(sets, paths):
    layouts = Layouts(paths, sets)
    layouts.definitions()       # finds the functions
    return guard("TRAPLINE_SYSCALLS_DECODE_LAYOUTS_H", layouts.declarations())


def source(sets, paths):
    return Layouts(paths, sets).definitions()
