#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gemini CLI and Qwen Code themselves, in sandboxes, over a hostile repository.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need gemini
tool_need qwen
world "MaxRuns=2"
provider google gemini ''
provider any openai-compatible /v1
more() { begin_cases works refused forgets; begin down '[{"fail": 500}]' '{"silence_secs": 20}'; begin stranger '[{"fail": 401}]'; }
check() {
    check_works
    check_resume
    check_refused
    check_forgets
    ended stranger
    like "$END $(json .error)" "^failed api_error .*401" "a key that is wrong is the reason"
    ended down
    like "$END $(json .error)" "^(timed_out silence_limit|failed api_error .*500)" "a model that is down is no success"
}
AGENT=gemini MODEL_NAME=gemini-2.5-flash PROVIDER=google MORE_EVENTS=agent.token
more
check
AGENT=qwen MODEL_NAME=m PROVIDER=any MORE_EVENTS=agent.thinking
more
check
done_testing
