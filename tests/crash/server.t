#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server is killed while everything runs that can run: what was acknowledged is there, commands
# whose id was given out go on and end as they would have, nothing is left behind.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need MMDEBSTRAP
silent_server
server_start WarmPool=0 "Mirror.debian-bookworm=$SILENT/debian" || done_testing

# --- what is acknowledged before -----------------------------------------------------------------
workspace '{"name": "alpha", "env": {"COLOUR": "blue"}, "labels": {"a": "b"}}'
WS=$ID
is "$CODE $(json .status)" "201 ready" "a workspace is made"
head -c 300000 /dev/urandom >"$WORK/data"
api PUT "/v1/workspaces/$WS/files/data" --data-binary @"$WORK/data" -H 'Content-Type: application/octet-stream'
like "$CODE" '^20[0-9]$' "a file is written"
api POST /v1/tokens -d '{"name": "other", "scopes": ["read"]}'
is "$CODE" 201 "a token is made"
OTHER=$(json .token)
run "$WS" 'echo before'
BEFORE=$(json .id)
is "$(json .stdout)" before "a command has run"
once() { api POST "/v1/workspaces/$WS/exec" -H 'Idempotency-Key: once' -d '{"command": "echo one >>count; echo ran"}'; }
once
FIRST=$(json .id)
is "$CODE" 200 "a command with an idempotency key has run"
wait_until 20 exec_is "$BEFORE" ended

# --- everything at once --------------------------------------------------------------------------
# Prints numbered lines until it is told to stop, then ends with 7.
LOOP='i=0; while [ ! -e stop ]; do i=$((i + 1)); echo $i; sleep 0.01; done; exit 7'
background "$WS" "echo oops >&2; touch background.runs; $LOOP"
BG=$EXEC
is "$CODE" 202 "a command in the background is accepted"
background "$WS" 'until [ -e away ]; do sleep 0.01; done; echo done; exit 9'
AWAY=$EXEC
api POST "/v1/workspaces/$WS/exec" -d '{"command": "cat; exit 3", "background": true, "stdin_open": true}'
TYPED=$(json .id)
api POST "/v1/execs/$TYPED/stdin" --data-binary $'before\n'
later collected POST "/v1/workspaces/$WS/exec" -d '{"command": "touch collected.runs; sleep 1000"}'
later stream POST "/v1/workspaces/$WS/exec" -H 'Accept: application/x-ndjson' \
    -d "$(jq -nc --arg c "touch stream.runs; $LOOP" '{command: $c}')"
later shot POST /v1/exec -H 'Accept: application/x-ndjson' -d '{"command": "echo seen; sleep 1000"}'
head -c 8000000 /dev/zero >"$WORK/big"
later upload PUT "/v1/workspaces/$WS/files/upload" --limit-rate 200k --data-binary @"$WORK/big" \
    -H 'Content-Type: application/octet-stream'
api POST /v1/workspaces -d '{"name": "scripted", "init_script": "echo begun; sleep 1000"}'
SCRIPTED=$(json .id)
api POST /v1/workspaces -d "{\"name\": \"cloned\", \"repository\": {\"url\": \"$SILENT/x.git\"}}"
CLONED=$(json .id)
api POST /v1/workspaces -d '{"name": "built", "image": "debian-bookworm"}'
BUILT=$(json .id)
api POST "/v1/workspaces/$BUILT/build"
BUILD=$(json .id)
for name in background collected stream; do
    try "the $name command runs" wait_until 20 has_file "$WS" $name.runs
done
init_log_has() { api GET "/v1/workspaces/$SCRIPTED/init-log"; [[ $BODY == *begun* ]]; }
try "an init script runs" wait_until 20 init_log_has
try "a clone runs" wait_until 20 grep -q '/silent/x.git' "$WORK/silent.log"
try "a build runs" wait_until 30 grep -q '/silent/debian' "$WORK/silent.log"
try "a one-shot runs" wait_until 20 grep -q seen "$WORK/shot.body"
STREAMED=$(head -n 1 "$WORK/stream.body" | jq -r .id)
SHOT=$(head -n 1 "$WORK/shot.body" | jq -r .id)
isnt "$(leftovers)" "" "the audit sees what runs"

# One of them ends between two servers.
OLD=$(pid_of server)
FILES=$(dirname "$(find "$STATE/dirs/$WS" -name background.runs)")
kill -KILL "$OLD"
touch "$FILES/away"
try "a killed server is started again" wait_until 30 is_new server "$OLD"
try "and serves" wait_until 30 healthy
for name in collected stream upload shot; do later_end $name; done

# --- nobody was told anything that is not true ---------------------------------------------------
later_end collected
isnt "$RC" 0 "the client of the collected command got no answer"
is "$BODY" "" "not even a part of one"
later_end stream
isnt "$RC" 0 "the client of the stream sees that it was cut"
unlike "$BODY" '"event":"exit"' "and was told of no end"
later_end upload
unlike "$CODE" '^2' "the upload was not acknowledged"

