#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forks of workspaces: what is the same, what is apart, what goes when.
# route: POST /v1/workspaces/{id}/fork
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
. "$(dirname "$0")/../lib/git.sh"
server_start "MaxWorkspaces=60" "RepositoryRoots=$SRV"
W=/v1/workspaces
run() { api POST "$W/$1/exec" -d "$(jq -n --arg c "$2" '{command: $c}')"; [ "$(json .exit_code)" = 0 ] || json .stderr; json .stdout; }
forked() { api POST "$W/$1/fork" -d "{\"name\": \"$2\"}"; [ "$CODE" = 201 ]; }
strata() { ls "$STATE/strata" | wc -l; }
rooted() { api POST "$W" -d "{\"name\": \"$1\", \"image\": \"host\", \"profile\": \"default\"}"; }

rooted a
run a 'mkdir -p d/e; echo one >d/f; echo gone >d/gone; ln -s f d/l; ln d/f d/hard; head -c 3000000 /dev/zero >big
    mkdir -m 751 .m; touch -d 2001-02-03T04:05:06Z d/f old; echo '\''x'\'' >~/home; chmod 4755 old
    python3 -c "import os; os.setxattr(\"old\", \"user.mark\", b\"yes\")" 2>/dev/null' >/dev/null
inode=$(run a 'stat -c %i,%Z d/f big')
try "a fork" forked a b
is "$(strata)" 1 "turns what was written into one stratum"
look='find . -printf "%p %y %m %U %G %l %T@ %s\n" | sort; cat d/f d/hard ~/home; stat -c %i d/f d/hard | uniq | wc -l'
want=$(run a "$look")
like "$want" $'\n\\./old f 4755 1000 1000  981173106' "the parent has its files as before"
is "$(run b "$look")" "$want" "the child has the same: kinds, modes, owners, links, times, sizes, home"
is "$(run a 'stat -c %i,%Z d/f big') $(run b 'stat -c %i,%Z d/f big')" "$inode $inode" "with the same inode numbers and change times, so git does not read them again"
has PYTHON && is "$(run b 'python3 -c "import os; print(os.getxattr(\"old\", \"user.mark\").decode())"')" yes "extended attributes too"
like "$(run b 'grep " /workspace " /proc/self/mountinfo')" '[ ,]nosuid,nodev' "its /workspace is mounted nosuid and nodev"

run b 'echo two >d/f; rm d/gone; rm -r d/e; mkdir d/e; echo new >d/e/new; mv big bigger; chmod 600 old; echo y >~/home' >/dev/null
is "$(run a "$look")" "$want" "whatever the child does, the parent does not see it"
is "$(run b 'cat d/f; ls d; ls d/e; ls; stat -c %a old; cat ~/home')" $'two\ne\nf\nhard\nl\nnew\nbigger\nd\nold\n600\ny' "the child sees its own: written, deleted, replaced, renamed, changed"
run a 'echo three >later; rm old' >/dev/null
is "$(run b 'ls')" $'bigger\nd\nold' "nor the other way around"
is "$(run b 'mv d moved && cat moved/l && ls')" $'two\nbigger\nmoved\nold' "a directory from before the fork is moved"

# --- chains ------------------------------------------------------------------------------------
try "a fork of a fork" forked b c
is "$(run c 'cat moved/f; ls moved/e; ls d 2>/dev/null; stat -c %a old')" $'two\nnew\n600' "has all that was done in both"
run c 'mkdir d; echo again >d/only' >/dev/null
forked c d && forked d e
is "$(run e 'ls d; cat moved/f')" $'only\ntwo' "what was deleted stays so when the directory is made again, two forks on"
n=$(strata)
forked a same && forked same same2
is "$(strata)" $((n + 1)) "copies of what has not changed share one stratum"
api DELETE $W/a
api DELETE $W/c
is "$(run b 'cat moved/f') $(run e 'cat moved/f; ls d')" $'two two\nonly' "forks live on when their parents are deleted"
run same 'cat d/f later' >/dev/null
is "$(run same 'cat d/f later')" $'one\nthree' "all of them"
for w in b d e same same2; do api DELETE $W/$w; done
is "$(strata)" 0 "with the last one, the strata go"

rooted deep
run deep 'echo base >base; mkdir dir; touch dir/keep' >/dev/null
for i in $(seq 1 26); do
    run deep "echo $i >n; echo $i >f$i; rm -f f$((i - 3)); rm -rf dir/sub; mkdir dir/sub; touch dir/sub/$i; echo $i >~/n" >/dev/null
    forked deep "deep$i" || break
done
is "$i" 26 "twenty-six forks in a row"
between "$(find "$STATE/strata" -mindepth 1 -maxdepth 1 | wc -l)" 5 60 "stand on a bounded number of strata"
is "$(run deep 'cat base n ~/n; ls; ls dir dir/sub')" $'base\n26\n26\nbase\ndir\nf24\nf25\nf26\nn\n'$'dir:\nkeep\nsub\n\ndir/sub:\n26' "the parent has all and nothing that was deleted"
is "$(run deep25 'cat base n ~/n; ls; ls dir dir/sub')" $'base\n25\n25\nbase\ndir\nf23\nf24\nf25\nn\n'$'dir:\nkeep\nsub\n\ndir/sub:\n25' "so has a child from just behind the bound"
is "$(run deep7 'cat n; ls; ls dir/sub')" $'7\nbase\ndir\nf5\nf6\nf7\nn\n7' "and one from long before it"
like "$(run deep26 'grep -c . /proc/self/mountinfo')" '^[0-9]+$' "the last one runs"
for i in $(seq 1 26); do api DELETE "$W/deep$i"; done
is "$(run deep 'cat base n; ls dir/sub')" $'base\n26\n26' "it goes on when all children are deleted"
api DELETE $W/deep
is "$(strata)" 0 "and nothing is left of them"

# --- a repository ------------------------------------------------------------------------------
repo demo
api POST "$W?wait=60" -d "{\"name\": \"repo\", \"repository\": {\"url\": \"file://$SRV/demo.git\"}}"
api PATCH "$W/repo" -d '{"env": {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}}'
run repo 'echo more >>dir/main.c; git commit -qam second' >/dev/null
forked repo repo2
api DELETE $W/repo
is "$(run repo2 'git status --porcelain; git log --format=%s; git fsck 2>&1 | (grep -i -e error -e missing || true)')" $'second\nfirst' "a forked repository is whole, with the objects that it borrows"
is "$(run repo2 'git mv README READ.me && git checkout -qb other && git commit -qam third && git gc -q && git log --format=%s && git status --porcelain')" \
    $'third\nsecond\nfirst' "and can be worked in"
api DELETE $W/repo2

# --- what is refused, and disks ------------------------------------------------------------------
rooted busy
api POST "$W/busy/exec" -d '{"command": "sleep 60", "background": true}'
x=$(json .id)
api POST "$W/busy/fork" -d '{}'
is "$CODE$(json .code)" 409conflict "no fork while commands run"
api GET "/v1/execs/$x"
is "$(json .status)" running "which go on"
api POST "/v1/execs/$x/cancel"
api GET "/v1/execs/$x/wait?wait=20"
n=$(strata)
rooted empty
try "an empty workspace" forked empty empty2
is "$(run empty2 'ls -A; echo a >a; cat a') $(strata)" "a $n" "needs no stratum of its own"
if has LOOP; then
    api POST $W -d '{"name": "disk", "limits": {"disk_bytes": 33554432}}'
    run disk 'echo kept >f' >/dev/null
    try "a workspace with a disk of its own" forked disk disk2
    is "$(run disk2 'cat f; echo x >f') $(run disk 'cat f') $(strata)" "kept kept $n" "is copied"
    is "$(run disk2 'head -c 60000000 /dev/zero >big 2>&1; test $(stat -c %s big) -lt 45000000 && echo bounded')" bounded "and its copy has the same hard limit"
fi
done_testing
