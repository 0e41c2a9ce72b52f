#!/bin/sh
# quickstart.sh [COMMAND [ARGS...]]: on a fresh Debian 12, install what trapline needs, build it, and run COMMAND under
# `trapline run`; a COMMAND that is trapline's own ("trace ls", "trapline doctor") is given to trapline as it is. Without a
# COMMAND: a short tour of `trapline run` and `trapline trace` on real programs.
# TRAPLINE_BUILD names the build directory (default: build/release in the source tree).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${TRAPLINE_BUILD:-$top/build/release}
log=$build.log

quietly() {
    "$@" >>"$log" 2>&1 </dev/null || {
        tail -n 40 "$log" >&2
        echo "quickstart: failed: $* (all of it: $log)" >&2
        exit 1
    }
}

mkdir -p "$(dirname "$build")"
: >"$log"
echo "quickstart: packages" >&2
quietly sh "$top/contrib/install-packages.sh" build
echo "quickstart: building in $build" >&2
[ -f "$build/build.ninja" ] || quietly meson setup --buildtype=release "$build" "$top"
quietly ninja -C "$build" src/cli/trapline

PATH=$build/src/cli:$PATH
export PATH
case ${1:-} in
'') ;;
trapline) exec "$@" ;;
run | trace | policy | bench | doctor | help | version) exec trapline "$@" ;;
*) exec trapline run -- "$@" ;;
esac

# ---- the tour ----

# Show a command as a person would type it, then run it.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The same for a line of shell.
show_sh() {
    printf '\n$ %s\n' "$1"
    sh -c "$1"
}

script=$build/tour.py
cat >"$script" <<'PYTHON'
import os, platform, socket
print("user", os.getuid(), os.geteuid(), "group", os.getgid(), "on", socket.gethostname())
print(platform.system(), platform.machine(), "pid", "known" if os.getpid() > 0 else "unknown")
PYTHON

echo
echo "--- trapline run: these identity calls are answered by trapline, all other calls run at native speed"
show trapline run --uid 0 --gid 0 --hostname box -- id
show trapline run --uid 1234 --gid 5678 --hostname box -- id
show trapline run --hostname box -- uname -n
show trapline run --uid 1234 --gid 5678 --hostname box -- ls -ld /etc/hostname
show trapline run --uid 1234 --gid 5678 --hostname box -- python3 "$script"

echo
echo "--- trapline run with files: opens, stats and renames are answered, bytes go straight to the host; nothing below / changes"
show trapline run --overlay / -0 -- sh -c 'rm -rf /etc/apt; chown 7:7 /var; mknod /null c 1 3; ls -ld /etc/apt /var /null' || :
show trapline run --tmpfs /tmp -- sh -c 'echo in memory >/tmp/f; ls -l /tmp'
show ls -ld /etc/apt /var

echo
echo "--- trapline trace: what a program asks of the kernel"
show_sh 'trapline trace -e trace=openat,uname ls -d / 2>&1 | tail -n 8'
show_sh 'trapline trace -e trace=%creds id -u 2>&1'
show trapline trace -c -- python3 "$script"
echo
echo "trapline is $build/src/cli/trapline; 'trapline help' lists what it does."
