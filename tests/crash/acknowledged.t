#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server is killed the moment it has answered: what it said is known to the next one.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON
server_start WarmPool=1 MaxExecsPerWorkspace=3 || done_testing
workspace '{"name": "alpha"}'
WS=$ID
export PINFOLD_TOKEN=$TOKEN PINFOLD_URL=$URL

# told PATH BODY: send it, kill the server as soon as the whole answer is here, print the answer
cat >"$WORK/told" <<'E2'
import json, os, signal, sys, urllib.request
r = urllib.request.Request(os.environ["PINFOLD_URL"] + sys.argv[2], data=sys.argv[3].encode() if len(sys.argv) > 3 else None,
                           headers={"Authorization": "Bearer " + os.environ["PINFOLD_TOKEN"], "Content-Type": "application/json"})
text = urllib.request.urlopen(r, timeout=60).read().decode()
os.kill(int(sys.argv[1]), signal.SIGKILL)
print(text)
E2
told() {
    local old; old=$(pid_of server)
    BODY=$(python3 "$WORK/told" "$old" "$@")
    wait_until 30 is_new server "$old" && wait_until 30 healthy
}
same() { # SENTENCE: what the last answer said of an exec is what the next server says
    local was id; was=$(json '"\(.status) \(.reason) \(.exit_code) \(.stdout_bytes) \(.truncated.stdout)"')
    id=$(json .id)
    json .stdout >"$WORK/was"
    api GET "/v1/execs/$id"
    tap_up=1 is "$CODE $(json '"\(.status) \(.reason) \(.exit_code) \(.stdout_bytes) \(.truncated.stdout)"')" "200 $was" "$1"
    api GET "/v1/execs/$id/stdout"
    tap_up=1 is "$BODY" "$(cat "$WORK/was")" "with its output"
}

# --- collected ----------------------------------------------------------------------------------
for i in 1 2 3; do
    told "/v1/workspaces/$WS/exec" "{\"command\": \"echo said $i; exit $i\"}"
    is "$(json '"\(.reason) \(.exit_code) \(.stdout)"')" "exited $i said $i" "a command is answered: $i"
    same "the next server knows it: $i"
done
told /v1/exec '{"command": "echo alone; exit 4"}'
is "$(json '"\(.reason) \(.exit_code)"')" "exited 4" "so is one in a fresh sandbox"
same "and known"
told "/v1/workspaces/$WS/exec" '{"command": "seq 60000; exit 6", "max_output_bytes": 1000000}'
is "$(json '"\(.reason) \(.exit_code) \(.stdout_bytes)"')" "exited 6 348894" "one that printed much is answered"
same "and known, its file too"

# --- deleted ------------------------------------------------------------------------------------
run "$WS" 'echo gone'
GONE=$(json .id)
api DELETE "/v1/execs/$GONE"
is "$CODE" 204 "a command is deleted"
try "the server is killed" kill_role server
api GET "/v1/execs/$GONE"
is "$CODE" 404 "it does not come back"

# --- seen in a list -----------------------------------------------------------------------------
later listed POST "/v1/workspaces/$WS/exec" -d '{"command": "touch listed; sleep 1000"}'
try "a collected command runs" wait_until 20 has_file "$WS" listed
told "/v1/execs?limit=1"
ID=$(json '.items[0].id')
is "$(json '.items[0].status')" running "and is seen in the list"
later_end listed
api GET "/v1/execs/$ID/wait?wait=20"
is "$CODE $(json .reason)" "200 lost" "it is known to be lost"

# --- not begun ----------------------------------------------------------------------------------
background "$WS" 'touch first; until [ -e go ]; do sleep 0.05; done; exit 3'
FIRST=$EXEC
background "$WS" 'until [ -e go ]; do sleep 0.05; done'
background "$WS" 'until [ -e go ]; do sleep 0.05; done'
try "as many run as may" wait_until 20 has_file "$WS" first
told "/v1/workspaces/$WS/exec" '{"command": "touch second", "background": true}'
SECOND=$(json .id)
is "$(json .status)" queued "one more waits"
api GET "/v1/execs/$SECOND/wait?wait=20"
is "$(json '"\(.reason) \(.exit_code) \(.detail)"')" \
    "start_failed null the server was restarted before it began; it can be sent again" "it is told that it never began"
FILES=$(dirname "$(find "$STATE/dirs/$WS" -name first)")
fails "and it did not" test -e "$FILES/second"
touch "$FILES/go"
api GET "/v1/execs/$FIRST/wait?wait=20"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 3" "those that ran go on"

try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
done_testing
