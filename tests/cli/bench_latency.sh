#!/bin/sh
# bench_latency.sh TRAPLINE: every mechanism that can run answers every call with the right value; the JSON is as described.
trapline=$1
patience=${TRAPLINE_TEST_PATIENCE:-1}
failed=0
json=$(mktemp) || exit 1
XDG_CACHE_HOME=$(mktemp -d) || exit 1
export XDG_CACHE_HOME
costs=$XDG_CACHE_HOME/trapline/costs.json
trap 'rm -rf "$json" "$XDG_CACHE_HOME"' EXIT
fail() {
	echo "FAIL: $1"
	failed=1
}

timeout -k 5 $((200 * patience)) "$trapline" bench latency --json --calls 400 --placement same-cpu,free,scheduler \
	>"$json" || fail "status $?"
python3 -c '
import json, sys
rows = json.load(sys.stdin)["latency"]
assert len(rows) == 3 * 17, len(rows)
for r in rows:
    if "unavailable" in r:
        print("SKIP:", r["mechanism"], r["unavailable"])
        continue
    assert r["wrong"] == 0, r
    assert r["calls"] >= 400, r
    assert 0 < r["median_ns"] <= r["p99_ns"] <= r["p999_ns"] <= r["max_ns"] or r["mechanism"] in ("native", "errno"), r
assert {r["mechanism"] for r in rows} == {"native", "errno", "notify", "trace", "sysemu", "step"}
' <"$json" || fail 'the JSON'
timeout -k 5 $((60 * patience)) "$trapline" bench latency --calls 40 --mechanism trace --placement free | grep -q '^free *trace *answered' ||
	fail 'the table'

# The medians are what policy explain says next; few calls are no measurement, and a broken file is said.
printf 'errno EPERM ptrace\nvalue 3 getppid\nerrno EACCES openat when path under "/x"\n' >"$XDG_CACHE_HOME/p"
says() {
	what=$1
	shift
	"$trapline" policy explain "$XDG_CACHE_HOME/p" "$@" 2>&1 | grep -q -- "$what" || fail "explain does not say: $what"
}
[ ! -e "$costs" ] || fail 'a bench of few calls was kept'
says "^costs: the design's table; 'trapline bench latency'"
says "by the design's table" getppid
timeout -k 5 $((100 * patience)) "$trapline" bench latency --calls 1000 --placement same-cpu --mechanism notify >"$json" || fail 'the bench'
grep -q "kept for 'trapline policy explain' in $costs" "$json" || fail 'it does not say where the medians are'
ns=$(awk '/notify *answered/ { printf "%.1f", $4 / 1000 }' "$json")
says "^costs: measured here, 6 of 8 (bench latency, $(date -u +%Y-%m-%d)"
says "native calls: $ns us, bench of $(date -u +%Y)" getppid
says "by the design's table" openat
timeout -k 5 $((100 * patience)) "$trapline" bench latency --no-store --calls 1000 --placement same-cpu --mechanism trace >"$json" || fail 'the bench'
says 'measured here, 6 of 8'
timeout -k 5 $((100 * patience)) "$trapline" bench latency --calls 1000 --placement same-cpu --mechanism trace >"$json" || fail 'the bench'
says 'measured here, 8 of 8'
[ "$(find "$XDG_CACHE_HOME/trapline" -type f | wc -l)" = 1 ] || fail 'something is left beside the file'
for broken in '' '{' '[]' '{"version":7}' '{"version":1,"machine":"another","calls":{}}'; do
	echo "$broken" >"$costs"
	says "^costs: the design's table, as .*costs.json cannot be used"
	says "costs: the design's table, as .* cannot be used" getppid
	says "by the design's table" getppid
done
sed -i 's/another/x/' "$costs"
timeout -k 5 $((100 * patience)) "$trapline" bench latency --calls 1000 --placement same-cpu --mechanism notify >/dev/null || fail 'the bench'
says 'measured here, 6 of 8'
sed -i 's/"ns": [0-9.]*/"ns": -1/' "$costs"
says "the design's table, as .* has none"
rm -r "$XDG_CACHE_HOME/trapline"
echo >"$XDG_CACHE_HOME/trapline"
timeout -k 5 $((100 * patience)) "$trapline" bench latency --calls 1000 --placement same-cpu --mechanism notify 2>&1 >/dev/null |
	grep -q 'not kept for policy explain: .*/trapline/costs.json: ' || fail 'a place that cannot be written is not said'

# refuses WORDS COMMAND...: status 2 and one line that says WORDS
refuses() {
	words=$1
	shift
	message=$(timeout $((20 * patience)) "$@" 2>&1 >/dev/null)
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
