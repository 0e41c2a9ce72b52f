# git inside.
export HOME=/tmp/githome GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
rm -rf /tmp/githome; mkdir /tmp/githome; cd /tmp/githome || exit 1
git config --global user.name t; git config --global user.email t@example.org; git config --global init.defaultBranch main
git init -q a; cd a || exit 1; cp -r /usr/share/common-licenses l; git add .; git commit -qm one; git rev-parse HEAD; git status --short
cd ..; git clone -q a b; cd b || exit 1; git fsck --no-progress; git gc -q; git rev-parse HEAD; cd /; rm -r /tmp/githome
