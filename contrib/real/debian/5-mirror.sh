# Packages of the mirror, their maintainer scripts, and all that they leave: names, owners, modes, links, contents. Only with --mirror.
[ -n "$REAL_MIRROR" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
rm -rf /etc/apt/sources.list.d/*; echo 'deb http://deb.debian.org/debian bookworm main' >/etc/apt/sources.list
apt-get update >/tmp/out 2>&1; echo "update $?"; grep -E '^(W|E):' /tmp/out
set -- rsync sudo vim busybox sqlite3 zip bzip2 xz-utils less man-db openssh-client systemd-standalone-sysusers dbus cron gawk bc file fakeroot \
    dpkg-dev build-essential python3-venv python3-pip locales ca-certificates netbase iproute2 patch ed
apt-get install -y --no-install-recommends "$@" >/tmp/out 2>&1; echo "install $?"; grep -E '^(W|E|dpkg):' /tmp/out
dpkg --audit; dpkg -l | awk '/^ii/ {print $2, $3}' | sort | cksum
dpkg -V 2>&1 | sort
apt-get install -y --reinstall less bc >/tmp/out 2>&1; echo "reinstall $?"; apt-get remove -y --purge file ed >/tmp/out 2>&1; echo "purge $?"
apt-get autoremove -y >/tmp/out 2>&1; echo "autoremove $?"
mkdir /tmp/down && cd /tmp/down && apt-get download hello >/dev/null 2>&1 && dpkg -i hello_*.deb >/tmp/out 2>&1; echo "dpkg -i $?"; hello; dpkg -P hello >/tmp/out 2>&1
cd /; rm -r /tmp/down /tmp/out
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -name '*.pyc' \
    -o -name __pycache__ -o -path /etc/ssl/certs \) -prune -o -type d -printf '%y %m %u:%g %p\n' -o -printf '%y %m %u:%g %n %p %l\n' | sort
find /usr /etc /var/lib/dpkg -xdev -type f ! -name '*.pyc' ! -name '*-' ! -path /etc/ld.so.cache ! -path '/etc/ssl/*' ! -name '*shadow' ! -path '*/locale-archive' \
    ! -path /etc/machine-id ! -path /etc/resolv.conf ! -name 'lock*' -print0 | sort -z | xargs -0 md5sum
