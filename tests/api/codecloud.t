#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dialect of codecloud, as its clients speak it. Values with "as written" are the document's own. Its
# agent is a stand-in for opencode that lies in the repositories.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT GIT PYTHON
mkdir "$WORK/hook" "$WORK/images"
sed 's|^Env=.*|&\nEnv=PATH=/workspace:/usr/bin:/bin|' "$TOP/images/host.image" >"$WORK/images/host.image"
python3 "$(dirname "$0")/hook-receiver" "$WORK/hook" &
receiver=$!
at_exit "kill $receiver 2>/dev/null"
mkdir -p "$WORK/src/username" "$SRV/username"
repo username/repo-name
cat >"$WORK/src/username/repo-name/opencode" <<'E2'
#!/bin/bash
# Says and does what its prompt says: a line of its protocol for each.
prompt=$(cat)
line() { jq -cn --arg t "$1" --arg p "$prompt" "{type: \$t, sessionID: \"ses_1\", part: $2}"; }
line step_start '{}'
line text '{text: "I look at it"}'
line tool_use '{callID: "c1", tool: "bash", state: {status: "completed", input: {command: "ls -la"}, output: "x"}}'
echo "$prompt" >>said
case $prompt in
*wait*) while [ ! -e go ]; do sleep 0.05; done ;;
*fail*) echo "no model answers" >&2; exit 1 ;;
agents) prompt=$(cat ~/.config/opencode/agent/reviewer.md) ;;
esac
line text '{text: ("done: " + $p)}'
line step_finish '{reason: "stop", tokens: {input: 12500, output: 3200, reasoning: 0, cache: {read: 0, write: 0}}, cost: 0}'
E2
cat >"$WORK/src/username/repo-name/claude" <<'E2'
#!/usr/bin/env python3
# Lists its tools and calls the first one.
import json, os, sys
def put(**o): print(json.dumps(o), flush=True)
def rpc(n, method, **params):
    put(type="control_request", request_id="r%d" % n, request={"subtype": "mcp_message", "server_name": "pinfold",
        "message": {"jsonrpc": "2.0", "id": n, "method": method, "params": params}})
    return json.loads(sys.stdin.readline())["response"]["response"]["mcp_response"]["result"]
first = sys.stdin.readline()
put(type="system", subtype="init", session_id="s", model="m")
if "agents" in first:
    put(type="result", subtype="success", session_id="s", result=json.dumps(open(os.path.expanduser("~/.claude/agents/reviewer.md")).read()))
    sys.stdin.read()
    sys.exit(0)
rpc(0, "initialize", protocolVersion="2025-11-25")
tools = rpc(1, "tools/list")["tools"]
rpc(2, "tools/call", name=tools[0]["name"], arguments={"query": "bolts", "limit": 3})
put(type="result", subtype="success", session_id="s", result=json.dumps(tools))
sys.stdin.read()
E2
chmod 755 "$WORK/src/username/repo-name/"{opencode,claude}
in_src username/repo-name add -A
in_src username/repo-name commit -qm agent
publish username/repo-name
http_start
wait_until 20 test -s "$WORK/hook/port"
to=http://127.0.0.1:$(cat "$WORK/hook/port")
conf=("ImagesDir=$WORK/images" "RepositoryBase=$HTTP/repos/" "AllowPrivate=${to#http://} ${HTTP#http://}" "WebhookProgress=yes")
server_start "${conf[@]}" || done_testing
ADMIN=$TOKEN
api PUT /v1/providers/anthropic -d "{\"kind\": \"openai-compatible\", \"base_url\": \"$to/v1\", \"models\": [\"claude-opus-4.5\", \"m2\", \"m3\", \"m4\", \"m5\", \"m6\"]}"
api POST /v1/tokens -d '{"name": "key", "scopes": ["exec"], "prefix": "cc"}'
is "$CODE" 201 "a key is made"
API_KEY=$(json .token)
like "$API_KEY" "^cc_" "which begins as clients know it"
TOKEN=$API_KEY

