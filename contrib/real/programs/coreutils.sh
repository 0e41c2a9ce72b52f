# needs: ls sort
# A stretch of coreutils over real files and files of its own.
mkdir -p a/b && cd a || exit 1
cp -r /usr/share/common-licenses b/c; ls -lR b | awk '{print $1, ($1 ~ /^d/ ? "" : $5), $9}' | sort | sha256sum
find b -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
seq 20000 | shuf --random-source=/bin/ls | sort -n --parallel=2 | uniq | tail -1
dd if=/bin/ls of=copy bs=1000 2>/dev/null; cmp /bin/ls copy && stat -c '%s %a %F' copy
ln -s copy link; ln copy hard; readlink -f link | xargs basename; stat -c %h copy
chmod 640 copy; umask 027; touch new; stat -c %a copy new; mv new newer; rm hard; ls | tr '\n' ' '
timeout 0.2 sleep 10; echo $?; nice -n 5 nice; nohup true 2>/dev/null; env -i A=1 env; id -u; uname -s; nproc; whoami
mkfifo p; (echo fifo >p &) ; cat p; tee one two </etc/hostname >/dev/null; cmp one two
split -n 3 copy part.; cat part.* | cmp - copy; wc -c <copy; df . >/dev/null; du -s b >/dev/null; sync copy; truncate -s 5G sparse; stat -c %s sparse
