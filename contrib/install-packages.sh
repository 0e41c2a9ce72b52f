#!/bin/sh
# install-packages.sh build|test...: install the Debian packages that contrib/packages.txt lists for these purposes.
# Does nothing, and needs no network, when all are there. Needs root, or sudo.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

wanted() {
    for kind in "$@"; do
        awk -v kind="$kind" '$1 == kind { print $2 }' "$here/packages.txt"
    done
}

is_installed() {
    case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
    *' installed') return 0 ;;
    *) return 1 ;;
    esac
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "install-packages.sh: root or sudo is needed for: $*" >&2
        return 1
    fi
}

if ! command -v dpkg-query >/dev/null; then
    echo "install-packages.sh: this is not Debian; install what contrib/packages.txt lists by hand" >&2
    exit 1
fi

missing=
for package in $(wanted "$@"); do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing </dev/null
