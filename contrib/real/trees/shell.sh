# needs: bash
# What scripts do with files: globs, redirections, here documents, pipes, temporary files, locks, traps, permissions.
set -u
mkdir -p a/b/c; touch a/{1,2,3}.txt a/b/{x,y}.c 'a/sp ace'; echo a/* a/*/*; echo a/**/*.c; ls -la a | awk '{print $1, $NF}' | tail -n +4
exec 5<>rw; echo one >&5; echo two >>rw; cat rw; exec 5>&-; cat <<END >here; cat here
document $((1 + 2))
END
t=$(mktemp -d) && echo "$t" | sed 's/[^/]*$/X/' && rm -r "$t"; mkfifo p; (echo through >p &) ; cat p; cat <(echo process) <(echo substitution)
( flock -n 9 && echo locked; flock -n 8 || echo refused ) 9>l 8>l; wait
chmod 000 rw; [ "$(id -u)" -eq 0 ] || cat rw 2>&1; chmod u=rwX,g=r,o= rw; stat -c '%A %s' rw; umask 077; : >private; stat -c %a private; umask 022
ln -s a/b link; cd link && pwd && pwd -P | sed 's|.*/a/|a/|'; cd ..; pwd | sed 's|.*/||' >/dev/null; [ -L link ] && readlink link; realpath --relative-to=. link
for i in $(seq 200); do echo $i >"n$i"; done; ls n* | wc -l; cat n* | sort -n | cksum; rm n*; find . -type f | sort; du -s --apparent-size here | cut -f1
cp -a a copy; diff -r a copy && echo same; mv copy/1.txt copy/b/; diff -r a copy; sort -o here here; split -n 3 here part; cat part* | cmp - here; sed -i s/document/changed/ here; cat here
dd if=/dev/zero of=big bs=64k count=20 2>/dev/null; stat -c %s big; truncate -s 100 big; stat -c %s big; tail -c 5 big | od -c | head -1; install -m 640 here inst; stat -c %a inst
xargs -n2 echo <<<"1 2 3 4 5"; tee t1 t2 <here >/dev/null; cmp t1 t2 && echo tee; comm -12 t1 t2; env -i /bin/sh -c 'echo $PWD' | sed 's|.*/||' >/dev/null; trap 'echo end' EXIT
