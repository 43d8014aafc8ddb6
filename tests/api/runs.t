#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs over HTTP: made, waited for, watched live and again, cancelled, deleted; in fresh sandboxes
# and over worktrees.
# route: POST /v1/runs
# route: GET /v1/runs
# route: GET /v1/runs/{id}
# route: POST /v1/runs/{id}/cancel
# route: GET /v1/runs/{id}/events
# route: GET /v1/runs/{id}/logs
# route: DELETE /v1/runs/{id}
# route: GET /v1/agents
# route: GET /v1/agents/{name}
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
repos=$WORK/repos
mkdir -p "$repos/one"
git -C "$repos/one" init -q -b main
git -C "$repos/one" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m empty
echo 'what is in it' >"$repos/one/file"
git -C "$repos/one" add file
git -C "$repos/one" -c user.name=a -c user.email=a@example.org commit -q -m file
commit=$(git -C "$repos/one" rev-parse HEAD)
chmod 755 "$WORK"
server_start "RepositoryRoots=$repos" "MaxRuns=3" "MaxRunsPerRepository=2" "MaxRunsQueued=4" "RunEvents=100"

run() { # BODY [QUERY]: makes one, its id is in $RUN
    api POST "/v1/runs${2:-}" -d "$1"
    RUN=$(json .id)
}
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }
events() { curl -sSN -H "Authorization: Bearer $TOKEN" "$@"; }

# --- a command in a fresh sandbox
run '{"command": "echo hello; echo words >&2; id -u"}' '?wait=20'
is "$CODE" 201 "a run is made"
is "$(json '"\(.status) \(.reason) \(.exit_code)"')" "succeeded completed 0" "and waited for"
is "$(json .result)" $'hello\n1000' "its result is what it printed"
is "$(json '.workspace_id')" null "without a repository it has no workspace"
is "$(json '.usage, .plan, .session_id' | sort -u)" null "what it has not is null"
isnt "$(json '.exec_id')" null "its command is an exec"
api GET "/v1/runs/$RUN/logs"
is "$BODY" $'hello\n1000' "its log is its output"
api GET "/v1/runs/$RUN/logs?stream=stderr"
is "$BODY" words "or its errors"
api GET "/v1/runs/$RUN/logs?offset=2" -H "Accept: application/json"
is "$(json '"\(.data) \(.ended)"')" $'llo\n1000\n true' "from an offset, as JSON"
api GET "/v1/runs/$RUN/events"
is "$(json '[.items[].type] | join(" ")')" "run.created run.started run.result run.completed" "its events tell its life"
is "$(json '[.items[].sequence] | join(" ")')" "1 2 3 4" "they are counted"
second=$(json '.items[1].id')
api GET "/v1/runs/$RUN/events?after=$second&limit=1"
is "$(json '"\(.items[0].type) \(.next_cursor)"')" "run.result $((second + 1))" "they are paged"
api GET "/v1/runs/$RUN/events?types=run.created,run.completed"
is "$(json '[.items[].payload | .status // .agent] | join(" ")')" "command succeeded" "chosen by type"
api GET "/v1/runs/$RUN/events?types=run.exploded"
is "$CODE" 400 "a type that is none is refused"
is "$(events -H 'Accept: application/x-ndjson' "$URL/v1/runs/$RUN/events" | jq -r .type | xargs)" \
    "run.created run.started run.result run.completed end" "a stream replays them and ends"
is "$(events -H 'Accept: text/event-stream' -H "Last-Event-ID: $second" "$URL/v1/runs/$RUN/events" | grep '^event:' | xargs)" \
    "event: run.result event: run.completed event: end" "and goes on after the last one seen"

# --- live, with no gap and nothing twice, from the first event to the end
run '{"command": "echo a; while [ ! -e /tmp/go ]; do sleep 0.05; done", "timeout_secs": 60}'
live=$RUN
for i in 1 2 3 4 5; do
    events -H 'Accept: application/x-ndjson' "$URL/v1/runs/$live/events" >"$WORK/live.$i" &
done
try "a stream is live" wait_until 20 grep -q run.started "$WORK/live.5"
wait_until 10 status_is "$live" running
is "$(json .status)" running "while it runs"
api DELETE "/v1/runs/$live"
is "$CODE" 409 "it is not deleted then"
exec=$(json .exec_id)
api GET "/v1/runs/$live"
exec=$(json .exec_id)
api DELETE "/v1/execs/$exec"
is "$CODE" 409 "nor is its command"
api POST "/v1/runs/$live/cancel?wait=20"
is "$CODE $(json '"\(.status) \(.reason)"')" "200 cancelled cancelled" "it is cancelled"
api POST "/v1/runs/$live/cancel"
is "$CODE" 410 "once"
wait_until 10 grep -q '"end"' "$WORK/live.1"
try "each listener hears the end" wait_until 10 bash -c "[ \$(cat $WORK/live.* | grep -c '\"type\":\"end\"') = 5 ]"
is "$(jq -r '.type' "$WORK/live.3" | xargs)" "run.created run.started run.result run.cancelled end" "and everything before it, once"
is "$(for i in 1 2 4 5; do cmp "$WORK/live.3" "$WORK/live.$i"; done)" "" "all of them the same"

