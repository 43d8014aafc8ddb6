#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients that go away in the middle, that do not read, that read more than fits into memory: what
# they asked for ends, the server stays small, others are served.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
server_start WarmPool=0 || done_testing # what waits would be taken for a leftover
SERVER=$(pid_of server)
workspace '{"name": "alpha"}'; WS=$ID
workspace '{"name": "beta"}'; OTHER=$ID

memory() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$SERVER/status"; } # VmRSS or VmHWM, KiB
forget_peak() { echo 5 >"/proc/$SERVER/clear_refs"; BASE=$(memory VmHWM); }
small() { # MIB SENTENCE: since forget_peak
    tap_up=1 between $(($(memory VmHWM) - BASE)) -1000000 $(($1 * 1024)) "$2"
}
leave() { # NAME: its client goes away without a word
    wait_until 10 pgrep -P "${LATERS[$1]}" curl
    kill -KILL "$(pgrep -P "${LATERS[$1]}" curl)"
    wait "${LATERS[$1]}" 2>/dev/null
}
reason_of() { # COMMAND: of the newest exec with it
    api GET "/v1/execs?limit=50"
    jq -r --arg c "$1" '[.items[] | select(.command == $c)][0] | "\(.status) \(.reason)"' <<<"$BODY"
}
ends_as() { [ "$(reason_of "$1")" = "ended $2" ]; }
responsive() { # SENTENCE
    local start=${EPOCHREALTIME/./}
    run "$OTHER" 'echo well'
    [ "$CODE $(json .stdout)" = "200 well" ] && [ $((${EPOCHREALTIME/./} - start)) -lt 3000000 ]
    tap_up=1 ok $? "$1" || echo "# $CODE, $(((${EPOCHREALTIME/./} - start) / 1000)) ms, $BODY"
}
only_init() { # no process in the workspace's sandbox but its init
    api GET "/v1/workspaces/$WS/debug"
    [ "$(jq '[.processes[] | select(.name == "sleep" or .name == "yes")] | length' <<<"$BODY")" = 0 ]
}

# --- going away -----------------------------------------------------------------------------------------
later collected POST "/v1/workspaces/$WS/exec" -d '{"command": "touch collected.runs; (setsid sleep 1001 &); sleep 1002"}'
later stream POST "/v1/workspaces/$WS/exec" -H 'Accept: text/event-stream' -d '{"command": "touch stream.runs; sleep 1003"}'
later shot POST /v1/exec -H 'Accept: application/x-ndjson' -d '{"command": "echo runs; sleep 1004"}'
later shot2 POST /v1/exec -d '{"command": "sleep 1005"}'
for name in collected stream; do try "a $name command runs" wait_until 20 has_file "$WS" $name.runs; done
try "a one-shot runs" wait_until 20 grep -q runs "$WORK/shot.body"
boxes() { api GET /v1/stats && [ "$(json .sandboxes)" = "$1" ]; }
try "and another" wait_until 20 boxes 3
for name in collected stream shot shot2; do leave $name; done
try "a collected command whose client left is cancelled" wait_until 10 ends_as 'touch collected.runs; (setsid sleep 1001 &); sleep 1002' cancelled
try "so is a streamed one" wait_until 10 ends_as 'touch stream.runs; sleep 1003' cancelled
try "and one-shots" wait_until 10 ends_as 'sleep 1005' cancelled
try "nothing of them runs on" wait_until 10 only_init
try "their sandboxes are gone" wait_until 10 boxes 1

background "$WS" 'echo on; touch bg.runs; while [ ! -e stop ]; do sleep 0.1; done; exit 4'
BG=$EXEC
wait_until 10 has_file "$WS" bg.runs
later follow GET "/v1/execs/$BG/output" -H 'Accept: text/event-stream'
try "somebody follows a background command" wait_until 10 grep -q stdout "$WORK/follow.body"
leave follow
later wait GET "/v1/execs/$BG/wait"
leave wait
api PUT "/v1/workspaces/$WS/files/stop" --data-binary x
api GET "/v1/execs/$BG/wait?wait=10"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 4" "who followed it may leave without touching it"

