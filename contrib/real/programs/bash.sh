# needs: bash
# bash with job control (its notices of what it notices go to stderr, whenever it does): stopped, continued and killed jobs, traps, a coprocess, process substitution.
exec bash --norc -c '
set -m
sleep 100 & sleep 100 | cat &
kill -STOP %1; while [[ $(jobs %1) != *Stopped* ]]; do sleep 0.01; done; jobs %1
kill -CONT %1; while [[ $(jobs %1) != *Running* ]]; do sleep 0.01; done; jobs %1
kill %1; wait %1; echo "first $?"; kill %2; wait %2; echo "second $?"
trap "echo usr1" USR1; kill -USR1 $$
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"; kill $COPROC_PID; wait $COPROC_PID 2>/dev/null
diff <(seq 5) <(seq 2 6)
for i in {1..50}; do (exit $i); [[ $? == $i ]] || echo bad $i; done
echo $BASHPID $$ | { read a b; [[ $a == "$b" ]] && echo same; }
exit 9' 2>/dev/null
