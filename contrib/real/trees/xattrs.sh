# needs: setfattr getfattr
# Extended attributes through cp, tar and mv.
echo x >f; setfattr -n user.colour -v blue f && setfattr -n user.empty f; getfattr -d f; cp --preserve=all f g; getfattr -d g
mv g h; getfattr --only-values -n user.colour h; echo; setfattr -x user.colour h; getfattr -d h; mkdir d; setfattr -n user.dir -v yes d
tar --xattrs -cf t.tar f d; mkdir x; tar --xattrs -C x -xf t.tar; getfattr -d x/f x/d; setfattr -n nonsense -v 1 f; setfattr -n user.a -v 1 none; echo $?
