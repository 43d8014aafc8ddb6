#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the hooks of a run's tool say out of its sandbox, by a stand-in for Claude Code on a terminal: events,
# and questions whether it may; and what the token of that run opens else, which is nothing.
# tests/e2e/agents_hooks.t has the real ones.
# route: POST /v1/runs/{id}/hook
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT PYTHON NETNS
repo=$WORK/repo
git init -q -b main "$repo"
chmod 755 "$WORK"
# It runs the hooks that it is called with, as its prompt says: "EVENT JSON" a line, and says what they
# gave back; "door PATH [TOKEN]" asks for a path of its own, "wait" waits for the file go.
cat >"$repo/claude" <<'E'
#!/usr/bin/env python3
import http.client, json, os, subprocess, sys, time
def put(**o): print(json.dumps(o), flush=True)
def say(t): put(type="assistant", message={"content": [{"type": "text", "text": t}]})
hooks = json.loads(sys.argv[sys.argv.index("--settings") + 1])["hooks"]
put(type="system", subtype="init", session_id="s-1", model="m")
script = open(os.path.expanduser("~/.pinfold/hook")).read().split("\n")[0]
run, token = (w.split("=")[1] for w in script.split())
for line in sys.argv[-1].split("\n"):
    name, rest = line.split(" ", 1)
    if name == "door":
        path, key = (rest.split(" ") + [token])[:2]
        c = http.client.HTTPConnection("127.0.0.1", 3128)
        c.request("POST", path.replace("RUN", run), body='{"hook_event_name": "x"}', headers={"Authorization": "Bearer " + key, "Content-Type": "application/json"})
        say("%s %d" % (path, c.getresponse().status))
    elif name == "wait":
        say("waits")
        while not os.path.exists("go"): time.sleep(0.02)
    elif name == "token": say(token)
    elif name not in hooks: say("none")
    else:
        given = json.dumps(dict(json.loads(rest), hook_event_name=name))
        p = subprocess.run(["sh", "-c", hooks[name][0]["hooks"][0]["command"]], input=given, stdout=subprocess.PIPE, text=True)
        got = json.loads(p.stdout or "{}").get("hookSpecificOutput", {})
        say("%d %s %s %s" % (p.returncode, got.get("permissionDecision"), got.get("permissionDecisionReason"), (got.get("updatedInput") or {}).get("command")))
put(type="result", subtype="success", session_id="s-1", result="done", terminal_reason="completed")
E
chmod 755 "$repo/claude"
git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tools
server_start "RepositoryRoots=$WORK" "MaxRuns=8" "AllowPrivate=127.0.0.1:9" || done_testing
api PUT /v1/providers/model -d '{"kind": "anthropic", "base_url": "http://127.0.0.1:9", "api_key": "k"}'
run() { # PROMPT [MORE]
    api POST /v1/runs -d "$(jq -n --arg u "$repo" --arg p "$1" --argjson more "${2:-{\}}" \
        '{agent: "claude-code", prompt: $p, model: "m", provider: "model", profile: "default", repository: {url: $u}, terminal: {rows: 30, cols: 400}, network: {mode: "allow-list", allow: []}, env: {PATH: "/workspace:/usr/bin:/bin"}} + $more')"
    RUN=$(json .id)
}
ended() { api GET "/v1/runs/$RUN?wait=60"; END=$(json '"\(.status) \(.reason) \(.result)"'); }
events() { api GET "/v1/runs/$RUN/events?types=$1"; }
messages() { events agent.message; json '[.items[].payload.text] | join(", ")'; }
pending() { api GET "/v1/approvals?run=$RUN&status=pending"; [ "$(json '.items | length')" = "$1" ]; }
asks() { try "$1" wait_until 30 pending 1; pending 1; ASK=$(json '.items[0].id'); }
answer() { api POST "/v1/approvals/$ASK/answer" -d "$1"; }
with() { local own=$TOKEN; TOKEN=$1; shift; api "$@"; TOKEN=$own; } # another token
use='PreToolUse {"tool_name": "Bash", "tool_use_id": "t-1", "tool_input": {"command": "touch \"made\"\n"}}'