head -c 8000000 /dev/urandom >"$WORK/big"
mkfifo "$WORK/feed"
exec 6<>"$WORK/feed"
later upload PUT "/v1/workspaces/$WS/files/upload" -T "$WORK/feed"
head -c 200000 "$WORK/big" >&6 # more than a pipe holds: when this returns, some of it was sent
leave upload
exec 6>&-
api HEAD "/v1/workspaces/$WS/files/upload" --head
is "$CODE" 404 "of an upload whose client left nothing is there"
api PUT "/v1/workspaces/$WS/files/upload" --data-binary @"$WORK/big"
like "$CODE" '^20' "a whole one is taken"
later download GET "/v1/workspaces/$WS/files/upload" --limit-rate 100k
some() { [ "$(wc -c <"$WORK/download.body")" -gt 1000 ]; }
wait_until 10 some
leave download
run "$WS" 'cmp upload upload && wc -c <upload'
is "$(json .stdout)" 8000000 "a download whose client left harms nothing"

# --- not reading ------------------------------------------------------------------------------------------
mkfifo "$WORK/fifo"
exec 7<>"$WORK/fifo" # somebody has it open and nobody reads it
forget_peak
READERS=20
for i in $(seq $READERS); do
    curl -sS -N -m 120 -X POST -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson' \
        -d '{"command": "yes 0123456789abcdef0123456789abcdef | head -c 2G"}' "$URL/v1/workspaces/$WS/exec" >&7 2>/dev/null &
    slow+=($!)
done
progress() { api GET "/v1/workspaces/$WS/execs?limit=$READERS"; json '[.items[].stdout_bytes] | add'; }
stuck() { local a; a=$(progress); responsive_once; [ "$a" -gt 1000000 ] && [ "$a" = "$(progress)" ]; }
responsive_once() { run "$OTHER" 'echo'; }
try "commands whose output nobody reads wait" wait_until 30 stuck
small 64 "and the server stays small"
responsive "others are served meanwhile"
disown "${slow[@]}"
kill -KILL "${slow[@]}"
exec 7>&-
try "they end when their clients leave" wait_until 10 only_init

# --- 2 GiB ---------------------------------------------------------------------------------------------------
forget_peak
curl -sS -N -m 120 -X POST -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson' \
    -d '{"command": "yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef | head -c 2G; exit 5"}' \
    "$URL/v1/workspaces/$WS/exec" | tail -c 2000000 >"$WORK/last" &
stream=$!
responsive "others are served while 2 GiB are streamed"
wait $stream
is "$(tail -n 1 "$WORK/last" | jq -r '"\(.event) \(.reason) \(.exit_code) \(.stdout_bytes)"')" "exit exited 5 2147483648" "all of it came, with its end"
is "$(tail -n 2 "$WORK/last" | head -n 1 | jq '.offset + (.data | length)')" 2147483648 "and without a gap at the end"
small 48 "the server stays small"
forget_peak
later collected POST "/v1/workspaces/$WS/exec" -d '{"command": "head -c 2G /dev/zero; echo err >&2; exit 6"}'
responsive "others are served while 2 GiB are collected"
later_end collected
is "$(json '"\(.reason) \(.exit_code) \(.stdout_bytes) \(.truncated.stdout) \(.truncated.stderr) \(.stderr)"')" \
    "exited 6 2147483648 true false err" "a collected answer says that it is cut, and how it ended"
is "$(jq -r .stdout "$WORK/collected.body" | wc -c)" $((1048576 + 1)) "after its first MiB" # jq's newline
small 64 "the server stays small"
ID=$(json .id)
kept() { curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/execs/$ID/stdout?offset=16777206"; }
is "$(kept | wc -c)" 10 "what is kept can be read up to its end"

try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(pid_of server)" "$SERVER" "it was the same server all the time"
done_testing
