#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What happens in one sandbox: its init is killed or hangs, its memory, its processes and its files
# reach their limits. It is told as what it was, and nobody else feels it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
server_start "KillGrace=1s" || done_testing

workspace '{"name": "alpha", "limits": {"memory_bytes": 200000000, "pids": 64}}'
WS=$ID
workspace '{"name": "beta"}'
OTHER=$ID
init_of() { api GET "/v1/workspaces/$1/debug"; json .sandbox.init_pid; }
ended_with() { api GET "/v1/execs/$1"; json '"\(.status) \(.reason) \(.exit_code)"'; }
# A command in the other workspace must come back in a time that nobody would call hanging.
responsive() { # SENTENCE
    local start=${EPOCHREALTIME/./}
    run "$OTHER" 'echo well'
    is "$CODE $(json .stdout)" "200 well" "$1"
    [ $((${EPOCHREALTIME/./} - start)) -lt 3000000 ]
    ok $? "and does not wait for it" || echo "# $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
}

# --- init is killed -------------------------------------------------------------------------------
run "$WS" 'echo kept >file'
background "$WS" 'echo said; touch runs; sleep 1000'
BG=$EXEC
later collected POST "/v1/workspaces/$WS/exec" -d '{"command": "touch collected.runs; sleep 1000"}'
later stream POST "/v1/workspaces/$WS/exec" -H 'Accept: text/event-stream' -d '{"command": "touch stream.runs; sleep 1000"}'
for name in runs collected.runs stream.runs; do try "$name" wait_until 20 has_file "$WS" $name; done
INIT=$(init_of "$WS")
like "$INIT" '^[0-9]+$' "its init is known" || done_testing
kill -KILL "$INIT"
later_end collected
is "$CODE $(json '"\(.reason) \(.exit_code)"')" "200 lost null" "a collected command is told as lost"
later_end stream
like "$BODY" 'event: exit.*"reason":"lost"' "a stream ends with the same"
is "$(ended_with "$BG")" "ended lost null" "and a background command"
api GET "/v1/execs/$BG/stdout"
is "$BODY" said "whose output is there"
run "$WS" 'cat file'
is "$(json .stdout)" kept "the next command finds the files in a fresh sandbox"
isnt "$(init_of "$WS")" "$INIT" "which has another init"

# --- init hangs --------------------------------------------------------------------------------------
INIT=$(init_of "$WS")
kill -STOP "$INIT"
start=${EPOCHREALTIME/./}
run "$WS" 'echo never' 'timeout_secs: 1'
took=$(((${EPOCHREALTIME/./} - start) / 1000))
is "$CODE $(json .reason)" "200 timed_out" "a command that is given to a hanging init times out"
between $took 1000 6000 "within its time and the grace"
try "its sandbox is destroyed" wait_until 10 gone "$INIT"
run "$WS" 'cat file'
is "$(json .stdout)" kept "the next command finds the files in a fresh sandbox"
background "$WS" 'sleep 1000'
INIT=$(init_of "$WS")
kill -STOP "$INIT"
api POST "/v1/execs/$EXEC/cancel"
try "a command that is cancelled ends" wait_until 10 exec_is "$EXEC" ended
is "$(ended_with "$EXEC")" "ended cancelled null" "as cancelled"
run "$WS" 'echo idle'
INIT=$(init_of "$WS")
kill -STOP "$INIT"
api POST "/v1/workspaces/$WS/stop" -m 20
run "$WS" 'cat file'
is "$(json .stdout)" kept "an idle sandbox whose init hangs can be stopped"

# --- memory ---------------------------------------------------------------------------------------------
later bomb POST "/v1/workspaces/$WS/exec" -d '{"command": "a=x; while :; do a=$a$a; done"}'
responsive "beside a memory bomb others run"
later_end bomb
is "$(json '"\(.reason) \(.oom_killed)"')" "oom true" "a command that outgrows the memory is told so"
between "$(json .max_memory_bytes)" 10000000 210000000 "with what it used"
run "$WS" 'cat file'
is "$(json '"\(.reason) \(.stdout)"')" $'exited kept' "the workspace works after it"
run "$WS" 'a=x; while :; do a=$a$a; done' 'limits: {memory_bytes: 50000000}'
is "$(json '"\(.reason) \(.oom_killed)"')" "oom true" "a command can have less memory than the workspace"
run "$WS" 'echo fine'
is "$(json '"\(.reason) \(.exit_code)"')" "exited 0" "the next one is not told of it"
run "$WS" 'kill -KILL $$'
is "$(json '"\(.reason) \(.signal)"')" "signaled SIGKILL" "a command that is killed in another way is not told as out of memory"

# --- processes ------------------------------------------------------------------------------------------
later forks POST "/v1/workspaces/$WS/exec" -d '{"command": "bomb() { bomb | bomb & }; bomb; sleep 2; bomb", "timeout_secs": 20}'
responsive "beside a fork bomb others run"
later_end forks
like "$(json .reason)" '^(pids_limit|exited)$' "a fork bomb ends with its command"
run "$WS" 'ps ax | wc -l'
between "$(json .stdout | tr -d '\n ')" 1 8 "and nothing of it is left"
many='for i in $(seq 200); do sleep 1000 & done; exit 3'
run "$WS" "$many"
is "$(json .reason)" pids_limit "a command that may not fork any more is told so"
run "$WS" "$many" 'limits: {pids: 10}'
is "$(json .reason)" pids_limit "a command can have fewer processes than the workspace"
run "$WS" 'echo fine; exit 3'
is "$(json '"\(.reason) \(.exit_code)"')" "exited 3" "the next one is not told of it"

# --- output -----------------------------------------------------------------------------------------------
run "$WS" 'yes' 'limits: {output_bytes: 100000}'
is "$(json .reason)" output_limit "a command that prints more than it may is told so"
run "$WS" 'echo fine'
is "$(json .stdout)" fine "the workspace works after it"

try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
done_testing
