# needs: dash
# A thousand pipelines of dash.
exec dash -c '
i=0; while [ $i -lt 1000 ]; do
	x=$(echo "$i" | cat | tr 0-9 a-j); printf "%s\n" "$x"
	i=$((i + 1))
done | sha256sum; echo "status $?"'
