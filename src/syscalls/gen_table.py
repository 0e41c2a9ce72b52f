#!/usr/bin/env python3
"""Makes one generated file from the tables: gen_table.py KIND OUTPUT types.tbl syscalls.tbl flags/*.tbl"""

import sys

import gen_c
import gen_layout
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


# These need what the tables of layouts/ say, besides.
LAYOUT_KINDS = {
    "layouts_header": gen_layout.header,
    "layouts": gen_layout.source,
}


def main(argv):
    if len(argv) < 5 or argv[1] not in (*KINDS, *LAYOUT_KINDS):
        print(f"usage: gen_table.py {'|'.join((*KINDS, *LAYOUT_KINDS))} OUTPUT types.tbl syscalls.tbl "
              "[flags.tbl ...] [layouts/layout.tbl ...]", file=sys.stderr)
        return 2
    try:
        layouts = [path for path in argv[5:] if "/layouts/" in path]
        types, rows, sets = gen_model.load(argv[3], argv[4], [path for path in argv[5:] if path not in layouts])
        if argv[1] in LAYOUT_KINDS:
            text = LAYOUT_KINDS[argv[1]](sets, layouts)
        else:
            text = KINDS[argv[1]](types, rows, sets)
    except (gen_model.TableError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    with open(argv[2], "w", encoding="utf-8") as f:
        f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
