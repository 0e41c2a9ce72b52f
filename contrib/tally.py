#!/usr/bin/env python3
"""tally.py TESTLOG.json: count Meson's results. Names what failed and what was skipped; prints "PASSED FAILED" last."""
import json
import sys


def main():
    results = {}
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            for line in log:
                entry = json.loads(line)
                results[entry["name"]] = entry["result"]
    except FileNotFoundError:
        print("no test log: the tests were not run")
        print("0 1")
        return
    passed = failed = 0
    for name, result in sorted(results.items()):
        if result in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif result == "SKIP":
            print(f"skipped: {name}")
        else:
            print(f"FAILED: {name} ({result})")
            failed += 1
    print(passed, failed)


if __name__ == "__main__":
    main()
