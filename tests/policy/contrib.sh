#!/bin/sh
# Every shipped policy is accepted without a warning, meets its expect lines (at least three) and can be planned.
# docker-default refuses what the profile that Docker and Podman ship refuses.
set -u
trapline=$1 dir=$2 failed=0
for p in "$dir"/*.policy; do
	if ! out=$("$trapline" policy check "$p" 2>&1) || [ "$(printf '%s\n' "$out" | wc -l)" != 1 ]; then
		printf '%s\n' "$out"
		failed=1
	fi
	[ "$(grep -c '^expect ' "$p")" -ge 3 ] || { echo "$p: fewer than three expect lines"; failed=1; }
	"$trapline" policy explain "$p" >/dev/null || failed=1
done
profile=/usr/share/containers/seccomp.json
if [ -r $profile ]; then
	work=$(mktemp -d) || exit 99
	trap 'rm -rf "$work"' EXIT
	# A container's default capabilities among those that the profile asks for.
	"$trapline" policy import $profile | sed 's/ where .*cap \(CAP_SYS_CHROOT\|CAP_AUDIT_WRITE\)$/ where \1/
		s/^errno.* where \(CAP_SYS_CHROOT\|CAP_AUDIT_WRITE\)$//; s/^native \(.*\) where CAP_.*/native \1/
		/^native socket when/d' >"$work/imported"
	"$trapline" policy explain --all "$work/imported" | sed -n 's/^  \([a-z0-9_]*\) .*/\1()/p' >"$work/calls"
	for p in "$work/imported" "$dir/docker-default.policy"; do
		xargs "$trapline" policy test "$p" <"$work/calls" | grep '() = ' >"$work/$(basename "$p").out"
	done
	diff -u "$work/imported.out" "$work/docker-default.policy.out" || failed=1
	[ -s "$work/imported.out" ] || { echo "nothing was compared"; failed=1; }
else
	echo "SKIP: $profile (package golang-github-containers-common) is not installed: docker-default not compared"
fi
exit $failed
