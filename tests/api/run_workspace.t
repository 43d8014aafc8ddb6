#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in a workspace that is not their own: its files, its settings, beside its commands; what becomes of
# them when it is busy, copied or deleted, and that it stays when they go.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT PYTHON NETNS
mkdir "$WORK/hook"
python3 "$(dirname "$0")/hook-receiver" "$WORK/hook" &
receiver=$!
at_exit "kill $receiver 2>/dev/null"
wait_until 20 test -s "$WORK/hook/port"
to=127.0.0.1:$(cat "$WORK/hook/port")
conf=("AllowPrivate=$to" "MaxRuns=4")
server_start "${conf[@]}" || done_testing

run() { # MEMBERS [QUERY]: one in $WS
    api POST "/v1/runs${2:-}" -d "$(jq -n --arg w "$WS" --argjson more "$1" '{workspace: $w} + $more')"
    RUN=$(json .id)
}
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }
file() { api GET "/v1/workspaces/$WS/files/$1"; }
there() { file "$1"; [ "$CODE" = 200 ]; }
in_ws() { api POST "/v1/workspaces/$WS/exec" -d "$(jq -n --arg c "$1" '{command: $c}')"; json .stdout; }
ended() { api GET "/v1/runs/$1?wait=30"; END=$(json '"\(.status) \(.reason) \(.result) \(.error)"'); }

# --- its files and settings
api POST /v1/workspaces -d '{"name": "mine", "env": {"WHERE": "mine", "WHO": "workspace"}}'
WS=$(json .id)
api PUT "/v1/workspaces/$WS/files/file" --data-binary 'from outside'
run '{"command": "cat file; echo $WHERE $WHO; echo by the run >made; echo in home >~/note", "env": {"WHO": "run"}}' '?wait=30'
is "$CODE $(json '"\(.status) \(.workspace_id) \(.guest)"')" "201 succeeded $WS true" "a run in a workspace"
is "$(json .result)" $'from outsidemine run' "has its files and its environment, and its own over it"
FIRST=$RUN
file made
is "$BODY" "by the run" "what it makes is there"
is "$(in_ws 'cat ~/note')" "in home" "also beside /workspace"
WS=mine run '{"command": "true"}' '?wait=30'
is "$CODE $(json .status)" "201 succeeded" "a workspace has a name too"
api DELETE "/v1/runs/$FIRST"
is "$CODE" 204 "the run is deleted"
file made
is "$BODY" "by the run" "its workspace stays"
api GET "/v1/workspaces/$WS/execs"
is "$(json '[.items[] | select(.command | test("by the run"))] | length')" 0 "without its commands"

# --- beside others
run '{"command": "while [ ! -e go ]; do sleep 0.05; done; echo went"}'
ONE=$RUN
run '{"command": "while [ ! -e go ]; do sleep 0.05; done; echo went too"}'
TWO=$RUN
try "two at a time" wait_until 30 eval "status_is $ONE running && status_is $TWO running"
is "$(in_ws 'echo beside')" beside "and a command beside them"
api POST "/v1/workspaces/$WS/fork" -d '{}'
is "$CODE" 409 "it is not copied meanwhile"
api POST "/v1/workspaces/$WS/stop"
is "$CODE" 409 "nor stopped"
pid_of() { sed -n "s/.*: server started pid=//p" "$SERVER_LOG" | tail -n 1; }
old=$(pid_of)
kill -KILL "$old"
try "another server comes when one dies" wait_until 30 eval '[ "$(pid_of)" != "$old" ] && [ "$(curl -s -m 5 -o /dev/null -w "%{http_code}" "$URL/v1/health")" = 200 ]'
api PUT "/v1/workspaces/$WS/files/go" --data-binary x
ended "$ONE"
is "$END" "succeeded completed went
 null" "a new server goes on with them"
ended "$TWO"
is "$(json .status)" succeeded "with both"
in_ws 'rm go' >/dev/null

# --- paused, continued
run '{"command": "echo $PINFOLD_TURN >>turns; while [ ! -e go ]; do sleep 0.05; done"}'
try "it runs" wait_until 30 there turns
api POST "/v1/runs/$RUN/pause"
try "and is paused" wait_until 30 status_is "$RUN" paused
api GET "/v1/workspaces/$WS/snapshots"
is "$(json '.items | length')" 0 "without a copy of what is not its own"
api PUT "/v1/workspaces/$WS/files/go" --data-binary x
api POST "/v1/runs/$RUN/continue?wait=30" -d '{}'
is "$CODE $(json '"\(.status) \(.turn)"')" "200 succeeded 2" "it goes on there"
file turns
is "$BODY" $'\n2' "where it was"

