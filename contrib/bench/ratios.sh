#!/bin/sh
# ratios.sh [-l] [-r ROUNDS] [-o FIGURES] [BUILD]: trapline's figures as ratios to native, to the bare loops and to
# strace, all in one run: the two sides of a ratio are measured in turn, round by round, and the medians of the rounds are
# divided (-l: the least of the rounds, for a machine that others use too). BUILD is the build directory (default: build).
# FIGURES chooses some of: outside notify trace answer strace openat make idle. One line a figure: what, ours, theirs,
# ratio, target, verdict. Exits 1 if a target is missed or a run fails.

rounds=5
least=
figures='outside notify trace answer strace openat make idle'
usage() {
	sed -n '2,6s/^# //p' "$0"
	exit "$1"
}
while getopts lr:o:h option; do
	case $option in
	l) least=1 ;;
	r) rounds=$OPTARG ;;
	o) figures=$OPTARG ;;
	h) usage 0 ;;
	*) usage 2 ;;
	esac
done
shift $((OPTIND - 1))
build=${1:-build}
trapline=$build/src/cli/trapline
bare=$build/contrib/bench
here=$(cd "$(dirname "$0")" && pwd)
for program in "$trapline" "$bare/bare_native" "$bare/bare_time"; do
	[ -x "$program" ] || { echo "ratios.sh: no $program: build first, and name the build directory" >&2; exit 2; }
done
build=$(cd "$build" && pwd) trapline=$build/src/cli/trapline bare=$build/contrib/bench
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
missed=0
cpu=$(taskset -cp $$ | sed 's/.*: *//; s/[,-].*//')

# ---- one number from one run ----

# value KEY COMMAND...: the number that the command prints as KEY=number; "failed" when it does not end well
value() {
	key=$1
	shift
	if timeout -k 5 300 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; then
		sed -n "s/.* $key=\([0-9.]*\).*/\1/p" "$tmp/out" | tail -n 1
	else
		echo failed
		sed "s|^|ratios.sh: $1: |" "$tmp/err" | head -n 3 >&2
	fi
}

median_of() {
	grep -q failed "$1" && { echo failed; return; }
	[ "$least" ] && { sort -n "$1" | head -n 1; return; }
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ---- two sides in turn ----

# compare WHAT TARGET KEY UNIT OURS THEIRS: both sides are command lines for the shell; ratio of the medians
compare() {
	what=$1 target=$2 key=$3 unit=$4 ours=$5 theirs=$6
	: >"$tmp/ours"
	: >"$tmp/theirs"
	i=0
	while [ $i -lt "$rounds" ]; do
		# shellcheck disable=SC2086 # command lines, split on purpose
		value "$key" $ours >>"$tmp/ours"
		# shellcheck disable=SC2086
		value "$key" $theirs >>"$tmp/theirs"
		i=$((i + 1))
	done
	verdict "$what" "$(median_of "$tmp/ours")" "$(median_of "$tmp/theirs")" "$target" "$unit"
}

# against_strace WHAT TARGET OURS THEIRS NATIVE TURNS [FLOOR]: wall times, and for information what each side adds to native's
# and what a tracer that only stops takes. A program that computes more than it calls can meet a target on the sum only as
# far as its own time allows.
against_strace() {
	what=$1 target=$2 ours=$3 theirs=$4 native=$5 turns=$6 floor=$7
	: >"$tmp/ours"
	: >"$tmp/theirs"
	: >"$tmp/native"
	: >"$tmp/floor"
	i=0
	while [ $i -lt "$turns" ]; do
		# shellcheck disable=SC2086 # command lines, split on purpose
		value wall_us $ours >>"$tmp/ours"
		# shellcheck disable=SC2086
		value wall_us $theirs >>"$tmp/theirs"
		# shellcheck disable=SC2086
		value wall_us $native >>"$tmp/native"
		# shellcheck disable=SC2086
		[ -z "$floor" ] || value wall_us $floor >>"$tmp/floor"
		i=$((i + 1))
	done
	a=$(median_of "$tmp/ours") b=$(median_of "$tmp/theirs") n=$(median_of "$tmp/native")
	verdict "$what" "$a" "$b" "$target" us
	case "$a$b$n" in *failed*) return ;; esac
	verdict "    added to native's $n us" "$(added "$a" "$n")" "$(added "$b" "$n")" - us
	[ -z "$floor" ] || verdict '    a bare tracer on one core / strace' "$(median_of "$tmp/floor")" "$b" - us
}

added() {
	awk -v a="$1" -v n="$2" 'BEGIN { print (a > n ? a - n : 0) }'
}

