#!/bin/sh
# Fuzz one target with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.
#   tests/fuzz/run.sh BUILD TARGET [SECONDS]     TARGET: policy, call, oci
# BUILD is a configured and built tree (for the generated table). New inputs go to BUILD/fuzz/TARGET, crashes beside them.
set -eu
build=$1 target=$2 seconds=${3:-600}
here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../../src" && pwd)
work=$build/fuzz/$target
mkdir -p "$work/corpus"
clang -std=gnu17 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	-I"$src" -I"$build/src/syscalls" -I"$build/src" -I"$here" \
	"$here/fuzz_$target.c" "$src"/policy/*.c "$src"/base/strbuf.c "$src"/base/log.c "$src"/base/errno_name.c "$src"/regs/*.c "$src"/regs/*/*.c \
	"$src"/syscalls/table.c "$src"/syscalls/flag_lookup.c "$src"/syscalls/nearest.c \
	"$build"/src/syscalls/table_data.c "$build"/src/syscalls/flag_data.c -ljansson -o "$work/fuzz"
cd "$work"
dict=
[ -f "$here/$target.dict" ] && dict=-dict=$here/$target.dict
# shellcheck disable=SC2086
exec nice ./fuzz -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 $dict \
	corpus "$here/corpus/$target"
