#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hours of use in SOAK_SECONDS by SOAK_CLIENTS: everything that clients do, in two equal halves after a shorter time
# to warm up. After each, when nothing runs, what our processes hold is counted: of things there must
# be as many, of memory less more than one small object for each thing done.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../crash/common.sh"
. "$(dirname "$0")/../lib/git.sh"
need PYTHON GIT
: "${SOAK_SECONDS:=60}" "${SOAK_CLIENTS:=4}"
SLACK=1024 # KiB: what the allocator was seen to keep or give back by chance
OBJECT=48  # bytes: below what the smallest of our objects takes

# What is remembered of what has ended is full after the warm-up.
server_start "ExecsKept=100" "ExecsKeptPerWorkspace=50" "BuildsKept=20" "IdleStop=30d" "WarmPool=2" \
    "RepositoryRoots=$WORK" || done_testing
workspace '{"name": "home"}'
export MIX_WORKSPACE=$ID MIX_REPOSITORY=$WORK/repository
git -c init.defaultBranch=main init -q "$WORK/repository"
git -C "$WORK/repository" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m first

quiet() { # nothing runs and nothing is on its way out; the warm pool is full
    api GET /v1/stats
    [ "$(json '"\(.execs_running) \(.execs_queued) \(.builds_running) \(.sandboxes_starting) \(.http.requests)"')" = "0 0 0 0 1" ] &&
        [ "$(json '"\(.sandboxes) \(.sandboxes_warm)"') $(box_pids | wc -l)" = "0 2 2" ] && [ -z "$(ls "$STATE/trash")" ]
}
ranges() { find /proc/"$(pid_of launcher)"/fd -lname '/run/pinfold/ranges/*' | wc -l; }
count() { # the name and number of everything that must not grow
    local role pid
    for role in pinfoldd server launcher; do
        pid=$SERVER_PID; [ $role = pinfoldd ] || pid=$(pid_of $role)
        echo "$role-descriptors $(ls /proc/"$pid"/fd | wc -l)"
        echo "$role-threads $(ls /proc/"$pid"/task | wc -l)"
        echo "$role-mounts $(wc -l </proc/"$pid"/mountinfo)"
    done
    echo "leftovers $(leftovers | grep -vc "^file dirs/$MIX_WORKSPACE")"
    echo "id-ranges $(ranges)"
    echo "output-files $(($(find "$STATE/server/output" -type f | wc -l) <= 300))"
    echo "database-small $(($(stat -c %s "$STATE/server/pinfold.db") < 4000000))"
    echo "journal-small $(($(stat -c %s "$STATE/server/pinfold.db-wal") < 40000000))"
}
memory() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
memories() { for role in launcher server; do memory "$(pid_of $role)"; done; memory "$SERVER_PID"; }
half() { # NAME SECONDS
    "$TESTS/soak/mix" "$2" "$SOAK_CLIENTS" >"$WORK/$1.mix"
    api POST "/v1/workspaces/$MIX_WORKSPACE/stop" -m 60
    try "all has ended: $1" wait_until 240 quiet
    count >"$WORK/$1.count"
    memories >"$WORK/$1.memory"
    echo "# $1: $(jq -c . "$WORK/$1.mix") memory $(tr '\n' ' ' <"$WORK/$1.memory")kB"
    is "$(jq -c .first "$WORK/$1.mix")" "[]" "all that clients did went well: $1"
}

half warm $((SOAK_SECONDS / 5))
half first $((SOAK_SECONDS * 2 / 5))
half second $((SOAK_SECONDS * 2 / 5))
is "$(cat "$WORK/second.count")" "$(cat "$WORK/first.count")" "descriptors, threads, groups, mounts, id ranges and files are as many after the second half"
sed 's/^/# /' "$WORK/second.count"
n=$(jq .done "$WORK/second.mix")
between "$n" $((SOAK_SECONDS * SOAK_CLIENTS * 2)) 100000000 "enough was done to see a leak of one object each time"
# The allocator gives back what is free at the end of its heap, or not: the larger of two is meant.
paste "$WORK/warm.memory" "$WORK/first.memory" "$WORK/second.memory" >"$WORK/both"
i=0
while read -r w a b; do
    i=$((i + 1)) role=$(cut -d' ' -f$i <<<"launcher server pinfoldd")
    [ "$w" -lt "$a" ] || a=$w
    between $((b - a)) -1000000 $((SLACK + n * OBJECT / 1024)) "the $role's memory is flat: $a kB, then $b kB"
done <"$WORK/both"
fails "nothing died meanwhile" grep -E 'was ended by|ended with exit code' "$SERVER_LOG"
done_testing