# --- ends
run '{"command": "exit 7"}' '?wait=20'
is "$(json '"\(.status) \(.reason) \(.exit_code)"')" "failed exited 7" "an exit code is a failure"
run '{"command": "sleep 60", "timeout_secs": 0.3}' '?wait=20'
is "$(json '"\(.status) \(.reason)"')" "timed_out wall_limit" "a limit of time"
run '{"command": "echo x; sleep 60", "silence_secs": 0.3}' '?wait=20'
is "$(json '"\(.status) \(.reason)"')" "timed_out silence_limit" "a limit of silence"
run '{"command": "(setsid sleep 98765 &) ; kill -9 $$"}' '?wait=20'
is "$(json '"\(.status) \(.reason) \(.signal)"')" "failed signaled SIGKILL" "a signal"
fails "and nothing that it left behind lives" pgrep -f "sleep 98765"
run '{"argv": ["no-such-program"]}' '?wait=20'
is "$(json '"\(.status) \(.reason) \(.started_at)"')" "failed start_failed null" "what is not there never started"
run '{"agent": "shell", "prompt": "echo $((6*7))"}' '?wait=20'
is "$(json .result)" 42 "a shell runs its prompt"
run '{"agent": "shell", "prompt": "echo $A $HOME; ls -a /workspace | wc -l", "env": {"A": "b"}}' '?wait=20'
like "$(json .result)" "^b /" "it has its environment"

# --- an agent, by a stand-in that prints what its documents say
mkdir -p "$WORK/fake"
run "$(jq -n '{agent: "cursor", prompt: "do it", env: {PATH: "/tmp:/usr/bin:/bin"}}')" '?wait=20'
is "$(json '"\(.status) \(.reason)"')" "failed start_failed" "an agent whose program is not there says so"

# --- over a worktree
run "$(jq -n --arg u "$repos/one" '{command: "cat file; git rev-parse HEAD; echo new >made", repository: {url: $u}}')" '?wait=60'
is "$(json .status)" succeeded "a run over a repository"
is "$(json .result)" $'what is in it\n'"$commit" "sees its files"
is "$(json .repository.commit)" "$commit" "and tells the commit"
ws=$(json .workspace_id)
api GET /v1/workspaces
is "$(json '.items | length')" 0 "its workspace is not listed"
api GET "/v1/workspaces/$ws/files/made"
is "$BODY" new "but what was made in it can be read"
api DELETE "/v1/workspaces/$ws"
is "$CODE" 409 "and is not deleted alone"
api DELETE "/v1/runs/$RUN"
is "$CODE" 204 "with its run"
api GET "/v1/workspaces/$ws"
is "$CODE" 404 "it goes"
api GET "/v1/runs/$RUN/events"
is "$CODE" 404 "and so do the events"
run "$(jq -n --arg u "$repos/none" '{command: "true", repository: {url: $u}}')" '?wait=60'
is "$(json '"\(.status) \(.reason) \(.started_at)"')" "failed setup_failed null" "without a repository nothing runs"

# --- the queue
one() { jq -n --arg u "$repos/one" --argjson p "$1" '{command: "sleep 60", repository: {url: $u}, priority: $p}'; }
ids=()
for p in 0 0 0; do run "$(one $p)"; ids+=("$RUN"); done
try "two run over one repository" wait_until 30 status_is "${ids[1]}" running
status_is "${ids[2]}" queued
is "$(json '"\(.status) \(.queue_position)"')" "queued 1" "the third waits"
run '{"command": "sleep 60"}'; other=$RUN
try "another passes it" wait_until 20 status_is "$other" running
run "$(one 5)"; ids+=("$RUN")
is "$(json .queue_position)" 1 "a greater priority is before it"
run '{"command": "true"}'; run '{"command": "true"}'
is "$CODE" 201 "they wait"
run '{"command": "true"}'
is "$CODE $(json .code)" "429 too_many" "but not too many"
api GET "/v1/runs?status=queued&limit=2"
is "$(json '.items | length')" 2 "those that wait are listed"
next=$(json .next_cursor)
api GET "/v1/runs?status=queued&cursor=$next"
is "$(json '"\(.items | length) \(.next_cursor)"')" "2 null" "page by page"
api GET "/v1/runs?status=asleep"
is "$CODE" 400 "a state that is none is refused"
api POST "/v1/runs/${ids[2]}/cancel?wait=10"
is "$(json '"\(.status) \(.started_at)"')" "cancelled null" "one that waits is cancelled"

