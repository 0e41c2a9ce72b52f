#!/bin/sh
# Every errors/*.policy must be refused with exactly the messages of its .stderr. With --bless, these are written anew.
set -u
trapline=$(realpath "$1")
cd "$(dirname "$0")/errors" || exit 99
failed=0
for p in *.policy; do
	want=${p%.policy}.stderr
	if [ "${2:-}" = --bless ]; then
		"$trapline" policy check "$p" >/dev/null 2>"$want"
		continue
	fi
	"$trapline" policy check "$p" 2>&1 >/dev/null | diff -u "$want" - || failed=1
	if "$trapline" policy check "$p" >/dev/null 2>&1; then
		echo "$p: accepted"
		failed=1
	fi
done
exit $failed
