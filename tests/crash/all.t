#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All processes die at once, or their parent does: sandboxes and the commands whose id was given out
# go on, and the next start takes them up. Or the sandboxes die too, which stands in for a power loss
# as far as that can be had here; or all is told to stop while commands run: then they are lost. What
# was acknowledged is always found, what is left is removed.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
server_start || done_testing

LOAD=0
load() { # everything that can run, by now running
    LOAD=$((LOAD + 1))
    local n=$LOAD
    background "$WS" "echo said; touch bg$n; sleep 1000"
    BG=$EXEC
    later stream POST "/v1/workspaces/$WS/exec" -H 'Accept: application/x-ndjson' \
        -d "{\"command\": \"echo said; touch st$n; sleep 1000\"}"
    later collected POST "/v1/workspaces/$WS/exec" -d "{\"command\": \"touch co$n; sleep 1000\"}"
    later shot POST /v1/exec -H 'Accept: application/x-ndjson' -d '{"command": "echo said; sleep 1000"}'
    api POST /v1/workspaces -d "{\"name\": \"scripted$n\", \"init_script\": \"echo begun; sleep 1000\"}"
    SCRIPTED=$(json .id)
    wait_until 20 eval "has_file $WS bg$n && has_file $WS st$n && has_file $WS co$n" &&
        wait_until 20 grep -q said "$WORK/shot.body" && wait_until 20 init_log_has
}
init_log_has() { api GET "/v1/workspaces/$SCRIPTED/init-log"; [[ $BODY == *begun* ]]; }
stream_id() { head -n 1 "$WORK/$1.body" | jq -r .id; }
lost() { # ID...: each has ended, lost, without an exit code
    local id bad=
    for id; do
        api GET "/v1/execs/$id"
        [ "$(json '"\(.status) \(.reason) \(.exit_code)"')" = "ended lost null" ] || bad+="$BODY "
    done
    tap_up=1 is "$bad" "" "what ran is told as lost"
}
goes_on() { # ID...: each runs on, and is then ended
    local id bad=
    for id; do
        exec_is "$id" running || bad+="$BODY "
        api POST "/v1/execs/$id/cancel"
        api GET "/v1/execs/$id/wait?wait=20"
        [ "$(json '"\(.status) \(.reason)"')" = "ended cancelled" ] || bad+="$BODY "
    done
    tap_up=1 is "$bad" "" "what ran runs on, and can be cancelled"
}
found() { # what every start must find
    api GET "/v1/workspaces/$WS"
    tap_up=1 is "$(json '"\(.name) \(.status)"')" "alpha ready" "the workspace is there"
    run "$WS" 'cat file; ps ax | grep -c "[s]leep 1000"'
    tap_up=1 is "$(json .stdout)" $'kept\n0' "with its files and nothing else running in it"
    api GET "/v1/execs/$BG/stdout"
    tap_up=1 is "$BODY" said "what a command had printed is there"
}
no_boxes() { [ -z "$(group_pids)" ]; }
all_pids() { echo "$SERVER_PID $(pid_of server) $(pid_of launcher)"; }

workspace '{"name": "alpha"}'
WS=$ID
run "$WS" 'echo kept >file'
is "$CODE" 200 "a workspace has a file"
ADMIN=$TOKEN

# --- everything at once -----------------------------------------------------------------------------
load; ok $? "all runs"
isnt "$(box_pids)" "" "there are sandboxes"
STREAMED=$(stream_id stream) SHOT=$(stream_id shot)
# Acknowledged writes up to the last moment.
(i=0
while :; do
    i=$((i + 1))
    out=$(curl -sS -m 5 -X POST -H "Authorization: Bearer $TOKEN" -d "{\"name\": \"w$i\"}" "$URL/v1/workspaces" 2>/dev/null) || break
    jq -r .id <<<"$out"
done >"$WORK/acknowledged") &
WRITER=$!
enough() { [ "$(grep -c ws_ "$WORK/acknowledged")" -ge 20 ]; }
wait_until 20 enough
pids=$(all_pids)
kill -KILL $pids
wait $SERVER_PID 2>/dev/null
wait $WRITER
for pid in $pids; do wait_until 5 gone "$pid"; done
for name in stream collected shot; do later_end $name; done
isnt "$(box_pids)" "" "the sandboxes are there"
python3 - "$STATE/server/pinfold.db" <<'E2'
import shutil, sqlite3, sys, tempfile, os, glob
d = tempfile.mkdtemp()
for f in glob.glob(sys.argv[1] + "*"):
    shutil.copy(f, d)
