# What people do in such a tree: rsync, find, tar of every type, busybox, vim, sqlite3, zip, a build with configure and make.
umask 022; rm -rf /tmp/w; mkdir /tmp/w; cd /tmp/w || exit 1
show() { find "$1" -mindepth 1 \( -type d -printf '%y %m %u:%g %P\n' -o -printf '%y %m %u:%g %n %s %P %l\n' \) | sort; }
mkdir -p t/dir/sub t/closed; echo text >t/dir/file; ln t/dir/file t/dir/hard; ln -s file t/dir/sym; ln -s /nowhere t/dangling; mkfifo t/fifo
mknod t/null c 1 3; mknod t/disk b 8 1; chown 12:34 t/dir/file; chown -h 5:6 t/dir/sym; chmod 4755 t/dir/file; chmod 1700 t/closed; truncate -s 3M t/sparse
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("t/sock")'; setfattr -n user.note -v yes t/dir/file; setfacl -m u:daemon:r t/closed 2>/dev/null
touch -d @1234567890.5 t/dir/file t/sparse; show t
tar --xattrs --acls -cf t.tar t 2>/dev/null; mkdir x; tar --xattrs --acls -C x -xpf t.tar; show x/t; getfattr -d x/t/dir/file; getfacl -cp x/t/closed; stat -c %y x/t/dir/file
cp -a t c; show c; diff -r --no-dereference t/dir c/dir && echo same; mv c d && show d | cksum; rm -r c d x t.tar 2>/dev/null
if command -v rsync >/dev/null; then
    rsync -aHAX --specials --devices t/ r/; show r; echo more >>t/sparse; rm t/fifo; rsync -aHAXi --delete t/ r/ | sort | grep -v '^.d..t'; show r | cksum; rsync -an --delete -i t/ r/
    rsync -a /usr/share/common-licenses /usr/share/perl5 big/ && rsync -anc -i /usr/share/common-licenses /usr/share/perl5 big/ | wc -l
fi
find /usr/share/perl5 -name '*.pm' -exec grep -l 'use strict' {} + | sort | cksum; find /usr/lib -type l -exec readlink -f {} \; | sort | cksum; find t -perm -4000 -o -type p | sort
find /etc -newer /etc/hostname -prune -o -type f -size -2k -print 2>/dev/null | sort | head -0
command -v busybox >/dev/null && busybox sh -c 'for i in 1 2 3; do busybox mkdir -p b/$i; echo $i | busybox tee b/$i/f; done; busybox cp -a b b2
    busybox diff -r b b2 && busybox tar cf b.tar b && busybox tar tvf b.tar | busybox cut -c1-23; busybox find b -type f | busybox sort; busybox rm -r b b2; busybox ls -l t | busybox awk "{print \$1, \$3, \$NF}"'
command -v vim >/dev/null && { printf 'one\ntwo\n' >v; vim -es -u NONE -c '%s/one/ONE/' -c 'normal Gothree' -c 'set backup' -c wq v; cat v v~; ls -A | grep '^v\|swp'; }
command -v sqlite3 >/dev/null && { sqlite3 q.db 'pragma journal_mode=wal; create table t(a); begin; insert into t values (1),(2); commit; select sum(a) from t; pragma integrity_check'
    (for i in $(seq 50); do sqlite3 -cmd '.timeout 20000' q.db "insert into t values ($i)"; done) & (for i in $(seq 50); do sqlite3 -cmd '.timeout 20000' q.db "insert into t values ($i)"; done); wait
    sqlite3 q.db 'select count(*), sum(a) from t; pragma integrity_check; vacuum'; ls q*; }
command -v zip >/dev/null && { zip -qry z.zip t/dir && python3 -m zipfile -t z.zip && python3 -m zipfile -l z.zip | awk '{print $1, $NF}' | sort; }
perl -e 'use File::Temp; my ($f, $n) = File::Temp::tempfile(DIR => "."); print $f "x" x 100; close $f; print -s $n, "\n"; rename $n, "pl"; open F, "+<", "pl"; flock(F, 2) and print "locked\n"; truncate F, 5; print -s "pl", "\n"'
git init -q g && cd g && cp -r /usr/share/perl5 . && git add . && git -c user.name=a -c user.email=a@b commit -qm x && git status --short && git gc -q && git fsck --no-progress; cd ..
if [ -n "$REAL_MIRROR" ] && command -v dpkg-source >/dev/null; then
    sed 's/^deb /deb-src /' /etc/apt/sources.list >/etc/apt/sources.list.d/src.list; grep -q deb-src /etc/apt/sources.list.d/src.list || echo "no sources"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >/etc/apt/sources.list.d/src.list
    apt-get update >/dev/null 2>&1; (apt-get source --download-only sed && dpkg-source -x sed_*.dsc src) >/tmp/out 2>&1 || tail -3 /tmp/out
    cd src && ./configure -q --disable-nls FORCE_UNSAFE_CONFIGURE=1 >/tmp/out 2>&1; echo "configure $?"; make -s -j2 >/tmp/out 2>&1; echo "make $?"; ./sed/sed --version | head -1
    make -s install DESTDIR=/tmp/w/inst >/tmp/out 2>&1; echo "install $?"; cd ..; show inst; make -C src -s clean >/dev/null 2>&1; rm /etc/apt/sources.list.d/src.list
fi
cd /; rm -rf /tmp/w /tmp/out; ls /tmp
