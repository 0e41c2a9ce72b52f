# needs: gcc make
# A program of several files built by make and gcc, changed, built again, run, and cleaned.
cp -r "$REAL_HOME/project" p && cd p || exit 1
make -s -j2 2>&1 && ls && make -q && echo "nothing to do"
touch lex.c && make -n | grep -c gcc; make -s -j2; echo '1 + 2 * 3' >in; for f in *; do [ -x "$f" ] && [ -f "$f" ] && "./$f" <in; done
printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' >h.c
gcc -O2 -o h h.c && ./h; gcc -static -o s h.c && ./s; gcc -no-pie -o n h.c && ./n; gcc -static-pie -o sp h.c && ./sp
gcc -shared -fPIC -x c -o libx.so - <<'C' && printf 'int x(void); int main(void) { return x(); }' >u.c && gcc -o u u.c -L. -lx -Wl,-rpath,'$ORIGIN' && ./u; echo $?
int x(void) { return 7; }
C
