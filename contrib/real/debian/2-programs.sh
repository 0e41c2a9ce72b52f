# Interpreters and a compiler.
cd /tmp || exit 1
python3 -c 'import os, sys, json, hashlib, subprocess; print(sys.version_info[:2], os.getuid(), subprocess.run(["/bin/echo", "hi"], capture_output=True).stdout)'
perl -MFile::Find -e 'my $n = 0; find(sub { $n++ }, "/usr/share/perl5"); print $n > 50 ? "many\n" : "few\n"; print "$^O $>\n"'
printf '#include <stdio.h>\n#include <unistd.h>\nint main(void) { char b[99]; b[readlink("/proc/self/exe", b, 98)] = 0; puts(b); return 0; }\n' >h.c
gcc -O2 -o h h.c && ./h && gcc -static -o hs h.c && ./hs && gcc -no-pie -o hn h.c && ./hn; printf '#!/bin/sh\necho "script $0 $*"\n' >s; chmod 755 s; ./s 1 2
printf '#!/tmp/s arg\n' >s2; chmod 755 s2; ./s2 x; rm h h.c hs hn s s2; bash -c 'echo ${BASH_VERSINFO[0]}; echo <(echo) | sed s/[0-9]*$//'
ls -l /proc/self/exe | sed 's/.*-> //'; readlink /proc/self/cwd /proc/self/root; grep -c " /proc proc " /proc/mounts; ldconfig -p | grep -c libc.so.6