ask() { # METHOD PATH [BODY]
    if [ $# -gt 2 ]; then api "$1" "$2" -H 'Content-Type: application/json' -d "$3"; else api "$1" "$2"; fi
}
refused() { # STATUS TYPE MESSAGE SENTENCE
    is "$CODE $(jq -c . <<<"$BODY")" "$1 {\"error\":\"$2\",\"message\":\"$3\"}" "$4"
}
make() { # MORE: a run over the repository
    ask POST /api/v1/agents "$(jq -n --argjson more "$1" '{repo: "username/repo-name", webhook_url: (env.to + "/webhooks/agent-complete")} + $more')"
    RUN=$(json .id)
}
export to
status_is() { ask GET "/api/v1/agents/run/$RUN"; [ "$(json .status)" = "$1" ]; }
becomes() { # STATUS SENTENCE
    wait_until 60 status_is "$1"
    tap_up=1 ok $? "$2"
}
keys() { jq -r 'keys_unsorted | join(" ")' <<<"$BODY"; }
got() { jq -s "[.[] | select(.headers[\"x-codecloud-event\"] | test(\"$1\"))] | $2" "$WORK/hook/got" 2>/dev/null; }
n_got() { [ "$(got "$1" length)" = "$2" ]; }
TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z'

# --- who may
TOKEN=none
ask GET /api/v1/agents
refused 401 Unauthorized "Invalid or missing API key" "an unknown key"
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/v1/agents"); BODY=$(cat "$WORK/body")
refused 401 Unauthorized "Invalid or missing API key" "no key at all"
TOKEN=$API_KEY
ask GET /api/v1/nothing
is "$CODE $(json .error)" "404 Not Found" "a path that is not there is refused in its words"

# --- create
ask POST /api/v1/agents "$(jq -n --arg url "$to/webhooks/agent-complete" '{
  repo: "username/repo-name", prompt: "Add a new endpoint to handle user authentication", model: "claude-opus-4.5",
  provider: "anthropic", branch: "main", webhook_url: $url, mode: "execute", auto_create_pr: true,
  agent_provider: "opencode"}')" # as written, but for the URL
is "$CODE $(json .status)" "201 queued" "create as written"
RUN=$(json .id)
is "$(json .title)" "Add a new endpoint to handle user authentication" "it has a title"
is "$(keys)" "id title status message" "and what is documented"
becomes completed "it completes"
is "$(jq -c '[.title, .status, .mode, .model, .provider, .result, .repo, .prompt, .prs, .input_tokens, .output_tokens]' <<<"$BODY")" \
    '["Add a new endpoint to handle user authentication","completed","execute","claude-opus-4.5","anthropic","done: Add a new endpoint to handle user authentication","username/repo-name","Add a new endpoint to handle user authentication",[],12500,3200]' \
    "its details"
is "$(jq -r 'has("error"), has("plan")' <<<"$BODY" | xargs)" "false false" "what it has not is not there"
for at in createdAt startedAt completedAt; do like "$(json ".$at")" "^$TIME\$" "$at in milliseconds"; done
DETAIL=$BODY
ask GET "/codecloud/api/v1/agents/run/$RUN"
is "$BODY" "$DETAIL" "the prefix leads to the same"
FIRST=$RUN

# --- webhooks
try "its end is posted" wait_until 60 n_got 'completed' 1
is "$(got completed '.[0].path' | jq -r .)" /webhooks/agent-complete "to its address"
is "$(got completed '.[0].headers | "\(.["content-type"]) \(.["user-agent"])"' | jq -r .)" "application/json codecloud-Webhooks/1.0" "with the documented headers"
BODY=$(got completed '.[0].body' | jq -r .)
is "$(keys)" "event run_id status mode repo result usage created_at completed_at" "the payload has the documented fields"
is "$(jq -c '[.event, .run_id, .status, .mode, .repo, .result, .usage]' <<<"$BODY")" \
    "[\"agent.completed\",\"$RUN\",\"completed\",\"execute\",\"username/repo-name\",\"done: Add a new endpoint to handle user authentication\",{\"input_tokens\":12500,\"output_tokens\":3200}]" "and tells what it came to"
TOKEN=$ADMIN
secret=$(api GET /v1/webhooks/secret; json .secret)
TOKEN=$API_KEY
is "$(got completed '.[0].headers["x-codecloud-signature"]' | jq -r .)" \
    "$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1)" "the signature is the hex digest of the raw body"
