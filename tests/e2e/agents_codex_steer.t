#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Codex while it runs: it is told something, asked to stop, asks whether it may, and calls what its run brings.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
. "$(dirname "$0")/steer.sh"
tool_need codex
MODEL_NAME=gpt-5.5 NAP=9876
world "MaxRuns=8"
provider model openai /v1
begin told "$(waits went 'it went')"
begin stopped "[{\"run\": \"setsid -f sleep ${NAP}3 >/dev/null 2>&1; sleep ${NAP}1\"}, {\"say\": \"never\"}]"
begin paused "[{\"run\": \"setsid -f sleep ${NAP}4 >/dev/null 2>&1; sleep ${NAP}2\"}, {\"say\": \"never\"}]"
begin asks '[{"run": "touch made"}, {"write": "by it", "path": "/workspace/written"}, {"run": "touch other"}, {"say": "never, it is told why not"}]' "$ask"
begin late '[{"run": "touch made"}, {"say": "without it"}]' '{"permissions": "ask", "approval_timeout_secs": 1}'
begin killed "[{\"run\": \"touch made; echo it was\"}, {\"say\": \"after all\"}]" "$ask"
begin parts '[{"agent": "<<[{\"run\": \"echo in the part\"}, {\"say\": \"the part is done\", \"meet\": 2}]>>"}, {"run": "sleep 5", "meet": 2}, {"say": "all of it is done"}]'

# --- told in the middle of a turn
try "it runs" wait_until 60 seen told agent.tool_call
say told 'mind <<[{"say": "it minds"}]>>'
is "$CODE" 202 "an agent that runs is told something"
try "it is written down" wait_until 60 seen told user.message
put told go
ended told
is "$END $(json '"\(.turn) \(.messages_waiting) \(.result)"')" "succeeded completed 1 0 it minds" "it hears that in the same turn"
events
like "$(json '[.items[].type] | join(" ")')" "user.message .*user.message_taken .*run.result" "and says that it has"
is "$(json '[.items[] | select(.type == "user.message_taken")] | length')" 1 "once"
api POST "/v1/runs/$RUN/continue?wait=100" -d '{"message": "go on <<[{\"say\": \"went on\"}]>>"}'
is "$(json '"\(.status) \(.result) \(.usage.input_tokens)"')" "succeeded went on 3000" "it can be gone on with, every token counted once"

# --- a turn is interrupted
try "it runs" wait_until 30 alive 1
say stopped 'forget that <<[{"say": "this is before it"}]>>'
interrupt stopped 'rather <<[{"run": "echo rather"}, {"say": "rather this"}]>>'
is "$CODE" 202 "a turn is interrupted, with what is to be done instead"
ended stopped
is "$END $(json '"\(.result) \(.messages_waiting)"')" "succeeded completed rather this 0" "it goes on with that"
is "$(json .session_id)" "$(events session.init; json '.items[0].payload.session_id')" "in its session"
events user.message_taken
is "$(json '[.items[].payload.number] | tojson')" "[0,1]" "and what it was told before that is not lost"
fails "what it did is over" alive 1
try "it runs" wait_until 30 alive 2
interrupt paused
api GET "/v1/runs/${RUNS[paused]}?wait=60"
is "$(json .status)" paused "with nothing to do instead it is paused"
fails "and nothing of it runs" alive '[24]'
api POST "/v1/runs/${RUNS[paused]}/continue?wait=100" -d '{"message": "go on <<[{\"say\": \"went on\"}]>>"}'
is "$(json '"\(.status) \(.result)"')" "succeeded went on" "and can be gone on with"

# --- it asks
asked asks "it asks before it does"
like "$(json '.items[0] | "\(.tool) \(.input.command) \(.run_id)"')" "^command_execution .*touch made.* ${RUNS[asks]}\$" "with what it would do"
status_is asks needs_input; ok $? "its run needs input"
WS=$(json .workspace_id); file made
is "$CODE" 404 "nothing is done meanwhile"
answer '{"decision": "allow", "input": {"command": "touch else"}}'
like "$CODE $(json .detail)" "^400 .*as it is" "it cannot be told to do something else"
answer '{"decision": "allow"}'
is "$CODE $(json .status)" "200 allowed" "it may"
asked asks "it asks before it changes files"
is "$(json '.items[0] | "\(.tool) \(.input.changes | tojson)"')" 'file_change [{"path":"/workspace/written","kind":"add","diff":"by it\n"}]' "with what it would change"
answer '{"decision": "allow"}'
asked asks "and again"
answer '{"decision": "deny", "message": "<<[{\"say\": \"as it may\"}]>>"}'
is "$(json .status)" "denied" "it may not"
ended asks
is "$END $(json .result)" "succeeded permission_denied as it may" "it is told why not, and ends as far as it could"
for f in made=200 written=200 other=404; do file "${f%=*}"; is "$CODE" "${f#*=}" "${f%=*} is there or not"; done
events approval.answered
is "$(json '[.items[].payload.status] | join(" ")')" "allowed allowed denied" "the answers are events"
ended late
is "$END $(json .result)" "succeeded permission_denied without it" "nobody's answer is no"
api GET "/v1/approvals?run=$RUN"
is "$(json '[.items[].status] | join(" ")')" expired "which is said"

# --- the server is killed in between
asked killed "one asks"
server_dies
try "the next server answers" wait_until 60 status_is killed needs_input
answer '{"decision": "allow"}'
is "$CODE $(json .status)" "200 allowed" "it is answered"
ended killed
is "$END $(json .result)" "succeeded completed after all" "and the agent hears the answer"
events agent.tool_call
is "$(json '.items | length')" 1 "nothing is told or done twice"

# --- and as it begins
for at in run.started session.init agent.tool_result; do
    begin $at '[{"run": "echo one >>count"}, {"run": "echo two >>count"}, {"say": "done"}]'
    try "one begins: $at" wait_until 60 seen $at $at
    server_dies
    ended $at
    WS=$(json .workspace_id)
    is "$END $(json '"\(.result) \(.usage.input_tokens)"')" "succeeded completed done 3000" "killed at $at it ends all the same"
    file count
    is "$BODY" $'one\ntwo' "what it is told it does once"
    events
    is "$(json '[.items[].type | select(test("^(session|agent)"))] | join(" ")')" \
        "session.init agent.tool_call agent.tool_result agent.tool_call agent.tool_result agent.message" "and tells it once"
done

# --- its sub-agents
ended parts
is "$END $(json '"\(.result) \(.usage.input_tokens) \(.usage.output_tokens)"')" "succeeded completed all of it is done 5000 250" "a sub-agent's tokens are counted"
events
is "$(json '[.items[].type | select(test("subagent"))] | join(" ")')" "agent.subagent_start agent.subagent_stop" "and its life told"
CALL=$(json '[.items[] | select(.payload.name == "collab_agent_tool_call")][0].payload.id')
is "$(json "[.items[] | select(.payload.parent_tool_call_id == \"$CALL\") | .type] | join(\" \")")" "agent.tool_call agent.tool_result agent.message" "with what it did"
done_testing
