#!/bin/sh
# bench_fidelity.sh TRAPLINE: nothing differs under any mechanism, and what is planted is found, under its name.
set -u
trapline=$1
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

out=$("$trapline" bench fidelity --calls 2000) || fail "a difference, or a run that failed: $out"

# Every kind of register that a supervisor can damage, where it can write registers.
for plant in rbx rsp r11 rcx eflags fs_base gs_base mxcsr fcw st2 xmm3; do
	out=$("$trapline" bench fidelity --calls 600 --plant "$plant" --plant-every 50 --mechanism trace,step) ||
		fail "damage to $plant was not found: $out"
done
for plant in ymm3h zmm5h zmm17 k1; do
	out=$("$trapline" bench fidelity --calls 600 --plant "$plant" --plant-every 50 --mechanism trace --mode traced 2>&1) && continue
	case $out in
	*"nothing was planted"*) echo "SKIPPED: no $plant on this processor" ;;
	*) fail "damage to $plant was not found: $out" ;;
	esac
done
for plant in value call; do
	out=$("$trapline" bench fidelity --calls 600 --plant "$plant" --plant-every 50) || fail "$plant was not found: $out"
done

# A run in which nothing can be planted says so, and is no success.
out=$("$trapline" bench fidelity --calls 600 --plant rbx --mechanism notify 2>&1) && fail "notify cannot damage rbx: $out"
case $out in
*"nothing was planted"*) ;;
*) fail "no word that nothing was planted: $out" ;;
esac

# The JSON is an object whose runs name every mechanism.
"$trapline" bench fidelity --calls 600 --json | python3 -c '
import json, sys
report = json.load(sys.stdin)
assert report["passed"] and report["calls"] == 600, report
runs = {(r["mechanism"], r["mode"]) for r in report["runs"]}
want = {(m, a) for m in ("notify", "trace", "sysemu", "step") for a in ("traced", "answered")} | {("native", "alone")}
assert runs == want, runs
for r in report["runs"]:
    assert r["left"]["total"] == 0 and r["saw"]["total"] == 0 and r["lost"] == 0, r
' || fail "the JSON report"

"$trapline" bench fidelity --mechanism trcae 2>/dev/null
[ $? -eq 2 ] || fail "an unknown mechanism is a usage error"
exit $failed