isnt "$(got completed '.[0].headers["x-codecloud-delivery"]')" null "it has a delivery id"
try "progress was told" wait_until 60 eval "[ \"\$(got progress '[.[].body | fromjson | select(.tool_call)] | length')\" -ge 1 ]"
is "$(got progress '[.[].body | fromjson | select(.tool_call.status == "completed" or .tool_call.status == "running")][0] | [.event, .run_id, .status, .tool_call.name]' | jq -c .)" \
    "[\"agent.progress\",\"$RUN\",\"running\",\"bash\"]" "with its calls of tools"
is "$(got progress '[.[].body | fromjson | select(.thinking)][0] | keys_unsorted | join(" ")' | jq -r .)" "event run_id status thinking" "and what it says"
TOKEN=$ADMIN
api GET "/v1/runs/$RUN/deliveries"
is "$(json '.items | length')" 1 "of progress there is no delivery record"
TOKEN=$API_KEY

# --- message
echo 503 >"$WORK/hook/status"
: >"$WORK/hook/got"
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "Now add unit tests for the authentication endpoint", "mode": "execute", "update_pr": true, "idempotency_key": "msg-12345-abc"}' # as written
is "$CODE $(json '"\(.id) \(.status)"')" "200 $RUN running" "a message as written"
ANSWER=$BODY
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "Now add unit tests for the authentication endpoint", "mode": "execute", "update_pr": true, "idempotency_key": "msg-12345-abc"}'
is "$BODY" "$ANSWER" "the same key gives the same answer"
becomes completed "it completes again"
is "$(json .result)" "done: Now add unit tests for the authentication endpoint" "with the new result"
is "$(json .input_tokens)" 25000 "tokens are of all turns"
TOKEN=$ADMIN
api GET "/v1/runs/$RUN"
is "$(json .turn)" 2 "and was told once"
api GET "/v1/workspaces/$(json .workspace_id)/files/said"
is "$BODY" $'Add a new endpoint to handle user authentication\nNow add unit tests for the authentication endpoint' "in the same workspace"
TOKEN=$API_KEY
try "a delivery that fails is tried again" wait_until 60 n_got completed 2
rm "$WORK/hook/status"
is "$(got completed '[.[].headers["x-codecloud-delivery"]] | unique | length')" 2 "under another id"
is "$(got completed '[.[].body] | unique | length')" 1 "with the same words"
server_stop
server_start "${conf[@]}" || done_testing
try "also by the next server" wait_until 90 eval "[ \"\$(got completed '[.[] | select(.status == 200)] | length')\" = 1 ]"
is "$(got completed '.[-1].headers["user-agent"]' | jq -r .)" "codecloud-Webhooks/1.0" "in the same form"
TOKEN=$API_KEY

# --- failing, stopping
make '{"prompt": "fail\nplease"}'
is "$(json .title)" fail "a title is one line"
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "x"}'
is "$CODE" 400 "one that has not completed takes no message"
becomes failed "it fails"
like "$(json .error)" "no model answers" "and says why"
is "$(jq -r 'has("result")' <<<"$BODY")" false "without a result"
try "which is posted" wait_until 60 n_got 'failed' 1
is "$(got failed '.[0].body | fromjson | "\(.event) \(.status) \(.repo)"' | jq -r .)" "agent.failed failed username/repo-name" "as agent.failed"
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "x"}'
refused 400 "Validation Error" "Run cannot be resumed: its status is failed, not completed" "what failed takes none either"
make '{"prompt": "wait"}'
becomes running "it runs"
ask POST "/api/v1/agents/run/$RUN/stop"
is "$CODE $(jq -c . <<<"$BODY")" "200 {\"id\":\"$RUN\",\"status\":\"failed\",\"message\":\"Run was cancelled\"}" "it is stopped"
ask GET "/api/v1/agents/run/$RUN"
is "$(json '"\(.status) \(.error)"')" "failed Run was cancelled" "as failed, with a cancellation message"
ask POST "/api/v1/agents/run/$FIRST/stop"
is "$CODE $(json .status)" "200 completed" "what had completed stays so"

