# needs: dbench
# dbench: four clients of a file server.
dbench -D . -t 5 -s 4 >out 2>&1; status=$?; [ $status -eq 0 ] || tail -5 out; echo $status; ls
