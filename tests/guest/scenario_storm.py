#!/usr/bin/env python3
"""dash pipelines and stat while signals without SA_RESTART pour in 10 000 times a second: nothing fails that natively works."""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
from scenario import equal, main

SCRIPT = """
trap : USR1
echo $$ >&3; exec 3>&-
i=0
while [ $i -lt COUNT ]; do
    x=$(echo "$i" | cat | cat) || echo "status $? at $i"
    [ "$x" = "$i" ] || echo "got '$x' at $i"
    [ -d / ] || echo "no root at $i"
    [ -e /does/not/exist ] && echo "something at $i"
    echo word >/dev/null || echo "no null at $i"
    : | (read -r y; exit 6); [ $? = 6 ] || echo "status at $i"
    i=$((i + 1))
done
trap '' USR1
echo done
"""


def pipelines(opts, prefix):
    if "--no-ptrace" in prefix:
        return      # nobody mends an interrupted notification there: doctor says so
    count = opts.count or 100
    read, write = os.pipe()
    child = subprocess.Popen([*prefix, "dash", "-c", SCRIPT.replace("COUNT", str(count)), "dash"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, pass_fds=[], preexec_fn=lambda: os.dup2(write, 3), close_fds=False)
    os.close(write)
    with os.fdopen(read) as f:
        pid = f.readline().strip()
    storm = subprocess.Popen([os.path.join(opts.helpers, "guest_storm"), pid, str(int(signal.SIGUSR1)), "100"])
    out, err = child.communicate(timeout=opts.timeout * 3)
    equal((child.returncode, out, err), (0, b"done\n", b""), "the script")
    storm.wait(opts.timeout)


if __name__ == "__main__":
    main(pipelines)