# --- what was acknowledged is there ---------------------------------------------------------------
api GET "/v1/workspaces/$WS"
is "$(json '"\(.name) \(.status) \(.env.COLOUR) \(.labels.a)"')" "alpha ready blue b" "the workspace is as it was"
curl -sS -H "Authorization: Bearer $OTHER" "$URL/v1/workspaces/$WS/files/data" | cmp -s - "$WORK/data"
ok $? "the other token is good and the file is whole"
api HEAD "/v1/workspaces/$WS/files/upload" --head
is "$CODE" 404 "the file whose upload was cut is not there in part"
api GET "/v1/execs/$BEFORE"
is "$(json '"\(.status) \(.reason) \(.exit_code)"')" "ended exited 0" "the command that had ended is remembered"
api GET "/v1/execs/$BEFORE/stdout"
is "$BODY" before "with its output"
once
is "$(json '"\(.id) \(.stdout)"')" "$FIRST ran" "the idempotency key gives the same answer"
api GET "/v1/workspaces/$WS/files/count"
is "$BODY" one "and ran the command once"

# --- what ran goes on -------------------------------------------------------------------------------
ends() { api GET "/v1/execs/$1/wait?wait=20"; json '"\(.status) \(.reason) \(.exit_code)"'; }
gapless() { # ID: its lines are numbered from 1 on
    api GET "/v1/execs/$1/stdout"
    [ -n "$BODY" ] && [ -z "$(awk '$1 != NR' <<<"$BODY" | head -n 1)" ]
}
is "$(ends "$AWAY")" "ended exited 9" "what ended meanwhile has its own exit code"
api GET "/v1/execs/$AWAY/stdout"
is "$BODY" done "and its output"
for id in $BG $STREAMED $SHOT; do
    exec_is "$id" running
    ok $? "a command whose id was given out runs on"
done
LINES=$(api GET "/v1/execs/$BG/stdout"; wc -l <<<"$BODY")
grown() { api GET "/v1/execs/$BG/stdout"; [ "$(wc -l <<<"$BODY")" -gt "$LINES" ]; }
try "and prints" wait_until 20 grown
api POST "/v1/execs/$TYPED/stdin?close=true" --data-binary $'after\n' -H 'Content-Type: application/octet-stream'
is "$(ends "$TYPED")" "ended exited 3" "standard input goes on, and its end arrives"
api GET "/v1/execs/$TYPED/stdout"
is "$BODY" $'before\nafter' "with what was written before and after"
later follow GET "/v1/execs/$STREAMED/output" -H 'Accept: application/x-ndjson'
run "$WS" 'touch stop'
for id in $BG $STREAMED; do
    is "$(ends "$id")" "ended exited 7" "it ends with its own exit code"
    try "no line is missing or there twice" gapless "$id"
done
api GET "/v1/execs/$BG/stderr"
is "$BODY" oops "what went to the other stream is there"
later_end follow
is "$(tail -n 1 "$WORK/follow.body" | jq -r '"\(.event) \(.reason) \(.exit_code)"')" "exit exited 7" "who took the stream up again is told its end"
is "$(jq -rj 'select(.event == "stdout") | .data' "$WORK/follow.body" | awk '$1 != NR' | head -n 1)" "" "after all of its output"
api POST "/v1/execs/$SHOT/cancel"
is "$(ends "$SHOT")" "ended cancelled null" "a one-shot can be cancelled"

# --- what cannot go on says so ----------------------------------------------------------------------
api GET "/v1/builds/$BUILD"
is "$(json .status)" lost "the build is lost"
api GET "/v1/workspaces/$BUILT"
is "$(json .status)" error "its workspace says so"
like "$(json .error)" "restarted while it was built" "in a sentence"

# --- and it works -----------------------------------------------------------------------------------
run "$WS" 'cat count; ls'
is "$(json '"\(.reason) \(.exit_code)"')" "exited 0" "a new command runs in the workspace"
run "$WS" 'ps ax | grep -c "[s]leep 1000"'
is "$(json .stdout | tr -d '\n')" 0 "the collected command, which nobody waits for, does not run beside it"
again() { [ "$(grep -c '/silent/x.git' "$WORK/silent.log")" -ge 2 ]; }
try "the clone that was promised is begun again" wait_until 20 again
try "and the init script" wait_until 20 init_log_has
api POST "/v1/workspaces/$WS/fork" -d '{"name": "copy"}'
is "$CODE" 201 "the workspace can be copied"
run "$(json .id)" 'cat count; wc -c <data'
is "$(json .stdout)" $'one\n300000' "with its files"
api DELETE "/v1/workspaces/$CLONED"
is "$CODE" 204 "a workspace that is being cloned can be deleted"

# --- once more, at once ------------------------------------------------------------------------------
background "$WS" 'sleep 1000'
try "a server that is killed again comes again" kill_role server
try "a server that is killed again at once comes again" kill_role server
exec_is "$EXEC" running
ok $? "and what ran runs on"
INIT=$(for pid in $(box_pids); do grep -q "/$WS" "/proc/$pid/cgroup" && echo "$pid"; done)
kill -KILL "$(pid_of server)" "$INIT"
is "$(wait_until 30 healthy; ends "$EXEC")" "ended lost null" "it is lost when its init is killed too"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
server_stop
is $? 0 "it stops cleanly"
nothing_left "and leaves nothing"
done_testing