# --- events
run $'Notification {"message": "it waits\\nfor you", "notification_type": "idle"}\nPreCompact {"trigger": "auto"}\nSubagentStart {"agent_id": "a"}\n'"$use"
ended
is "$END" "succeeded completed done" "hooks of a tool are run"
is "$(messages)" "0 None None None, 0 None None None, none, none" "those that say what its lines do not, and no other"
events agent.needs_attention
is "$(json '.items[0].payload | tojson')" '{"source":"hook","text":"it waits\nfor you","kind":"idle"}' "what they were given is an event"
events run.note
is "$(json '[.items[].payload | select(.source == "hook")] | tojson')" '[{"source":"hook","text":"its context is made smaller","trigger":"auto"}]' "in words of its own"

# --- questions
ask='{"permissions": "ask"}'
run "$use" "$ask"
asks "it asks by a hook"
api GET "/v1/approvals/$ASK"
is "$(json '"\(.tool) \(.input.command)"')" 'Bash touch "made"' "what it would do is shown"
api GET "/v1/runs/$RUN"
is "$(json .status)" needs_input "its run needs input"
answer '{"decision": "allow", "input": {"command": "touch \"else\""}}'
is "$CODE" 200 "it may do something else"
ended
is "$END $(messages)" 'succeeded completed done 0 allow None touch "else"' "and hears that"
run "$use" "$ask"
asks "another asks"
answer '{"decision": "deny", "message": "not \"that\""}'
ended
is "$(messages)" '0 deny not "that" None' "and hears why not"
run "$use" '{"permissions": "ask", "approval_timeout_secs": 0.1}'
ended
is "$(messages)" "0 deny nobody answered in time None" "nobody's answer is no"
run "$use"$'\n'"$use" "$ask"
asks "one asks"
pid_of() { sed -n "s/.*: $1 started pid=//p" "$SERVER_LOG" | tail -n 1; }
is_new() { [ "$(pid_of server)" != "$OLD" ]; }
OLD=$(pid_of server)
kill -KILL "$OLD"
try "another server is started" wait_until 60 is_new
try "the next server answers" wait_until 60 pending 1
answer '{"decision": "allow"}'
ended
is "$END $(messages)" "succeeded completed done 2 None None None, 0 allow None None" "who asks while the server dies may not, and may when it asks again"
events agent.needs_attention
is "$(json '.items | length')" 1 "it was one question"

# --- the token
run $'token x\nwait x\ndoor /run/RUN/hook\ndoor /run/RUN/hook pfr_0000000000000000000000000000000000000000\ndoor /run/run_1k1cw5wm2v4z78meksty/hook\ndoor /run/RUN/cancel\ndoor /run/RUN/hook/../cancel\ndoor /run/../v1/runs\ndoor /v1/runs/RUN/hook'
waits() { messages | grep -q waits; }
try "it has a token" wait_until 30 waits
OF=$(events agent.message; json '.items[0].payload.text')
for path in "POST /v1/runs/$RUN/cancel" "GET /v1/runs/$RUN" "GET /v1/runs" "POST /v1/exec"; do
    with "$OF" "${path% *}" "${path#* }"
    is "$CODE" 401 "which opens nothing else: ${path/$RUN/ID}"
done
with "$OF" POST "/v1/runs/$RUN/hook" -d '{"hook_event_name": "x"}'
is "$CODE" 200 "but its own"
api POST "/v1/runs/$RUN/hook" -d '{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "x", "tool_input": {}}'
is "$CODE" 409 "a run that does not ask is not asked for"
api POST "/v1/runs/$RUN/hook" -d '[]'
is "$CODE" 400 "what is no hook's is refused"
api GET "/v1/runs/$RUN"
api PUT "/v1/workspaces/$(json .workspace_id)/files/go" -H 'Content-Type: application/octet-stream' --data-binary x
ended
is "$(messages | sed 's/.*waits, //')" "/run/RUN/hook 200, /run/RUN/hook 401, /run/run_1k1cw5wm2v4z78meksty/hook 401, /run/RUN/cancel 400, /run/RUN/hook/../cancel 400, /run/../v1/runs 400, /v1/runs/RUN/hook 400" "by its door neither"
with "$OF" POST "/v1/runs/$RUN/hook" -d '{"hook_event_name": "x"}'
is "$CODE" 401 "and nothing when its turn is over"
api POST /v1/runs -d "$(jq -n --arg u "$repo" '{agent: "claude-code", prompt: "x", model: "m", repository: {url: $u}, terminal: {}, permissions: "ask", env: {PINFOLD_MODEL_URL: "http://127.0.0.1:1"}}')"
like "$CODE $(json .detail)" "^400 .*with a provider only" "without the door nobody can be asked on a terminal"
done_testing
