#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dialect of Abbado, as its clients speak it. Bodies with "as written" are the document's own. Its agents
# are a shell, and a stand-in for a tool that keeps a session.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT PYTHON
mkdir "$WORK/images" "$WORK/repos"
sed 's|^Env=.*|&\nEnv=PATH=/workspace:/usr/bin:/bin|' "$TOP/images/host.image" >"$WORK/images/host.image"
repo=$WORK/repos/backend
git init -q -b main "$repo"
cat >"$repo/cursor-agent" <<'E2'
#!/bin/bash
id=
while [ $# -gt 1 ]; do [ "$1" = --resume ] && id=$2; shift; done
prompt=$1
[ -n "$id" ] || id=s-1
line() { jq -cMn --arg t "$prompt" --arg s "$id" "$1"; }
line '{type: "system", subtype: "init", session_id: $s}'
line '{type: "assistant", message: {content: [{type: "text", text: ("I heard: " + $t)}]}}'
line '{type: "tool_call", subtype: "started", call_id: "c1", tool_call: {TaskCreate: {args: {subject: "Look"}}}}'
case $prompt in *wait*) while [ ! -e go ]; do sleep 0.05; done ;; esac
echo "$prompt" >>said
line '{type: "result", subtype: "success", is_error: false, result: ("done: " + $t), session_id: $s}'
E2
cat >"$repo/claude" <<'E2'
#!/bin/bash
echo '{"type":"system","subtype":"init","session_id":"c-1","model":"m"}'
jq -cMn --arg t "$*" '{type: "result", subtype: "success", is_error: false, result: $t, session_id: "c-1", usage: {input_tokens: 5, output_tokens: 2}}'
E2
chmod 755 "$repo/cursor-agent" "$repo/claude" "$WORK"
git -C "$repo" add .
git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tool
conf=("ImagesDir=$WORK/images" "AllowPrivate=127.0.0.1:9" "RepositoryRoots=$WORK/repos" "MaxRuns=3")
server_start "${conf[@]}" || done_testing
UUID='[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
SECOND='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
NONE=550e8400-e29b-41d4-a716-446655440000

ask() { # METHOD PATH [BODY]
    if [ $# -gt 2 ]; then api "$1" "$2" -H 'Content-Type: application/json' -d "$3"; else api "$1" "$2"; fi
}
keys() { jq -r 'keys_unsorted | join(" ")' <<<"$BODY"; }
is_status() { ask GET "/api/runs/$RUN"; [ "$(json .status)" = "$1" ]; }
becomes() { # STATUS SENTENCE
    wait_until 60 is_status "$1"
    tap_up=1 ok $? "$2"
}
types() { ask GET "/api/runs/$RUN/events"; json '[.[].event_type] | join(" ")'; }
ws() { timeout 60 python3 "$(dirname "$0")/ws" "$@"; }

# --- health: the other dialect of this path answers unless the prefix or the host says Abbado
ask GET /abbado/api/health
is "$CODE $BODY" '200 "ok"' "health, as written"
ask GET /api/health
is "$(json .status)" ok "on a shared port sandboxed.sh answers"

# --- projects
ask POST /api/projects '{ "name": "My Project" }' # as written
is "$CODE $(jq -c '[.name, .repos]' <<<"$BODY")" '201 ["My Project",[]]' "a project is made"
like "$(json .id)" "^$UUID\$" "its id is a UUID"
like "$(json .created_at)" "^$SECOND\$" "made at, in whole seconds"
is "$(keys)" "id name repos created_at" "as documented"
PROJECT=$(json .id)
ask GET "/api/projects/$PROJECT"
is "$CODE $(json .name)" "200 My Project" "it is shown"
ask GET "/abbado/api/projects/$PROJECT"
is "$CODE $(json .name)" "200 My Project" "the prefix leads to the same"
ask POST "/api/projects/$PROJECT/repos" '{ "name": "backend", "repo_path": "/absolute/path/to/repo" }' # as written
is "$CODE" 400 "a path without a repository is refused"
like "$BODY" "^repo_path: " "which the text says"
ask POST "/api/projects/$PROJECT/repos" "{\"name\": \"backend\", \"repo_path\": \"$repo\"}"
is "$CODE $(jq -c '[.name, .repo_path]' <<<"$BODY")" "201 [\"backend\",\"$repo\"]" "a repository is added"
REPO=$(json .id)
ask POST "/api/projects/$PROJECT/repos" '{"name": "x", "repo_path": "relative"}'
is "$CODE" 400 "a path that is not absolute"
ask POST /api/projects '{}'
is "$CODE" 400 "a project without a name"
ask GET "/api/projects/$NONE"
is "$CODE" 404 "one that is not there"
ask GET "/api/projects/none"
is "$CODE" 400 "an id that is none"
ask POST /api/projects '{"name": "other"}'
OTHER=$(json .id)
ask GET /api/projects
is "$(jq -c '[.[] | [.name, (.repos | length)]]' <<<"$BODY")" '[["My Project",1],["other",0]]' "all of them, with their repositories"
ask DELETE "/api/projects/$OTHER/repos/$REPO"
is "$CODE" 404 "a repository of another project is not deleted"

# --- agents
ask POST /api/agents "$(jq -n --arg p "$PROJECT" '{project_id: $p, name: "Feature Builder", cli_name: "claude-code", model: "claude-sonnet-4-6",
  instructions: "You are a senior developer...", allowed_tools: "Read,Edit,Write,Bash,Glob,Grep", max_turns: 100, provider_config: {}, role: "builder"}')" # as written
