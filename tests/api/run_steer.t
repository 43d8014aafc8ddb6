#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Steering runs: interrupts, questions and their answers, messages to an agent that runs, by stand-ins
# for tools. tests/e2e/agents_steer.t has the real one.
# route: POST /v1/runs/{id}/interrupt
# route: GET /v1/approvals
# route: GET /v1/approvals/{id}
# route: POST /v1/approvals/{id}/answer
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT PYTHON
repo=$WORK/repo
git init -q -b main "$repo"
chmod 755 "$WORK"
# Claude Code as far as its lines go. What it is told is done word by word: ask, wait (for the file go),
# or said. It stops at an interrupt and ends at the end of its input.
cat >"$repo/claude" <<'E'
#!/usr/bin/env python3
import json, os, queue, sys, threading, time
lines = queue.Queue()
def read():
    for l in sys.stdin: lines.put(json.loads(l))
    lines.put(None)
threading.Thread(target=read, daemon=True).start()
def put(**o): print(json.dumps(o), flush=True)
session = sys.argv[sys.argv.index("--resume") + 1] if "--resume" in sys.argv else "s-1"
def text(t): put(type="assistant", message={"content": [{"type": "text", "text": t}]})
later, stop, over = [], False, False
def hear(block):
    global stop, over
    try: l = lines.get(block, None if block else 0)
    except queue.Empty: return None
    if l is None: over = True
    elif l["type"] == "user":
        put(type="user", message=l["message"], uuid=l.get("uuid"), isReplay=True)
        later.append(l["message"]["content"])
    elif l["type"] == "control_request": stop = True
    return l
hear(True)
put(type="system", subtype="init", session_id=session, model="m")
while later or not over:
    if not later: hear(True); continue
    words = later.pop(0).split()
    stop = False
    for n, word in enumerate(words):
        if word == "ask":
            put(type="control_request", request_id="q%d-%d" % (os.getpid(), n), request={"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "touch made"}})
            while not stop and not over:
                l = hear(True)
                if l and l["type"] == "control_response":
                    r = l["response"]["response"]
                    text("%s %s" % (r["behavior"], r.get("message") or r["updatedInput"]["command"]))
                    break
        elif word == "wait":
            text("waits")
            while not os.path.exists("go") and not stop: hear(False); time.sleep(0.02)
        elif word == "quit": sys.exit(1)
        else: text(word)
        if stop: break
    put(type="result", subtype="error_during_execution" if stop else "success", is_error=stop, session_id=session,
        result=words[-1], terminal_reason="aborted_tools" if stop else "completed")
E
cat >"$repo/cursor-agent" <<'E'
#!/bin/bash
for last; do :; done
echo '{"type":"system","subtype":"init","session_id":"c-1"}'
case $last in *wait*) exec sleep 98765 ;; esac
echo '{"type":"result","subtype":"success","is_error":false,"result":"did '"$last"'","session_id":"c-1"}'
E
chmod 755 "$repo/claude" "$repo/cursor-agent"
git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tools
server_start "RepositoryRoots=$WORK" "MaxRuns=8" || done_testing
run() { # AGENT PROMPT [MORE]
    api POST /v1/runs -d "$(jq -n --arg a "$1" --arg u "$repo" --arg p "$2" --argjson more "${3:-{\}}" \
        '{agent: $a, prompt: $p, model: "m", profile: "default", repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin", PINFOLD_MODEL_URL: "http://127.0.0.1:1"}} + $more')"
    RUN=$(json .id)
}
ended() { api GET "/v1/runs/$RUN?wait=60"; END=$(json '"\(.status) \(.reason) \(.result)"'); }
count() { api GET "/v1/runs/$RUN/events?types=$1"; [ "$(json '.items | length')" -ge "$2" ]; }
pending() { api GET "/v1/approvals?run=$RUN&status=pending"; [ "$(json '.items | length')" = "$1" ]; }
asks() { try "$1" wait_until 30 pending 1; pending 1; ASK=$(json '.items[0].id'); }
answer() { api POST "/v1/approvals/$ASK/answer" -d "$1"; }
interrupt() { api POST "/v1/runs/$RUN/interrupt" -d "$1"; }
messages() { api GET "/v1/runs/$RUN/events?types=agent.message"; json '[.items[].payload.text] | join(", ")'; }

