# needs: find
# find and grep over a large tree.
find /usr/share -xdev -type f -name '*.gz' 2>/dev/null | sort | sha256sum; grep -rl GPL /usr/share/common-licenses | sort
