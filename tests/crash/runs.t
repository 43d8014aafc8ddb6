#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server is killed while runs run and wait: what runs goes on and is told whole, what waited
# runs once, and events have neither gap nor double.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need GIT
repo=$WORK/repo
git init -q -b main "$repo"
git -C "$repo" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m empty
server_start "MaxRuns=3" "RepositoryRoots=$WORK" "CheckoutsKept=0" || done_testing

run() { api POST "/v1/runs" -d "$1"; RUN=$(json .id); }
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }
over() { jq -n --arg u "$repo" --arg c "$1" '{command: $c, repository: {url: $u}}'; }

# A stand-in for an agent's tool, which says a word, waits, and says that it is done.
AGENT='cat >cursor-agent <<"E"
#!/bin/sh
echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s-1\"}"
echo "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"first\"}]}}"
while [ ! -e go ]; do sleep 0.05; done
echo "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"second\"}]}}"
echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"all done\",\"session_id\":\"s-1\"}"
E
chmod 755 cursor-agent; git add .; git -c user.name=a -c user.email=a@example.org commit -qm agent'
(cd "$repo" && eval "$AGENT")

run "$(over 'echo one >>count; echo begun; while [ ! -e go ]; do sleep 0.05; done; echo ended')"
A=$RUN
run "$(jq -n --arg u "$repo" '{agent: "cursor", prompt: "do it", repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin"}}')"
B=$RUN
run '{"command": "echo short; sleep 1000"}'
C=$RUN
try "three run" wait_until 30 eval "status_is $A running && status_is $B running && status_is $C running"
api GET "/v1/runs/$A"; A_WS=$(json .workspace_id)
api GET "/v1/runs/$B"; B_WS=$(json .workspace_id)
run "$(over 'echo one >>/tmp/count; cat /tmp/count')"
D=$RUN
is "$(json .status)" queued "another waits"
said() { api GET "/v1/runs/$B/events?types=agent.message"; [ "$(json '.items | length')" = "$1" ]; }
try "the agent has said a word" wait_until 20 said 1

try "the server is killed and another one serves" kill_role server
api GET "/v1/runs/$A"
is "$(json .status)" running "a run goes on"
status_is "$B" running
is "$(json .status)" running "an agent too"
for ws in "$A_WS" "$B_WS"; do api PUT "/v1/workspaces/$ws/files/go" --data-binary x; done
api GET "/v1/runs/$A?wait=20"
is "$(json '"\(.status) \(.reason) \(.result)"')" $'succeeded completed begun\nended' "it ends as it would have, with all it printed"
api GET "/v1/workspaces/$A_WS/files/count"
is "$BODY" one "and ran once"
api GET "/v1/runs/$A/events"
is "$(json '[.items[].type] | join(" ")')" "run.created run.started run.result run.completed" "its events have no gap and no double"
api GET "/v1/runs/$B?wait=20"
is "$(json '"\(.status) \(.reason) \(.result) \(.session_id)"')" "succeeded completed all done s-1" "the agent is read to its end"
api GET "/v1/runs/$B/events"
is "$(json '[.items[] | .type + (.payload.text // "" | if . == "" then . else "=" + . end)] | join(" ")')" \
    "run.created run.started session.init agent.message=first agent.message=second run.result run.completed" \
    "and what it said before is not said again"
is "$(json '[.items[].sequence] | join(" ")')" "1 2 3 4 5 6 7" "events are counted on"
api GET "/v1/runs/$D?wait=30"
is "$(json '"\(.status) \(.result)"')" "succeeded one" "what waited runs, once"
api POST "/v1/runs/$C/cancel?wait=20"
is "$(json .status)" cancelled "one that went on can be cancelled"

# --- replaced by a newer one ----------------------------------------------------------------------
run "$(over 'echo begun; while [ ! -e go ]; do sleep 0.05; done; echo ended')"
U=$RUN
try "a run runs" wait_until 30 status_is "$U" running
api GET "/v1/runs/$U"; U_WS=$(json .workspace_id)
curl -sSN -H "Authorization: Bearer $TOKEN" -H "Accept: application/x-ndjson" "$URL/v1/runs/$U/events" >"$WORK/heard" &
heard=$!
wait_until 20 grep -q run.started "$WORK/heard"
like "$("$PINFOLD_BIN/pinfold" upgrade --state "$STATE" 2>&1)" replaced "the server is replaced"
wait "$heard"
is "$(tail -n 1 "$WORK/heard" | jq -r .type)" reconnect "who listens is told to come again"
try "another one serves" wait_until 30 healthy
is "$(status_is "$U" running; echo $?)" 0 "the run goes on"
last=$(jq -s '[.[].id // empty] | last' "$WORK/heard")
api PUT "/v1/workspaces/$U_WS/files/go" --data-binary x
is "$(curl -sSN -H "Authorization: Bearer $TOKEN" -H "Accept: application/x-ndjson" -H "Last-Event-ID: $last" "$URL/v1/runs/$U/events" | jq -r .type | xargs)" \
    "run.result run.completed end" "and who comes again hears the rest"

# --- killed while sandboxes are made: nothing runs twice, nothing is left behind -------------------
for i in 1 2 3; do run "$(over 'echo x >>runs.txt; cat runs.txt')"; ids[i]=$RUN; done
try "killed again" kill_role server
for i in 1 2 3; do
    api GET "/v1/runs/${ids[i]}?wait=30"
    like "$(json '"\(.status) \(.result)"')" '^(succeeded x|interrupted .*)$' "run $i ran once, or says that it was interrupted"
done
for r in "$A" "$B" "$C" "$D" "$U" "${ids[@]}"; do api DELETE "/v1/runs/$r"; is "$CODE" 204 "a run is deleted"; done
api GET /v1/runs
is "$(json '.items | length')" 0 "none is left"
is "$(find "$STATE/dirs" -mindepth 1 -maxdepth 1 -name 'ws_*' | wc -l)" 0 "nor a workspace of theirs"
nothing_left "nothing of their sandboxes is left"
done_testing
