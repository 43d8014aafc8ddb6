#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Agents in sandboxes, by a stand-in for a tool that follows its public documentation, and then
# does what tools do wrong. What is believed is what was seen, not the exit code.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
repo=$WORK/repo
git init -q -b main "$repo"
cat >"$repo/cursor-agent" <<'E'
#!/bin/bash
for last; do :; done
init() { echo '{"type":"system","subtype":"init","session_id":"s-1","model":"auto","cwd":"/workspace"}'; }
say() { echo '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"'"$1"'"}]}}'; }
result() { echo '{"type":"result","subtype":"success","is_error":false,"result":"'"$1"'","session_id":"s-1"}'; }
zeros() { head -c "$1" /dev/zero | tr '\0' x; }
init
case $last in
works)
    say "I look"
    echo '{"type":"tool_call","subtype":"started","call_id":"c1","tool_call":{"shellToolCall":{"args":{"command":"ls"}}}}'
    echo '{"type":"tool_call","subtype":"completed","call_id":"c1","tool_call":{"shellToolCall":{"args":{},"result":{"success":{"stdout":"x"}}}}}'
    echo made >made
    result "it is done: $*" ;;
silent) : ;;
lies) result "fine"; exit 3 ;;
denied)
    echo '{"type":"tool_call","subtype":"completed","call_id":"c1","tool_call":{"shellToolCall":{"args":{},"result":{"rejected":{}}}}}'
    result "as far as I could" ;;
fails) echo "no model answers" >&2; exit 1 ;;
floods)
    for i in {1..20}; do say "$(zeros 1000000)"; done
    result "after the flood" ;;
shouts) zeros 17000000; echo; result "after the shout" ;;
leaves) (setsid sleep 98766 >/dev/null 2>&1 &); result "left something" ;;
hangs) say "wait"; exec sleep 1000 ;;
escapes) cat /var/lib/pinfold/admin.token /proc/1/environ; result "nothing found" ;;
esac
E
# The repository would have the tool's own settings lead elsewhere.
cat >"$repo/gemini" <<'E'
#!/bin/bash
f=$HOME/.gemini/settings.json
echo '{"type":"init","session_id":"g-1","model":"m"}'
jq -cn --arg t "$(stat -c %a-%h "$f") $(tr -d ' \n' <"$f") ${PINFOLD_FILE_0:-hidden} $(umask) ${*: -1}" '{type: "message", role: "assistant", content: $t}'
echo '{"type":"result","status":"success","stats":{"input_tokens":5,"output_tokens":2}}'
E
cat >"$repo/codex" <<'E'
#!/bin/bash
cd ~/.codex
echo '{"type":"thread.started","thread_id":"t-1"}'
jq -cn --arg t "$(find . -type f | wc -l) $(sha256sum <skills/one/SKILL.md | cut -c1-16) $(cat prompts/go.md)" '{type: "item.completed", item: {type: "agent_message", text: $t}}'
echo '{"type":"turn.completed","usage":{"input_tokens":1}}'
E
chmod 755 "$repo/cursor-agent" "$repo/gemini" "$repo/codex"
git -C "$repo" add .
git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm agent
chmod 755 "$WORK"
server_start "RepositoryRoots=$WORK" || done_testing

agent() { # PROMPT [MORE]: run it to its end
    api POST "/v1/runs?wait=60" -d "$(jq -n --arg u "$repo" --arg p "$1" --argjson more "${2:-{\}}" \
        '{agent: "cursor", prompt: $p, profile: "default", repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin"}} + $more')"
    RUN=$(json .id)
    END=$(json '"\(.status) \(.reason)"')
}

agent works
is "$END" "succeeded completed" "an agent does its work"
is "$(json .session_id)" s-1 "its session is known"
like "$(json .result)" "^it is done: -p --output-format stream-json --force -- works" "its result is its own, and its call as documented"
api GET "/v1/workspaces/$(json .workspace_id)/files/made"
is "$BODY" made "what it made is there"
api GET "/v1/runs/$RUN/events"
is "$(json '[.items[].type] | join(" ")')" \
    "run.created run.started session.init agent.message agent.tool_call agent.tool_result run.result run.completed" "everything it did is an event"
is "$(json '.items[4].payload | "\(.name) \(.input.command)"')" "shellToolCall ls" "with what it called"
agent 'two words' "{\"agent\": \"gemini\", \"model\": \"m\", \"env\": {\"PATH\": \"/workspace:/usr/bin:/bin\", \"PINFOLD_MODEL_URL\": \"http://127.0.0.1:1\"}}"
is "$END $(json .result)" \
    'succeeded completed 600-1 {"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false},"model":{"maxSessionTurns":-1}} hidden 0022 two words' \
    "the settings that a tool needs are where it looks, its call is as it was"
