#!/bin/sh
# check.sh: install what the tests need, build trapline in every way that is supported, pass every test.
# Its last line is "N passed, N failed"; it exits 1 if anything failed. Skipped tests are named and counted as neither.
# TRAPLINE_BUILD names the directory of the build directories (default: build in the source tree).
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
builds=${TRAPLINE_BUILD:-$top/build}
passed=0
failed=0
export PYTHONDONTWRITEBYTECODE=1
unset TRAPLINE_DEBUG

say() {
    printf '== %s (%s s)\n' "$*" "$(($(date +%s) - started))"
}

count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

finish() {
    say "done"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# step NAME COMMAND...: one thing that succeeds or not.
step() {
    name=$1
    shift
    say "$name"
    if "$@" >"$builds/$name.log" 2>&1 </dev/null; then
        count 1 0
        return 0
    fi
    tail -n 60 "$builds/$name.log"
    echo "FAILED: $name (all of it: $builds/$name.log)"
    count 0 1
    return 1
}

# build NAME COMPILER [MESON OPTIONS...]: every target, warnings are errors.
build() {
    dir=$builds/check-$1
    name=$1
    compiler=$2
    shift 2
    if [ -f "$dir/build.ninja" ]; then
        step "build-$name" ninja -C "$dir"
    else
        # shellcheck disable=SC2016 # the inner shell expands it
        step "build-$name" sh -ec 'export CC="$1"; dir=$2 top=$3; shift 3
            meson setup "$@" "$dir" "$top"; exec ninja -C "$dir"' sh "$compiler" "$dir" "$top" "$@"
    fi
}

# tests NAME [MESON TEST OPTIONS...]: run them in that build and add Meson's counts.
tests() {
    name=$1
    dir=$builds/check-$1
    shift
    say "tests-$name"
    rm -f "$dir/meson-logs/testlog.json"
    (cd "$dir" && meson test --no-rebuild --print-errorlogs "$@") >"$builds/tests-$name.log" 2>&1 </dev/null
    python3 "$top/contrib/tally.py" "$dir/meson-logs/testlog.json" >"$builds/tally-$name.txt"
    sed '$d' "$builds/tally-$name.txt" | sed "s/^/$name: /"
    read -r ok bad <<TALLY
$(tail -n 1 "$builds/tally-$name.txt")
TALLY
    [ "$bad" -eq 0 ] || cat "$builds/tests-$name.log"
    count "$ok" "$bad"
}

started=$(date +%s)
mkdir -p "$builds"
step packages sh "$top/contrib/install-packages.sh" build test || finish

# Everything, as it is shipped.
build gcc gcc --buildtype=release && tests gcc

# The other compiler: other warnings, other code. What the compiler cannot change (lint, policies) is not repeated.
build clang clang && tests clang --suite unit --suite cli

# The supervisor under the sanitizers; the guests are built without. Not the cli suite: it takes away address space and
# descriptors, and runs trapline as a guest, where a leak check cannot work.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build asan gcc -Db_sanitize=address,undefined &&
    tests asan --suite unit --suite policy --suite guest-step --suite guest-notify --timeout-multiplier 10

export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions="$top/tests/tsan.supp"
build tsan gcc -Db_sanitize=thread && tests tsan --suite unit --suite guest-notify --suite files-stub --timeout-multiplier 10

# The layers that know architectures, for the other one.
build aarch64 aarch64-linux-gnu-gcc --cross-file "$top/contrib/cross/aarch64.ini" -Dlayers=core && tests aarch64

finish