# verdict WHAT OURS THEIRS TARGET UNIT; the target may be '-': for information
verdict() {
	line=$(awk -v what="$1" -v a="$2" -v b="$3" -v target="$4" -v unit="$5" 'BEGIN {
		if (target == "-" && b == 0) {
			printf "%-58s %9s %s %9s %s", what, a, unit, b, unit
			exit
		}
		if (a == "failed" || b == "failed" || a == "" || b == "" || b == 0) {
			printf "%-58s %12s %12s %8s %8s  FAILED", what, a, b, "", target
			exit
		}
		ratio = a / b
		word = target == "-" ? "" : ratio <= target ? "ok" : "MISSED"
		printf "%-58s %9s %s %9s %s %8.3f %8s  %s", what, a, unit, b, unit, ratio, target, word
	}')
	echo "$line"
	case $line in *MISSED | *FAILED) missed=$((missed + 1)) ;; esac
}

# at_most WHAT SEEN LIMIT UNIT
at_most() {
	line=$(awk -v what="$1" -v seen="$2" -v limit="$3" -v unit="$4" 'BEGIN {
		word = seen == "failed" || seen == "" ? "FAILED" : seen + 0 <= limit + 0 ? "ok" : "MISSED"
		printf "%-58s %9s %-12s %11s %17s  %s", what, seen, unit, "", "<= " limit, word }')
	echo "$line"
	case $line in *MISSED | *FAILED) missed=$((missed + 1)) ;; esac
}

pinned="taskset -c $cpu"
guest_value=4242

# A call that no plan selects, in a guest whose other calls are intercepted.
figure_outside() {
	for place in "$pinned" ''; do
		word=${place:+pinned}
		native="$place $bare/bare_native --free --batch --calls 5000"
		for m in notify trace; do
			compare "call outside the plan, run --mechanism=$m, ${word:-free}" 1.3 median_ns ns \
				"$place $trapline run --mechanism=$m --uid $guest_value -- $native" "$native"
		done
		compare "call outside the plan, trace -e trace=openat, ${word:-free}" 1.3 median_ns ns \
			"$place $trapline trace -o /dev/null -e trace=openat -- $native" "$native"
	done
}

# figure_answered MECHANISM TARGET BARE-PROGRAM NAME
answered() {
	for place in "$pinned" ''; do
		word=${place:+pinned}
		guest="$bare/bare_native --free --getuid --expect=$guest_value"
		compare "value by $1 / $4, ${word:-free}" "$2" median_ns ns \
			"$place $trapline run --mechanism=$1 --uid $guest_value -- $guest" \
			"$place $bare/$3 --free"
	done
}

figure_notify() {
	answered notify 1.25 bare_notify 'bare notify loop'
}

figure_trace() {
	answered trace 1.15 bare_trace 'bare RET_TRACE loop'
}

# No target of their own.
figure_answer() {
	answered sysemu - bare_sysemu 'bare SYSEMU loop'
	answered step - 'bare_step --answer' 'bare SYSCALL loop'
}

