#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The launcher is killed under load: sandboxes that live go on and end as they would have, new ones
# start, what was being copied or removed is finished or told, nothing is left behind.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need LOOP MMDEBSTRAP
silent_server
server_start WarmPool=0 "Mirror.debian-bookworm=$SILENT/debian" || done_testing

# Prints until it is told to stop, then ends with 7.
LOOP='i=0; while [ ! -e stop ]; do i=$((i + 1)); echo $i; sleep 0.1; done; exit 7'
workspace '{"name": "alpha", "network": {"mode": "full"}, "limits": {"memory_bytes": 300000000, "pids": 100}}'
WS=$ID
is "$CODE" 201 "a workspace with a network is made"
workspace '{"name": "disk", "limits": {"disk_bytes": 50000000}}'
DISK=$ID
is "$CODE" 201 "a workspace with a disk of its own is made"
workspace '{"name": "many"}'
MANY=$ID
run "$MANY" 'mkdir d && cd d && seq 15000 | xargs touch; ls | wc -l'
is "$(json .stdout | tr -d '\n')" 15000 "a workspace has many files"
workspace '{"name": "heavy", "limits": {"disk_bytes": 700000000}}'
HEAVY=$ID
run "$HEAVY" 'head -c 500M /dev/zero >data; wc -c <data'
is "$(json .stdout | tr -d '\n')" 524288000 "one has a disk with much on it, which takes its time to copy"

background "$WS" "$LOOP"
BG=$EXEC
background "$DISK" "echo kept >file; $LOOP"
BG_DISK=$EXEC
later stream POST "/v1/workspaces/$WS/exec" -H 'Accept: application/x-ndjson' \
    -d "$(jq -nc --arg c "$LOOP" '{command: $c}')"
later collected POST "/v1/workspaces/$WS/exec" -d "$(jq -nc --arg c "touch collected.runs; $LOOP" '{command: $c}')"
api POST /v1/workspaces -d '{"name": "scripted", "init_script": "sleep 5; touch made"}'
SCRIPTED=$(json .id)
api POST /v1/workspaces -d "{\"name\": \"cloned\", \"repository\": {\"url\": \"$SILENT/x.git\"}}"
CLONED=$(json .id)
api POST /v1/workspaces -d '{"name": "built", "image": "debian-bookworm"}'
BUILT=$(json .id)
api POST "/v1/workspaces/$BUILT/build"
BUILD=$(json .id)
try "a clone runs" wait_until 20 grep -q '/silent/x.git' "$WORK/silent.log"
try "a build runs" wait_until 30 grep -q '/silent/debian' "$WORK/silent.log"
try "commands run" wait_until 20 eval 'has_file $WS collected.runs && has_file $DISK file && grep -q stdout "$WORK/stream.body"'
api GET "/v1/workspaces/$WS/debug"
USE=$(json '.use | {memory_limit, pids_limit}' | tr -d ' \n')
INIT=$(json .sandbox.init_pid)

later fork POST "/v1/workspaces/$HEAVY/fork" -d '{"name": "copy"}' -m 60
copying() { ls "$STATE/trash" | grep -q ^new_; }
try "a copy is being made" wait_until 20 copying
OLD=$(pid_of launcher)
kill -KILL "$OLD"
run "$WS" 'echo at once'
is "$(json .stdout)" "at once" "a command runs in a live sandbox while there is no launcher"
api POST /v1/exec -m 60 -d '{"command": "echo fresh"}'
is "$CODE $(json .stdout)" "200 fresh" "a fresh sandbox starts as soon as there is one"
try "it is another launcher" is_new launcher "$OLD"
try "and all is well" wait_until 30 healthy

