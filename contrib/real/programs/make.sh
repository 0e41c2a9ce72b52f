# needs: gcc make
# gcc and make build a small real program with two jobs, and it works.
cp -r "$REAL_HOME/project" p && cd p && make -s -j2 && make -s check && make -s clean && ls | tr '\n' ' '
