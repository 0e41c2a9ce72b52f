# needs: git
# git on 10 000 files: init, add, commit, status, clone, gc, fsck, checkout, merge, bundle, worktree; its hashes are always the same.
export HOME=$PWD GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
git config --global gc.auto 0; git config --global user.name tester; git config --global user.email tester@example.org; git config --global init.defaultBranch main
git init -q one && cd one || exit 1
d=0
while [ $d -lt 100 ]; do
    mkdir -p "dir$((d % 10))/sub$d"
    i=0
    while [ $i -lt 100 ]; do echo "file $d $i" >"dir$((d % 10))/sub$d/f$i"; i=$((i + 1)); done
    d=$((d + 1))
done
git add . && git commit -qm first && git rev-parse HEAD && git status --short
rm -r dir3/sub3; echo changed >dir4/sub4/f4; git mv dir5/sub5 moved; git status --short | sort | head -20
git commit -qam second; git rev-parse HEAD; git ls-files | wc -l
cd ..; git clone -q one two && cd two && git gc -q && git fsck --no-progress && git status --short && git rev-parse HEAD
show() { find . -name .git -prune -o -type d -printf '%y %m %p\n' -o -printf '%y %m %s %p\n' | sort | cksum; git ls-files -s | cksum; }
show; git checkout -q HEAD^ && show; git checkout -q main && show; git branch other && git checkout -q other && git rm -qr dir1 && git commit -qm gone && show
git checkout -q main && git merge -q other 2>/dev/null && git log --oneline | wc -l; git clean -nfd; git stash list; git bundle create -q ../b HEAD main; git bundle verify ../b 2>&1 | tail -1
git clone -q ../b ../three && cd ../three && show && git fsck --no-progress; git worktree add -q ../four HEAD && cd ../four && show; ls ..
