#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dialect of Open Commander, as its clients speak it. Bodies with "as written" are the document's own. Its
# agent is a stand-in for claude that lies in the repositories.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT GIT PYTHON
mkdir -p "$WORK/images" "$WORK/src/my-org" "$SRV/my-org"
sed 's|^Env=.*|&\nEnv=PATH=/workspace:/usr/bin:/bin|' "$TOP/images/host.image" >"$WORK/images/host.image"
repo my-org/my-app
cat >"$WORK/src/my-org/my-app/claude" <<'E2'
#!/bin/bash
for prompt; do case $prompt in -*) ;; *) last=$prompt ;; esac; done
[ -t 0 ] || { read -r line; last="$last$line"; }
echo '{"type":"system","subtype":"init","session_id":"s-1","model":"m"}'
case $last in
*wait*) while [ ! -e go ]; do sleep 0.05; done ;;
*fail*) echo "no model answers" >&2; exit 1 ;;
esac
echo '{"type":"result","subtype":"success","is_error":false,"result":"Fixed in '"$(ls README)"'","session_id":"s-1","usage":{"input_tokens":1,"output_tokens":2}}'
E2
chmod 755 "$WORK/src/my-org/my-app/claude"
in_src my-org/my-app add -A
in_src my-org/my-app commit -qm agent
publish my-org/my-app
http_start
conf=("ImagesDir=$WORK/images" "RepositoryBase=$HTTP/repos/" "AllowPrivate=${HTTP#http://}" "MaxRuns=2")
server_start "${conf[@]}" || done_testing
api PUT /v1/providers/models -d "{\"kind\": \"openai-compatible\", \"base_url\": \"$HTTP/v1\", \"models\": [\"m\"]}"
api POST /v1/tokens -d '{"name": "client", "scopes": ["exec"], "prefix": "oc_sk"}'
ADMIN=$TOKEN
KEY=$(json .token)
TOKEN=$KEY
like "$KEY" "^oc_sk_" "a key begins as clients know it"

ask() { # METHOD PATH [BODY]
    if [ $# -gt 2 ]; then api "$1" "$2" -H 'Content-Type: application/json' -d "$3"; else api "$1" "$2"; fi
}
keys() { jq -r "$1 | keys_unsorted | join(\" \")" <<<"$BODY"; }
refused() { is "$CODE $(jq -c . <<<"$BODY")" "$1 {\"error\":\"$2\"}" "$3"; }
is_status() { ask GET "/api/tasks/$TASK"; [ "$(json '"\(.task.status) \(.task.latestExecution.status)"')" = "$1" ]; }
becomes() { # "TASK EXECUTION" SENTENCE
    wait_until 60 is_status "$1"
    tap_up=1 ok $? "$2"
}
TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z'

# --- who may
bare() { CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$@"); BODY=$(cat "$WORK/body"); }
bare "$URL/api/tasks"
refused 401 "Missing or invalid Authorization header" "no key"
bare -H "Authorization: Basic YTpi" "$URL/api/tasks"
refused 401 "Missing or invalid Authorization header" "none that is known"
bare -H "Authorization: Bearer oc_sk_your_api_key_here" "$URL/api/tasks"
refused 401 "Invalid API key" "an unknown one"

# --- create
ask POST /api/tasks '{
"body": "Fix the bug in src/auth/login.ts - users are getting logged out after 5 minutes",
"agentId": "claude",
"repository": "my-org/my-app"
}' # as written
is "$CODE $(jq -c '[.task.status, .task.agentId, .task.repository, .task.body, .task.attachments, .execution.status]' <<<"$BODY")" \
    '201 ["doing","claude","my-org/my-app","Fix the bug in src/auth/login.ts - users are getting logged out after 5 minutes",[],"pending"]' "a task with an agent begins at once"
is "$(keys .) / $(keys .execution)" "task execution / id status" "in the documented form"
TASK=$(json .task.id) EXECUTION=$(json .execution.id)
for at in createdAt updatedAt; do like "$(json ".task.$at")" "^$TIME\$" "$at in milliseconds"; done
becomes "done completed" "it is carried out"
is "$(jq -c '.task.latestExecution | [.id, .status, .agentId, .jobId, .completed, .needsInput, .inputRequest, .result, .errorMessage]' <<<"$BODY")" \
    "[\"$EXECUTION\",\"completed\",\"claude\",\"$EXECUTION\",true,false,null,\"Fixed in README\",null]" "over its repository, which was cloned"
is "$(keys .task.latestExecution)" "id status agentId jobId containerName completed needsInput inputRequest result errorMessage logs startedAt finishedAt createdAt updatedAt" "with the documented members"
like "$(json .task.latestExecution.logs)" '"subtype":"init".*Fixed in README' "and its log"
like "$(json .task.latestExecution.finishedAt)" "^$TIME\$" "and when"
is "$(json '.task.executions | length') $(json '.task.executions[0].id')" "1 $EXECUTION" "all executions are there"
FIRST=$TASK
ask POST /api/tasks '{
"body": "Create a new React component called UserProfile that displays user avatar, name, and bio. Use Tailwind CSS for styling.",
"mountPoint": "projects/my-app"
}' # as written, without the agent
is "$CODE $(jq -c '[.task.status, .task.agentId, .task.mountPoint, .task.repository, .execution]' <<<"$BODY")" '201 ["todo",null,"projects/my-app",null,null]' "without an agent it is to do"
TODO=$(json .task.id)
ask GET "/open_commander/api/tasks/$TODO"
is "$CODE $(jq -c '[.task.id, .task.latestExecution, .task.executions]' <<<"$BODY")" "200 [\"$TODO\",null,[]]" "and has no execution; the prefix leads to the same"
ask POST /api/tasks '{"body": "  wait  ", "agentId": "claude", "repository": "my-org/my-app"}'
is "$(json .task.body)" wait "white space around the body goes"
TASK=$(json .task.id)
becomes "doing running" "another goes on"
RUN=$(json .task.latestExecution.id)
ask GET '/api/tasks?status=doing' # as written
is "$CODE $(json '.tasks | length') $(json '.tasks[0].id')" "200 1 $TASK" "those that go on are found"
TOKEN=$ADMIN
api POST "/v1/runs/$RUN/cancel?wait=30"
TOKEN=$KEY
becomes "canceled failed" "one that was stopped is canceled"
is "$(json .task.latestExecution.errorMessage)" "Stopped by user" "and its execution says so"
ask POST /api/tasks '{"body": "fail", "agentId": "claude", "repository": "my-org/my-app"}'
TASK=$(json .task.id)
becomes "todo failed" "one that failed is to do again"
like "$(json .task.latestExecution.errorMessage)" "no model answers" "and says why"