agent x '{"agent": "cursor", "skills": {"s": "x"}}'
like "$CODE $(json .detail)" "^400 .*looks for no skills" "a tool without skills is given none"
agent x '{"agent": "codex", "model": "m", "skills": {"../s": "x"}, "env": {"PINFOLD_MODEL_URL": "http://127.0.0.1:1"}}'
is "$CODE" 400 "a skill's name is one"
cat >"$WORK/wish" <<'E'
{"agent": "codex", "model": "m", "skills": {"one": "---\nname: one\n---\ntext \"quoted\" $HOME `x`\n", "two": ""}, "commands": {"go": "do it"}}
E
agent x "$(jq -c '. + {env: {PATH: "/workspace:/usr/bin:/bin", PINFOLD_MODEL_URL: "http://127.0.0.1:1"}}' "$WORK/wish")"
is "$END $(json '"\(.skills) \(.commands)"')" 'succeeded completed ["one","two"] ["go"]' "skills and commands are named"
is "$(json .result)" "3 $(jq -j '.skills.one' "$WORK/wish" | sha256sum | cut -c1-16) do it" "and there, byte by byte"
agent x '{"agent": "cursor", "agents": [{"name": "a", "description": "d", "prompt": "p"}]}'
like "$CODE $(json .detail)" "^400 .*looks for no sub-agents" "a tool without sub-agents is given none"
agent x '{"agent": "codex", "model": "m", "env": {"PINFOLD_MODEL_URL": "http://127.0.0.1:1"}, "agents": [{"name": "a", "description": "d", "prompt": "p", "tools": ["Bash"]}]}'
like "$CODE $(json .detail)" "^400 .*codex cannot limit the tools or turns of sub-agent a" "codex cannot keep one from a tool, and says so"
for bad in '{"name": "../a"}' '{"name": "ok"}' '{"description": ""}' '{"prompt": ""}' '{"description": "two\nlines"}' '{"tools": ["a,b"]}' '{"tools": ["a\"b"]}' '{"colour": "red"}' '{"max_turns": 0}'; do
    agent x "$(jq -n --argjson b "$bad" '{agent: "claude-code", model: "m", env: {PINFOLD_MODEL_URL: "http://127.0.0.1:1"},
        agents: [{name: "ok", description: "d", prompt: "p"}, ({name: "a", description: "d", prompt: "p"} + $b)]}')"
    like "$CODE" "^4(00|22)$" "a sub-agent with $bad is refused"
done
agent 'again' "{\"agent\": \"gemini\", \"model\": \"m\", \"env\": {\"HOME\": \"/dev/null\", \"PATH\": \"/workspace:/usr/bin:/bin\", \"PINFOLD_MODEL_URL\": \"http://127.0.0.1:1\"}}"
like "$END $(json .error)" "^failed no_result .*/dev/null/.gemini/settings.json cannot be written" "a HOME that cannot be written is named"
agent silent
is "$END" "failed no_result" "exit code 0 without a result is no success"
agent lies
is "$END" "failed exited" "a result with another exit code neither"
agent denied
is "$END" "succeeded permission_denied" "a call that was refused on the way is told"
agent fails
is "$END $(json .error)" "failed no_result it ended without saying that it was done (code 1): no model answers" "a failure is told in its own words"
agent floods
is "$END $(json .result)" "succeeded completed after the flood" "20 MB of lines lose no result"
api GET "/v1/runs/$RUN/events?types=agent.message&limit=1000"
is "$(json '"\(.items | length) \(.items[19].payload.truncated_from_bytes)"')" "20 1000000" "each is an event, cut to what fits"
agent shouts
is "$END $(json .result)" "succeeded completed after the shout" "a line of 17 MB loses no result"
api GET "/v1/runs/$RUN/events?types=run.note"
like "$(json '.items[0].payload.text')" "was cut" "and is told to be cut"
agent leaves
is "$END" "succeeded completed" "one that leaves something behind ends"
fails "and what it left is gone" pgrep -f "sleep 98766"
agent hangs '{"silence_secs": 0.5}'
is "$END" "timed_out silence_limit" "one that hangs is ended"
agent escapes
is "$END $(json .result)" "succeeded completed nothing found" "one that is told to read secrets"
api GET "/v1/runs/$RUN/logs"
unlike "$BODY" "$TOKEN" "does not find them"
agent works '{"provider": "x"}'
is "$CODE" 400 "a provider is refused as long as there are none"
done_testing