# --- what is refused
with_model='"prompt": "x", "model": "m", "env": {"PINFOLD_MODEL_URL": "http://localhost/v1"}'
api POST /v1/runs -d "{\"agent\": \"codex\", \"max_turns\": 3, $with_model}"
like "$CODE $(json .detail)" "^400 agent codex cannot limit its turns: give timeout_secs" "a limit that a tool does not have is refused"
api POST /v1/runs -d "{\"agent\": \"gemini\", \"max_cost_usd\": 3, $with_model}"
like "$CODE $(json .detail)" "^400 agent gemini does not know what it costs" "one of money too"
api POST /v1/runs -d "{\"agent\": \"claude-code\", \"max_turns\": 3, \"max_cost_usd\": 1.25, $with_model}"
is "$CODE $(json '"\(.max_turns) \(.max_cost_usd)"')" "201 3 1.25" "a limit of turns and of money"
limited=$(json .id)
api POST "/v1/runs/$limited/cancel?wait=20"
for body in '{"command": "true", "max_turns": 1}' '{"command": "true", "max_cost_usd": 0.0004}' '{"agent": "claude-code", "max_turns": 0}' '{}' '{"agent": "nobody", "prompt": "x"}' '{"agent": "codex", "prompt": "x", "model": "m"}' \
    '{"command": "true", "argv": ["true"]}' '{"command": "true", "priority": 1000}' \
    '{"command": "true", "image": "none"}' '{"command": "true", "webhook": "x"}' \
    '{"agent": "shell"}' '{"command": "true", "mode": "dream"}' '{"command": "true", "timeout_secs": 1e9}'; do
    api POST /v1/runs -d "$body"
    like "$CODE" '^4[0-9][0-9]$' "refused: $body"
done
api GET /v1/agents
like "$(json '[.items[].name] | join(" ")')" "claude-code codex opencode cursor .*command shell" "agents are listed"
is "$(json '.items[] | select(.name == "command") | "\(.packages) \(.program)"')" "null null" "a command needs no tool"
api GET /v1/agents/codex
is "$(json '"\(.program) \(.license) \(.steerable)"')" "codex Apache-2.0 true" "one is shown with where its tool comes from"
like "$(json .packages)" "^@openai/codex@[0-9]+\." "with its version"
api GET /v1/agents/nobody
is "$CODE" 404 "one that there is not is not found"

# --- repeated under a key, and after a restart
api POST /v1/runs -H "Idempotency-Key: k1" -d '{"command": "true", "priority": -1}'
first=$(json .id)
api POST /v1/runs -H "Idempotency-Key: k1" -d '{"command": "true", "priority": -1}'
is "$(json .id)" "$first" "a repeated request makes no second run"
server_stop
server_start "RepositoryRoots=$repos" "MaxRuns=3"
api GET "/v1/runs/$other?wait=20"
is "$(json '"\(.status) \(.reason)"')" "interrupted lost" "what ran at a restart was interrupted"
api GET "/v1/runs/$first?wait=30"
is "$(json '"\(.status) \(.reason)"')" "succeeded completed" "what waited runs"
api GET "/v1/runs/$limited"
is "$(json '"\(.max_turns) \(.max_cost_usd)"')" "3 1.25" "limits are kept"
api GET "/v1/runs/$live"
is "$(json .status)" cancelled "what had ended is as it was"
api GET "/v1/runs/$live/events"
is "$(json '.items | length')" 4 "with its events"
api GET "/v1/runs/$live/logs"
is "$BODY" a "and its log"
api GET /v1/stats
is "$(json '.runs_running + .runs_queued')" 0 "none is left over"
# --- what the kernel refused it
refused() { api GET "/v1/runs/$RUN/events?types=syscall.refused"; json '[.items[].payload | "\(.syscall) \(.process) \(.count)"] | join(", ")'; }
for where in 'in a fresh sandbox' 'over a worktree'; do
    more='{}'
    [ "$where" = 'over a worktree' ] && more="{\"repository\": {\"url\": \"$repos/one\"}}"
    run "$(jq -nc --argjson more "$more" '{command: "for i in $(seq 12); do unshare -U true; done 2>/dev/null; cp /usr/bin/unshare \"/tmp/$(printf \"\\377\\042\\001\")\" && /tmp/*\\\"* -U true; exit 0"} + $more')" '?wait=60'
    like "$(refused)" '^unshare unshare 1, unshare unshare 10, unshare .*".* 1$' "a refused call is an event $where: the first, the tenth, by process"
done
done_testing
