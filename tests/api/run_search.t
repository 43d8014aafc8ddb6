#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a run printed, what was said in it and what happened, looked through for a text.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
server_start || done_testing
run() { api POST "/v1/runs?wait=60" -d "$1"; RUN=$(json .id); }
look() { api GET "/v1/runs/$RUN/$1"; }
logs() { api GET "/v1/runs/$RUN/logs?contains=$1" -H "Accept: application/json"; }

# 262144 is what is read at once: needles before, over and behind such an edge.
run '{"command": "echo First NEEDLE, and a needle again; head -c 262104 /dev/zero | tr \"\\0\" x; echo needle; seq 50000; echo \"at the needle\"; echo needle on stderr >&2; printf \"\\377needle\""}'
is "$(json .status)" succeeded "a run prints much"
logs needle
is "$CODE $(json '[.items[].offset] | join(" ")')" "200 6 262137 551045 551053" "each line with it is found once, over the edges of what is read at once"
is "$(json '.items[0].text')" "First NEEDLE, and a needle again" "with the line, whatever its case"
is "$(json '.items[1].text | length')" 306 "of a long line that which is around it"
is "$(json '.items[2].text')" "at the needle" "in order"
is "$(json '.items[3].text_base64')" "/25lZWRsZQ==" "as it is, in base 64 when it is no text"
is "$(json .next_cursor)" null "that is all"
logs 'needle&limit=2'
next=$(json .next_cursor)
is "$(json '.items | length')" 2 "as many as are asked for"
logs "needle&offset=$next"
is "$(json '[.items[].offset] | join(" ")')" "551045 551053" "and then the others"
look 'logs?contains=needle&stream=stderr'
is "$BODY" "0: needle on stderr" "as text: behind its offset"
look 'logs?contains=nowhere'
is "$CODE $BODY" "200 " "nothing is found where nothing is"
export PINFOLD_URL=$URL PINFOLD_TOKEN=$TOKEN
is "$("$PINFOLD_BIN/pinfold" runs logs "$RUN" --contains 'the needle' | tail -n 1)" "551041     at the needle" "by the command line too"

run '{"agent": "shell", "prompt": "echo the \"word\""}'
look 'events?contains=%22WORD%22'
is "$(json '[.items[].type] | join(" ")')" "" "what was not said is in no event"
look 'events?contains=the%20word'
is "$(json '[.items[].type] | join(" ")')" "run.result" "events are found by their text"
look 'events?contains=the%20word&types=run.created'
is "$(json '.items | length')" 0 "of the types that are asked for"
look 'events?contains=r&limit=1'
is "$(json '"\(.items | length) \(.next_cursor == (.items[0].id | tostring))"')" "1 true" "page by page"
run '{"command": "printf \"a \\\"quoted\\\"\\nline\""}'
look 'events?contains=%22Quoted%22%0Aline'
is "$(json '[.items[].type] | join(" ")')" "run.result" "a quote and a new line are what they are"
is "$("$PINFOLD_BIN/pinfold" runs transcript "$RUN" --contains quoted | grep -c '^a "quoted"')" 1 "in a transcript by the command line"
look 'transcript?contains=quoted'
like "$BODY" "## Result.*quoted" "the part of the transcript with it is shown"
unlike "$BODY" "# Turn 1|run.completed" "and no other"
for path in 'events?contains=' 'logs?contains=' 'transcript?contains=' "logs?contains=$(printf 'x%.0s' $(seq 257))"; do
    look "$path"
    is "$CODE" 400 "refused: ${path:0:30}"
done
api GET "/v1/runs/$RUN/events?contains=x" -H "Accept: text/event-stream"
is "$CODE" 400 "a stream is not looked through"
done_testing
