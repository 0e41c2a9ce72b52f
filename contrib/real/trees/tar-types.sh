# needs: tar find
# tar of a tree with every type of file that this user may make, out and in again, and the same tree afterwards.
umask 022
mkdir -p t/dir/sub t/closed 't/odd names' && cd t || exit 1
echo text >dir/file; ln dir/file dir/hard; ln -s file dir/sym; ln -s /nowhere/at/all dir/dangling; mkfifo fifo
: >empty; printf '\377\376' >"$(printf 'odd names/\377\376 \n')"; chmod 4755 empty; chmod 700 closed
truncate -s 5M sparse; echo middle | dd of=sparse bs=1 seek=3000000 conv=notrunc 2>/dev/null
[ "$(id -u)" -ne 0 ] || { mknod null c 1 3; mknod loop b 7 9; chown 12:34 dir/file; chown -h 5:6 dir/sym; }
touch -d '2001-02-03 04:05:06.789' dir/file; touch -h -d '2002-01-01' dir/sym
cd ..
tar --sort=name -S -cf out.tar t && tar -tvf out.tar --full-time | sed 's/ [0-9:. -]* t/ t/' | sort
mkdir back && tar -C back -xpf out.tar && cd back || exit 1
find t -printf '%y %m %n %U %G %p -> %l\n' | sort
stat -c '%n %y' t/dir/file t/dir/sym; stat -c '%n %t:%T' t/* | sort; cmp ../t/sparse t/sparse && cksum <t/sparse
[ t/dir/file -ef t/dir/hard ] && echo linked
cd .. && rm -r t back && ls
