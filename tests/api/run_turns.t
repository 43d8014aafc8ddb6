#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Turns of runs: plans that change nothing, pause, continue, and what is said meanwhile.
# route: POST /v1/runs/{id}/pause
# route: POST /v1/runs/{id}/continue
# route: POST /v1/runs/{id}/messages
# route: GET /v1/runs/{id}/transcript
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
repo=$WORK/repo
git init -q -b main "$repo"
chmod 755 "$WORK"
commit() { git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm "$1"; }
# A stand-in for an agent's tool, as its documents say: it keeps its session below HOME, says what it
# was told, and with "wait" in that stays until it is killed or finds the file go.
cat >"$repo/cursor-agent" <<'E2'
#!/bin/bash
id=
while [ $# -gt 1 ]; do [ "$1" = --resume ] && id=$2; shift; done
prompt=$1
mkdir -p ~/.cursor
[ -z "$id" ] && id=s-$$-new && : >~/.cursor/$id
[ -e ~/.cursor/"$id" ] || exit 1
echo "$prompt" >>~/.cursor/$id
say() { jq -cn --arg t "$1" --arg s "$id" "$2"; }
say "" '{type: "system", subtype: "init", session_id: $s}'
say "$(tr '\n' '|' <~/.cursor/$id)" '{type: "assistant", message: {content: [{type: "text", text: $t}]}}'
echo "$prompt" >>log
case $prompt in *wait*) while [ ! -e go ]; do sleep 0.05; done ;; esac
say "done: $prompt" '{type: "result", subtype: "success", is_error: false, result: $t, session_id: $s}'
E2
chmod 755 "$repo/cursor-agent"
commit tool
server_start "RepositoryRoots=$WORK" "MaxRuns=3"

run() { api POST "/v1/runs${2:-}" -d "$1"; RUN=$(json .id); }
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }
over() { jq -n --arg u "$repo" --arg c "$1" '{command: $c, repository: {url: $u}}'; }
agent() { jq -n --arg u "$repo" --arg p "$1" '{agent: "cursor", prompt: $p, repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin"}}'; }
go_on() { api POST "/v1/runs/$RUN/continue?wait=60" -d "$1"; }
events() { api GET "/v1/runs/$RUN/events"; json '[.items[].type] | join(" ")'; }

# --- plan: it looks, says, and changes nothing
run "$(over 'cat log 2>/dev/null; echo x >made; touch cursor-agent; rm -rf .git; ls -A; echo y >/tmp/other && cat /tmp/other' | jq '.mode = "plan"')" '?wait=60'
is "$(json '"\(.status) \(.mode) \(.result)"')" "succeeded plan null" "a plan has no result"
is "$(json .plan)" $'.git\ncursor-agent\ny' "but a plan, and nothing was written to /workspace"
api GET "/v1/runs/$RUN/logs?stream=stderr"
like "$BODY" "Read-only file system" "because it cannot be"
api GET "/v1/runs/$RUN/events?types=run.result"
is "$(json '.items[0].payload.plan')" $'.git\ncursor-agent\ny' "its event says that it is a plan"
go_on '{"message": "x", "mode": "execute"}'
is "$(json '"\(.status) \(.mode) \(.turn)"')" "succeeded execute 2" "what was planned can be carried out"
like "$(json .result)" "made" "then it writes"
run '{"agent": "shell", "prompt": "(echo x >/workspace/made) || echo refused", "mode": "plan"}' '?wait=60'
is "$(json .plan)" refused "nor without a repository"

# --- continue: the same session, the same workspace, usage and turns counted
run "$(agent 'first')" '?wait=60'
is "$(json '"\(.status) \(.result) \(.turn)"')" "succeeded done: first 1" "a first turn"
session=$(json .session_id) exec=$(json .exec_id) ws=$(json .workspace_id)
go_on '{"message": "second"}'
is "$CODE $(json '"\(.status) \(.result) \(.turn)"')" "200 succeeded done: second 2" "a second one"
is "$(json '"\(.session_id) \(.workspace_id) \(.earlier_exec_ids[0])"')" "$session $ws $exec" "in its session and workspace"
is "$(events)" "run.created run.started session.init agent.message run.result run.completed user.message run.started session.init agent.message run.result run.completed" "its events tell both"
api GET "/v1/runs/$RUN/events"
is "$(json '[.items[] | select(.type == "agent.message").payload.text] | join(" / ")')" "first| / first|second|" "the tool found what it knew"
is "$(json '[.items[] | select(.type == "run.started").payload.turn] | join(" ")')" "1 2" "each has its number"
api GET "/v1/workspaces/$ws/files/log"
is "$BODY" $'first\nsecond' "and its files"
api GET "/v1/runs/$RUN/transcript"
like "$BODY" "## User.*first.*# Turn 1.*## Agent.*## Result.*done: first.*## User.*second.*# Turn 2.*done: second" "the transcript reads as it went"
api GET "/v1/runs/$RUN/logs?turn=1"
like "$BODY" "done: first" "the log of each turn is there"
go_on '{}'
is "$CODE" 400 "what has ended is not continued without a message"
api GET "/v1/execs/$exec"
is "$(json .status)" ended "the command of the first turn is remembered"
api DELETE "/v1/execs/$exec"
is "$CODE" 409 "as long as the run"
run "$(over 'echo "$PINFOLD_TURN $PINFOLD_MESSAGE" >>said; cat said; exit 3')" '?wait=60'
is "$(json '"\(.status) \(.exit_code)"')" "failed 3" "a command that fails"
go_on '{"message": "again"}'
is "$(json '"\(.status) \(.result)"')" $'failed  \n2 again' "runs again, and is told what was said"
run '{"agent": "shell", "prompt": "echo one >f", "repositories": []}' '?wait=60'
go_on '{"message": "cat f"}'
is "$(json '"\(.status) \(.result)"')" "succeeded one" "a shell goes on with another script, in a workspace of no repository"
run '{"command": "true"}' '?wait=30'
go_on '{"message": "more"}'
is "$CODE $(json .code)" "409 conflict" "a run that kept no workspace cannot"