# --- list
ask GET /api/tasks
is "$CODE $(json '[.tasks[].status] | join(" ")')" "200 todo todo done canceled" "the list is in the order of their states"
is "$(jq -c .pagination <<<"$BODY")" '{"total":4,"limit":50,"offset":0,"hasMore":false}' "with its pages"
is "$(jq -c '.tasks[2] | [.id, .mountPoint, .latestExecution.id, .latestExecution.result]' <<<"$BODY")" "[\"$FIRST\",\"repos/my-org/my-app\",\"$EXECUTION\",\"Fixed in README\"]" "and the latest execution of each"
is "$(keys '.tasks[2].latestExecution')" "id status result errorMessage createdAt finishedAt" "in short"
ask GET '/api/tasks?limit=1&offset=1'
is "$(json '.tasks | length') $(jq -c .pagination <<<"$BODY")" '1 {"total":4,"limit":1,"offset":1,"hasMore":true}' "a page"
ask GET '/api/tasks?limit=1000&status=nonsense'
is "$(jq -c .pagination <<<"$BODY")" '{"total":4,"limit":100,"offset":0,"hasMore":false}' "a limit over the maximum, and a status that is none"

# --- what is refused
ask POST /api/tasks '{}'
refused 400 "Task body is required" "no body, as written"
ask POST /api/tasks '{"body": "   "}'
refused 400 "Task body is required" "nothing in it"
ask POST /api/tasks '{"body": "x", "agentId": "gpt"}'
refused 400 "Invalid agentId. Must be one of: opencode, claude, codex, cursor" "an agent that is none, as written"
ask POST /api/tasks '{"body": "x", "repository": "hello-world"}'
is "$CODE" 400 "a repository in another form"; like "$(json .error)" "^Invalid repository format. Use 'owner/repo' format" "says how"
ask GET /api/tasks/clx789abc123
refused 404 "Task not found" "a task that is not there, as written"
ask POST /api/tasks 'no json'
is "$CODE" 400 "what is no JSON"

# --- GitHub
ask POST /api/github/verify-access '{}'
is "$CODE $(jq -c . <<<"$BODY")" '400 {"hasAccess":false,"error":"Repository is required (format: owner/repo)"}' "verify-access without a repository, as written"
ask POST /api/github/verify-access '{"repository": "x"}'
is "$CODE $(jq -c . <<<"$BODY")" "400 {\"hasAccess\":false,\"error\":\"Invalid repository format. Use 'owner/repo' format.\"}" "in another form, as written"
ask POST /api/github/verify-access '{"repository": "octocat/hello-world"}'
is "$CODE $(jq -c . <<<"$BODY")" '500 {"hasAccess":false,"error":"GitHub token is not configured on the server (GITHUB_TOKEN)"}' "and as it is: no token is configured"

# --- no provider, nothing made; what is made is kept
TOKEN=$ADMIN
api DELETE /v1/providers/models
ask POST /api/tasks '{"body": "x", "agentId": "claude"}'
is "$CODE" 400 "an agent without a model is refused"
ask GET /api/tasks
is "$(json .pagination.total)" 4 "and its task is not made"
server_stop
server_start "${conf[@]}" || done_testing
ask GET "/api/tasks/$FIRST"
is "$CODE $(json '"\(.task.status) \(.task.latestExecution.result)"')" "200 done Fixed in README" "a restart keeps tasks and executions"
api DELETE "/v1/runs/$EXECUTION"
ask GET "/api/tasks/$FIRST"
is "$(jq -c '[.task.status, .task.latestExecution]' <<<"$BODY")" '["done",null]' "a task outlives its run as what it has become"
done_testing