# --- messages
run claude-code 'one wait two'
try "it waits" wait_until 30 count agent.message 2
api POST "/v1/runs/$RUN/messages" -d '{"content": "three \"quoted\"\nline"}'
is "$CODE" 202 "it is told something"
try "which it has" wait_until 30 count user.message_taken 1
api GET "/v1/runs/$RUN"
is "$(json .messages_waiting)" 0 "and which does not wait any more"
api PUT "/v1/workspaces/$(json .workspace_id)/files/go" --data-binary ''
ended
is "$END $(json .turn)" 'succeeded completed line 1' "all in one turn"
is "$(messages)" 'one, waits, two, three, "quoted", line' "whatever is in it"
api POST "/v1/runs/$RUN/continue?wait=60" -d '{"message": "more"}'
is "$(json '"\(.status) \(.result) \(.turn)"')" "succeeded more 2" "a further turn"

# --- questions
run claude-code 'ask after' '{"permissions": "ask"}'
asks "it asks"
api GET "/v1/approvals/$ASK"
is "$(json '"\(.status) \(.tool) \(.input.command) \(.run_id)"')" "pending Bash touch made $RUN" "whether it may"
api GET "/v1/runs/$RUN"
is "$(json '"\(.status) \(.approval_ms)"')" "needs_input 3600000" "its run needs input"
count agent.needs_attention 1
is "$(json '.items[0].payload | "\(.approval_id) \(.name)"')" "$ASK Bash" "which is an event"
answer '{}'
is "$CODE" 422 "an answer decides"
answer '{"decision": "allow"}'
is "$CODE $(json .status)" "200 allowed" "it may"
ended
is "$END" "succeeded completed after" "and goes on"
is "$(messages)" "allow touch made, after" "with that"
answer '{"decision": "allow"}'
is "$CODE" 410 "what is answered is answered"
run claude-code 'ask ask' '{"permissions": "ask", "silence_secs": 1}'
asks "it asks, and its silence is no limit"
answer '{"decision": "deny", "message": "no \"more\""}'
asks "it asks again"
answer '{"decision": "allow", "input": {"command": "x"}}'
ended
is "$(messages)" 'deny no "more", allow x' "with words, and with something else"
run claude-code 'ask after' '{"permissions": "ask", "approval_timeout_secs": 0.1}'
ended
is "$END $(messages)" "succeeded completed after deny nobody answered in time, after" "nobody's answer is no"
run claude-code 'ask after' '{"permissions": "ask"}'
asks "one asks"
api POST "/v1/runs/$RUN/cancel?wait=60"
api GET "/v1/approvals/$ASK"
is "$(json .status)" withdrawn "what a run that was cancelled asks is asked no more"
api GET '/v1/approvals?status=withdrawn&limit=1'
is "$(json '.items[0].id')" "$ASK" "they are listed by state"
api GET '/v1/approvals?status=perhaps'
is "$CODE" 400 "of those there are"
run cursor x '{"permissions": "ask"}'
like "$CODE $(json '.detail')" "^400 .*cannot ask" "a tool that cannot ask is refused"
run claude-code x '{"permissions": "ask", "terminal": {}}'
is "$CODE" 400 "so is a terminal"

# --- interrupts
run claude-code 'wait never'
try "it waits" wait_until 30 count agent.message 1
interrupt '{"message": "instead"}'
is "$CODE" 202 "it is interrupted"
ended
is "$END $(json .turn)" "succeeded completed instead 1" "and does something else"
run claude-code 'wait never'
try "it waits" wait_until 30 count agent.message 1
interrupt '{}'
ended
is "$(json .status)" paused "with nothing else it is paused"
api POST "/v1/runs/$RUN/continue?wait=60" -d '{"message": "on"}'
is "$(json '"\(.status) \(.result) \(.turn) \(.session_id)"')" "succeeded on 2 s-1" "and goes on in its session"
run claude-code 'ask after' '{"permissions": "ask"}'
asks "one asks"
interrupt '{"message": "instead"}'
ended
is "$END" "succeeded completed instead" "one that asks is interrupted too"
run cursor 'wait'
try "a tool that takes no lines" wait_until 30 count session.init 1
interrupt '{"message": "this"}'
ended
is "$END $(json .turn)" "succeeded completed did this 2" "is stopped, and told in a further turn"
fails "nothing of the first is left" pgrep -f "sleep 98765"
interrupt '{}'
is "$CODE" 409 "what has ended is not interrupted"
api POST /v1/runs -d '{"command": "sleep 98764"}'; RUN=$(json .id)
try "a command" wait_until 30 count run.started 1
interrupt '{}'
is "$CODE" 409 "without a workspace is not either"
api POST "/v1/runs/$RUN/cancel?wait=30"
done_testing