# --- plan, blank workspace
make '{"prompt": "look", "mode": "plan"}'
becomes completed "a plan"
like "$(json '"\(has("result")) \(.mode) \(.plan)"')" "^false plan done: .*look" "is no result"
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "x", "update_pr": true}'
refused 400 "Validation Error" "update_pr: is only valid for mode execute" "a plan updates no pull request"
ask POST /api/v1/agents '{"prompt": "echo blank; ls -A | wc -l", "blank_workspace": true, "repo": "not valid", "agent_provider": "shell"}'
is "$CODE $(json .message)" "201 Agent run is queued" "a blank workspace ignores the repository"
RUN=$(json .id)
wait_until 60 status_is completed
is "$(jq -c '[.result, has("repo")]' <<<"$BODY")" '["blank\n0\n",false]' "and has none"
make '{"prompt": "defaults", "provider": null}'
wait_until 60 status_is completed
is "$(json '"\(.provider) \(.model)"')" "anthropic claude-opus-4.5" "the first provider and its first model are the default"

# --- tools
: >"$WORK/hook/got"
tool=$(jq -n --arg u "$to/search" '{name: "search_inventory", description: "Search product inventory",
  parameters: {properties: {"query": {"type": "string", "description": "Search query"}, "limit": {"type": "number", "description": "Max results"}}, required: ["query"]},
  endpoint: {url: $u, method: "POST", headers: {"Authorization": "Bearer token-abc"}}}') # as written, but for the URL
ask POST /api/v1/agents "$(jq -n --argjson t "$tool" '{repo: "username/repo-name", prompt: "find bolts", agent_provider: "claude-code", tools: [$t]}')"
is "$CODE" 201 "a run with a tool is made"
RUN=$(json .id)
becomes completed "and ends"
is "$(json '.result | fromjson | .[0].name + " " + .[0].inputSchema.properties.query.type + " " + .[0].inputSchema.required[0]')" "search_inventory string query" "its agent was told of it"
is "$(jq -s '[.[] | select(.path == "/search")][0] | "\(.headers.authorization) \(.body | fromjson | .query)"' -r "$WORK/hook/got")" "Bearer token-abc bolts" "and called it, with the headers that the agent never saw"
TOOLED=$RUN
ask POST "/api/v1/agents/run/$RUN/message" "$(jq -n --argjson t "$tool" '{prompt: "find more", tools: [$t | .name = "other_inventory" | .endpoint.method = "PUT"]}')"
is "$CODE" 200 "a message brings other tools"
becomes completed "and is done"
is "$(json '.result | fromjson | map(.name) | join(" ")')" other_inventory "which replace those of the run"
is "$(jq -s '[.[] | select(.path == "/search") | .method] | join(" ")' -r "$WORK/hook/got")" "POST PUT" "and are called by their method"
ask POST "/api/v1/agents/run/$RUN/message" "$(jq -n --argjson t "$tool" '{prompt: "x", tools: [$t | .endpoint.url = "http://127.0.0.1:1/"]}')"
is "$CODE $(json .error)" "400 Validation Error" "their addresses are public too"
ask POST "/api/v1/agents/run/$RUN/message" '{"prompt": "find again"}'
becomes completed "a message that brings none"
TOKEN=$ADMIN
api GET "/v1/runs/$RUN"
is "$(json '.tools | join(" ")')" other_inventory "leaves those that there are"
TOKEN=$API_KEY
ask POST /api/v1/agents "$(jq -n --argjson t "$tool" '{repo: "a/b", prompt: "x", agent_provider: "claude-code", tools: [$t | .endpoint.url = "http://127.0.0.1:1/"]}')"
is "$CODE $(json .error)" "400 Validation Error" "an address that is not public is refused"
ask POST /api/v1/agents "$(jq -n --argjson t "$tool" '{repo: "a/b", prompt: "x", agent_provider: "cursor", tools: [$t]}')"
is "$CODE $(json .error)" "400 Validation Error" "so is a tool for an agent that cannot be served any"

