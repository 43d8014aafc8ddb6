#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Missions of the dialect of sandboxed.sh. Bodies with "as written" are the document's own. What agents do beside
# talking is told by the hooks of another dialect: the run is the same.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
(umask 077; printf 'your-password\n' >"$WORK/password")
conf=("PasswordFile=$WORK/password" "MaxRuns=2")
server_start "${conf[@]}" || done_testing
ADMIN=$TOKEN
NIL=00000000-0000-0000-0000-000000000000
UUID='[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
SECOND='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
M=/api/control/missions

ask() { # METHOD PATH [BODY]
    if [ $# -gt 2 ]; then api "$1" "$2" -H 'Content-Type: application/json' -d "$3"; else api "$1" "$2"; fi
}
answers() { is "$CODE $BODY" "$1 $2" "$3"; }
keys() { jq -r 'keys_unsorted | join(" ")' <<<"$BODY"; }
is_status() { ask GET "$M/$ID"; [ "$(json .status)" = "$1" ]; }
becomes() { # STATUS SENTENCE
    wait_until 60 is_status "$1"
    tap_up=1 ok $? "$2"
}
make() { ask POST $M "$1"; ID=$(json .id 2>/dev/null); }
say() { ask POST /api/control/message "$(jq -n --arg c "$1" --arg m "$ID" '{content: $c, mission_id: $m}')"; }
events() { ask GET "$M/$ID/events${1:-}"; }
ask POST /api/auth/login '{"password": "your-password"}'
TOKEN=$(json .token)

# --- made, listed
ask GET $M
answers 200 "[]" "there is no mission"
ask POST /api/workspaces '{"name": "my-workspace", "env_vars": {"WHERE": "mine"}}'
WS=$(json .id)
make "$(jq -n --arg w "$WS" '{ "title": "My Mission", "workspace_id": $w, "agent": "code-reviewer", "model_override": "gpt-5-codex", "model_effort": "medium" }')" # as written
is "$CODE" 200 "a mission as written"
like "$(json .id)" "^$UUID\$" "its id is a UUID"
is "$(jq -c '[.status, .title, .workspace_id, .workspace_name, .agent, .model_override, .model_effort]' <<<"$BODY")" \
    "[\"pending\",\"My Mission\",\"$WS\",\"my-workspace\",\"code-reviewer\",\"gpt-5-codex\",\"medium\"]" "what was given is answered"
for key in id status title workspace_id workspace_name agent model_override model_effort created_at updated_at; do
    like " $(keys) " " $key " "it has $key"
done
like "$(json .created_at)" "^$SECOND\$" "made at, in whole seconds"
FIRST=$ID
api POST $M
is "$CODE $(jq -c '[.title, .workspace_id, .model_effort]' <<<"$BODY")" "200 [null,\"$NIL\",null]" "all fields are optional, and so is the body"
PLAIN=$(json .id)
make '{"backend": "mainframe"}'
answers 400 "Unknown backend: mainframe" "a backend that is none"
make '{"model_effort": "huge"}'
is "$CODE" 400 "an effort that is none"
make '{"workspace_id": "550e8400-e29b-41d4-a716-446655440000"}'
is "$CODE" 404 "a workspace that is not there"
ask GET $M
is "$(json 'map(.id) | join(" ")')" "$PLAIN $FIRST" "the list begins with what changed last"
ask GET "$M?limit=1&offset=1"
is "$(json 'map(.id) | join(" ")')" "$FIRST" "page by page"
ask GET "$M/$FIRST"
is "$CODE $(json .title)" "200 My Mission" "one is shown"
ask GET "/sandboxed_sh$M/$FIRST"
is "$CODE" 200 "the prefix leads to the same"
ask GET "$M/550e8400-e29b-41d4-a716-446655440000"
answers 404 "Mission not found" "one that is not there"

# --- said
ask POST /api/control/message '{ "content": "Your message here", "agent": "optional-agent-override" }' # as written
is "$CODE" 400 "a message needs a mission that is loaded"
make "{\"title\": \"works\", \"backend\": \"shell\", \"workspace_id\": \"$WS\"}"
ask POST "$M/$ID/load"
is "$CODE $(json .id)" "200 $ID" "it is loaded"
curl -sSN -H "Authorization: Bearer $TOKEN" "$URL/api/control/stream" >"$WORK/stream" 2>/dev/null &
stream=$!
at_exit "kill $stream 2>/dev/null"
try "the stream begins with its status" wait_until 20 grep -q '"state":"idle"' "$WORK/stream"
ask POST /api/control/message '{"content": "echo at work in $WHERE; echo one >file; while [ ! -e go ]; do sleep 0.05; done"}'
is "$CODE $(json .queued) $(keys)" "200 false id queued" "a message begins it"
like "$(json .id)" "^$UUID\$" "and has an id"
becomes active "it is active"
try "its start is told" wait_until 20 grep -q '"state":"running"' "$WORK/stream"
say 'cat file; echo done'
is "$CODE $(json .queued)" "200 true" "another is queued as long as the first goes on"
ask DELETE "$M/$ID"
answers 409 "Cannot delete a running mission. Cancel it first." "it is not deleted then"
TOKEN=$ADMIN
api GET "/v1/runs?status=running"
RUN=$(json '.items[0].id') RWS=$(json '.items[0].workspace_id')
hook() { api POST "/abbado/api/runs/$HOOK/hook" -d "$1"; }
HOOK=$(python3 - "$RUN" <<'E2'
import sys
bits = "".join(format("0123456789abcdefghjkmnpqrstvwxyz".index(c), "05b") for c in sys.argv[1].split("_")[1])
out, i = [], 0
for k in range(128):
    if k in (48, 50, 51, 65): out.append("0")
    elif k in (49, 64): out.append("1")
    else:
        out.append(bits[i] if i < len(bits) else "0"); i += 1
h = "%032x" % int("".join(out), 2)
print("-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:])))
E2
)
hook '{"hook_event_name": "PreToolUse", "tool_name": "bash", "tool_use_id": "t1", "tool_input": {"command": "ls -la"}}'
is "$CODE" 200 "a tool is called"
hook '{"hook_event_name": "PostToolUse", "tool_name": "bash", "tool_use_id": "t1", "tool_response": "a file"}'
hook '{"hook_event_name": "SubagentStart", "agent_id": "a1", "agent_type": "explorer"}'
ask POST /api/auth/login '{"password": "your-password"}'
TOKEN=$(json .token)
ask GET /api/control/tree
is "$CODE $(jq -c '[.id, .type, .name, .status, (.children | map([.id, .name, .status]))]' <<<"$BODY")" \
    "200 [\"$ID\",\"root\",\"works\",\"running\",[[\"a1\",\"explorer\",\"running\"]]]" "the tree has the agent and its subagents"
is "$(keys)" "id type name description status budget_allocated budget_spent children" "in the documented form"
TOKEN=$ADMIN
api PUT "/v1/workspaces/$RWS/files/go" --data-binary x
ask POST /api/auth/login '{"password": "your-password"}'
TOKEN=$(json .token)
becomes completed "it goes through all that was said"
try "the stream tells its end" wait_until 20 eval 'grep -q "\"content\":\"one" "$WORK/stream"'
events
is "$(json '[.[].event_type] | join(" ")')" "user_message user_message tool_call tool_result assistant_message assistant_message" "its events are stored"
is "$(jq -c '[.[] | select(.event_type == "assistant_message").content]' <<<"$BODY")" '["at work in mine\n","one\ndone\n"]' "with what was answered"
is "$(jq -c '.[2] | [.tool_name, .tool_call_id, .mission_id]' <<<"$BODY")" "[\"bash\",\"t1\",\"$ID\"]" "and what was called"
is "$(jq -r '.[0] | keys_unsorted | join(" ")' <<<"$BODY")" "id mission_id sequence event_type timestamp event_id tool_call_id tool_name content metadata" "in the documented form"
events '?types=user_message,assistant_message&limit=100&offset=0' # as written
is "$(json '[.[].event_type] | unique | join(" ")') $(json length)" "assistant_message user_message 4" "by their types"
events '?types=assistant_message&limit=1&offset=1'
is "$(jq -c 'map(.content)' <<<"$BODY")" '["one\ndone\n"]' "page by page"
events '?types=nonsense'
answers 200 "[]" "of a type that is none there are none"
is "$(sed -n 's/^event: //p' "$WORK/stream" | grep -v ping | sort -u | xargs)" "assistant_message status tool_call tool_result user_message" "the stream names its events"
is "$(sed -n 's/^data: //p' "$WORK/stream" | jq -c 'select(.type == "tool_call") | [.name, .args.command, .mission_id]')" "[\"bash\",\"ls -la\",\"$ID\"]" "and has their data"
ask GET /api/control/tree
answers 200 null "there is no tree when nothing runs"

# --- again: in the same workspace, each message once
ask POST /api/control/message '{"content": "cat file; echo again >>file", "client_message_id": "m-1"}'
is "$CODE $(json .queued)" "200 false" "what was completed goes on"
ANSWER=$BODY
ask POST /api/control/message '{"content": "cat file; echo again >>file", "client_message_id": "m-1"}'
is "$BODY" "$ANSWER" "the same message is said once"
wait_until 60 eval 'events "?types=assistant_message"; [ "$(json length)" = 3 ]'
is "$(jq -c '.[2].content' <<<"$BODY")" '"one\n"' "and answered once"
ask POST /api/control/message '{"content": " "}'
answers 400 "content is required" "an empty message"
ask POST /api/control/message "{\"content\": \"x\", \"mission_id\": \"550e8400-e29b-41d4-a716-446655440000\"}"
answers 404 "Mission not found" "a message to nobody"

# --- cancelled, resumed, failed
say 'sleep 1000'
becomes active "it works"
ask POST /api/control/cancel # as written
is "$CODE $(jq -c . <<<"$BODY")" '200 {"ok":true}' "the loaded mission is cancelled"
becomes interrupted "and is interrupted"
ask POST "$M/$ID/resume"
is "$CODE $(json .id)" "200 $ID" "it is resumed"
becomes failed "a shell cannot make anything of that"
events '?types=error'
is "$(json 'length > 0')" true "which is an error"
ask POST "$M/$ID/cancel"
is "$CODE $(jq -c . <<<"$BODY")" "200 {\"ok\":true,\"cancelled\":\"$ID\"}" "cancelling what does not run is fine"
ask POST "$M/$ID/resume" '{"clean_workspace": true}'
is "$CODE" 501 "what is not served yet says so"
ask POST "$M/$ID/status" '{"status": "completed"}' # as written
is "$CODE $(jq -c . <<<"$BODY")" '200 {"ok":true}' "its status is set"
ask GET "$M/$ID"
is "$(json .status)" completed "and kept"
ask POST "$M/$ID/status" '{"status": "asleep"}'
is "$CODE" 422 "to none that there is not"
ask POST "$M/$ID/resume"
answers 400 "Mission $ID cannot be resumed (status: completed)" "what is completed is not resumed"

# --- providers
ask GET /api/providers
is "$CODE $(jq -c . <<<"$BODY")" '200 {"providers":[]}' "no provider is configured"
TOKEN=$ADMIN
api PUT /v1/providers/anthropic -d '{"kind": "anthropic", "base_url": "https://api.anthropic.com", "api_key": "k-secret", "models": ["m1"]}'
ask GET /api/providers
is "$(jq -c . <<<"$BODY")" '{"providers":[{"id":"anthropic","name":"anthropic","billing":"pay-per-token","description":"anthropic","models":[{"id":"m1","name":"m1"}]}]}' "one that is, is listed"
ask POST /api/providers/anthropic/auth
is "$CODE" 501 "a login there is not served"

# --- in its workspace
ask POST /api/auth/login '{"password": "your-password"}'
TOKEN=$(json .token)
shell() { ask POST "/api/workspaces/$WS/exec" "$(jq -n --arg c "$1" '{command: $c}')"; }
shell 'cat file; echo from the workspace >other'
is "$(json .stdout)" $'one\nagain' "what a mission makes is in its workspace"
KEEP=$ID
make "{\"title\": \"second\", \"backend\": \"shell\", \"workspace_id\": \"$WS\"}"
say 'cat other file; echo second >>file'
becomes completed "another works there"
events '?types=assistant_message'
is "$(json '.[0].content')" $'from the workspace\none\nagain' "with what is there"
ask DELETE "$M/$ID"
shell 'cat file'
is "$(json .stdout)" $'one\nagain\nsecond' "and leaves it there"
make "{\"title\": \"needs a model\", \"workspace_id\": \"$WS\"}"
say 'x'
is "$CODE" 200 "one whose tool needs a model begins too"
wait_until 60 is_status failed
TOKEN=$ADMIN
api GET "/v1/runs?agent=claude-code"
is "$(json '.items[0] | "\(.provider) \(.network.mode) \(.network.allow | index("provider/anthropic") != null)"')" "anthropic allow-list true" "with its provider"
api GET "/v1/workspaces/$(json '.items[0].workspace_id')"
is "$(json '"\(.name) \(.network.mode) \(.network.allow | index("@npm") != null)"')" "my-workspace allow-list true" "for which its workspace has an allow-list from then on"
ask POST /api/auth/login '{"password": "your-password"}'
TOKEN=$(json .token)
ask DELETE "$M/$ID"
ID=$KEEP
TOKEN=$ADMIN

ask DELETE /api/providers/anthropic/auth # as written
is "$CODE $(jq -c . <<<"$BODY")" '200 {"success":true,"message":"Authentication removed"}' "what a provider is reached with is removed"
ask GET /api/providers
is "$(jq -c . <<<"$BODY")" '{"providers":[]}' "and it is no longer configured"
ask DELETE /api/providers/anthropic/auth
answers 404 "Provider anthropic not found" "one that is not there"

# --- kept, deleted
server_stop
server_start "${conf[@]}" || done_testing
ask GET "$M/$ID"
is "$CODE $(jq -c '[.title, .status, .workspace_name]' <<<"$BODY")" '200 ["works","completed","my-workspace"]' "a restart keeps missions"
events '?types=user_message'
is "$(json '.[0].content')" 'echo at work in $WHERE; echo one >file; while [ ! -e go ]; do sleep 0.05; done' "with all that was said"
say 'cat file'
is "$CODE" 200 "and they go on"
becomes completed "in their workspace"
ask DELETE "$M/$ID"
is "$CODE $(jq -c . <<<"$BODY")" "200 {\"ok\":true,\"deleted\":\"$ID\"}" "it is deleted"
ask GET "$M/$ID"
is "$CODE" 404 "and gone"
api GET "/v1/runs"
is "$(json '.items | length')" 0 "with its run"
ask DELETE "$M/$PLAIN"
is "$CODE" 200 "so is one where nothing was said"
done_testing
