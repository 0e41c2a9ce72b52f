#!/bin/sh
# Everything that docs/fidelity-files.md tells of, from this tree and a build of it: the tables it is made from, as they come.
#
# suites.sh BUILD [TREE]     BUILD: meson's directory. TREE: a Debian tree (default /var/tmp/trapline/tree; made if it is not there).
#
# As root, two hours. QUICK=1: a quarter of an hour. ONLY="python programs debian attacks bad": parts of it.
set -u
build=$(realpath "${1:?usage: suites.sh BUILD [TREE]}")
tree=${2:-/var/tmp/trapline/tree}
here=$(dirname "$(realpath "$0")")
top=$here/../..
trapline=$build/src/cli/trapline
quick=${QUICK:-}
failed=0
seconds=10 swaps=1000000 mirror=--mirror
[ -z "$quick" ] || seconds=1 swaps=1000 mirror=

part() {
    case " ${ONLY:-python programs debian attacks bad} " in *" $1 "*) printf '\n== %s\n' "$2" ;; *) return 1 ;; esac
}

run() {
    nice "$@" || failed=$((failed + 1))
}

make_tree() {
    [ -d "$tree" ] || run python3 "$here/debian.py" --tree "$tree" --make --only none
}

if part python "Suites of Python, verdict by verdict"; then
    make_tree
    run python3 "$here/suites.py" --trapline "$trapline" --tree "$tree" ${quick:+--only test_glob,test_tempfile,test_posix,test_os}
fi
if part programs "Programs, dbench, fio, git and tar of 10 000 files, SQLite, stress-ng"; then
    run python3 "$here/trees.py" --trapline "$trapline" --seconds "$seconds" ${quick:+--trees tmpfs}
fi
if part debian "A Debian tree as an ordinary user, and as root"; then
    make_tree
    run python3 "$here/debian.py" --tree "$tree" --trapline "$trapline" --timeout 1800 $mirror
fi
if part attacks "Attacks, 10^6 swaps each"; then
    for kind in host tmpfs overlay; do
        for attack in dotdot proc chroot swap move bytes host moved-out inherited received calls; do
            for identity in "" --root; do
                rounds=$swaps
                [ "$attack" != host ] || rounds=$((swaps * 3 / 20))    # of a dozen calls each; the host swaps as fast as it can meanwhile
                said=$(nice python3 "$top/tests/attacks/run.py" --trapline "$trapline" --guest "$build/tests/attacks/escape" \
                    --timeout 1800 --rounds "$rounds" --tree "$kind" $identity "$attack") || failed=$((failed + 1))
                printf '%s %s %s: %s\n' "$kind" "$attack" "$identity" "$(echo "$said" | tr '\n' ' ')"
            done
        done
    done
fi
if part bad "Full disks, errors, changes outside, 10 000 open files, 200 kills"; then
    export TRAPLINE_KILLS="${quick:+8}" TRAPLINE_OPEN="${quick:+2000}" OVERLAY_KILLS="${quick:+25}"
    [ -n "$quick" ] || export TRAPLINE_KILLS=200 TRAPLINE_OPEN=10000 OVERLAY_KILLS=200
    run python3 -B "$top/tests/cli/files_bad.py" "$trapline" "$build/tests/cli/deny_calls"
    run "$build/tests/unit/test_overlay_random"
fi
printf '\n%s parts failed\n' "$failed"
[ "$failed" -eq 0 ]
