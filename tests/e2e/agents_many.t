#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ten real agents of three tools at once: the model answers none before all have asked.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/agents.sh"
tool_need claude-code
tool_need codex
tool_need opencode
world "MaxRuns=10" "MaxRunsPerRepository=10"
provider claude anthropic ''
provider gpt openai /v1
provider any openai-compatible /v1
all=
for i in 1 2 3 4; do
    all+=" c$i x$i"
    AGENT=claude-code MODEL_NAME=claude-sonnet-4-5 PROVIDER=claude \
        begin c$i '[{"run": "echo its own >mine", "meet": 10}, {"run": "cat mine"}, {"say": "done"}]'
    AGENT=codex MODEL_NAME=gpt-5.5 PROVIDER=gpt \
        begin x$i '[{"run": "echo its own >mine", "meet": 10}, {"run": "cat mine"}, {"say": "done"}]'
done
for i in 1 2; do
    all+=" o$i"
    AGENT=opencode MODEL_NAME=mock-model PROVIDER=any \
        begin o$i '[{"run": "echo its own >mine", "meet": 10}, {"run": "cat mine"}, {"say": "done"}]'
done
for i in $all; do
    ended $i
    is "$END $(json '"\(.result) \(.usage.input_tokens)"')" "succeeded completed done 3000" "ten at once: $i does its work"
done
api GET /v1/stats
is "$(json '.runs_running + .runs_queued')" 0 "none is left over"
done_testing
