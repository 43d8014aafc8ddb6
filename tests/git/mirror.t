#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A mirror is kept up to date, loses no object that a workspace borrows, and survives kills.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
repo one
for i in 1 2 3; do in_src one branch "b$i"; done
in_src one tag v1
publish one
packs() { find "$MIRROR/objects/pack" -name '*.pack' | wc -l; }
refs() { grep -v '^[#^]' "$MIRROR/packed-refs" | cut -d' ' -f2 | tr '\n' ' '; }

for url in $HTTP/repos/one.git file:///srv/one.git; do
    kind=${url%%:*}
    in_src one checkout -q main
    in_src one reset -q --hard "$(in_src one rev-list --max-parents=0 main)"
    in_src one branch -f b2 main; in_src one branch -f b3 main; in_src one branch -D new -q 2>/dev/null
    in_src one tag -d v2 >/dev/null 2>&1
    publish one
    fresh mirror
    works "$kind: a mirror" mirror url="$url"
    is "$(refs)" "refs/heads/b1 refs/heads/b2 refs/heads/b3 refs/heads/main refs/tags/v1 " "$kind: branches and tags are in it"
    is "$(answer files) $(ls -A "$WS" | wc -l)" "0 0" "$kind: the workspace is not touched"
    works "$kind: once more" mirror url="$url"
    is "$(answer objects)" 0 "$kind: nothing new comes"
    works "$kind: a checkout from the mirror" checkout url="$url" ref=main
    is "$(answer fetched)" 0 "$kind: without asking the remote"
    mv "$WS" "$WORK/old-ws"

    # new, moved, rewritten and deleted branches; an annotated tag
    echo "$kind two" >"$WORK/src/one/two"; in_src one add -A; in_src one commit -qm two; in_src one branch -f b2 main
    in_src one branch -q new; in_src one branch -q -D b3
    in_src one checkout -q b2; in_src one commit -q --amend -m rewritten; in_src one checkout -q main
    in_src one tag -f -am annotated v2 >/dev/null
    publish one
    fresh
    before=$(packs)
    works "$kind: an update" mirror url="$url" ref=b2
    is "$(answer commit)" "$(in_src one rev-parse b2)" "$kind: a rewritten branch"
    is "$(refs)" "refs/heads/b1 refs/heads/b2 refs/heads/main refs/heads/new refs/tags/v1 refs/tags/v2 " "$kind: deleted ones go, new ones come"
    between "$(answer objects)" 1 10 "$kind: only what is new comes"
    is "$(packs)" $((before + 1)) "$kind: in a pack of its own"
    works "$kind: a checkout of it" checkout url="$url" ref=v2
    is "$(inside 'git describe --exact-match; git fsck --connectivity-only 2>&1 | grep -v dangling')" v2 "$kind: is complete"
    rm -rf "$WS"; mv "$WORK/old-ws" "$WS"
    is "$(inside 'git status --porcelain --branch && git log --format=%s')" $'## main...origin/main\nfirst' "$kind: an older workspace is as it was"
    inside 'git fetch -q' >"$WORK/out" 2>&1
    isnt $? 0 "$kind: fetching in the sandbox fails without a network"
    is "$(inside 'git status --porcelain')" "" "$kind: and breaks nothing"
done

# A commit that only its id leads to
url=$HTTP/repos/one.git
lost=$(git -C "$SRV/one.git" commit-tree -m lost "$(in_src one rev-parse main^{tree})")
fresh mirror
refused "a commit off all branches" not_found "no branch, tag or commit" mirror url="$url" ref="$lost"
git -C "$SRV/one.git" config uploadpack.allowAnySHA1InWant true
works "where the server gives commits by id" clone url="$url" ref="$lost"
is "$(inside 'git log -1 --format=%s')" lost "it comes"
git -C "$SRV/one.git" update-ref refs/pull/7/head "$lost"
for ref in refs/pull/7/head pull/7/head; do
    fresh mirror
    works "$ref" clone url="$url" ref="$ref"
    is "$(answer commit) '$(answer branch)' $(answer ref)" "$lost '' refs/pull/7/head" "$ref: detached"
    fresh mirror
    works "local $ref" clone url=file:///srv/one.git ref="$ref"
    is "$(answer commit)" "$lost" "local $ref: its commit"
done

# Without the remote
main=$(in_src one rev-parse main)
fresh mirror
works "a mirror" mirror url="$url"
: >"$HTTP_LOG"
works "a commit that is there" clone url="$url" ref="$main" offline_ok=1
is "$(cat "$HTTP_LOG") $(answer fetched)" " 0" "needs no request"
fresh
works "without that permission" clone url="$url" ref="$main"
isnt "$(cat "$HTTP_LOG")" "" "the server is asked all the same"
fresh
works "a branch is always looked up" clone url="$url" ref=main offline_ok=1
is "$(answer fetched)" 1 "at the remote"

# What a killed fetch left behind
in_src one commit -q --allow-empty -m three; publish one
head -c 1000 /dev/urandom >"$MIRROR/objects/pack/pack_git2_abc"
cp "$MIRROR/objects/pack/pack_git2_abc" "$MIRROR/objects/pack/tmp_copy"
: >"$MIRROR/packed-refs.tmp"
works "an update over leftovers" mirror url="$url"
is "$(ls "$MIRROR/objects/pack" | grep -vE '^pack-[0-9a-f]{40}\.(pack|idx)$')" "" "removes them"
rm "$MIRROR/HEAD" "$MIRROR/config"; rm -r "$MIRROR/refs"
works "and makes up for what is missing" mirror url="$url"
head -c 30000000 /dev/urandom >"$WORK/src/one/large"; in_src one add -A; in_src one commit -qm large; publish one
fresh mirror
request clone url="$url" >"$WORK/request"
for ms in 5 20 40 80 120 200; do
    in_root rw timeout -s KILL 0.$(printf %03d $ms) /pinfold/pinfold-git clone <"$WORK/request" >/dev/null 2>&1
done
fresh
works "after being killed at six points" clone url="$url"
is "$(inside 'git status --porcelain; git fsck 2>&1')" "" "everything is in order"

# Two at once
fresh mirror
request mirror url="$url" >"$WORK/request"
for i in 1 2 3; do in_root rw /pinfold/pinfold-git mirror <"$WORK/request" >"$WORK/answer$i" 2>&1 & pids[i]=$!; done
for i in 1 2 3; do wait "${pids[i]}"; ok $? "one of three at once"; done
is "$(packs)" 1 "they fetch once"
exec 9>>"$MIRROR/pinfold.lock"; flock 9
refused "a mirror that is being updated for too long" timeout "within 1 seconds" mirror url="$url" limit_seconds=1
exec 9>&-

# A full disk
fresh mirror
small=$WORK/small; mkdir "$small"
mount -t tmpfs -o size=2m,uid=1000,gid=1000 none "$small"
at_exit "umount $small"
MIRROR=$small
refused "no space for the mirror" disk_full "no space" mirror url="$url"
refused "no space for a copy" disk_full "[Nn]o space" mirror url=file:///srv/one.git
umount "$small"
mount -t tmpfs -o size=2m,uid=1000,gid=1000 none "$small"
MIRROR=$WORK/mirror WS=$small
works "a mirror elsewhere" mirror url="$url"
refused "no space for the files" disk_full "[Nn]o space" checkout url="$url"
done_testing