is "$CODE" 201 "an agent as written"
is "$(jq -c '[.name, .cli_name, .model, .instructions, .allowed_tools, .max_turns, .provider_config, .role]' <<<"$BODY")" \
    '["Feature Builder","claude-code","claude-sonnet-4-6","You are a senior developer...","Read,Edit,Write,Bash,Glob,Grep",100,{},"builder"]' "what was given is answered"
AGENT=$(json .id)
ask PUT "/api/agents/$AGENT" '{ "name": "Renamed Agent", "max_turns": 50 }' # as written
is "$CODE $(jq -c '[.name, .max_turns, .model, .role]' <<<"$BODY")" '200 ["Renamed Agent",50,"claude-sonnet-4-6","builder"]' "a partial change changes what it names"
ask GET "/api/agents/$AGENT"
is "$CODE $(json .max_turns)" "200 50" "and is kept"
ask POST /api/agents "{\"project_id\": \"$PROJECT\", \"name\": \"plain\"}"
is "$(jq -c '[.cli_name, .model, .allowed_tools, .max_turns, .provider_config, .role]' <<<"$BODY")" \
    '["claude-code",null,"Read,Edit,Write,Bash,Glob,Grep",100,{},"builder"]' "the defaults are the documented ones"
PLAIN=$(json .id)
ask GET "/api/projects/$PROJECT/agents"
is "$(json '[.[].name] | join(", ")')" "Renamed Agent, plain" "a project's agents"
ask POST /api/agents '{"name": "x"}'
is "$CODE" 400 "an agent needs a project"
ask POST /api/agents "{\"project_id\": \"$NONE\", \"name\": \"x\"}"
is "$CODE" 404 "one that is there"
ask POST /api/agents "{\"project_id\": \"$PROJECT\", \"name\": \"x\", \"cli_name\": \"nobody\"}"
is "$CODE" 400 "and a tool that is there"
ask DELETE "/api/agents/$PLAIN"
is "$CODE$BODY" 204 "it is deleted"
ask GET "/api/agents/$PLAIN"
is "$CODE" 404 "and gone"
ask POST /api/runs "{\"agent_id\": \"$AGENT\", \"task\": \"Implement user authentication\", \"source_branch\": \"HEAD\"}" # as written
is "$CODE" 400 "a run of an agent without a provider of models is refused"
api PUT /v1/providers/models -d '{"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}'
ask POST /api/runs "{\"agent_id\": \"$AGENT\", \"task\": \"Implement user authentication\", \"source_branch\": \"HEAD\"}" # as written
is "$CODE $(json '"\(.status) \(.task)"')" "201 queued Implement user authentication" "with one it is made"
RUN=$(json .id)
becomes completed "and carried out"
is "$(json '"\(.tokens_in) \(.tokens_out) \(.session_id)"')" "5 2 c-1" "its tokens are counted"
ask GET "/api/runs/$RUN/events"
like "$(json '.[] | select(.event_type == "run.result").payload.result')" '--model claude-sonnet-4-6 --max-turns 50 .*You are a senior developer....*Implement user authentication' "as its agent says: model, turns, instructions"
ask DELETE "/api/runs/$RUN"
api DELETE /v1/providers/models

