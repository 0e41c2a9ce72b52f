#!/bin/sh
# Real programs under the shipped policies. Exit 77 (skip) where a session cannot use seccomp or ptrace.
set -u
trapline=$1 dir=$2
limit=$((60 * ${TRAPLINE_TEST_PATIENCE:-1}))
work=$(mktemp -d /tmp/trapline-policy.XXXXXX) || exit 99
home=$(mktemp -d /root/trapline-policy.XXXXXX 2>/dev/null) || home=
trap 'rm -rf "$work" ${home:+"$home"}' EXIT
failed=0

# under POLICY COMMAND: combined output in $out, status in $status.
under() {
	policy=$dir/$1.policy
	shift
	out=$(timeout "$limit" "$trapline" run -q --policy "$policy" -- "$@" 2>&1)
	status=$?
}

# want STATUS PATTERN: what the last command must have done.
want() {
	case $out in
	*"$2"*) [ "$status" = "$1" ] && return ;;
	esac
	echo "$(basename "$policy"): status $status (expected $1), output (expected \"$2\"):"
	printf '%s\n' "$out"
	failed=1
}

echo 'default native
redirect open openat when path == "/no/such/file" to "/dev/null"' >"$work/probe.policy"
if ! out=$("$trapline" run -q --policy "$work/probe.policy" -- cat /no/such/file 2>&1); then
	echo "SKIP: policies that need ptrace and seccomp cannot be carried out here: $out"
	exit 77
fi

echo secret >"$work/server.key"
echo plain >"$work/server.txt"
under deny-secrets cat "$work/server.txt"
want 0 plain
under deny-secrets cat "$work/server.key"
want 1 "No such file"
under deny-secrets sh -c "cd '$work' && cat server.key"
want 1 "No such file"
under deny-secrets sh -c "ln -s server.key '$work/innocent'; cat '$work/innocent'"
want 1 "No such file"
# What is mapped for checked copies says whose it is.
under deny-secrets grep -c "r--s.*/memfd:trapline-copies" /proc/self/maps
want 0 1

if [ -n "$home" ]; then
	under read-only-home sh -c "echo x >'$home/new'"
	want 2 "Read-only file system"
	[ -e "$home/new" ] && { echo "read-only-home: the file was made"; failed=1; }
	under read-only-home sh -c "ls -d '$home' && echo x >'$work/new' && cat '$work/new'"
	want 0 x
	under read-only-home sh -c "mkdir '$home/d'"
	want 1 "Read-only file system"
fi

under no-network python3 -c 'import socket
socket.socket(socket.AF_UNIX); print("local")
try: socket.socket()
except OSError as e: print(e.errno)'
want 0 "local
97"

cat >"$work/main.c" <<'C'
#include <stdio.h>
int main(void) { return puts("built") < 0; }
C
under build-sandbox sh -c "cd '$work' && gcc -o main main.c && ./main"
want 0 built
under build-sandbox sh -c 'echo x >/usr/lib/trapline-policy-test'
want 2 "Permission denied"
[ -e /usr/lib/trapline-policy-test ] && { echo "build-sandbox: the file was made"; failed=1; }
under build-sandbox unshare -m true
want 1 "Operation not permitted"

under flaky-disk dd "if=$work/main.c" of=/dev/null bs=1 count=400 status=none
out2=$out
under flaky-disk dd "if=$work/main.c" of=/dev/null bs=1 count=400 status=none
[ "$out" = "$out2" ] || { echo "flaky-disk: two runs differ: $out2 / $out"; failed=1; }
under flaky-disk sync "$work" "$work" "$work" "$work"
want 0 ""
under flaky-disk sync "$work" "$work" "$work" "$work" "$work" "$work"
want 1 "Input/output error"

under slow-network python3 -c 'import socket, time
t = time.monotonic()
try: socket.create_connection(("127.0.0.1", 9))
except OSError: pass
print("slow" if time.monotonic() - t >= 0.2 else "fast")'
want 0 slow

under reproducible-build sh -c 'id -u; hostname; date -s 2001-01-01 >/dev/null && date +%Y'
want 0 "0
build
2"
under docker-default sh -c 'ls -d / && swapoff /dev/null'
case $out in
"/"*"Operation not permitted"* | "/"*"Not superuser"*) ;;
*)
	echo "docker-default: $out"
	failed=1
	;;
esac
under old-kernel python3 -c 'import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(437, -100, b"/", 0, 0), ctypes.get_errno())'
want 0 "-1 38"

# What a run did is what its learned policy allows, and not much else.
cat >"$work/job.sh" <<'SH'
cat /etc/passwd >"$1/copy" && mv "$1/copy" "$1/moved" && ls "$1" >/dev/null && rm "$1/moved" && echo finished
SH
timeout "$limit" "$trapline" policy learn -o "$work/learned.policy" -- sh "$work/job.sh" "$work" >/dev/null 2>&1
dir=$work
under learned sh "$work/job.sh" "$work"
want 0 finished
under learned sh -c 'cat /etc/shadow'
want 1 "Operation not permitted"
dir=$2

rm -f "$work/audit"
timeout "$limit" "$trapline" run --audit "$work/audit" --policy "$dir/audit-only.policy" -- sh -c 'ls / >/dev/null; echo done' >"$work/out" 2>&1
if ! grep -q '^done$' "$work/out" || ! grep -q '"execve"' "$work/audit"; then
	echo "audit-only:"
	cat "$work/out" "$work/audit"
	failed=1
fi
exit $failed
