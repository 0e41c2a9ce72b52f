#!/usr/bin/env python3
"""gen_image.py LOADER.ELF OUT.H: the code of the linked loader as bytes, and where it starts."""
import struct
import sys


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
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write(f"/* Generated from the linked loader. */\nenum {{ LOADER_ENTRY = {entry} }};\n")
        out.write("static const unsigned char loader_code[] = {\n")
        for i in range(0, len(code), 16):
            out.write("\t" + " ".join(f"{b:#04x}," for b in code[i:i + 16]) + "\n")
        out.write("};\n")


main()
