#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenCode itself, in sandboxes, over a hostile repository.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need opencode
MODEL_NAME=mock-model NAP=9873
world "MaxRuns=3"
provider model openai-compatible /v1
# Few runs that show much: each takes it some seconds of processor time to begin.
ALSO="setsid -f sleep ${NAP}3 >/dev/null 2>&1;"
begin_cases works steals stopped refused floods
begin weather '[{"fail": 503, "times": 2}, {"run": "echo 1"}, {"break": "cut", "times": 1}, {"run": "echo 2"}, {"break": "error", "times": 1},
    {"run": "echo 3"}, {"fail": 429, "times": 1}, {"say": "for all that"}]'
begin stranger '[{"fail": 401}]'
begin no '[{"stop": "refusal"}]'
begin babbles '[{"break": "garbage"}]'
begin down '[{"fail": 500}]' '{"silence_secs": 20}'
begin hangs '[{"break": "hang"}]' '{"silence_secs": 20}'
begin asks '[{"run": "touch asked"}, {"say": "without it"}]' '{"env": {"OPENCODE_PERMISSION": "{\"bash\": \"ask\"}"}}'
for n in 1 2; do begin plugin-$n '[{"say": "never"}]' "{\"repository\": {\"ref\": \"plugin-$n\"}}"; done
begin long '[{"agent": "<<[{\"run\": \"echo in the part\"}, {\"say\": \"the part is done\"}]>>"}, {"stop": "length"}]' \
    '{"repository": {"ref": "plugin-2"}, "env": {"PINFOLD_REPOSITORY_PLUGINS": "yes"}}'
check_works
check_stopped
check_steals
fails "and left nothing running" alive 3
ended long
is "$END $(json .exit_code)" "failed token_limit 0" "an answer that is cut is no result, whatever the exit code"
is "$(json '.usage | "\(.input_tokens) \(.output_tokens)"')" "5000 250" "with its sub-agent's tokens, of which it says nothing, and a title's"
events agent.tool_result
like "$(json '.items[0].payload | tojson')" 'the part is done' "its sub-agent's answer was there"
WS=$(api GET "/v1/runs/$RUN"; json .workspace_id)
file obeyed-plugin
is "$CODE" 200 "with leave it obeys what the repository brings"
for n in 1 2; do
    ended plugin-$n
    like "$END $(json .error)" "^failed setup_failed the repository has plugins.*opencode.*PINFOLD_REPOSITORY_PLUGINS=yes" "without it is not begun: plugin-$n"
    WS=$(json .workspace_id)
    file obeyed-plugin
    is "$CODE" 404 "and nothing of them has run"
done
ended weather
is "$END $(json '"\(.result) \(.usage.input_tokens)"')" "succeeded completed for all that 4000" "what its model loses on the way is asked for again: 503, a cut, an error, 429"
check_refused
check_floods
ended stranger
like "$END $(json .error)" "^failed api_error .*401" "a key that is wrong is the reason"
ended babbles
like "$END $(json .error)" "^failed api_error JSON parsing" "so is a frame that makes no sense"
ended no
like "$END" "^failed refused" "so is a model that refuses"
for c in down hangs; do
    ended $c
    is "$END" "timed_out silence_limit" "a model that is $c for ever, of which it says nothing, ends with the limit of silence"
done
ended asks
like "$END $(json '"\(.exit_code) \(.error)"')" "^failed no_result 0 .*permission requested: bash" "it ends with a tool that it may not use, whatever the exit code"
check_resume
done_testing
