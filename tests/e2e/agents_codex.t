#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Codex itself, in sandboxes, over a hostile repository.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need codex
MODEL_NAME=gpt-5.5 NAP=9872
world "MaxRuns=4"
provider model openai /v1
begin_cases works forgets stopped leaves tired cut refused hangs floods steals
begin limited '[{"fail": 429}]'
begin down '[{"fail": 500}]'
begin over '[{"fail": 529}]'
begin always-cut '[{"break": "cut"}]'
begin no '[{"stop": "refusal"}]'
begin stranger '[{"fail": 401}]'
begin breaks '[{"break": "error", "times": 1}, {"say": "at last"}]'
begin babbles '[{"break": "garbage"}]'
begin long '[{"stop": "length"}]'
check_works
for c in stopped tired refused hangs floods leaves steals cut; do "check_$c"; done
check_stalls
check_signals '(no_result|signaled|exited|aborted|cancelled) ' '(no_result|signaled|exited|aborted) '
check_resume
check_forgets
RUN=${RUNS[cut]}
events run.note
like "$(json '.items[0].payload.text')" "Reconnecting... 1/" "which is told, and is not the end"
ended limited
like "$END $(json .error)" "^failed api_error .*429" "a model that is asked too often is the reason"
ended down
like "$END $(json .error)" "^failed api_error .+" "a model that is down is the reason"
events run.note
is "$(json '[.items[].payload.text | select(test("Reconnecting"))] | length > 1')" true "after all its tries"
ended over
like "$END $(json .error)" "^failed api_error .*529" "so is one that does not take more"
ended always-cut
like "$END $(json .error)" "^failed api_error .+" "streams that are always cut are a reason too"
ended no
is "$END $(json .result)" "succeeded completed as far as" "its protocol has no word for a refusal: that is the answer"
ended stranger
like "$END $(json .error)" "^failed api_error .*401" "a key that is wrong is the reason"
ended breaks
is "$END $(json .result)" "succeeded completed at last" "broken streams are asked for again"
ended babbles
is "$END $(json .result)" "succeeded completed half of it" "a frame that makes no sense is passed over"
ended long
like "$END $(json .error)" "^failed token_limit .*max_output_tokens" "an answer that is cut is no result"
done_testing
