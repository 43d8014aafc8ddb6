#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A repository becomes a mirror and a workspace that git itself finds in order.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
repo one
in_src one tag -am "the first" v1
in_src one tag light
in_src one checkout -q -b topic/x
echo topic >"$WORK/src/one/topic"; in_src one add -A; in_src one commit -qm topic
in_src one checkout -q main
publish one
main=$(in_src one rev-parse main) topic=$(in_src one rev-parse topic/x)

for place in http git file path; do
    case $place in
    http) url=$HTTP/repos/one.git ;;
    git)
        port=$((20000 + $$ % 20000))
        git daemon --reuseaddr --listen=127.0.0.1 --port=$port --export-all --base-path="$SRV" \
            "$SRV" >"$WORK/daemon.log" 2>&1 &
        at_exit "kill $! 2>/dev/null"
        wait_until 20 git ls-remote "git://127.0.0.1:$port/one.git" || echo "# the daemon does not answer"
        url=git://127.0.0.1:$port/one.git
        ;;
    file) url=file:///srv/one.git ;;
    path) url=file:///srv/one.git ;;
    esac
    [ $place != path ] || { git clone -q "$SRV/one.git" "$SRV/worktree"; git -C "$SRV/worktree" branch -q --track topic/x origin/topic/x; url=file:///srv/worktree; }
    fresh mirror
    works "$place: a clone" clone url="$url"
    is "$(answer commit)" "$main" "$place: the default branch's commit"
    is "$(answer branch) $(answer ref) $(answer default_branch) $(answer fetched)" "main refs/heads/main main 1" "$place: and its name"
    is "$(answer files)" 4 "$place: files are counted"
    like "$(answer objects) $(answer bytes)" '^[1-9][0-9]* [1-9][0-9]*$' "$place: objects and bytes too"
    is "$(inside 'git status --porcelain --branch')" "## main...origin/main" "$place: git finds nothing to report"
    is "$(inside 'git log --format=%s')" first "$place: the history is there"
    is "$(inside 'git fsck --strict 2>&1; echo $?')" 0 "$place: git fsck is content"
done

fresh mirror
url=$HTTP/repos/one.git
works "a clone again" clone url="$url"
is "$(inside 'cat README; readlink link; ls -l run.sh dir/main.c | cut -c1-10; find . -path ./.git -prune -o -type f -print | wc -l')" \
    $'hello one\nREADME\n-rw-r--r--\n-rwxr-xr-x\n3' "files, modes and links are as committed"
is "$(inside 'stat -c %u:%g . .git README dir dir/main.c link | sort -u')" 1000:1000 "all of it belongs to the user"
is "$(inside 'git remote get-url origin; git config --get remote.origin.fetch; git config --get branch.main.merge')" \
    "$url"$'\n+refs/heads/*:refs/remotes/origin/*\nrefs/heads/main' "origin is the URL"
is "$(inside 'git branch -a --format="%(refname)" ; git tag | sort')" \
    $'refs/heads/main\nrefs/remotes/origin/HEAD\nrefs/remotes/origin/main\nrefs/remotes/origin/topic/x\nlight\nv1' "branches and tags are there"
is "$(inside 'git symbolic-ref refs/remotes/origin/HEAD')" refs/remotes/origin/main "with origin's own default"
between "$(inside 'du -sk .git | cut -f1')" 1 200 "the .git directory is small"
is "$(inside 'cat .git/objects/info/alternates')" /run/pinfold/repository.git/objects "objects stay in the mirror"
inside 'git -c user.name=u -c user.email=u@h commit -q --allow-empty -m mine && echo x >>README && git stash -q && git stash pop -q && git checkout -q -- README && git gc -q' >"$WORK/out" 2>&1
is $? 0 "commit, stash and gc work" || tap_show out: "$(cat "$WORK/out")"
is "$(inside 'git log --format=%s; git status --porcelain')" $'mine\nfirst' "the commit is on the branch"
is "$(inside 'git checkout -q topic/x && cat topic && git rev-parse HEAD')" $'topic\n'"$topic" "another branch can be checked out"
is "$(inside 'git merge-base main topic/x && git diff --stat origin/main origin/topic/x | tail -n 1')" \
    "$main"$'\n 1 file changed, 1 insertion(+)' "and compared"
is "$(in_root ro sh -c 'echo x >/run/pinfold/repository.git/x' 2>&1 | grep -c 'Read-only')" 1 "the mirror cannot be written to"

for ref in topic/x refs/heads/topic/x; do
    fresh
    works "branch $ref" clone url="$url" ref="$ref"
    is "$(answer commit) $(answer branch)" "$topic topic/x" "$ref: its commit"
    is "$(inside 'git status --porcelain --branch')" "## topic/x...origin/topic/x" "$ref: on the branch"
done
for ref in v1 refs/tags/v1 light "$main" "${main:0:10}"; do
    fresh
    works "$ref" clone url="$url" ref="$ref"
    is "$(answer commit) '$(answer branch)'" "$main ''" "$ref: its commit, no branch"
    is "$(inside 'git status --porcelain --branch; git rev-parse HEAD')" "## HEAD (no branch)"$'\n'"$main" "$ref: detached"
done
fresh
refused "a branch that is not there" not_found "no branch, tag or commit 'nope'" clone url="$url" ref=nope
is "$(ls -A "$WS")" "" "leaves the workspace empty"
refused "a commit that is not there" not_found "no branch, tag or commit" clone url="$url" ref=0123456789012345678901234567890123456789
refused "a tag that is no commit" bad_request "not a commit" clone url="$url" ref="$(in_src one rev-parse main:README)"

# What other tools would not think of: a workspace that holds something.
fresh
echo mine >"$WS/file"
refused "a workspace that is not empty" conflict "not empty" clone url="$url"
is "$(cat "$WS/file"; ls -A "$WS")" $'mine\nfile' "is left as it was"

# An empty repository: for work that begins here.
git init -q --bare "$SRV/empty.git"
for u in $HTTP/repos/empty.git file:///srv/empty.git; do
    fresh mirror
    works "an empty repository ($u)" clone url="$u"
    is "$(answer commit)|$(answer branch)|$(answer files)" "|main|0" "has no commit"
    is "$(inside 'echo x >x && git add x && git -c user.name=u -c user.email=u@h commit -qm one && git log --format=%s && git status --porcelain --branch')" \
        $'one\n## main...origin/main [gone]' "and takes the first one"
    refused "but no branch by name" not_found "no branch" mirror url="$u" ref=main
done
done_testing
