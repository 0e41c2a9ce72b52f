# needs: git
# git: a repository made, changed, cloned, packed and checked; its hashes are always the same.
export HOME=$PWD GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
git config --global user.name tester; git config --global user.email tester@example.org; git config --global init.defaultBranch main
git init -q one && cd one || exit 1
cp -r /usr/share/common-licenses files; git add . && git commit -qm first
for i in 1 2 3; do echo "line $i" >>notes; git add notes; git commit -qm "notes $i"; done
git rev-parse HEAD; git log --oneline | cat; git diff --stat HEAD~2 | cat
git checkout -qb side HEAD~1; echo side >side; git add side; git commit -qm side; git merge -q -m merged main; git rev-parse HEAD
cd ..; git clone -q one two && cd two && git fsck --no-progress && git gc -q && git status --short && git rev-parse HEAD && git log --format=%s | sort
