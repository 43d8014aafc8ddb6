#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Output while it comes, background execs, replay from any offset, live input.
# route: GET /v1/execs/{id}/output
# route: GET /v1/execs/{id}/stdout
# route: GET /v1/execs/{id}/stderr
# route: GET /v1/execs/{id}/wait
# route: POST /v1/execs/{id}/stdin
# route: POST /v1/execs/{id}/signal
# route: POST /v1/execs/{id}/cancel
# route: POST /v1/execs/{id}/resize
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start "OutputKeep=64K"
api POST /v1/workspaces -d '{"name": "w"}'
E=/v1/workspaces/w/exec
lines() { jq -r "$1" "$WORK/body"; } # of an NDJSON answer

# --- server-sent events and lines ------------------------------------------------------------
api POST $E -H 'Accept: application/x-ndjson' -d '{"command": "echo a; echo b >&2; exit 4"}'
is "$CODE" 200 "a stream of lines"
is "$(lines .event | sort | tr '\n' ' ')" "exit started stderr stdout " "with an event for everything"
is "$(lines 'select(.event=="stdout")|[.offset,.data]|tostring')" '[0,"a\n"]' "stdout has offset and text"
is "$(lines .event | tail -1)" exit "the last event is exit"
is "$(lines 'select(.event=="exit")|[.reason,.exit_code]|tostring')" '["exited",4]' "with what a collected answer has"
like "$(lines 'select(.event=="started")|.id')" '^exec_' "the first tells the id"
curl -sSN -H "Authorization: Bearer $TOKEN" -H 'Accept: text/event-stream' -o "$WORK/sse" -D "$WORK/head" \
    -d '{"command": "printf \"\\303\"; sleep 0.1; printf \"\\244 \\377\\n\"; echo ä"}' "$URL$E"
like "$(cat "$WORK/head")" 'content-type: text/event-stream' "server-sent events by Accept"
is "$(grep -c '^data: ' "$WORK/sse")" "$(grep -c '^event: ' "$WORK/sse")" "each event has its data on one line"
is "$(sed -n 's/^data: //p' "$WORK/sse" | jq -rj 'select(.event=="stdout")|(.data//"")+(.data_base64//""|@base64d)' | head -c 20 | od -An -tx1 | tr -d ' \n')" \
    "$(printf '\303\244 \357\277\275\n\303\244\n' | od -An -tx1 | tr -d ' \n')" "bytes that are no text arrive whole"
api POST $E -H 'Accept: application/x-ndjson' -d '{"command": "printf \"\\303\"; sleep 0.1; printf \"\\244\""}'
is "$(lines 'select(.event=="stdout")|[.offset,.data]|tostring')" '[0,"ä"]' "a character cut by two writes is put together"
api POST /v1/exec -H 'Accept: application/x-ndjson' -d '{"command": "echo hi"}'
is "$(lines 'select(.event=="stdout").data')" hi "a fresh sandbox streams too"
api POST $E -H 'Accept: application/x-ndjson' -d '{"argv": ["/no/such"]}'
is "$(lines 'select(.event=="exit").reason')" start_failed "a start that fails ends with exit as well"
api POST $E -H 'Accept: application/x-ndjson' -d '{"command": "x", "nope": 1}'
is "$CODE" 422 "a bad request is refused before any event"

api POST $E -H 'Accept: application/x-ndjson' -H 'Idempotency-Key: k' -d '{"command": "x"}'
is "$CODE$(json .code)" 400idempotency_not_possible "an Idempotency-Key that cannot be honoured is not ignored"

# --- in the background -----------------------------------------------------------------------
api POST $E -d '{"command": "cat; echo done >&2", "background": true, "stdin_open": true}'
is "$CODE" 202 "a background exec is accepted"
X=$(json .id)
like "$(json '.status')" '^(queued|starting|running)$' "it runs"
curl -sSN -H "Authorization: Bearer $TOKEN" -o "$WORK/follow" -H 'Accept: application/x-ndjson' "$URL/v1/execs/$X/output" &
FOLLOW=$!
api POST "/v1/execs/$X/stdin" -H 'Content-Type: text/plain' --data-binary 'one '
is "$CODE" 204 "bytes go to its standard input"
api POST "/v1/execs/$X/stdin" -H 'Content-Type: application/json' -d '{"data": "two\u0000", "close": false}'
is "$CODE" 204 "or text in JSON"
api GET "/v1/execs/$X?wait=0.2s"
is "$CODE" 400 "a wait that is no number is refused"
api GET "/v1/execs/$X/wait?wait=1"
is "$(json .status)" running "waiting has an end of its own"
api POST "/v1/execs/$X/stdin?close=1"
is "$CODE" 204 "its end of file"
api GET "/v1/execs/$X/wait"
is "$(json '.reason+(.exit_code|tostring)')" exited0 "waiting ends with the exec"
wait $FOLLOW
is "$(jq -rj 'select(.event=="stdout").data' "$WORK/follow" | tr '\0' '!')" 'one two!' "a follower saw everything"
is "$(jq -r .event "$WORK/follow" | tail -1)" exit "up to the end"
api GET "/v1/execs/$X/output?offset=4"
is "$(json '[.stream,.offset,(.data|tojson),.next_offset,.total_bytes,.ended]|tostring')" \
    '["stdout",4,"\"two\\u0000\"",8,8,true]' "kept output by offset"
