#!/bin/sh
# A suite that comes with a program's source, as a command for verdicts.py: its files lie in $WORK, so on the file system under test.
# usage: verdicts.py --form FORM ... -- contrib/real/upstream.sh SUITE SOURCE [ARG...]; SOURCE is configured and built, `make check`
# was run there once (or what it builds was built). ARGs narrow the suite as its own runner would have them.
#   bash    automake   ARG: run-NAME        busybox automake   ARG: applet       tar       autotest   ARG: numbers, -k WORD
#   gnu     automake   sed, grep, coreutils, findutils: ARG: make's words (TESTS=...)
#   gawk    automake                        make    automake   ARG: directory/name            rsync   padded     ARG: names
#   perl    automake   ARG: files below t/   tcl     tcl        ARG: tcltest's words (-file "fCmd.test io.test")
#   glib    tap        ARG: names
set -u
suite=$1 source=$2
shift 2
cd "${WORK:?}" || exit 2
export MALLOC_PERTURB_=

# What no runner limits is limited here, so that one hang costs one verdict.
limited() {
	timeout -s KILL 180 "$@" </dev/null 2>&1
}

# verdict NAME STATUS
verdict() {
	if [ "$2" -eq 0 ]; then echo "PASS: $1"; else echo "FAIL: $1"; fi
}

suite_bash() {
	cp -R "$source/tests" tests && cd tests || exit 2
	export BUILD_DIR="$source" THIS_SH="$source/bash" BASH_TSTOUT="$WORK/tstout" PATH=".:$source/tests:$source:$PATH"
	[ $# -gt 0 ] || set -- run-*
	for x; do
		case $x in run-all | run-minimal | run-gprof | *~ | *.orig) continue ;; esac
		limited sh "./$x" >"$WORK/said"
		cat "$WORK/said"
		# What the runner says to the reader beside a difference.
		grep -vi -e '^warning:' -e '^$' "$WORK/said" >"$WORK/differences"
		lines=$(wc -l <"$WORK/differences")
		[ "$lines" -eq 0 ] || x=$x,$lines
		verdict "$x" "$lines"
	done
}

suite_busybox() {
	cp -R "$source/testsuite" "$source/scripts" "$source/.config" . && cd testsuite || exit 2
	export bindir="$source" tsdir="$WORK/testsuite" SKIP_INTERNET_TESTS=1 VERBOSE=1
	[ $# -gt 0 ] || set -- $(ls | sed -n 's/\.tests$//p') $(ls -d */ | tr -d /)
	for applet in $(printf '%s\n' "$@" | sort -u); do
		printf '## %s\n' "$applet"
		limited ./runtest "$applet"
	done
}

suite_tar() {
	cd "$source/tests" && limited_long sh ./testsuite -C "$WORK" AUTOTEST_PATH="$source/src:$source/tests" "$@"
}

suite_gnu() {
	cp -a "$source" copy && cd copy && limited_long make -k check VERBOSE=no "$@"
}

suite_gawk() {
	cp -a "$source" copy && cd copy/test || exit 2
	rm -f _*
	limited_long make -k check "$@" | tee "$WORK/said"
	for name in $(grep -x '[a-zA-Z][a-zA-Z0-9_-]*' "$WORK/said" | sort -u); do
		[ ! -e "_$name" ]
		verdict "$name" $?
	done
}

suite_make() {
	cp -a "$source" copy && cd copy/tests || exit 2
	made=$WORK/copy/make
	[ -x "$made" ] || made=/usr/bin/make
	[ $# -gt 0 ] || set -- $(ls scripts/*/* | sed 's,scripts/,,' | grep -v -e '~$' -e vms)
	for name; do
		limited perl ./run_make_tests.pl -srcdir "$WORK/copy" -make "$made" "$name"
		verdict "$name" $?
	done
}

suite_rsync() {
	cp -a "$source" copy && cd copy || exit 2
	export rsync_bin="$WORK/copy/rsync" POSIXLY_CORRECT=1 TOOLDIR="$WORK/copy" srcdir="$WORK/copy"
	limited_long ./runtests.sh "$@"
}

suite_perl() {
	cp -a "$source" copy && cd copy/t || exit 2
	export PERL_SKIP_TTY_TEST=1
	[ $# -gt 0 ] || set -- io/*.t op/*.t ../lib/File/*.t ../lib/File/*/t/*.t
	for name; do
		[ -e "$name" ] || continue
		limited ./perl TEST "$name" >"$WORK/said"
		status=$?
		cat "$WORK/said"
		verdict "$name" "$status"
	done
}

suite_tcl() {
	limited_long tclsh8.6 "$source/tests/all.tcl" -tmpdir "$WORK" -verbose ps "$@"
}

# Tests of GLib as Debian ships them, unpacked to SOURCE (libglib2.0-tests). Not as root: they make files outside $WORK.
suite_glib() {
	tests=$source/usr/libexec/installed-tests/glib
	export G_TEST_SRCDIR="$tests" G_TEST_BUILDDIR="$tests" XDG_DATA_HOME="$WORK/data" XDG_RUNTIME_DIR="$WORK"
	[ $# -gt 0 ] || set -- $(sed -n "s,^Exec=.*installed-tests/glib/\([^ /]*\)$,\1,p" "$source"/usr/share/installed-tests/glib/*.test)
	for name; do
		printf '## %s\n' "$name"
		limited "$tests/$name" --tap
		echo
	done
}

limited_long() {
	timeout -s KILL 3000 "$@" </dev/null 2>&1
}

"suite_$suite" "$@"
