#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checkouts that are kept: written once for a commit, shared by all workspaces of it, which are as
# free as if each had its own.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
. "$(dirname "$0")/../lib/git.sh"
settings=("CheckoutsKept=3" WorkspaceCheckouts=yes "RepositoryRoots=$SRV")
server_start "${settings[@]}"
W=/v1/workspaces
run() { api POST "$W/$1/exec" -d "$(jq -n --arg c "$2" '{command: $c}')"; [ "$(json .exit_code)" = 0 ] || json .stderr; json .stdout; }
make() { # NAME [REF] [URL]
    api POST "$W?wait=60" -d "$(jq -n --arg n "$1" --arg r "${2:-}" --arg u "${3:-file://$SRV/demo.git}" \
        '{name: $n, repository: {url: $u, ref: $r}, env: {GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t"}}')"
    [ "$(json .status)" = ready ]
}
kept() { find "$STATE/dirs" -mindepth 1 -maxdepth 1 -name 'co_*' | sort | paste -sd' '; }
n_kept() { find "$STATE/dirs" -mindepth 1 -maxdepth 1 -name 'co_*' | wc -l; }
look='git status --porcelain; git log --format=%s; git fsck 2>&1 | grep -i -e error -e missing; find . -path ./.git -prune -o -printf "%p %y %m %U:%G %l\n" | sort; git for-each-ref; cat .git/HEAD'

repo demo
try "a workspace" make a
is "$(n_kept)" 1 "leaves a checkout"
first=$(kept)
is "$(run a 'cd .git && find . -type f -printf "%p %U:%G\n" | sort')" "$(printf './%s 1000:1000\n' HEAD config index objects/info/alternates packed-refs refs/remotes/origin/HEAD)" "its .git is as git wants it"
want=$(run a "$look")
try "a second one" make b
is "$(kept)" "$first" "shares it"
is "$(run b "$look")" "$want" "and is the same"
like "$(run b 'grep " /workspace " /proc/self/mountinfo')" '[ ,]nosuid,nodev.* overlay ' "nosuid and nodev, and stands on it"
is "$(run a 'stat -c %i README dir/main.c; git ls-files --debug | grep -c .')" "$(run b 'stat -c %i README dir/main.c; git ls-files --debug | grep -c .')" "the files are stored once"

is "$(run a 'echo mine >README; rm run.sh link; mv dir moved; chmod 600 moved/main.c; mkdir dir; echo new >dir/new; git add -A; git commit -qm mine; git gc -q; git status --porcelain; git log --format=%s; ls; ls dir moved')" \
    $'mine\nfirst\nREADME\ndir\nmoved\ndir:\nnew\n\nmoved:\nmain.c' "one changes, deletes, moves and commits"
is "$(run b "$look")" "$want" "the other sees nothing of it"
make c && is "$(run c "$look")" "$want" "nor does one that is made then"
is "$(run b 'rm -rf ./* .git && ls -A')" "" "all of it can be deleted"
is "$(run c "$look")" "$want" "of one's own"
api POST "$W/c/fork" -d '{"name": "d"}'
is "$(run d "$look")" "$want" "a fork stands on it too"
api POST /v1/runs?wait=60 -d "{\"agent\": \"command\", \"command\": \"cat README\", \"repository\": {\"url\": \"file://$SRV/demo.git\"}}"
is "$(json .status) $(kept)" "succeeded $first" "and a run"

# --- other commits -----------------------------------------------------------------------------
(cd "$WORK/src/demo" && git rm -q run.sh && git mv dir/main.c dir/other.c && echo changed >README && rm link && mkdir link && echo x >link/x &&
    mkdir -p deep/er && echo y >deep/er/y && chmod 755 dir/other.c && git add -A && git commit -qm second)
publish demo
try "of another commit" make e
is "$(n_kept)" 2 "there is another checkout"
api GET /v1/stats
is "$(json '.disk | "\(.checkouts) \(.checkouts_bytes > 20 and .checkouts_bytes < 200) \(.checkouts_bytes_max)"')" "2 true 8589934592" "which is counted"
is "$(run e 'git status --porcelain; git log --format=%s; git fsck 2>&1 | grep -i -e error -e missing; cat README link/x deep/er/y; find . -path ./.git -prune -o -printf "%p %y %m %U:%G\n" | sort')" \
    $'second\nfirst\nchanged\nx\ny\n. d 755 1000:1000\n./README f 644 1000:1000\n./deep d 755 1000:1000\n./deep/er d 755 1000:1000\n./deep/er/y f 644 1000:1000\n./dir d 755 1000:1000\n./dir/other.c f 755 1000:1000\n./link d 755 1000:1000\n./link/x f 644 1000:1000' \
    "with all that changed and nothing that went"