# --- its provider, as long as it lives
api PUT /v1/providers/model -d "{\"kind\": \"openai-compatible\", \"base_url\": \"http://$to/v1\", \"api_key\": \"sk-of-the-model\"}"
ask='curl -s -o /dev/null -w "%{http_code}" -d "{}" http://127.0.0.1:3128/provider/model/chat'
run '{"command": "true", "provider": "model"}'
is "$CODE" 400 "a workspace without an allow-list reaches no provider"
like "$(json .detail)" "allow-list" "and it says what is missing"
api PATCH "/v1/workspaces/$WS" -d '{"network": {"mode": "allow-list", "allow": []}}'
is "$(in_ws "$ask")" 404 "a command reaches none"
in_ws 'rm go' >/dev/null
run "$(jq -n '{provider: "model", command: "echo $OPENAI_API_KEY; curl -s -o /dev/null -w \"%{http_code}\" -d \"{}\" $OPENAI_BASE_URL/chat; touch asked; while [ ! -e go ]; do sleep 0.05; done"}')"
try "a run asks its provider" wait_until 30 there asked
is "$(in_ws "$ask")" 200 "as all of the workspace may meanwhile"
api PUT "/v1/workspaces/$WS/files/go" --data-binary x
ended "$RUN"
is "$END" "succeeded completed pinfold-placeholder-model
200 null" "it was answered"
is "$(jq -rs '[.[].headers.authorization] | unique | join(" ")' "$WORK/hook/got")" "Bearer sk-of-the-model" "with the key that it never saw"
is "$(in_ws "$ask")" 404 "with its end the workspace cannot any more"

# --- what it cannot choose
for bad in '{"image": "host"}' '{"profile": "agent"}' '{"network": {"mode": "none"}}' '{"secrets": ["s"]}' '{"repository": {"url": "a/b"}}' \
    '{"repositories": []}' '{"limits": {"pids": 5}}' '{"mode": "plan"}'; do
    run "$(jq -n --argjson b "$bad" '{command: "true"} + $b')"
    is "$CODE" 400 "a run there cannot have $bad"
done
WS=nowhere run '{"command": "true"}'
is "$CODE" 404 "a workspace that is not there"
api POST /v1/runs?wait=30 -d '{"command": "true", "repositories": []}'
OWN=$(json .workspace_id)
WS=$OWN run '{"command": "true"}'
is "$CODE" 409 "another run's is that run's"

# --- a busy one, one that goes
echo 503 >"$WORK/hook/status"
api POST /v1/workspaces -d "$(jq -n --arg to "$to" '{network: {mode: "allow-list", allow: [$to]},
    init_script: "until curl -sf -x http://127.0.0.1:3128 --noproxy \"\" -d x http://\($to)/; do sleep 0.05; done; echo made >/workspace/made"}')"
WS=$(json .id)
run '{"command": "cat made"}'
try "it waits for a workspace that is being made" wait_until 30 status_is "$RUN" starting
LATE=$RUN
run '{"command": "sleep 1000"}'
api POST "/v1/runs/$RUN/cancel?wait=30"
is "$(json .status)" cancelled "one that waits can be cancelled"
api GET "/v1/workspaces/$WS"
isnt "$CODE $(json .status)" "200 deleting" "which leaves the workspace"
MADE=$WS
api POST /v1/workspaces -d "$(jq -n --arg to "$to" '{network: {mode: "allow-list", allow: [$to]},
    init_script: "until curl -sf -x http://127.0.0.1:3128 --noproxy \"\" -d x http://\($to)/; do sleep 0.05; done"}')"
WS=$(json .id)
run '{"command": "true"}'
try "another waits" wait_until 30 status_is "$RUN" starting
api DELETE "/v1/workspaces/$WS"
ended "$RUN"
like "$END" "^failed setup_failed null .*deleted" "and is told that its workspace went"
WS=$MADE
old=$(pid_of)
kill -KILL "$old"
try "the server dies meanwhile" wait_until 30 eval '[ "$(pid_of)" != "$old" ] && [ "$(curl -s -m 5 -o /dev/null -w "%{http_code}" "$URL/v1/health")" = 200 ]'
rm "$WORK/hook/status"
ended "$LATE"
is "$END" "succeeded completed made
 null" "and goes on when that is ready"
api POST /v1/workspaces -d '{}'
WS=$(json .id)
run '{"command": "touch begun; sleep 1000"}'
try "it runs" wait_until 30 there begun
api DELETE "/v1/workspaces/$WS"
ended "$RUN"
is "$END" "cancelled cancelled null its workspace was deleted while it ran" "a workspace takes its runs with it, which say so"
api POST "/v1/runs/$RUN/continue" -d '{"message": "x"}'
is "$CODE" 409 "there is nothing to go on in"
api DELETE "/v1/runs/$RUN"
is "$CODE" 204 "they are deleted as any"
done_testing
