# needs: tar gzip
# tar: pack, compress through a pipe, list, unpack, compare.
tar --sort=name --mtime=@0 --owner=0 --group=0 -czf a.tgz -C /usr/share common-licenses
tar -tzf a.tgz | sort | sha256sum; mkdir x; tar -xzf a.tgz -C x; diff -r /usr/share/common-licenses x/common-licenses && echo equal
tar -cf - x | tar -xf - --one-top-level=y && diff -r x y/x && gzip -dc a.tgz | sha256sum