# --- subagents
make '{"prompt": "x", "agents": [{"name": "a", "description": "d", "mode": "primary", "prompt": "p", "tools": {}}]}'
is "$CODE $(json .error)" "400 Validation Error" "another mode is refused"
make '{"prompt": "agents", "agents": [{"name": "reviewer", "description": "reviews", "mode": "subagent", "prompt": "Review it.", "tools": {"bash": false, "read": true}, "max_turns": 5}]}'
is "$CODE" 201 "a run with a subagent is made"
becomes completed "and ends"
is "$(json '.result | split("---\n") | .[1:] | join("")')" $'mode: subagent\ndescription: "reviews"\nsteps: 5\ntools:\n  "*": false\n  "read": true\n  "bash": false\nReview it.' "its agent finds it, with its tools and its turns"
make '{"prompt": "agents", "agent_provider": "claude-code", "agents": [{"name": "reviewer", "description": "reviews", "mode": "subagent", "prompt": "Review it.", "tools": {"bash": true, "webfetch": false, "mcp__x": true}}]}'
becomes completed "so does the other agent"
like "$(json '.result | fromjson')" $'tools: "Bash, mcp__x"\ndisallowedTools: "WebFetch"\n' "with the tools' names there"

# --- list
ask GET '/api/v1/agents?limit=2'
is "$CODE $(json '.runs | length') $(json '.runs[0].id')" "200 2 $RUN" "the list begins with the newest"
is "$(jq -r '.runs[0] | keys_unsorted | join(" ")' <<<"$BODY")" "id title status model provider repo createdAt completedAt" "as documented"
ask GET '/api/v1/agents?offset=1&limit=1'
is "$(json '.runs | length')" 1 "an offset is taken"
isnt "$(json '.runs[0].id')" "$RUN" "and counts"
ask GET '/api/v1/agents?status=failed'
is "$(json '[.runs[].status] | unique | join(" ")')" failed "by status"
ask GET '/api/v1/agents?status=asleep'
is "$CODE" 400 "a status that is none"
for limit in 0 101 x; do
    ask GET "/api/v1/agents?limit=$limit"
    is "$CODE $(json .error)" "400 Validation Error" "limit $limit"
done

# --- what is refused
ask POST /api/v1/agents '{"repo": "repo", "prompt": "x"}'
refused 400 "Validation Error" "repo: repo must be in format: owner/repo" "a repository in another form, as written"
ask POST /api/v1/agents '{"repo": "a/b"}'
is "$CODE" 400 "no prompt"; like "$(json .message)" "^prompt: " "names the field"
ask POST /api/v1/agents '{"prompt": "x"}'
is "$CODE" 400 "no repository"
ask POST /api/v1/agents '{"repo": "a/b", "prompt": "x", "agent_provider": "nobody"}'
refused 400 "Validation Error" "agent_provider: must be opencode or claude-code" "an agent that is none"
ask POST /api/v1/agents '{"repo": "a/b", "prompt": "x", "provider": "nobody"}'
is "$CODE" 400 "a provider that is none"
ask POST /api/v1/agents '{"repo": "a/b", "prompt": "x", "tools": [], "agents": []}'
is "$CODE" 201 "no tools are no tools"
ask POST /api/v1/agents '{"repo": "a/b", "prompt": "x", "tools": [{"name": "search_inventory"}]}'
is "$CODE" 400 "a tool without its address"
ask POST /api/v1/agents '{"repo": "a/b", "prompt": "x", "agents": [{"name": "a"}]}'
is "$CODE $(json .error)" "400 Validation Error" "a subagent without its prompt"
ask GET /api/v1/agents/run/jd7x8k9m2n3p4q5r
refused 400 "Validation Error" "Invalid run ID format" "an id in another form"
ask GET /api/v1/agents/run/run_00000000000000000000
refused 404 "Not Found" "Run not found" "an id that is not there"
ask POST /api/v1/agents/run/run_00000000000000000000/stop
is "$CODE" 404 "nor is it stopped"

# --- public
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/v1/providers"); BODY=$(cat "$WORK/body")
is "$CODE $(jq -c '.providers[0]' <<<"$BODY")" \
    '200 {"id":"anthropic","name":"Anthropic","credentials":[{"key":"ANTHROPIC_API_KEY","label":"API Key","required":true,"placeholder":"sk-ant-..."}]}' "providers need no key, and look as written"
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/v1/models?provider=anthropic"); BODY=$(cat "$WORK/body")
is "$CODE $(keys) $(jq -c '[.models.anthropic | length, .[0].id, .[0].reasoning, .[0].toolCall]' <<<"$BODY")" '200 generatedAt source models [5,"claude-opus-4.5",false,true]' "nor do models: five of each"
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/v1/models?provider=google"); BODY=$(cat "$WORK/body")
is "$CODE $(jq -c .models <<<"$BODY")" "200 {}" "of one provider"
done_testing
