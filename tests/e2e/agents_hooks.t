#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hooks of the real tools: on a terminal, where nobody can answer them by lines, they ask by these whether
# they may, and tell what their lines do not. The repository's own hooks are not run.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
. "$(dirname "$0")/steer.sh"
for tool in claude-code codex; do tool_need $tool; done
NAP=9877
world "MaxRuns=4"
provider anthropic anthropic ''
provider openai openai-compatible /v1
on='{"permissions": "ask", "terminal": {"rows": 30, "cols": 500}}'
steps='[{"run": "touch made"}, {"run": "touch other"}, {"run": "touch third"}, {"agent": "<<[{\"say\": \"the part is done\"}]>>"}, {"run": "sleep 3"}, {"say": "as it may"}]'
AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=anthropic begin claude-code "$steps" "$on"
AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=openai begin codex "$steps" "$on"
for tool in claude-code codex; do
    asked $tool "$tool asks by a hook before it does"
    like "$(json '.items[0] | "\(.tool) \(.input.command)"')" "^Bash touch made" "with what it would do"
    status_is $tool needs_input; ok $? "its run needs input"
    WS=$(json .workspace_id); file made
    is "$CODE" 404 "nothing is done meanwhile"
    answer '{"decision": "allow"}'
    asked $tool "it asks again"
    answer '{"decision": "deny", "message": "not that one"}'
    asked $tool "and again"
    answer '{"decision": "allow", "input": {"command": "touch else"}}'
    asked $tool "and for the last"
    answer '{"decision": "allow"}'
    ended $tool
    like "$END $(json .result)" "^succeeded .* as it may" "it ends as far as it could"
    for f in made=200 other=404 third=404 else=200 obeyed-hook=404; do file "${f%=*}"; is "$CODE" "${f#*=}" "${f%=*} is there or not"; done
    events agent.needs_attention
    is "$(json '[.items[].payload | select(.source == "hook")] | length')" 4 "each question is told once"
    events agent.subagent_start,agent.subagent_stop
    is "$(json '[.items[].type] | sort | join(" ")')" "agent.subagent_start agent.subagent_stop" "a sub-agent's life is told, once"
done
done_testing
