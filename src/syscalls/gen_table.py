#!/usr/bin/env python3
"""Makes one generated file from the tables: gen_table.py KIND OUTPUT types.tbl syscalls.tbl flags/*.tbl"""

import sys

import gen_c
import gen_manual
import gen_model

KINDS = {
    "ids": gen_c.ids,
    "data": gen_c.data,
    "flags": gen_c.flags,
    "flags_header": gen_c.flags_header,
    "types_header": gen_c.types_header,
    "types": gen_c.types_list,
    "handlers_header": gen_c.handlers_header,
    "handlers": gen_c.handlers,
    "manual": gen_manual.page,
}


def main(argv):
    if len(argv) < 5 or argv[1] not in KINDS:
        print(f"usage: gen_table.py {'|'.join(KINDS)} OUTPUT types.tbl syscalls.tbl [flags.tbl ...]", file=sys.stderr)
        return 2
    try:
        types, rows, sets = gen_model.load(argv[3], argv[4], argv[5:])
    except (gen_model.TableError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    text = KINDS[argv[1]](types, rows, sets)
    with open(argv[2], "w", encoding="utf-8") as f:
        f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
