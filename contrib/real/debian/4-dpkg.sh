# A package with maintainer scripts, made, put into a local repository, found by apt-get, installed, asked about and removed.
export DEBIAN_FRONTEND=noninteractive
rm -rf /tmp/deb /srv/repo; mkdir -p /tmp/deb/DEBIAN /tmp/deb/usr/bin /tmp/deb/etc /tmp/deb/var/lib/hallo /srv/repo; cd /tmp/deb || exit 1
printf 'Package: hallo\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: greets\n' >DEBIAN/control
printf '#!/bin/sh\nset -e\n[ "$1" = configure ] || exit 0\nchown daemon:adm /var/lib/hallo\nchmod 2750 /var/lib/hallo\necho configured >/var/lib/hallo/state\nupdate-alternatives --install /usr/bin/greet greet /usr/bin/hallo 10\n' >DEBIAN/postinst
printf '#!/bin/sh\nset -e\nupdate-alternatives --remove greet /usr/bin/hallo\nrm -f /var/lib/hallo/state\n' >DEBIAN/prerm
printf '/etc/hallo.conf\n' >DEBIAN/conffiles; echo 'word=hallo' >etc/hallo.conf; printf '#!/bin/sh\n. /etc/hallo.conf\necho "$word"\n' >usr/bin/hallo
chmod 755 usr/bin/hallo DEBIAN/postinst DEBIAN/prerm; dpkg-deb --root-owner-group -b . /srv/repo/hallo_1.0_all.deb | sed 's/.*building/building/'
cd /srv/repo || exit 1; apt-ftparchive packages . >Packages 2>/dev/null; apt-ftparchive release . >Release
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
apt-get update >/tmp/out 2>&1; echo "update $?"; grep -E '^(W|E):' /tmp/out; apt-cache policy hallo | grep Candidate
apt-get install -y hallo >/tmp/out 2>&1; echo "install $?"; grep -E '^(W|E|dpkg):' /tmp/out; hallo; greet; stat -c '%U:%G %a' /var/lib/hallo; cat /var/lib/hallo/state
dpkg -s hallo | grep Status; dpkg -L hallo | sort; dpkg -V hallo; dpkg -l | grep -c ^ii
apt-get remove -y --purge hallo >/tmp/out 2>&1; echo "purge $?"; grep -E '^(W|E|dpkg):' /tmp/out; ls /usr/bin/hallo /etc/hallo.conf /usr/bin/greet 2>&1; dpkg --audit; rm -rf /tmp/deb /tmp/out