# --- runs
ask POST /api/agents "{\"project_id\": \"$PROJECT\", \"name\": \"stand-in\", \"cli_name\": \"cursor\", \"instructions\": \"Be brief.\"}"
AGENT=$(json .id)
ask POST /api/runs "{\"agent_id\": \"$AGENT\", \"task\": \"wait a bit\", \"source_branch\": \"HEAD\"}"
is "$CODE" 201 "a run is made"
RUN=$(json .id)
like " $(keys) " " id project_id agent_id task status source_branch run_branch cli_name .*created_at updated_at tokens_in tokens_out cost_usd parent_run_id notify " "it has the documented members"
is "$(jq -c '[.project_id, .agent_id, .task, .status, .source_branch, .cli_name, .tokens_in, .cost_usd, .parent_run_id, .notify]' <<<"$BODY")" \
    "[\"$PROJECT\",\"$AGENT\",\"wait a bit\",\"queued\",\"HEAD\",\"cursor\",0,0,null,false]" "with their values"
like "$(json .run_branch)" '^abbado/run-[0-9a-f]{8}$' "and a branch's name"
becomes running "it runs"
ask DELETE "/api/runs/$RUN"
is "$CODE" 409 "one that runs is not deleted"
ask POST "/api/runs/$RUN/continue" '{"message": "x"}'
is "$CODE" 409 "nor continued"
out=$(ws "/api/terminal?run_id=$RUN" 'f:I heard' x:)
like "$out" 'Be brief.*wait a bit' "its terminal shows what it says, which begins with its instructions"
curl -sSN -H "Authorization: Bearer $TOKEN" "$URL/api/runs/$RUN/events/stream?last_event_id=0" >"$WORK/stream" &
stream=$!
try "its events come live" wait_until 20 grep -q agent.message "$WORK/stream"

# --- hook
ask POST "/api/runs/$RUN/hook" '{"hook_event_name": "PreToolUse", "session_id": "s-1", "tool_name": "TaskCreate", "tool_use_id": "t1", "tool_input": {"subject": "Write it",
  "description": "all of it"}}'
is "$CODE $BODY" "200 {}" "a hook tells of a call"
ask POST "/api/runs/$RUN/hook" '{"event_name": "PreToolUse", "tool_name": "TaskUpdate", "tool_input": {"taskId": "1", "status": "in_progress"}}'
ask POST "/api/runs/$RUN/hook" '{"hookEventName": "PostToolUseFailure", "tool_name": "Bash", "error": "exit 1"}'
ask POST "/api/runs/$RUN/hook" '{"hook_event_name": "Notification", "message": "may I?", "notification_type": "permission_prompt"}'
ask POST "/api/runs/$RUN/hook" '{"hook_event_name": "Stop"}'
is "$CODE $BODY" "200 {}" "one that tells nothing is taken"
ask POST "/api/runs/$RUN/hook" 'nothing'
is "$CODE" 400 "what is no hook's is not"
ask GET "/api/runs/$RUN/events"
is "$(json '[.[] | select(.event_type == "agent.tool_call").payload.name] | join(" ")')" "TaskCreate TaskCreate TaskUpdate" "they are events"
is "$(jq -c '[.[] | select(.event_type == "agent.tool_result" or .event_type == "agent.needs_attention").payload | .error // .text]' <<<"$BODY")" '["exit 1","may I?"]' "with what they tell"
ask GET "/api/runs/$RUN/tasks"
is "$(jq -c '[.[] | [.id, .subject, .status]]' <<<"$BODY")" '[[1,"Look","in_progress"],[2,"Write it","pending"]]' "the list of things to do is made from them" ||
    { ask GET "/api/runs/$RUN/events"; tap_show events: "$BODY"; }

