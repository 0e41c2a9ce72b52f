#!/bin/sh
# doctor.sh TRAPLINE DENY_CALLS: doctor tells the truth and never hangs or crashes, whatever is forbidden.
trapline=$1 deny=$2
failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

complain() {
	echo "FAIL: $case: $1"
	sed 's/^/    /' "$tmp/out"
	failed=$((failed + 1))
}

# run CASE STATUS COMMAND...: doctor's output goes to $tmp/out
run() {
	case=$1 want=$2
	shift 2
	timeout -k 5 $((60 * ${TRAPLINE_TEST_PATIENCE:-1})) "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = "$want" ] || complain "status $status, not $want"
}

# Each argument is "STATE TITLE", as at the beginning of a line.
expect() {
	for line; do
		grep -q "^  ${line%% *}  *${line#* }" "$tmp/out" || complain "no line '$line'"
	done
}

# can COMMAND...: whether a case can be tried at all
can() {
	"$@" >/dev/null 2>&1 && return 0
	echo "SKIP: cannot: $*"
	skipped=$((skipped + 1))
	return 1
}

run plain 0 "$trapline" doctor
expect 'ok notify' 'ok trace' 'ok step'
run json 0 "$trapline" doctor --json
python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["usable"] is True
assert {m["name"] for m in d["mechanisms"]} == {"notify", "trace", "sysemu", "step"}
for c in d["checks"]:
    assert c["state"] in ("ok", "no", "n.a.", "info"), c
    assert c["name"] and c["title"] and c["group"]
' <"$tmp/out" || complain 'not the JSON that the manual describes'

run 'unknown option' 2 "$trapline" doctor --jsno
run 'operand' 2 "$trapline" doctor now
# shellcheck disable=SC2016 # the inner shell expands it
run 'full disk' 1 sh -c '"$1" doctor >/dev/full' sh "$trapline"

if can "$deny" ptrace -- true; then
	run 'ptrace forbidden' 0 "$deny" ptrace -- "$trapline" doctor
	expect 'no ptrace of a child' 'no not inside seccomp' 'ok notify' 'no trace' 'no sysemu' 'no step'
	grep -q 'EPERM' "$tmp/out" || complain 'the errno is not told'
	run 'seccomp forbidden' 0 "$deny" seccomp -- "$trapline" doctor
	expect 'no filter' 'no notify' 'no trace' 'ok step'
	run 'both forbidden' 1 "$deny" ptrace seccomp -- "$trapline" doctor
	expect 'no notify' 'no trace' 'no sysemu' 'no step'
	grep -q '^trapline cannot run here' "$tmp/out" || complain 'the last line'
	run 'both deadly' 1 "$deny" --kill ptrace seccomp -- "$trapline" doctor
	expect 'no notify' 'no step'
	grep -q 'killed by SIGSYS' "$tmp/out" || complain 'the signal is not told'
	run 'no fork' 1 "$deny" clone clone3 fork vfork -- "$trapline" doctor
	run 'no process reading' 0 "$deny" process_vm_readv pidfd_getfd -- "$trapline" doctor
	expect 'no process_vm_readv' 'no pidfd_getfd' 'ok trace'
	run 'no setpgid' 0 "$deny" setpgid -- "$trapline" doctor
	expect 'ok trace'
fi
if can strace -f -o /dev/null true; then
	run 'under strace' 0 strace -f -o /dev/null "$trapline" doctor
	expect 'no not traced' 'no ptrace of a child' 'no trace' 'no step' 'ok notify'
fi
if can "$trapline" run --uid 42 --no-ptrace true; then
	run 'under notify without ptrace' 0 "$trapline" run --uid 42 --no-ptrace "$trapline" doctor
	expect 'no USER_NOTIF' 'no notify' 'ok trace' 'ok step'
	grep -q 'EBUSY: another supervisor' "$tmp/out" || complain 'the listener is not told'
fi
if can "$trapline" trace -o /dev/null true; then
	run 'under trapline trace' 0 "$trapline" trace -o /dev/null "$trapline" doctor
	expect 'no not traced' 'no trace' 'no step' 'ok notify'
fi
if can setpriv --reuid 65534 --regid 65534 --clear-groups "$trapline" version; then
	run 'ordinary user' 0 setpriv --reuid 65534 --regid 65534 --clear-groups "$trapline" doctor
	expect 'ok notify' 'ok trace' 'ok step' 'no CAP_SYS_ADMIN' 'no filter without'
fi
if can unshare -Ur true; then
	run 'user namespace' 0 unshare -Ur "$trapline" doctor
	expect 'ok trace'
fi
if can unshare -m mount -t tmpfs none /proc; then
	# shellcheck disable=SC2016 # the inner shell expands it
	run 'no /proc' 0 unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" doctor' "$trapline"
	expect 'ok trace' 'n.a. not inside seccomp'
fi

echo "$failed failed, $skipped skipped"
[ "$failed" = 0 ]