write_makefile() {
	mkdir -p "$tmp/make"
	n=1
	while [ $n -le 6 ]; do
		cp "$here/bare_notify.c" "$tmp/make/part$n.c"
		n=$((n + 1))
	done
	cp "$here"/*.h "$tmp/make/"
	# shellcheck disable=SC2016 # make expands it
	printf 'all: part1.o part2.o part3.o part4.o part5.o part6.o\n%%.o: %%.c\n\t%s\n' \
		'cc -O2 -o $@ -c $<' >"$tmp/make/Makefile"
}

# "NAME|COMMAND" for each piece of work that is watched. A build's ratio hangs on how much it computes between its calls, so
# three are shown: the smallest program, one source file, and a program of 100 lines built and linked.
work() {
	printf '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n' >"$tmp/hello.c"
	echo "getppid loop|$bare/bare_native --free --calls 20000"
	echo "dd bs=1|dd if=/dev/zero of=/dev/null bs=1 count=10000 status=none"
	echo "find /usr|find /usr -maxdepth 4"
	echo "gcc build|cc -O1 -o $tmp/built $here/bare_notify.c"
	echo "gcc hello.c|cc -o $tmp/hello $tmp/hello.c"
	echo "gcc -c|cc -O2 -c -o $tmp/object.o $here/bare_follow.c"
}

# watched OPTIONS STRACE-OPTIONS TARGET-PINNED TARGET-FREE LABEL [BARE-TRACER] < work
watched() {
	while IFS='|' read -r name command; do
		# A compiler's own time varies by more than what either tracer adds to it.
		turns=$rounds
		case $name in gcc*) turns=$((rounds * 3)) ;; esac
		for place in "$pinned" ''; do
			word=${place:+pinned}
			target=$4
			[ -n "$place" ] && target=$3
			against_strace "$5: $name, ${word:-free} / strace" "$target" \
				"$bare/bare_time $place $trapline trace -o /dev/null $1 -- $command" \
				"$bare/bare_time $place strace -f -o /dev/null $2 -- $command" \
				"$bare/bare_time $place $command" "$turns" "${6:+$6 $command}"
		done
	done
}

figure_strace() {
	work >"$tmp/work"
	watched '' '' 0.9 0.25 'every call' "$bare/bare_time $pinned $bare/bare_follow" <"$tmp/work"
}

figure_openat() {
	work | sed -n '3,4p' >"$tmp/work"
	watched '-e trace=openat' '--seccomp-bpf -e trace=openat' 1.0 1.0 'openat' <"$tmp/work"
}

# busy COMMAND...: CPU time over wall time in thousandths
busy() {
	value wall_us "$bare/bare_time" "$@" >"$tmp/wall"
	awk -v wall="$(cat "$tmp/wall")" '{
		for (i = 1; i <= NF; i++) { split($i, kv, "="); t[kv[1]] = kv[2] }
		if (wall == "failed") print wall
		else print int(1000 * (t["user_us"] + t["sys_us"]) / wall) }' "$tmp/out"
}

# Neither core may idle more than it does natively: the ratio is native's busyness over ours.
figure_make() {
	write_makefile
	: >"$tmp/native"
	: >"$tmp/traced"
	i=0
	while [ $i -lt "$rounds" ]; do
		rm -f "$tmp"/make/*.o
		busy make -s -C "$tmp/make" -j2 >>"$tmp/native"
		rm -f "$tmp"/make/*.o
		busy "$trapline" trace -o /dev/null -- make -s -C "$tmp/make" -j2 >>"$tmp/traced"
		i=$((i + 1))
	done
	verdict 'make -j2: busy cores (1/1000) native / under trace' \
		"$(median_of "$tmp/native")" "$(median_of "$tmp/traced")" 1.1 '  '
}

# ---- an idle guest ----

sum_switches() {
	cat /proc/"$1"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'
}

cpu_ticks() {
	sed 's/.*) //' /proc/"$1"/stat | awk '{ print $12 + $13 }'
}

resident_kb() {
	awk '/^VmRSS/ { print $2 }' /proc/"$1"/status
}

# idle NAME COMMAND...: its supervisor while the guest sleeps
idle() {
	name=$1
	shift
	mkfifo "$tmp/ready" "$tmp/never"
	# shellcheck disable=SC2016 # the guest's shell expands it
	"$@" sh -c 'echo up >"$1"; read -r line <"$2"' sh "$tmp/ready" "$tmp/never" >/dev/null 2>&1 &
	pid=$!
	if ! timeout 20 cat "$tmp/ready" >/dev/null; then
		at_most "idle guest, $name" failed 0 ''
	else
		sleep 1
		before=$(sum_switches $pid) ticks=$(cpu_ticks $pid)
		sleep 5
		at_most "idle guest, $name: wake-ups in 5 s" $(($(sum_switches $pid) - before)) 0 ''
		at_most "idle guest, $name: CPU time in 5 s" $(($(cpu_ticks $pid) - ticks)) 0 'ticks'
		at_most "idle guest, $name: resident memory" "$(resident_kb $pid)" 8192 'KiB'
	fi
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	rm -f "$tmp/ready" "$tmp/never"
}

figure_idle() {
	idle 'run by notify' "$trapline" run --mechanism=notify --uid $guest_value --
	idle 'run by trace' "$trapline" run --mechanism=trace --uid $guest_value --
	idle 'trace of every call' "$trapline" trace -o /dev/null --
}

echo "# $(uname -sr), $(nproc) CPUs, load $(cut -d' ' -f1-3 /proc/loadavg), ${least:+least of }$rounds rounds, pinned: both on CPU $cpu"
printf '%-58s %12s %12s %8s %8s\n' figure ours theirs ratio target
for figure in $figures; do
	case $figure in
	outside | notify | trace | answer | strace | openat | make | idle) "figure_$figure" ;;
	*) echo "ratios.sh: no figure '$figure'" >&2; exit 2 ;;
	esac
done
echo "# $missed missed"
[ "$missed" = 0 ]