# --- pause, continue, cancel
ask POST "/api/runs/$RUN/pause"
is "$CODE$BODY" 200 "it is paused"
ask GET "/api/runs/$RUN"
is "$(json .status)" paused "and says so"
wait "$stream"
like "$(cat "$WORK/stream")" "run.paused" "the stream has told it"
is "$(grep -c '^event: run' "$WORK/stream")" 0 "in frames without a name"
like "$(head -n 1 "$WORK/stream")" '^id: [0-9]+$' "but with ids"
last=$(sed -n 's/^id: //p' "$WORK/stream" | tail -n 1)
is "$(sed -n 's/^data: //p' "$WORK/stream" | head -n 1 | jq -c '[.event_type, .sequence, .payload]')" '["run.created",1,{"task":"wait a bit","source_branch":"HEAD"}]' "and the documented data"
ask POST "/api/runs/$RUN/pause"
is "$CODE" 409 "it is paused once"
ask POST "/api/runs/$RUN/continue" '{ "message": "Please also add tests for the login flow" }' # as written
is "$CODE $(json .id)" "200 $RUN" "it goes on"
becomes completed "to its end"
is "$(json .session_id)" s-1 "in its session"
like "$(types)" "^run.created run.started session.init agent.message .*run.paused user.message run.started .*run.result run.completed$" "its events tell all of it"
curl -sSN -H "Authorization: Bearer $TOKEN" -H "Last-Event-ID: $last" "$URL/api/runs/$RUN/events/stream" >"$WORK/rest"
is "$(sed -n 's/^data: //p' "$WORK/rest" | head -n 1 | jq -r .event_type)" user.message "a stream goes on after the last one seen"
like "$(tail -n 4 "$WORK/rest")" "event: end" "and ends in words"
ask GET "/api/runs/$RUN/logs"
like "$BODY" "I heard: Be brief.*wait a bit.*done: Please also add tests" "the log is that of both turns"
ask POST "/api/runs/$RUN/notify" '{ "notify": true }' # as written
is "$CODE" 200 "it may be told to notify"
ask GET "/api/runs/$RUN"
is "$(json .notify)" true "which is kept"
ask POST "/api/runs/$RUN/cancel"
is "$CODE" 409 "what has ended is not cancelled"
ask POST "/api/runs/$RUN/hook" '{"hook_event_name": "Notification", "message": "late"}'
is "$CODE" 409 "nor does its hook tell anything"
first=$RUN
git -C "$repo" branch other
git clone -q "$repo" "$WORK/repos/frontend"
git -C "$WORK/repos/frontend" branch -q other
ask POST "/api/projects/$PROJECT/repos" "{\"name\": \"frontend\", \"repo_path\": \"$WORK/repos/frontend\"}"
FRONTEND=$(json .id)
ask POST /api/agents "{\"project_id\": \"$PROJECT\", \"name\": \"sh\", \"cli_name\": \"shell\"}"
ask POST /api/runs "{\"agent_id\": \"$(json .id)\", \"task\": \"ls /workspace; git -C frontend branch\", \"source_branch\": \"other\"}"
RUN=$(json .id)
is "$CODE $(json .source_branch)" "201 other" "a run from another branch, over two repositories"
becomes completed "ends"
ask GET "/api/runs/$RUN/logs"
like "$BODY" "backend.*frontend.*other" "each lies in a directory of its name"
ask DELETE "/api/runs/$RUN"
ask DELETE "/api/projects/$PROJECT/repos/$FRONTEND"
is "$CODE$BODY" 204 "a repository is taken out of the project"
ask POST /api/runs "{\"agent_id\": \"$AGENT\", \"task\": \"wait for long\"}"
RUN=$(json .id)
becomes running "another run"
ask POST "/api/runs/$RUN/cancel"
is "$CODE$BODY" 200 "is cancelled"
ask GET "/api/runs/$RUN"
is "$(json .status)" cancelled "and says so"
ask GET /api/runs
is "$(json '[.[].id] | join(" ")')" "$RUN $first" "all runs, the newest first"
ask DELETE "/api/runs/$first"
is "$CODE$BODY" 204 "a run is deleted"
ask GET "/api/runs/$first/events"
is "$CODE" 404 "with its events"
ask GET "/api/runs/$NONE"
is "$CODE" 404 "one that is not there"

