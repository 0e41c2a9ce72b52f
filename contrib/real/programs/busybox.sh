# needs: busybox
# busybox sh and its applets.
exec busybox sh -c '
busybox seq 1 2000 | busybox awk "{s+=\$1} END {print s}"
busybox find /usr/share/common-licenses -type f | busybox sort | busybox xargs busybox md5sum
echo abc | busybox sed s/b/B/ | busybox tr a-z A-Z
i=0; while [ $i -lt 200 ]; do x=$(echo $i | busybox cat); [ "$x" = $i ] || echo bad $i; i=$((i+1)); done
busybox ls -la /dev/null | busybox cut -c1-10
(busybox sleep 0.1; exit 3) & wait $!; echo $?
busybox tar cf - /usr/share/common-licenses 2>/dev/null | busybox gzip | busybox gunzip | busybox tar tf - | busybox wc -l'
