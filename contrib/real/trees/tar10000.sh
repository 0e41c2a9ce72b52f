# needs: tar find
# tar, cp, find, rm and du of 10 000 files.
mkdir t && cd t || exit 1
d=0
while [ $d -lt 100 ]; do
    mkdir -p "a$((d / 10))/b$d"
    i=0
    while [ $i -lt 100 ]; do echo "$d $i" >"a$((d / 10))/b$d/$i"; i=$((i + 1)); done
    d=$((d + 1))
done
show() { find "$1" -printf '%y %m %T@ %n %P\n' | sort | cksum; }
find . -name '*3' -exec chmod 640 {} +; find . -type f -exec touch -d @1234567890.25 {} +; find . -type d -exec touch -d @1000000000 {} +
cd ..; show t; tar -cf t.tar t; tar -df t.tar && echo no difference; tar -tf t.tar | wc -l; mkdir x; tar -C x -xf t.tar; diff -r t x/t && echo same; show x/t; tar -C x -df t.tar; find t x/t -type f -size +0 -print0 | sort -z | xargs -0 cat | cksum
cp -a t y; show y; echo more >>y/a1/b12/3; mv y/a2/b21/5 y/a2/b21/none; (cd y && mkdir z && ln -s . t && tar -df ../t.tar; rm t; rmdir z) 2>&1 | sort | head -20; find y -type f | wc -l; find y -type f -name '*7' -print0 | sort -z | xargs -0 cat | cksum; find y -type f -size -5c | sort | cksum
ls -R y | cksum; mv y z; rm -r z; rm -r x t; ls
