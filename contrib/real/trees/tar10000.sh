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
cd ..; tar -cf t.tar t; tar -tf t.tar | wc -l; mkdir x; tar -C x -xf t.tar; diff -r t x/t && echo same
cp -a t y; find y -type f | wc -l; find y -type f -name '*7' -print0 | sort -z | xargs -0 cat | cksum; find y -type f -size -5c | sort | cksum
ls -R y | cksum; mv y z; rm -r z; rm -r x t; ls
