#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sub-agents that a run or its definition brings: the agents' tools find them, tell their models of them
# and start them with the prompt, the model and the tools that they are given.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
for tool in claude-code codex opencode; do tool_need $tool; done
export MODEL_DUMP=1
: >"$WORK/bodies"
world "MaxRuns=4"
provider anthropic anthropic ''
provider openai openai-compatible /v1
part() { # AGENT MEMBERS: a sub-agent called helper
    jq -n --arg a "$1" --argjson more "$2" '{agents: [{name: "helper", description: "helps \($a) \"well\"", prompt: "You are the helper of \($a)."} + $more]}'
}
# What its model was asked, as MODEL TOOLS of each such request.
asked() { jq -r --arg p "You are the helper of $1." 'select(tostring | contains($p)) | "\(.model) \([.tools[] | .name // .function.name | values] | sort | join(","))"' "$WORK/bodies" | sort -u; }
told() { grep -cE "helps $1 \\\\+\"well" "$WORK/bodies"; }
STEPS='[{"agent": "<<[{\"run\": \"echo in the part\"}, {\"say\": \"the part is done\"}]>>", "as": "helper"}, {"say": "all of it is done"}]'
AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=anthropic begin claude-code "$STEPS" "$(part claude-code '{"tools": ["Bash", "Read", "Write"], "disallowed_tools": ["Write"], "model": "claude-haiku-4-5", "max_turns": 9}')"
AGENT=opencode MODEL_NAME=mock-model PROVIDER=openai begin opencode "$STEPS" "$(part opencode '{"tools": ["bash", "read", "glob"], "disallowed_tools": ["glob"], "model": "other-model", "max_turns": 9}')"
# It searches for the tool that starts one, and waits until it has begun.
AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=openai begin codex '[{"search": "spawn agent"}, {"agent": "<<[{\"say\": \"the part is done\", \"meet\": 2}]>>", "as": "helper"},
    {"run": "true", "meet": 2}, {"say": "all of it is done"}]' "$(part codex '{}')"
for tool in claude-code codex opencode; do
    ended $tool
    is "$END $(json .result) $(json '.agents | join(" ")')" "succeeded completed all of it is done helper" "$tool runs with a sub-agent"
    [ "$(told $tool)" -ge 1 ]; ok $? "its model is told of it"
done
is "$(asked claude-code)" "claude-haiku-4-5 Bash,Read" "claude-code starts it with its prompt, model and tools"
is "$(asked opencode)" "other-model bash,read" "opencode too"
like "$(asked codex)" "^gpt-5.5 .*exec_command" "codex starts it with its prompt and its own model and tools"
ended claude-code
events agent.subagent_start,agent.subagent_stop
is "$(json '[.items[].type] | join(" ")')" "agent.subagent_start agent.subagent_stop" "its beginning and its end are told"
is "$(json '[.items[].payload.tool_call_id] | unique | length')" 1 "of the same call"

api POST /v1/definitions -d "$(part definition '{}' | jq '. + {name: "chief", agent: "claude-code", provider: "anthropic", model: "claude-sonnet-4-5"}')"
is "$CODE" 201 "a definition has sub-agents"
AGENT=$(json .id) MODEL_NAME=claude-sonnet-4-5 PROVIDER=anthropic begin defined "$STEPS"
ended defined
is "$END $(json '.agents | join(" ")')" "succeeded completed helper" "which its runs have"
like "$(asked definition)" "^claude-sonnet-4-5 .*Bash" "and start"
done_testing
