#!/usr/bin/env python3
"""gen_image.py LOADER.ELF OUT.H: the code of the linked loader as bytes, where it starts, and where its stub is."""
import struct
import sys


def symbols(data):
    shoff, = struct.unpack_from("<Q", data, 40)
    shentsize, shnum = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
    found = {}
    for section in sections:
        if section[1] != 2:
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            end = data.index(b"\0", names + name)
            found[data[names + name:end].decode()] = value
    return found


def main():
    data = open(sys.argv[1], "rb").read()
    entry, phoff = struct.unpack_from("<QQ", data, 24)
    phentsize, phnum = struct.unpack_from("<HH", data, 54)
    code = None
    for i in range(phnum):
        kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + i * phentsize)
        if kind != 1 or not memsz:
            continue
        # The linker may begin the segment with headers of its own, at a lower address.
        if code is not None or filesz != memsz or flags & 2 or vaddr > 0x200 or vaddr + filesz <= 0x200:
            sys.exit(f"{sys.argv[1]}: not one segment of code at 0x200")
        code = data[offset + 0x200 - vaddr:offset + filesz]
    known = symbols(data)
    # A page is mapped if some of it is in the file.
    if known.get("stub_room", 0) & 0xfff == 0 and "stub_entry" in known:
        code = code.ljust(known["stub_room"] + 1 - 0x200, b"\0")
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write(f"/* Generated from the linked loader; 0: without a stub. */\nenum {{ LOADER_ENTRY = {entry},")
        out.write("".join(f" {name.upper()} = {known.get(name, 0)}," for name in ("stub_entry", "stub_copies", "stub_fault", "stub_room")))
        out.write(" };\n")
        out.write("static const unsigned char loader_code[] = {\n")
        for i in range(0, len(code), 16):
            out.write("\t" + " ".join(f"{b:#04x}," for b in code[i:i + 16]) + "\n")
        out.write("};\n")


main()
