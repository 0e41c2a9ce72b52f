#!/usr/bin/env python3
"""check_pages.py TRAPLINE MAN_DIR: every subcommand of the program has a manual page, and every long option in its --help
is on that page; trapline.1 names every subcommand."""
import os
import re
import subprocess
import sys

WITHOUT_PAGE = ("help", "version")


def output(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False).stdout


def page_text(directory, name):
    path = os.path.join(directory, name + ".scd")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return f.read().replace("\\", "")


def subcommands(trapline):
    return re.findall(r"^  ([a-z]+) ", output(trapline, "help"), re.M)


def faults(trapline, directory):
    main = page_text(directory, "trapline.1") or ""
    for sub in subcommands(trapline):
        if not re.search(rf"\*{sub}\*|trapline-{sub}", main):
            yield f"trapline.1 does not name {sub}"
        if sub in WITHOUT_PAGE:
            continue
        page = page_text(directory, f"trapline-{sub}.1")
        if page is None:
            yield f"there is no man/trapline-{sub}.1.scd"
            continue
        for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", output(trapline, "help", sub)))):
            if not re.search(re.escape(option) + r"(?![a-z0-9-])", page):
                yield f"trapline-{sub}.1 does not explain {option}"


def main():
    found = list(faults(sys.argv[1], sys.argv[2]))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