api GET "/v1/execs/$X/output?stream=stderr"
is "$(json .data)" "done" "of the other stream too"
api GET "/v1/execs/$X/stdout?offset=1&limit=2"
is "$BODY" "ne" "or as it is"
api GET "/v1/execs/$X/stderr"
is "$BODY" "done" "stderr as it is"
api GET "/v1/execs/$X/output?offset=4" -H 'Accept: application/x-ndjson'
is "$(lines 'select(.event=="stdout").offset')" 4 "a replay begins where it is asked to"
api GET "/v1/execs/$X/output" -H 'Accept: text/event-stream' -H 'Last-Event-ID: 8-2'
is "$(sed -n 's/^data: //p' "$WORK/body" | jq -r 'select(.event=="stderr").data')" "ne" "and Last-Event-ID resumes both streams"
api GET "/v1/execs/$X/output?stream=x"
is "$CODE" 400 "an unknown stream is refused"
api POST "/v1/execs/$X/stdin" --data-binary x
is "$CODE" 410 "an exec that has ended takes no input"

# --- more than is kept -----------------------------------------------------------------------
api POST $E -d '{"command": "head -c 200000 /dev/zero | tr \"\\0\" x", "background": true}'
X=$(json .id)
api GET "/v1/execs/$X/wait"
is "$(json '[.stdout_bytes,.truncated.stdout]|tostring')" '[200000,true]' "what is beyond is counted and said"
api GET "/v1/execs/$X/stdout"
is "${#BODY}" 65536 "what is kept can be read"
api GET "/v1/execs/$X/output?offset=65530"
is "$(json '[(.data|length),.kept_bytes,.total_bytes,.truncated]|tostring')" '[6,65536,200000,true]' "to its end"
api GET "/v1/execs/$X/output" -H 'Accept: application/x-ndjson'
is "$(lines 'select(.event=="gap")|[.stream,.from,.to]|tostring')" '["stdout",65536,200000]' "a replay tells what is missing"
curl -sSN -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson' -d '{"command": "head -c 3000000 /dev/zero | tr \"\\0\" x"}' "$URL$E" >"$WORK/big"
is "$(jq -rj 'select(.event=="stdout").data' "$WORK/big" | wc -c)" 3000000 "a live stream is whole all the same"

# --- frames: bytes as they are ------------------------------------------------------------------
mkdir -p "$WORK/frames"
frames() { # DATA PATH: what was printed into $WORK/frames
    curl -sSN -H "Authorization: Bearer $TOKEN" -H 'Accept: application/vnd.pinfold.frames' \
        ${1:+-H 'Content-Type: application/json' -d "$1"} "$URL$2" | "$TESTS/api/unframe" "$WORK/frames"
}
event() { jq -r "$1" "$WORK/frames/events"; }
frames '{"command": "head -c 3000000 /dev/urandom | tee all; echo error >&2; exit 4"}' "$E"
is "$?" 0 "a stream of frames"
api GET "/v1/workspaces/w/files/all"
try "carries bytes that are no text as they are" cmp "$WORK/body" "$WORK/frames/stdout"
is "$(cat "$WORK/frames/stderr")" error "each stream by its kind"
is "$(event '[.event,.exit_code]|tostring' | xargs)" '[started,null] [exit,4]' "with events before and after"
frames '{"argv": ["/no/such"]}' "$E"
is "$(event .reason | xargs)" 'null start_failed' "also of what could not start"
api POST "$E" -d '{"command": "printf \"\\303\"; sleep 0.1; printf \"\\244x\"", "background": true}'
X=$(json .id)
api GET "/v1/execs/$X/wait"
frames '' "/v1/execs/$X/output?offset=1"
is "$(od -An -tx1 "$WORK/frames/stdout" | xargs)" 'a4 78' "what was kept, from an offset, though it is inside of a character"
frames '' "/v1/runs/run_x/events" 2>/dev/null
is "$?" 1 "an error is a problem document and no frames"

# --- signals ---------------------------------------------------------------------------------
api POST $E -d '{"command": "trap \"echo got; exit 5\" USR1; echo up; while :; do sleep 0.05; done", "background": true}'
X=$(json .id)
said_up() { api GET "/v1/execs/$X/stdout"; [ "$BODY" = up ]; }
wait_until 10 said_up
api POST "/v1/execs/$X/signal" -d '{"signal": "USR1"}'
is "$CODE" 204 "a signal by name"
api GET "/v1/execs/$X/wait"
is "$(json .exit_code)" 5 "arrives"
api POST $E -d '{"command": "sleep 100", "background": true}'
X=$(json .id)
api POST "/v1/execs/$X/signal" -d '{"signal": 15}'
api GET "/v1/execs/$X/wait"
is "$(json '.reason+.signal')" signaledSIGTERM "a signal by number"
api POST "/v1/execs/$X/signal" -d '{"signal": "NOPE"}'
is "$CODE" 422 "no signal"
api POST $E -d '{"command": "setsid sleep 100 & sleep 100", "background": true}'
X=$(json .id)
api POST "/v1/execs/$X/cancel"
is "$CODE" 204 "cancelled"
api GET "/v1/execs/$X/wait"
is "$(json .reason)" cancelled "with that reason"
api POST $E -d '{"command": "stty size; read x; stty size", "background": true, "tty": true, "stdin_open": true, "rows": 20, "cols": 70}'
X=$(json .id)
said_size() { api GET "/v1/execs/$X/stdout"; [[ $BODY == *"20 70"* ]]; }
wait_until 10 said_size
api POST "/v1/execs/$X/resize" -d '{"rows": 33, "cols": 99}'
is "$CODE" 204 "a terminal is resized"
api POST "/v1/execs/$X/stdin" --data-binary $'\n'
api GET "/v1/execs/$X/wait"
api GET "/v1/execs/$X/stdout"
like "$BODY" '33 99' "and its program sees it"
done_testing
