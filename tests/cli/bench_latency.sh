#!/bin/sh
# bench_latency.sh TRAPLINE: every mechanism that can run answers every call with the right value; the JSON is as described.
trapline=$1
failed=0
json=$(mktemp) || exit 1
trap 'rm -f "$json"' EXIT
fail() {
	echo "FAIL: $1"
	failed=1
}

timeout -k 5 200 "$trapline" bench latency --json --calls 400 --placement same-cpu,free,scheduler \
	>"$json" || fail "status $?"
python3 -c '
import json, sys
rows = json.load(sys.stdin)["latency"]
assert len(rows) == 3 * 14, len(rows)
for r in rows:
    if "unavailable" in r:
        print("SKIP:", r["mechanism"], r["unavailable"])
        continue
    assert r["wrong"] == 0, r
    assert r["calls"] >= 400, r
    assert 0 < r["median_ns"] <= r["p99_ns"] <= r["p999_ns"] <= r["max_ns"] or r["mechanism"] in ("native", "errno"), r
assert {r["mechanism"] for r in rows} == {"native", "errno", "notify", "trace", "sysemu", "step"}
' <"$json" || fail 'the JSON'
timeout -k 5 60 "$trapline" bench latency --calls 40 --mechanism trace --placement free | grep -q '^free *trace *answered' ||
	fail 'the table'

# refuses WORDS COMMAND...: status 2 and one line that says WORDS
refuses() {
	words=$1
	shift
	message=$(timeout 20 "$@" 2>&1 >/dev/null)
	status=$?
	[ $status = 2 ] || fail "status $status of $*"
	case $message in *"$words"*) ;; *) fail "'$message' of $*" ;; esac
}
refuses "did you mean 'latency'" "$trapline" bench latensy
refuses "did you mean 'notify'" "$trapline" bench latency --mechanism notfy
refuses "did you mean '--calls'" "$trapline" bench latency --cals 4
refuses 'is not a number from 1' "$trapline" bench latency --calls 0
refuses "unexpected 'now'" "$trapline" bench latency now
exit $failed