db = sqlite3.connect(os.path.join(d, "pinfold.db"))
ok = db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
shutil.rmtree(d)
sys.exit(0 if ok else 1)
E2
ok $? "the database is whole as it lies there"
server_start
try "it starts again" wait_until 30 healthy
is "$TOKEN" "$ADMIN" "with the same token"
missing=
while read -r id; do
    api GET "/v1/workspaces/$id"
    [ "$CODE $(json .status)" = "200 ready" ] || missing+="$id $CODE $BODY "
done < <(grep ws_ "$WORK/acknowledged")
is "$missing" "" "each workspace that was acknowledged is there"
run "$(tail -n 1 "$WORK/acknowledged")" 'echo works'
is "$(json .stdout)" works "and the last of them works"
goes_on "$BG" "$STREAMED" "$SHOT"
found
try "all workspaces but one are deleted" eval 'KEEP=$WS; for id in $(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/workspaces?limit=200" | jq -r ".items[].id"); do [ $id = $KEEP ] || api DELETE /v1/workspaces/$id -m 60; done'
api POST "/v1/workspaces/$WS/stop" -m 30
only_ours() { [ "$(leftovers)" = "file dirs/$WS" ]; }
wait_until 20 only_ours
is "$(leftovers)" "file dirs/$WS" "and nothing but its directory is there"

# --- the parent alone -------------------------------------------------------------------------------
load; ok $? "all runs"
STREAMED=$(stream_id stream)
pids=$(all_pids)
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
SERVER_PID=
later_end stream
for pid in $pids; do try "a process ends with its parent" wait_until 20 gone "$pid"; done
for name in collected shot; do later_end $name; done
isnt "$(box_pids)" "" "the sandboxes are there"
server_start
try "it starts again" wait_until 30 healthy
goes_on "$BG" "$STREAMED"
found

# --- the sandboxes too --------------------------------------------------------------------------------
load; ok $? "all runs"
STREAMED=$(stream_id stream)
pids="$(all_pids) $(box_pids | tr '\n' ' ')"
kill -KILL $pids
wait "$SERVER_PID" 2>/dev/null
SERVER_PID=
for pid in $pids; do wait_until 5 gone "$pid"; done
for name in stream collected shot; do later_end $name; done
try "nothing runs any more" wait_until 10 no_boxes
isnt "$(leftovers)" "" "but there is something left to clean up"
server_start
try "it starts again" wait_until 30 healthy
lost "$BG" "$STREAMED"
found

# --- the parent, and a new one at once ---------------------------------------------------------------
load; ok $? "all runs"
STREAMED=$(stream_id stream)
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
server_start
ok $? "a new one that is started at once starts"
try "and serves" wait_until 30 healthy
for name in stream collected shot; do later_end $name; done
goes_on "$BG" "$STREAMED"
found

# --- told to stop while all runs ----------------------------------------------------------------------
load; ok $? "all runs"
STREAMED=$(stream_id stream)
start=$SECONDS
server_stop
is $? 0 "told to stop while commands run, it stops with code 0"
between $((SECONDS - start)) 0 12 "and soon"
later_end stream
is "$(tail -n 1 "$WORK/stream.body" | jq -r '"\(.event) \(.reason)"')" "exit lost" "the stream was told its end"
later_end collected
is "$CODE $(json '"\(.reason) \(.exit_code)"')" "200 lost null" "so was the collected command"
later_end shot
is "$(tail -n 1 "$WORK/shot.body" | jq -r '"\(.event) \(.reason)"')" "exit lost" "and the one-shot"
left() { leftovers | grep -v '^file dirs/'; }
wait_until 10 eval '[ -z "$(left)" ]' # an init that was taken up is the host's to reap
is "$(left)" "" "nothing but files of workspaces is left"
server_start
lost "$BG" "$STREAMED"
found
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
done_testing
