#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The launcher and the server are killed while workspaces are forked, kept as snapshots and restored:
# a fork is there whole or not at all, its parent loses nothing, and no stratum is left over.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS
server_start "MaxWorkspaces=200" || done_testing

workspace '{"name": "parent"}'
WS=$ID
run "$WS" 'mkdir d; seq 200 | xargs -I{} touch d/{}; echo 0 >n'
bad='' made=0
# One round: change, fork twenty times in a row, kill in the middle; look at the forks that were cut off and
# at two of the others.
round() { # NUMBER ROLE
    local i code want=$1
    run "$WS" "echo $1 >n; echo $1 >f$1"
    [ "$(json .exit_code)" = 0 ] || bad+="round $1: no command: $BODY "
    (
        for i in $(seq 20); do
            curl -s -o /dev/null -w "%{http_code} r$1-$i\n" -m 20 -H "Authorization: Bearer $TOKEN" -X POST \
                "$URL/v1/workspaces/$WS/fork" -d "{\"name\": \"r$1-$i\"}"
            [ "$i" = 3 ] && touch "$WORK/go.$1"
        done >"$WORK/codes.$1"
    ) &
    local forks=$!
    wait_until 30 test -e "$WORK/go.$1"
    kill_role "$2" || bad+="round $1: it does not come again "
    wait "$forks"
    run "$WS" 'cat n; ls d | wc -l; ls f* | wc -l'
    [ "$(json .stdout | xargs)" = "$want 200 $1" ] || bad+="round $1: the parent has $(json .stdout) "
    while read -r code i; do
        api GET "/v1/workspaces/$i"
        [ "$code" = 201 ] && made=$((made + 1))
        [ "$code" = 201 ] && [ "$CODE" != 200 ] && bad+="round $1: $i was promised "
        [ "$CODE" = 200 ] || continue
        run "$i" 'cat n; ls d | wc -l'
        [ "$(json .stdout | xargs)" = "$want 200" ] || bad+="round $1: $i has $(json .stdout)$(json .error) "
        api DELETE "/v1/workspaces/$i" -m 30
    done < <(grep -v ^201 "$WORK/codes.$1"; grep ^201 "$WORK/codes.$1" | tail -n 2)
}
for n in 1 2 3 4; do
    round "$n" "$([ $((n % 2)) = 0 ] && echo server || echo launcher)"
done
is "$bad" "" "parents and forks are whole after each kill"
between "$made" 8 8 "forks were answered"

# Back and forth between two snapshots, killed on the way.
for n in one two; do
    run "$WS" "echo $n >n; echo $n >copy; rm -rf only; mkdir only; touch only/$n"
    api POST "/v1/workspaces/$WS/snapshots" -d "{\"name\": \"$n\"}"
    is "$CODE" 201 "a snapshot is made"
done
bad=''
for role in launcher server; do
    (
        for i in $(seq 10); do
            for n in one two; do
                curl -s -o /dev/null -m 20 -H "Authorization: Bearer $TOKEN" -X POST "$URL/v1/workspaces/$WS/restore" -d "{\"snapshot\": \"$n\"}"
                curl -s -o /dev/null -m 20 -H "Authorization: Bearer $TOKEN" -X POST "$URL/v1/workspaces/$WS/snapshots" -d "{\"name\": \"$role-$i-$n\"}"
                touch "$WORK/back.$role"
            done
        done
    ) &
    pid=$!
    wait_until 30 test -e "$WORK/back.$role"
    kill_role $role || bad+="$role does not come again "
    wait $pid
    run "$WS" 'cat n copy; ls only; ls d | wc -l'
    [[ $(json .stdout | xargs) =~ ^(one one one|two two two)' 200'$ ]] || bad+="after $role: $(json .stdout) "
done
is "$bad" "" "killed on the way back, a workspace is as it was before or as it should be"
for n in one two; do
    api POST "/v1/workspaces/$WS/restore" -d "{\"snapshot\": \"$n\"}"
    run "$WS" 'cat n; ls only'
    is "$(json .stdout | xargs)" "$n $n" "its snapshots are whole"
done
# Those that were promised are there, those that were not have left no directory.
api GET "/v1/workspaces/$WS/snapshots"
is "$(ls "$STATE/dirs" | grep -c snap_)" "$(json '.items|length')" "each snapshot's directory belongs to one that is listed"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left, no stratum either"
server_stop
is $? 0 "it stops cleanly"
done_testing