# --- a terminal of nobody's
out=$(ws '/api/terminal?cli=cat&cols=100&rows=20' 'b:hello\n' 'f:hello' 't:{"type": "input", "data": "typed\n"}' 'f:typed' 't:{"type": "resize", "rows": 10, "cols": 40}' 'b:\x04' e:)
like "$out" '"type":"exit","exit_code":0' "an ephemeral terminal runs a program until its end"
out=$(ws '/api/terminal?cli=echo&task=words' e:)
like "$out" '-p words' "with a task"
out=$(ws '/api/terminal' e:)
like "$out" 'start_failed' "of a tool that the image has not it says so"
is "$(ws '/api/terminal?cli=/bin/sh' | cut -d' ' -f1,2)" "status 400" "a path is no tool"

# --- not yet
for line in "GET runs/$RUN/changes" "GET runs/$RUN/diff-stats" "POST runs/$RUN/commit" "POST runs/$RUN/push" "POST runs/$RUN/pull-request" \
    "POST runs/$RUN/rename-branch" "POST runs/$RUN/accept" "POST runs/$RUN/revert" "GET projects/$PROJECT/branches" \
    "DELETE projects/$PROJECT/branches?branch=a" "POST projects/$PROJECT/branches/merge" "POST projects/$PROJECT/branches/rebase" \
    "GET projects/$PROJECT/branches/pr-status" "GET settings/models" "PUT settings/models" "GET settings/notifications" "PUT settings/notifications"; do
    ask "${line% *}" "/api/${line#* }"
    like "$CODE $BODY" "^501 .* is not served yet$" "$line says that it is not served yet"
done

# --- what is kept
server_stop
server_start "${conf[@]}" "OpenDialects=abbado" || done_testing
ask GET "/api/projects/$PROJECT"
is "$CODE $(json '.repos[0].name')" "200 backend" "a restart keeps projects and repositories"
ask GET "/api/agents/$AGENT"
is "$CODE $(json .instructions)" "200 Be brief." "and agents"
ask GET "/api/runs/$RUN"
is "$CODE $(json .agent_id)" "200 $AGENT" "and whose a run is"
bare() { CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$@"); }
bare "$URL/api/runs"
is "$CODE" 200 "a dialect that was opened needs no token on this machine"
bare "$URL/v1/runs"
is "$CODE" 401 "which opens nothing else"
bare -H "Origin: https://evil.example" "$URL/api/runs"
is "$CODE" 401 "nor to a page of somebody else"
bare -H "Host: evil.example" "$URL/api/runs"
is "$CODE" 401 "nor by another name"
ask DELETE "/api/projects/$PROJECT"
is "$CODE$BODY" 204 "a project is deleted"
ask GET "/api/agents/$AGENT"
is "$CODE" 404 "with its agents"
ask GET "/api/runs/$RUN"
is "$CODE" 200 "but not its runs"
server_stop
server_start "${conf[@]}" "DialectHosts=abbado.example.org=abbado" || done_testing
bare "$URL/api/runs"
is "$CODE" 401 "without the setting a token is needed"
bare -H "Host: abbado.example.org:80" "$URL/api/health"
is "$CODE $(cat "$WORK/body")" '200 "ok"' "by its host, health is Abbado's"
ask GET /api/health
is "$(json .status)" ok "by another it is not"
ask GET "/api/projects/$PROJECT"
is "$CODE" 404 "what was deleted stays so"
done_testing
