#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Skills that a run brings are found by the agents' tools themselves: their models are told of them. And
# addresses that it brings are called by way of the server.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
for tool in claude-code codex opencode; do tool_need $tool; done
export MODEL_DUMP=1
: >"$WORK/bodies"
world "MaxRuns=4"
provider anthropic anthropic ''
provider openai openai-compatible /v1
skill() { jq -n --arg d "knows-of-$1-$$" '{skills: {lookup: "---\nname: lookup\ndescription: \($d)\n---\nLook it up.\n"}, commands: {hurry: "---\ndescription: be quick\n---\nHurry up.\n"}}'; }
AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=anthropic begin claude-code '[{"say": "done"}]' "$(skill claude-code)"
AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=openai begin codex '[{"say": "done"}]' "$(skill codex)"
AGENT=opencode MODEL_NAME=mock-model PROVIDER=openai begin opencode '[{"say": "done"}]' "$(skill opencode)"
# The model's own address answers what is no model's path with 404, which is an answer too.
AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=anthropic begin calls '[{"tool": "weather", "arguments": {"city": "Oslo"}}, {"say": "called"}]' \
    "$(jq -n --arg u "http://$MODEL/weather" '{tools: [{name: "weather", description: "tells the weather", url: $u, headers: {"x-api-key": "of-the-tool"}}]}')"
AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=openai begin calls_too '[{"tool": "weather", "arguments": {"city": "Rome"}}, {"say": "called"}]' \
    "$(jq -n --arg u "http://$MODEL/weather" '{tools: [{name: "weather", description: "tells the weather", url: $u, headers: {"x-api-key": "of-codex"}, input_schema: {type: "object", properties: {city: {type: "string"}}}}]}')"
AGENT=opencode MODEL_NAME=mock-model PROVIDER=openai begin calls_by_door '[{"tool": "weather", "arguments": {"city": "Bonn"}}, {"run": "env; cat /proc/*/environ"}, {"say": "called"}]' \
    "$(jq -n --arg u "http://$MODEL/weather" '{tools: [{name: "weather", description: "tells the weather", url: $u, headers: {"x-api-key": "of-opencode"}}]}')"
for tool in claude-code codex opencode; do
    ended $tool
    is "$END $(json '"\(.skills) \(.commands)"')" 'succeeded completed ["lookup"] ["hurry"]' "$tool runs with a skill and a command"
    grep -q "knows-of-$tool-$$" "$WORK/bodies"; ok $? "its model is told of the skill"
done
ended calls
is "$END $(json .result)" "succeeded completed called" "an agent calls a tool that its run brings"
like "$(cat "$WORK/requests")" "POST /weather key=of-the-tool" "which is asked with its header"
events agent.tool_result
like "$(json '.items[0].payload | "\(.is_error) \(.output)"')" "^true .*no such path" "and answers"
api GET "/v1/runs/$RUN/logs"
unlike "$BODY" "of-the-tool" "the agent never saw the header"
ended calls_too
is "$END $(json .result)" "succeeded completed called" "codex calls one too"
like "$(cat "$WORK/requests")" "POST /weather key=of-codex" "which is asked with its header"
events
like "$(json '.items[] | select(.type == "agent.tool_result") | .payload | "\(.name) \(.is_error) \(.output)"')" "^weather true .*no such path" "and answers"
is "$(json '.items[] | select(.type == "agent.tool_call") | .payload | "\(.name) \(.input.city)"')" "weather Rome" "the call is told"
api POST "/v1/runs/$RUN/continue?wait=100" -d '{"message": "again <<[{\"tool\": \"weather\", \"arguments\": {}}, {\"say\": \"called again\"}]>>"}'
is "$(json '"\(.status) \(.result)"') $(grep -c "POST /weather key=of-codex" "$WORK/requests")" "succeeded called again 2" "and has it in a further turn"
api POST "/v1/runs/$RUN/continue" -d '{"message": "x", "tools": []}'
like "$CODE $(json .detail)" "^400 .*keeps those" "but not others"
api GET "/v1/runs/$RUN/logs"
unlike "$BODY" "of-codex" "its header is not seen either"
ended calls_by_door
is "$END $(json .result)" "succeeded completed called" "opencode calls one by the door of its sandbox"
like "$(cat "$WORK/requests")" "POST /weather key=of-opencode" "which is asked with its header"
events agent.tool_result
like "$(json '.items[0].payload | "\(.name) \(.is_error) \(.output) \(.error)"')" "weather .*no such path" "and answers"
api GET "/v1/runs/$RUN/logs"
unlike "$BODY" "of-opencode|pfr_[0-9a-f]{8}" "neither its header nor the run's token is in what it prints"
done_testing