like "$(run e 'grep -o "/workspace .*" /proc/self/mountinfo')" 'lowerdir=[^:,]*:[^:,]*,' "and stands on the first"
is "$(run c "$look")" "$want" "which stays as it was"
make f "$(in_src demo rev-parse HEAD~1)"
is "$(run f 'git symbolic-ref -q HEAD; git rev-parse HEAD; git status --porcelain; ls')" "$(in_src demo rev-parse HEAD~1)"$'\nREADME\ndir\nlink\nrun.sh' "an earlier commit by its id, detached"
in_src demo branch later
publish demo
make g
is "$(run g 'git branch -r --format="%(refname)"; git status --porcelain; git log -1 --format=%s')" $'refs/remotes/origin/HEAD\nrefs/remotes/origin/later\nrefs/remotes/origin/main\nsecond' "a new branch is seen though the commit is the same"
is "$(n_kept) $(api GET $W/a; json .status)" "3 ready" "no more than CheckoutsKept= are kept; what stands on one that went goes on"
is "$(run a 'git log -1 --format=%s; cat moved/main.c')" $'mine\nint main(void){return 0;}' "with all its files"
is "$(run c "$look")" "$want" "so does one that changed nothing"
printf '*.txt eol=crlf\n' >"$WORK/src/demo/.gitattributes"; echo line >"$WORK/src/demo/a.txt"; in_src demo add -A; in_src demo commit -qm crlf; publish demo
make h; git -C "$WORK/src/demo" rm -q .gitattributes; in_src demo commit -qm lf; publish demo; make i
eol='tr -d "\r" <a.txt | cmp -s - a.txt && printf LF || printf CRLF; git status --porcelain'
is "$(run h "$eol") $(run i "$eol")" "CRLF LF" "line ends are as each commit's attributes say"

# --- who may -----------------------------------------------------------------------------------
chmod 700 "$SRV/demo.git"
make j
is "$(json .status)" error "who cannot read the repository gets no checkout of it"
like "$(json .error)" 'not readable' "but the reason"
is "$(run j 'ls -A')" "" "and no file"
chmod 755 "$SRV/demo.git"

# --- at once -----------------------------------------------------------------------------------
repo many
for i in 1 2 3 4 5 6; do make "m$i" main "file://$SRV/many.git" & done
wait_all=$(jobs -p | grep -v "^$SERVER_PID$"); for p in $wait_all; do wait "$p"; done
is "$(for i in 1 2 3 4 5 6; do run m$i 'git status --porcelain; cat README'; done | grep . | sort | uniq -c | sed 's/^ *//')" "6 hello many" "six at once"
is "$(for i in 1 2 3 4 5 6; do run m$i 'stat -c %i README' | grep .; done | sort -u | wc -l)" 1 "write it once"

# --- kills -------------------------------------------------------------------------------------
n=$(n_kept)
server_stop
server_start "${settings[@]}"
is "$(n_kept)" "$n" "checkouts outlive the server"
make again main "file://$SRV/many.git"
is "$(n_kept) $(run again 'git status --porcelain; cat README')" "$n hello many" "and are used by the next"
api DELETE "$W/a"; api DELETE "$W/c"
rm -rf "$STATE"/dirs/co_*
try "where one is gone" make back main "file://$SRV/many.git"
is "$(run back 'git status --porcelain; cat README')" "hello many" "it is made anew"
server_stop
server_start "CheckoutsKept=0" WorkspaceCheckouts=yes "RepositoryRoots=$SRV"
none_kept() { [ -z "$(kept)" ]; }
wait_until 20 none_kept
is "$(n_kept)" 0 "with CheckoutsKept=0 there are none"
make own main "file://$SRV/many.git"
is "$(n_kept) $(run own 'git status --porcelain; cat README; grep -c " /workspace .* overlay " /proc/self/mountinfo; true')" "0 hello many"$'\n0' "and a workspace has files of its own"
server_stop
server_start "CheckoutsKept=3" "RepositoryRoots=$SRV"
make mine main "file://$SRV/many.git"
is "$(n_kept) $(run mine 'mkdir d && touch d/f && git add d && git -c user.name=t -c user.email=t@t commit -qm d && git mv d e && git status --porcelain; grep -c " /workspace .* overlay " /proc/self/mountinfo; true')" \
    "0 R  d/f -> e/f"$'\n0' "nor does a workspace share any unless WorkspaceCheckouts=yes: in it directories can be renamed"
server_stop
server_start "${settings[@]}"
make z main "file://$SRV/many.git"
is "$(n_kept)" 1 "with it again, one"
for w in $(api GET "$W?limit=100"; json '.items[].name'); do api DELETE "$W/$w"; done
for r in $(api GET /v1/runs; json '.items[].id'); do api DELETE "/v1/runs/$r"; done
unused() { api GET /v1/stats; [ "$(json .workspaces)" = 0 ]; }
wait_until 20 unused
for r in $(api GET /v1/repositories; json '.items[].id'); do api DELETE "/v1/repositories/$r"; done
gone() { [ "$(n_kept) $(find "$STATE/strata" -mindepth 1 | wc -l)" = "0 0" ]; }
wait_until 20 gone
is "$(n_kept) $(ls "$STATE/strata" | wc -l)" "0 0" "they go with their repository, and nothing is left"
done_testing
