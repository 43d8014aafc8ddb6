#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server is killed while runs are paused, gone on with, interrupted, ask and are recorded: what a
# person wanted is done, no turn runs twice, nothing that was shown is lost.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need GIT
repo=$WORK/repo
git init -q -b main "$repo"
# Like Claude Code in a line: it asks, hears, and says what it heard.
cat >"$repo/claude" <<'E'
#!/bin/bash
read -r line
echo '{"type":"system","subtype":"init","session_id":"s-1","model":"m"}'
echo '{"type":"control_request","request_id":"q-1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"x"}}}'
read -r line
echo "{\"type\":\"result\",\"subtype\":\"success\",\"result\":$(jq -c .response.response.behavior <<<"$line"),\"session_id\":\"s-1\"}"
while read -r line; do :; done
E
chmod 755 "$repo/claude"
head -c 30000000 /dev/urandom >"$repo/large" # so that a checkpoint takes its time
git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tool
chmod 755 "$WORK"
server_start "MaxRuns=8" "RepositoryRoots=$WORK" || done_testing
run() { api POST "/v1/runs" -d "$1"; RUN=$(json .id); }
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }
rests() { api GET "/v1/runs/$1?wait=60"; END=$(json '"\(.status) \(.turn)"'); }
over() { jq -n --arg u "$repo" --arg c "$1" --argjson more "${2:-{\}}" '{command: $c, repository: {url: $u}} + $more'; }
turns='echo "turn $PINFOLD_TURN $PINFOLD_MESSAGE" >>log; if [ -z "$PINFOLD_TURN" ]; then cp large more; while :; do sleep 0.05; done; fi; cat log'

# --- killed at once when it is to pause, several times, each a little later
for i in 1 2 3; do
    run "$(over "$turns")"
    try "a run runs" wait_until 30 status_is "$RUN" running
    api POST "/v1/runs/$RUN/pause"
    is "$CODE" 202 "it is to pause"
    for ((k = 1; k < i * 3; k++)); do healthy; done
    try "the server is killed" kill_role server
    rests "$RUN"
    is "$END" "paused 1" "it is paused all the same"
    api POST "/v1/runs/$RUN/continue?wait=60" -d '{"message": "on"}'
    is "$(json '"\(.status) \(.turn) \(.result)"')" $'succeeded 2 turn  \nturn 2 on' "and goes on, nothing twice"
done
# --- a further turn
api POST "/v1/runs/$RUN/continue" -d '{"message": "again"}'
is "$CODE" 202 "a further turn is recorded"
try "the server is killed" kill_role server
rests "$RUN"
is "$END $(json .result)" $'succeeded 3 turn  \nturn 2 on\nturn 3 again' "it runs, once"
is "$(json '[.changed_files[].path] | join(" ")')" "log more" "and what it changed is known"
# --- cancelled
run "$(over 'sleep 1000')"
try "a run runs" wait_until 30 status_is "$RUN" running
api POST "/v1/runs/$RUN/cancel"
try "the server is killed" kill_role server
rests "$RUN"
is "$(json '"\(.status) \(.reason)"')" "cancelled cancelled" "what is to be cancelled is"
# --- ended, and its changes are looked at
for i in 1 2 3; do run "$(over 'echo x >>new; echo done')"; ids[i]=$RUN; done
try "they run" wait_until 30 eval "status_is ${ids[3]} running || status_is ${ids[3]} succeeded"
try "the server is killed" kill_role server
for i in 1 2 3; do
    rests "${ids[i]}"
    is "$END $(json '"\(.result) \([.changed_files[]?.path] | join(" "))"')" $'succeeded 1 done\n new' "run $i ended as it did, once"
done
# --- it asks
run "$(jq -n --arg u "$repo" '{agent: "claude-code", prompt: "x", model: "m", permissions: "ask", repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin", PINFOLD_MODEL_URL: "http://127.0.0.1:1"}}')"
try "an agent asks" wait_until 30 status_is "$RUN" needs_input
try "the server is killed" kill_role server
api GET "/v1/approvals?run=$RUN"
is "$(json '[.items[].status] | join(" ")')" pending "its question is there"
ask=$(json '.items[0].id')
api POST "/v1/approvals/$ask/answer" -d '{"decision": "allow"}'
is "$CODE" 200 "it is answered"
try "the server is killed" kill_role server
rests "$RUN"
is "$END $(json .result)" "succeeded 1 allow" "the agent hears the answer"
api GET "/v1/runs/$RUN/events"
is "$(json '[.items[].type] | join(" ")')" "run.created run.started session.init agent.needs_attention approval.answered run.result run.completed" "nothing is said twice"
# --- a recording
run "$(over 'echo first; while [ ! -e go ]; do sleep 0.05; done; echo second' '{"terminal": {}}')"
shows() { api GET "/v1/runs/$RUN/recording"; grep -q "$1" <<<"$BODY"; }
try "a terminal shows something" wait_until 30 shows first
try "the server is killed" kill_role server
api GET "/v1/runs/$RUN"
api PUT "/v1/workspaces/$(json .workspace_id)/files/go" --data-binary x
rests "$RUN"
try "its recording goes on" wait_until 10 shows second
is "$(grep -c first <<<"$BODY")" 1 "with nothing twice"
is "$(tail -n +2 <<<"$BODY" | jq -s '[.[][0]] == ([.[][0]] | sort)')" true "in its time"
done_testing
