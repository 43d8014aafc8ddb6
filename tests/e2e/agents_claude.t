#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Claude Code itself, in sandboxes, over a hostile repository.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need claude-code
MODEL_NAME=claude-sonnet-4-5 NAP=9871
world "MaxRuns=4"
provider model anthropic ''
few='{"env": {"CLAUDE_CODE_MAX_RETRIES": "1"}}'
begin_cases works forgets stopped leaves tired cut refused hangs floods steals
begin limited '[{"fail": 429, "times": 1}, {"say": "in its time"}]'
begin parts '[{"agent": "<<[{\"run\": \"echo in the part\"}, {\"say\": \"the part is done\"}]>>"}, {"say": "all of it is done"}]'
begin down '[{"fail": 500}]' "$few"
begin over '[{"fail": 529}]' "$few"
begin often '[{"fail": 429}]' "$few"
begin always-cut '[{"break": "cut"}]' "$few"
begin turns '[{"run": "echo 1"}, {"run": "echo 2"}, {"run": "echo 3"}, {"say": "never"}]' '{"max_turns": 2}'
begin costs '[{"run": "echo 1"}, {"run": "echo 2"}, {"run": "echo 3"}, {"say": "never"}]' '{"max_cost_usd": 0.005}'
begin stranger '[{"fail": 401}]' "$few"
begin breaks '[{"break": "error", "times": 1}, {"say": "at last"}]'
begin babbles '[{"break": "garbage"}]'
begin long '[{"stop": "length"}]'
begin no '[{"stop": "refusal"}]'
check_works
for c in stopped tired refused hangs floods leaves steals cut; do "check_$c"; done
check_stalls
check_signals 'aborted 0' 'no_result 143'
check_resume
check_forgets
ended limited
is "$END $(json .result)" "succeeded completed in its time" "one that is asked too often is asked again"
ended parts
is "$END $(json '.usage | "\(.input_tokens) \(.output_tokens)"')" "succeeded completed 5000 250" "a sub-agent's tokens are counted, though there are two results then"
events
is "$(json '[.items[].type | select(test("subagent"))] | join(" ")')" "agent.subagent_start agent.subagent_stop" "and its life told"
is "$(json '[.items[] | select(.payload.parent_tool_call_id) | .type] | join(" ")')" "agent.tool_call agent.tool_result agent.message" "with what it did"
ended limited
api POST "/v1/runs/$RUN/continue" -d '{"message": "<<[{\"run\": \"echo on\"}, {\"break\": \"hang\"}]>>"}'
called() { events agent.tool_result; [ "$(json '.items | length')" = 1 ]; }
try "it goes on" wait_until 60 called
api POST "/v1/runs/$RUN/cancel?wait=60"
is "$(json '"\(.status) \(.usage.input_tokens)"')" "cancelled 2000" "of a turn that is cancelled what its provider told is counted, once"
ended down
like "$END $(json .error)" "^failed api_error .*500" "a model that is down is the reason"
events run.note
like "$(json '.items[0].payload.text')" "its model does not answer .*500" "and each try is told"
for c in over=529 often=429; do
    ended ${c%=*}
    like "$END $(json .error)" "^failed api_error .*(${c#*=}|overloaded|limit)" "so is one that does not take more: ${c#*=}"
done
ended always-cut
like "$END $(json .error)" "^failed api_error " "streams that are always cut are a reason too"
ended turns
is "$END $(json '"\(.exit_code) \(.max_turns) \(.usage.output_tokens)"')" "failed turn_limit 1 2 100" "more turns than it may have are its end"
ended costs
is "$END $(json '"\(.exit_code) \(.max_cost_usd) \(.usage.cost_usd > 0.005)"')" "failed cost_limit 1 0.005 true" "so is more money"
ended stranger
like "$END $(json .error)" "^failed api_error .*401" "a key that is wrong is the reason"
ended breaks
is "$END $(json .result)" "succeeded completed at last" "broken streams are asked for again"
ended babbles
is "$END $(json .result)" "succeeded completed half of it" "a frame that makes no sense is passed over"
ended long
like "$END $(json .error)" "^failed token_limit .*output token" "an answer that is cut is no result"
ended no
like "$END $(json .error)" "^failed refused " "a model that refuses neither"
done_testing
