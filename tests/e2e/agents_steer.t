#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Claude Code while it runs: it is told something, asked to stop, and asks whether it may.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
. "$(dirname "$0")/steer.sh"
tool_need claude-code
MODEL_NAME=claude-sonnet-4-5 NAP=9874
world "MaxRuns=8"
provider model anthropic ''
begin told "$(waits went 'it went')"
begin stopped "[{\"run\": \"setsid -f sleep ${NAP}3 >/dev/null 2>&1; sleep ${NAP}1\"}, {\"say\": \"never\"}]"
begin paused "[{\"run\": \"setsid -f sleep ${NAP}4 >/dev/null 2>&1; sleep ${NAP}2\"}, {\"say\": \"never\"}]"
begin asks '[{"run": "touch made"}, {"run": "touch other"}, {"run": "touch third; echo three"}, {"say": "as it may"}]' "$ask"
begin late '[{"run": "touch made"}, {"say": "without it"}]' '{"permissions": "ask", "approval_timeout_secs": 1}'
begin killed "[{\"run\": \"touch made; echo it was\"}, {\"say\": \"after all\"}]" "$ask"

# --- told in the middle of a turn
try "it runs" wait_until 60 seen told agent.tool_call
say told 'mind <<[{"say": "it minds"}]>>'
is "$CODE" 202 "an agent that runs is told something"
try "it is written down" wait_until 60 seen told user.message
put told go
ended told
is "$END $(json '"\(.turn) \(.messages_waiting)"')" "succeeded completed 1 0" "it hears that in the same turn"
events
like "$(json '[.items[].type] | join(" ")')" "user.message .*user.message_taken .*run.result" "and says that it has"
is "$(json '[.items[] | select(.type == "user.message_taken")] | length')" 1 "once"

# --- a turn is interrupted
try "it runs" wait_until 30 alive 1
interrupt stopped 'rather <<[{"run": "echo rather"}, {"say": "rather this"}]>>'
is "$CODE" 202 "a turn is interrupted, with what is to be done instead"
ended stopped
is "$END $(json .result)" "succeeded completed rather this" "it goes on with that"
is "$(json .session_id)" "$(events session.init; json '.items[0].payload.session_id')" "in its session"
fails "and what it did is over" alive 1
try "it runs" wait_until 30 alive 2
interrupt paused
api GET "/v1/runs/${RUNS[paused]}?wait=60"
is "$(json .status)" paused "with nothing to do instead it is paused"
fails "and nothing of it runs" alive '[24]'
api POST "/v1/runs/${RUNS[paused]}/continue?wait=100" -d '{"message": "go on <<[{\"say\": \"went on\"}]>>"}'
is "$(json '"\(.status) \(.result)"')" "succeeded went on" "and can be gone on with"
interrupt paused
is "$CODE" 409 "what has ended has no turn to interrupt"

# --- it asks
asked asks "it asks before it does"
is "$(json '.items[0] | "\(.tool) \(.input.command) \(.run_id)"')" "Bash touch made ${RUNS[asks]}" "with what it would do"
status_is asks needs_input; ok $? "its run needs input"
WS=$(json .workspace_id); file made
is "$CODE" 404 "nothing is done meanwhile"
answer '{"decision": "allow"}'
is "$CODE $(json .status)" "200 allowed" "it may"
FIRST=$ASK
answer '{"decision": "deny"}'
is "$CODE" 410 "what was answered is answered"
asked asks "it asks again"
answer '{"decision": "deny", "message": "not that one"}'
is "$(json '"\(.status) \(.message)"')" "denied not that one" "it may not"
asked asks "and again"
answer '{"decision": "allow", "input": [1]}'
is "$CODE" 400 "input that is no object is refused"
answer $'{"decision": "allow", "input": {\n"command": "touch else; echo else"}}'
is "$CODE" 200 "it may do something else"
ended asks
is "$END $(json .result)" "succeeded permission_denied as it may" "it ends as far as it could"
for f in made=200 other=404 third=404 else=200; do file "${f%=*}"; is "$CODE" "${f#*=}" "${f%=*} is there or not"; done
events agent.tool_result
like "$(json '[.items[].payload.output] | join(" ")')" "not that one" "it was told why not"
events approval.answered
is "$(json '[.items[].payload.status] | join(" ")')" "allowed denied allowed" "the answers are events"
api GET "/v1/approvals/$FIRST"
is "$(json '"\(.status) \(.tool)"')" "allowed Bash" "and kept"
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
done_testing
