#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Terminals of runs: replay, several who look and one who types, size, recording. And events of runs
# as a WebSocket.
# route: GET /v1/runs/{id}/terminal
# route: GET /v1/runs/{id}/recording
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
server_start
export PINFOLD_URL=$URL PINFOLD_TOKEN=$TOKEN
ws() { timeout 60 python3 "$(dirname "$0")/ws" "$@"; }

run() { api POST "/v1/runs${2:-}" -d "$1"; RUN=$(json .id); T=/v1/runs/$RUN/terminal; }
status_is() { api GET "/v1/runs/$1"; [ "$(json .status)" = "$2" ]; }

run '{"command": "stty size; echo ready; while read -r l; do echo \"got $l\"; stty size; [ \"$l\" = end ] && break; done; printf \"\\342\\202\\254 \\377 fin\"", "terminal": {"rows": 30, "cols": 90}, "timeout_secs": 120}'
is "$(json '"\(.terminal.rows) \(.terminal.cols) \(.terminal.shared)"')" "30 90 false" "a run has a terminal"
wait_until 30 status_is "$RUN" running
out=$(ws "$T" 'f:ready' 'b:one\n' 'f:got one' 'f:30 90' x:)
like "$out" 'got one' "who is connected sees it and types"
out=$(ws "$T" 'f:got one' x:)
like "$out" 'ready' "who comes later sees what was there"
out=$(ws "$T?view=true" 'f:got one' 'b:two\n' 'f:read_only' x:)
like "$out" 'only looks' "who only looks does not type"
ws "$T" 'f:got one' 'b:hold\n' 'f:got hold' e: >"$WORK/first" &
first=$!
wait_until 30 grep -q 'got hold' "$WORK/first"
out=$(ws "$T" 'f:got hold' 'b:three\n' 'f:read_only' 't:{"event": "resize", "rows": 9, "cols": 9}' 'f:read_only' x:)
like "$out" 'another connection types' "one types at a time"
api POST "/v1/execs/$(api GET "/v1/runs/$RUN"; json .exec_id)/resize" -d '{"rows": 40, "cols": 100}'
is "$CODE" 204 "it is resized"
api POST "/v1/execs/$(api GET "/v1/runs/$RUN"; json .exec_id)/stdin" -H "Content-Type: application/octet-stream" --data-binary $'end\n'
wait "$first"
like "$(cat "$WORK/first")" '40 100' "the program sees the new size"
like "$(cat "$WORK/first")" '"event":"exit"' "and who is connected the end"
api GET "/v1/runs/$RUN?wait=30"
is "$(json '"\(.status) \(.reason)"')" "succeeded completed" "the run ends as its command does"
unlike "$(json .result)" "three" "and nobody else's words came in"
out=$(ws "$T" e:)
like "$out" 'got end' "what it showed last is there after its end"

# --- the recording
curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/runs/$RUN/recording" >"$WORK/cast"
is "$(head -n 1 "$WORK/cast" | jq -c '[.version, .width, .height]')" "[2,90,30]" "it is recorded as asciicast"
is "$(tail -n +2 "$WORK/cast" | jq -r 'select(.[1] == "r") | .[2]')" "100x40" "with its sizes"
like "$(tail -n +2 "$WORK/cast" | jq -j 'select(.[1] == "o") | .[2]')" $'30 90\r\nready\r\n.*got end\r\n40 100\r\n\u20ac \ufffd fin$' "and all it showed"
is "$(tail -n +2 "$WORK/cast" | jq -s '[.[][0]] == ([.[][0]] | sort)')" true "in the order of its times"
api GET "/v1/runs/$RUN/logs"
like "$BODY" "got end" "its log is what it showed"

# --- shared
run '{"command": "echo ready; read -r a; read -r b; echo \"$a and $b\"", "terminal": {"shared": true}, "timeout_secs": 120}'
wait_until 30 status_is "$RUN" running
ws "$T" 'f:ready' 'b:first\n' 'f:first' e: >"$WORK/first" &
first=$!
wait_until 30 grep -q first "$WORK/first"
ws "$T" 'f:first' 'b:second\n' e: >/dev/null
wait "$first"
like "$(cat "$WORK/first")" 'first and second' "all type into one that is shared"

# --- none
run '{"command": "sleep 60"}'
wait_until 30 status_is "$RUN" running
is "$(ws "$T" | cut -d' ' -f1,2)" "status 409" "a run without a terminal has none"
api GET "/v1/runs/$RUN/recording"
is "$CODE" 404 "nor a recording"

# --- events as a WebSocket
ws "/v1/runs/$RUN/events" e: >"$WORK/socket" &
socket=$!
wait_until 30 grep -q run.started "$WORK/socket"
out=$(ws "/v1/runs/$RUN/events?types=run.started" 'f:run.started' x:)
unlike "$out" run.created "of some types only"
api POST "/v1/runs/$RUN/cancel?wait=30"
wait "$socket"
is "$(sed -n 's/^text //p' "$WORK/socket" | jq -r .type | xargs)" "run.created run.started run.cancelled end" "a WebSocket has its events too"
like "$(tail -n 1 "$WORK/socket")" "^close 1000" "and is closed at the end"
done_testing
