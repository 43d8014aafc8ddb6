#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenCode itself, in sandboxes, over a hostile repository.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need opencode
MODEL_NAME=mock-model NAP=9873 NOT_OBEYED="obeyed-hook obeyed-mcp"
world "MaxRuns=2"
provider model openai-compatible /v1
# Few runs that show much: each takes it some seconds of processor time to begin.
ALSO="setsid -f sleep ${NAP}3 >/dev/null 2>&1;"
begin_cases works steals stopped
begin long '[{"agent": "<<[{\"run\": \"echo in the part\"}, {\"say\": \"the part is done\"}]>>"}, {"stop": "length"}]'
check_works
check_stopped
check_steals
fails "and left nothing running" alive 3
ended long
is "$END $(json .exit_code)" "failed token_limit 0" "an answer that is cut is no result, whatever the exit code"
events agent.tool_result
like "$(json '.items[0].payload | tojson')" 'the part is done' "its sub-agent's answer was there"
check_resume
done_testing
