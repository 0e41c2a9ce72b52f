# Who we are and what root may do: owners, modes and nodes that are remembered.
id -u; id -g; whoami; cd /root || exit 1; rm -rf w; mkdir w; cd w || exit 1
: >f; chown 12:34 f; stat -c '%u %g %a' f; chmod 4711 f; stat -c '%u %g %a' f; chown daemon:adm f; stat -c '%U %G %a' f
mknod null c 1 3; mknod disk b 8 1; mkfifo p; stat -c '%F %t %T' null disk p; mkdir d; chown 7:8 d; chmod 2770 d; stat -c '%u:%g %a' d
tar -cf t.tar f null disk p d; tar -tvf t.tar | awk '{print $1, $2, $NF}'; rm -r f null disk p d; tar -xpf t.tar; ls -ln | awk '{print $1, $3, $4, $NF}' | tail -n +2
cp -a f g; stat -c '%u %g %a' g; mv g h; stat -c '%u %g %a' h; ln h i; chown 1:1 i; stat -c '%u %h' h; ls -ld / /root /usr /etc/shadow | awk '{print $1, $NF}'
su -s /bin/sh daemon -c 'id -un; cat /etc/shadow' 2>&1 | sed 's/.*cat:/cat:/'; setpriv --reuid=1000 --regid=1000 --clear-groups id -u; umask 027; mkdir u; stat -c %a u; cd ..; rm -r w
getfacl -cp /etc/passwd