later_end fork
is "$CODE $(json '"\(.code) \(.retryable)"')" "503 lost true" "the copy that was cut off is told as lost"
api GET /v1/workspaces/copy
is "$CODE" 404 "and there is no half of it"
alive() { api GET "/v1/execs/$1"; [ "$(json .status)" = running ]; }
try "the background command goes on" alive "$BG"
try "the one on a disk too" alive "$BG_DISK"
api GET "/v1/workspaces/$WS/debug"
is "$(json .sandbox.init_pid)" "$INIT" "it is the same sandbox"
is "$(json '.use | {memory_limit, pids_limit}' | tr -d ' \n')" "$USE" "whose limits are still known"
before=$(wc -c <"$WORK/stream.body")
grown() { [ "$(wc -c <"$WORK/stream.body")" -gt "$before" ]; }
try "the stream goes on" wait_until 20 grown
api GET "/v1/builds/$BUILD"
is "$(json .status)" running "the build goes on"
api GET "/v1/workspaces/$CLONED"
is "$(json '"\(.status) \(.busy)"')" "pending true" "so does the clone"
for id in $CLONED $BUILT; do
    api DELETE "/v1/workspaces/$id" -m 30
    is "$CODE" 204 "and both can be deleted"
done
made() { api GET "/v1/workspaces/$SCRIPTED"; [ "$(json .status)" = ready ]; }
try "the init script that ran ends well" wait_until 30 made

for id in $WS $DISK; do api PUT "/v1/workspaces/$id/files/stop" --data-binary x; done
later_end collected
is "$CODE $(json '"\(.reason) \(.exit_code)"')" "200 exited 7" "the collected command ends with its own exit code"
later_end stream
is "$(tail -n 1 "$WORK/stream.body" | jq -r '"\(.event) \(.reason) \(.exit_code)"')" "exit exited 7" "so does the stream"
is "$(jq -rj 'select(.event == "stdout") | .data' "$WORK/stream.body" | awk '$1 != NR' | head -n 1)" "" "and nothing of it is missing"
for id in $BG $BG_DISK; do
    api GET "/v1/execs/$id/wait?wait=10"
    is "$(json '"\(.reason) \(.exit_code)"')" "exited 7" "the background command ends with its own exit code"
done

# --- what was taken up is given back ------------------------------------------------------------------
for id in $WS $DISK; do
    api POST "/v1/workspaces/$id/stop" -m 30
    like "$CODE" '^20' "a sandbox that was taken up stops"
done
run "$DISK" 'cat file'
is "$(json .stdout)" kept "its files are there in a new one"
api POST "/v1/workspaces/$HEAVY/fork" -d '{"name": "copy"}' -m 120
is "$CODE" 201 "the copy can be made now"
run "$(json .id)" 'wc -c <data'
is "$(json .stdout | tr -d '\n')" 524288000 "and is whole"

# --- in the middle of a removal -----------------------------------------------------------------------
later delete DELETE "/v1/workspaces/$MANY" -m 60
removing() { [ -n "$(ls -A "$STATE/trash")" ]; }
wait_until 5 removing
try "it is killed and comes again" kill_role launcher
later_end delete
like "$CODE" '^(204|503)$' "the deletion is done or told as not done"
deleted() { api GET "/v1/workspaces/$MANY"; [ "$CODE" = 404 ]; }
try "it is finished by itself" wait_until 30 deleted

# --- one that hangs -----------------------------------------------------------------------------------
run "$WS" 'echo up'
OLD=$(pid_of launcher)
kill -STOP "$OLD"
later fresh POST /v1/exec -m 60 -d '{"command": "echo fresh"}'
run "$WS" 'echo live'
is "$CODE $(json .stdout)" "200 live" "while the launcher hangs commands run in live sandboxes"
kill -CONT "$OLD"
later_end fresh
is "$CODE $(json .stdout)" "200 fresh" "a fresh one starts when it goes on"

# --- sandboxes that are being started ------------------------------------------------------------------
for i in 1 2 3 4 5 6; do later "start$i" POST /v1/exec -m 60 -d '{"command": "echo here"}'; done
try "killed while sandboxes start, it comes again" kill_role launcher
bad=
for i in 1 2 3 4 5 6; do
    later_end "start$i"
    [ "$CODE" = 200 ] && [[ $(json '"\(.reason) \(.stdout)"') =~ ^(exited here|lost|start_failed) ]] || bad+="$CODE $BODY "
done
is "$bad" "" "each of them ran or is told as lost or not started"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
server_stop
is $? 0 "it stops cleanly"
nothing_left "and leaves nothing"
done_testing