# --- pause: stopped whole, a copy of what it had done, gone on with later
run "$(agent 'wait here')"
wait_until 30 status_is "$RUN" running
api POST "/v1/runs/$RUN/continue" -d '{"message": "no"}'
is "$CODE" 409 "what runs is not continued"
said() { api GET "/v1/runs/$RUN/events?types=agent.message"; [ "$(json '.items | length')" = "$1" ]; }
try "it works" wait_until 20 said 1
ws=$(api GET "/v1/runs/$RUN"; json .workspace_id)
try "it wrote" wait_until 20 eval "api GET /v1/workspaces/$ws/files/log; [ \"\$CODE\" = 200 ]"
api POST "/v1/runs/$RUN/pause?wait=30"
is "$CODE $(json '"\(.status) \(.reason) \(.ended_at)"')" "200 paused null null" "it is paused"
api GET "/v1/runs/$RUN/events?types=run.paused"
snap=$(json '.items[0].payload.snapshot_id')
api GET "/v1/workspaces/$ws/snapshots/$snap"
is "$CODE" 200 "there is a snapshot of what it had not committed"
api GET "/v1/workspaces/$ws"
is "$(json .execs_running)" 0 "nothing of it runs"
api POST "/v1/runs/$RUN/pause"
is "$CODE" 409 "it is paused once"
api POST "/v1/runs/$RUN/messages" -d '{"content": "x"}'
is "$CODE" 409 "and is not told anything but by continue"
go_on '{}'
is "$(json '"\(.status) \(.result)"')" "succeeded done: Go on from where you were stopped." "without a message it goes on"
is "$(events)" "run.created run.started session.init agent.message run.paused run.started session.init agent.message run.result run.completed" "as its events tell"
run "$(over 'while [ ! -e go ]; do sleep 0.05; done')"
wait_until 30 status_is "$RUN" running
api POST "/v1/runs/$RUN/pause?wait=30"
api POST "/v1/runs/$RUN/cancel?wait=30"
is "$(json '"\(.status) \(.reason)"')" "cancelled cancelled" "one that is paused can be cancelled"
run '{"command": "sleep 60"}'
api POST "/v1/runs/$RUN/pause"
is "$CODE" 409 "one without a workspace is not paused"
api POST "/v1/runs/$RUN/cancel?wait=30"

# --- messages: one after another, each as a turn; what is said is not lost by a restart
run "$(agent 'wait first')"
wait_until 30 said 1
api POST "/v1/runs/$RUN/messages" -H "Idempotency-Key: m1" -d '{"content": "two"}'
is "$CODE $(json .messages_waiting)" "202 1" "a message waits"
api POST "/v1/runs/$RUN/messages" -H "Idempotency-Key: m1" -d '{"content": "two"}'
api POST "/v1/runs/$RUN/messages" -d '{"content": "three"}'
is "$(json .messages_waiting)" 2 "another too; the same twice is one"
api POST "/v1/runs/$RUN/messages" -d '{"content": ""}'
like "$CODE" "^4" "an empty one is refused"
server_stop
server_start "RepositoryRoots=$WORK" "MaxRuns=3"
api GET "/v1/runs/$RUN"
is "$(json '"\(.status) \(.messages_waiting)"')" "interrupted 2" "they outlive the server"
ws=$(json .workspace_id)
api PUT "/v1/workspaces/$ws/files/go" --data-binary x
go_on '{"message": "four"}'
is "$(json '"\(.status) \(.result) \(.turn) \(.messages_waiting)"')" "succeeded done: four 4 0" "and are given in their order"
api GET "/v1/workspaces/$ws/files/log"
is "$BODY" $'wait first\ntwo\nthree\nfour' "each once"

# --- a queue of one: what waits is paused and goes on as what it was
server_stop
server_start "RepositoryRoots=$WORK" "MaxRuns=1"
run "$(over 'while [ ! -e go ]; do sleep 0.05; done')"; first=$RUN
wait_until 30 status_is "$first" running
run "$(over 'echo ran >>n; cat n')"
api POST "/v1/runs/$RUN/pause?wait=10"
is "$(json '"\(.status) \(.queue_position)"')" "paused null" "one that waits can be paused"
api POST "/v1/runs/$first/cancel?wait=30"
go_on '{}'
is "$(json '"\(.status) \(.turn) \(.result)"')" "succeeded 1 ran" "and begins as if nothing had been"
api DELETE "/v1/runs/$RUN"
is "$CODE" 204 "it is deleted"
done_testing
