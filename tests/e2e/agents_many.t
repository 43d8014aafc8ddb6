#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ten real agents at once: the model answers none before all have asked.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need claude-code
tool_need codex
world "MaxRuns=10" "MaxRunsPerRepository=10"
provider claude anthropic ''
provider gpt openai /v1
for i in 1 2 3 4 5; do
    AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=claude \
        begin c$i '[{"run": "echo its own >mine", "meet": 10}, {"run": "cat mine"}, {"say": "done"}]'
    AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=gpt \
        begin x$i '[{"run": "echo its own >mine", "meet": 10}, {"run": "cat mine"}, {"say": "done"}]'
done
for i in c1 x1 c2 x2 c3 x3 c4 x4 c5 x5; do
    ended $i
    is "$END $(json '"\(.result) \(.usage.input_tokens)"')" "succeeded completed done 3000" "ten at once: $i does its work"
done
api GET /v1/stats
is "$(json '.runs_running + .runs_queued')" 0 "none is left over"
done_testing
