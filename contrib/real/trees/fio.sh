# needs: fio
# fio with verification, through write, mmap and random reads.
for engine in psync mmap; do
    fio --name=v --directory=. --size=8M --rw=randwrite --bs=4k --ioengine=$engine --verify=crc32c --do_verify=1 --verify_fatal=1 --numjobs=2 \
        --minimal >out 2>&1 && echo "$engine good" || { echo "$engine bad"; tail -5 out; }
    rm -f v.*
done
