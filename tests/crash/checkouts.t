#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Server and launcher are killed while checkouts are made, copied, used and thrown away: every
# workspace that is ready is whole, and nothing half-made is left or given to anybody.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/../lib/git.sh"
server_start WarmPool=0 CheckoutsKept=2 WorkspaceCheckouts=yes "RepositoryRoots=$SRV" || done_testing
repo demo
(cd "$WORK/src/demo" && mkdir -p d/e && for i in $(seq 300); do echo "$i" >"d/e/f$i"; done && git add -A && git commit -qm many) && publish demo
SPEC="{\"repository\": {\"url\": \"file://$SRV/demo.git\"}}"
KILLS=${KILLS:-14} kept=0 told=0 bad=""
make() { # in the background: its answer in $WORK/made.N
    curl -sS -m 120 -o "$WORK/made.$1" -H "Authorization: Bearer $TOKEN" -d "$SPEC" "$URL/v1/workspaces?wait=60" 2>/dev/null &
}
for round in $(seq "$KILLS"); do
    (cd "$WORK/src/demo" && echo "$round" >"d/e/f$round" && git rm -q "d/e/f$((round + 50))" && git add -A && git commit -qm "round $round")
    publish demo
    for n in 1 2 3; do make "$round.$n"; done
    # A moment of its own for each round: from before the first look at the remote to after the end.
    python3 -c "import time; time.sleep($round * 23 % 190 / 1000)"
    kill_role "$([ $((round % 2)) = 0 ] && echo server || echo launcher)" || bad+="not back "
    for pid in $(jobs -p); do [ "$pid" = "$SERVER_PID" ] || wait "$pid"; done
done
api GET '/v1/workspaces?limit=200'
all=$(json '.items[].id')
settled() { local w; for w in $all; do api GET "/v1/workspaces/$w"; [ "$(json .busy)" = false ] || return 1; done; }
try "every workspace comes to rest" wait_until 60 settled
for w in $all; do
    api GET "/v1/workspaces/$w"
    commit=$(json .repository.commit)
    [ "$(json .status)" = ready ] || { told=$((told + 1)); continue; }
    kept=$((kept + 1))
    run "$w" 'git status --porcelain; git rev-parse HEAD; git fsck --no-dangling 2>&1 | grep -i -e error -e missing; find . -path ./.git -prune -o -type f -print | wc -l; git ls-files | grep -vc "^link$"'
    want=$(git -C "$WORK/src/demo" ls-tree -r --name-only "$commit" 2>/dev/null | grep -vc '^link$')
    [ "$(json .stdout)" = "$commit"$'\n'"$want"$'\n'"$want" ] || bad+="$w: $(json .stdout | head -c 300) "
done
is "$bad" "" "what is ready is whole and clean"
between "$kept" "$KILLS" $((KILLS * 3)) "most are ready ($told are not)"
between "$(find "$STATE/dirs" -mindepth 1 -maxdepth 1 -name 'co_*' | wc -l)" 0 2 "no more checkouts are kept than may be"
workspace "$SPEC"
run "$ID" 'git status --porcelain; git log --format=%s | head -1'
is "$(json .stdout)" "round $KILLS" "after all that another one is made"
try "all can be deleted" delete_all
nothing_left "with the repository all goes"
done_testing
