#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An init that does not move while the server is replaced: nobody waits for it for ever.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
server_start WarmPool=0 || done_testing
workspace '{"name": "alpha"}'
WS=$ID
init_of() { for pid in $(box_pids); do grep -q "/$1" "/proc/$pid/cgroup" && echo "$pid"; done; }
sockets() { find "/proc/$1/fd" -lname 'socket:*' | wc -l; }
stopped() { [ "$(awk '/^State/ { print $2 }' "/proc/$1/status")" = T ]; }
ends_lost() { # SENTENCE
    api GET "/v1/execs/$EXEC/wait?wait=60"
    tap_up=1 is "$(json '"\(.status) \(.reason)"')" "ended lost" "$1"
    run "$WS" 'echo works'
    tap_up=1 is "$(json .stdout)" works "and the workspace has a sandbox again"
}

# --- before it sees that the server is gone -------------------------------------------------------
background "$WS" 'sleep 1000'
try "a command runs" wait_until 20 exec_is "$EXEC" running
INIT=$(init_of "$WS")
kill -STOP "$INIT"
wait_until 20 stopped "$INIT"
try "the server is killed, and another one serves" kill_role server
ends_lost "what runs under an init that does not move is lost"
gone "$INIT"
ok $? "that init is gone"

# --- after it has made a socket for the next one --------------------------------------------------
background "$WS" 'sleep 1000'
try "a command runs" wait_until 20 exec_is "$EXEC" running
INIT=$(init_of "$WS")
OLD=$(pid_of server)
N=$(sockets "$INIT")
waits() { [ "$(sockets "$INIT")" -gt "$N" ]; }
kill -STOP "$SERVER_PID" # so that none comes yet
at_exit 'kill -CONT $SERVER_PID 2>/dev/null'
kill -KILL "$OLD"
try "the init waits for the next server" wait_until 20 waits
kill -STOP "$INIT"
wait_until 20 stopped "$INIT"
kill -CONT "$SERVER_PID"
try "it comes" wait_until 30 is_new server "$OLD"
try "and serves" wait_until 30 healthy
ends_lost "an init that does not say what it keeps is not waited for"
grep -q 'does not say what runs in it' "$SERVER_LOG"
ok $? "and it is said"
gone "$INIT"
ok $? "that init is gone, too"

# --- deletion while nobody is told -----------------------------------------------------------------
background "$WS" 'sleep 1000'
try "a command runs" wait_until 20 exec_is "$EXEC" running
INIT=$(init_of "$WS")
kill -STOP "$INIT"
wait_until 20 stopped "$INIT"
kill_role server
api DELETE "/v1/workspaces/$WS" -m 60
is "$CODE" 204 "a workspace whose init does not move is deleted"
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
done_testing
