#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Server and launcher are replaced while they work: no request fails, what runs goes on, and a
# configuration or a binary that is not good is told.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON

# Binaries of our own, so that they can be replaced.
mkdir -p "$WORK/inst/bin"
cp -a "$PINFOLD_BIN"/pinfold* "$WORK/inst/bin/"
ln -s "$(readlink -f "$PINFOLD_BIN/../share")" "$WORK/inst/share"
export PINFOLD_BIN=$WORK/inst/bin
replace() { cp -a "$PINFOLD_BIN/$1" "$WORK/new" && mv "$WORK/new" "$PINFOLD_BIN/$1"; }
upgrade() { "$PINFOLD_BIN/pinfold" upgrade --state "$STATE" 2>&1; }
runs_new() { [ /proc/"$(pid_of "$1")"/exe -ef "$PINFOLD_BIN/pinfold-$1" ]; }
server_start "UpgradeGrace=1s" || done_testing

workspace '{"name": "alpha"}'
WS=$ID
run "$WS" 'echo kept >file'
is "$CODE" 200 "a workspace has a file"

# --- under load ---------------------------------------------------------------------------------------
"$TESTS/lib/load" "$WS" "$WORK/enough" >"$WORK/load" &
LOAD=$!
for i in 1 2 3; do
    replace pinfold-server
    replace pinfold-launcher
    out=$(upgrade)
    like "$out" '^server and launcher are replaced, after [0-9]+ ms' "they are replaced: $i"
    echo "# $out"
    try "by the new binaries" eval 'runs_new server && runs_new launcher'
    run "$WS" 'cat file'
    is "$(json .stdout)" kept "and serve"
done
touch "$WORK/enough"
wait $LOAD
echo "# $(cat "$WORK/load")"
is "$(jq -c '[.bad, .first]' "$WORK/load")" '[0,[]]' "no request failed"
between "$(jq .requests "$WORK/load")" 50 1000000 "of many"
is "$(jq .connections "$WORK/load")" 8 "on connections that stayed open all the time"
is "$(jq .slowest_ms "$WORK/load" | awk '{ print ($1 < 30000) }')" 1 "and none waited for a time limit"

# --- what takes time ------------------------------------------------------------------------------------
later brief POST "/v1/workspaces/$WS/exec" -d '{"command": "touch brief; sleep 0.4; echo done"}'
later waits GET "/v1/execs/$(background "$WS" 'touch waits; sleep 1000'; echo "$EXEC")/wait?wait=100"
later long POST "/v1/workspaces/$WS/exec" -d '{"command": "echo begun; touch long; until [ -e enough ]; do sleep 0.05; done; echo ended; echo well >&2; exit 6"}'
warm() { api GET /v1/stats && [ "$(json .sandboxes_warm)" -ge 1 ]; }
api POST /v1/exec -d '{"command": "true"}'
try "a warm sandbox waits" wait_until 20 warm
api GET /v1/stats
used=$(json .sandboxes_warm_used_total)
later keyed POST "/v1/workspaces/$WS/exec" -H 'Idempotency-Key: k1' -d '{"command": "touch keyed; until [ -e enough ]; do sleep 0.05; done; exit 5"}'
background "$WS" 'head -c 1; touch fed; until [ -e enough ]; do sleep 0.05; done; cat | wc -c' 'stdin_open: true'
FED=$EXEC
head -c 300000 /dev/zero | tr '\0' x >"$WORK/input"
later feeds POST "/v1/execs/$FED/stdin" --data-binary "@$WORK/input" -H 'Content-Type: application/octet-stream'
wait_until 20 eval "has_file $WS fed && has_file $WS keyed && has_file $WS brief && has_file $WS waits && has_file $WS long"
later pooled POST /v1/exec -d '{"command": "echo begun; sleep 6; echo ended; exit 8"}'
wait_until 20 eval 'api GET /v1/stats && [ "$(json .sandboxes_warm_used_total)" -gt "$used" ]'
upgrade >/dev/null
later_end brief
is "$CODE $(json .stdout)" "200 done" "a request that soon ends is answered"
later_end waits
is "$CODE $(json .status)" "200 running" "one that waits is answered as if its time were over"
later_end long
is "$CODE $(json .status)" "202 running" "a command that takes longer is answered that it goes on"
LONG=$(json .id)
later_end keyed
is "$CODE $(json .status)" "202 running" "one with an Idempotency-Key is answered that it goes on"
KEYED=$(json .id)
later_end pooled
is "$CODE $(json .status)" "202 running" "so is one in a sandbox of the warm pool"
POOLED=$(json .id)
later_end feeds
is "$CODE" 503 "input that a command does not read is refused at the end"
UNREAD=$(json .detail | grep -o '[0-9]* bytes' | tr -dc 0-9)
between "${UNREAD:-0}" 1 299999 "with how much of it was not written"
exec_is "$LONG" running
ok $? "and does"
run "$WS" 'touch enough'
api GET "/v1/execs/$LONG/wait?wait=30"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 6" "its end is known under its id"
api GET "/v1/execs/$LONG/stdout"
is "$BODY" $'begun\nended' "with all that it printed"
api GET "/v1/execs/$LONG/stderr"
is "$BODY" well "on both"
api GET "/v1/execs/$POOLED/wait?wait=30"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 8" "the one of the pool ends in its sandbox"
api GET "/v1/execs/$POOLED/stdout"
is "$BODY" $'begun\nended' "with all that it printed"
api GET "/v1/execs/$KEYED/wait?wait=30"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 5" "and does"
tail -c "${UNREAD:-0}" "$WORK/input" >"$WORK/input.rest"
api POST "/v1/execs/$FED/stdin?close=true" --data-binary "@$WORK/input.rest" -H 'Content-Type: application/octet-stream'
is "$CODE" 204 "that much, sent again"
api GET "/v1/execs/$FED/wait?wait=30"
api GET "/v1/execs/$FED/stdout"
is "$BODY" x299999 "makes the input whole"

# --- streams --------------------------------------------------------------------------------------------
# follow PATH [BODY]: takes a stream until its end, over every reconnect; says how it went on
cat >"$WORK/follow" <<'E2'
import json, os, sys, time, urllib.request
url, token = os.environ["PINFOLD_URL"], os.environ["PINFOLD_TOKEN"]
path, body = sys.argv[1], sys.argv[2].encode() if len(sys.argv) > 2 else None
data, at, turns, faults, end = b"", 0, 0, [], None
while end is None:
    r = urllib.request.Request(url + path, data=body, headers={"Authorization": "Bearer " + token, "Accept": "application/x-ndjson"})
    last = None
    for line in urllib.request.urlopen(r, timeout=60):
        last = json.loads(line)
        if last["event"] == "stdout":
            if last["offset"] != at:
                faults.append(f"offset {last['offset']} at {at}")
            data += last["data"].encode()
            at += len(last["data"])
    if not last:
        faults.append("no last event"); break
    if last["event"] == "reconnect":
        turns += 1
        path, body = f"{last['path']}?follow=1&offset={last['offset']}&stderr_offset={last['stderr_offset']}", None
        time.sleep(last["retry_ms"] / 1000)
    else:
        end = last
want = b"".join(b"%d\n" % i for i in range(1, 401))
if data != want:
    faults.append(f"{len(data)} bytes instead of {len(want)}")
print(json.dumps({"turns": turns, "faults": faults, "event": end and end["event"], "code": end and end.get("exit_code")}))
E2
counting='i=0; while [ $i -lt 400 ]; do i=$((i + 1)); echo $i; sleep 0.02; done; exit 7'
background "$WS" "$counting"
FOLLOWED=$EXEC
python3 "$WORK/follow" "/v1/execs/$FOLLOWED/output?follow=1" >"$WORK/followed" &
FOLLOW=$!
python3 "$WORK/follow" "/v1/workspaces/$WS/exec" "$(jq -nc --arg c "$counting" '{command: $c}')" >"$WORK/posted" &
POST=$!
background "$WS" 'while [ ! -e go ]; do sleep 0.05; done; exit 9'
UNSEEN=$EXEC
later sse GET "/v1/execs/$UNSEEN/output?follow=1" -H 'Accept: text/event-stream'
"$TESTS/api/ws" "/v1/workspaces/$WS/terminal" 'f:.' e: >"$WORK/terminal" 2>&1 &
TERMINAL=$!
all_run() { [ "$(jq '.execs_running' <<<"$(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/stats")")" -ge 4 ] && grep -q . "$WORK/terminal"; }
wait_until 20 all_run
upgrade >/dev/null
back() { api GET /v1/stats; [ "$(json .http.streams)" -ge 2 ]; }
wait_until 20 back
upgrade >/dev/null
wait $FOLLOW $POST
whole='"turns": [12], "faults": \[\], "event": "exit", "code": 7' # it may end before the second one
like "$(cat "$WORK/followed")" "$whole" "a stream goes on by offset, without a gap or a double"
like "$(cat "$WORK/posted")" "$whole" "so does that of a command whose client it began with"
later_end sse
like "$BODY" 'retry: [0-9]+'$'\n''event: reconnect'$'\n''id: 0-0' "a browser is told when and where to come back"
wait $TERMINAL
like "$(tail -n 1 "$WORK/terminal")" '^close 1012 ' "a terminal is closed as for a restart"
run "$WS" 'touch go'
wait_until 20 exec_is "$UNSEEN" ended
api GET "/v1/execs/$UNSEEN"
is "$(json '"\(.reason) \(.exit_code)"')" "exited 9" "a command that nobody follows ends as it should"

# --- what is refused ------------------------------------------------------------------------------------
pids="$(pid_of server) $(pid_of launcher)"
echo "Nonsense=1" >>"$WORK/pinfold.conf"
like "$(upgrade)" 'refused: .*pinfold.conf:[0-9]+: .*Nonsense' "a configuration that is not good is refused, with its line"
printf 'UpgradeGrace=1s\nStateDir=/var/lib/other\n' >"$WORK/pinfold.conf"
like "$(upgrade)" 'replaced' "an option of the command line stays stronger than the file"
pids="$(pid_of server) $(pid_of launcher)"
printf 'UpgradeGrace=1s\nServerUser=61234\n' >"$WORK/pinfold.conf"
like "$(upgrade)" 'refused: ServerUser= .* restart' "so is what takes a restart"
is "$(pid_of server) $(pid_of launcher)" "$pids" "and the ones that run go on"
printf 'UpgradeGrace=1s\nMaxBody=123K\n' >"$WORK/pinfold.conf"
like "$(upgrade)" 'replaced' "a good one is taken"
api GET /v1/info
is "$(json .limits.body_bytes)" $((123 * 1024)) "and holds"
replace pinfoldd
like "$(upgrade)" 'pinfoldd itself is new too' "a new pinfoldd is told to need a restart"
like "$("$PINFOLD_BIN/pinfold" upgrade --state "$WORK" 2>&1)" 'no pinfoldd uses' "a directory without one is told"

# --- a binary that does not start -----------------------------------------------------------------------
cp -a "$PINFOLD_BIN/pinfold-server" "$WORK/good"
printf '#!/bin/sh\nexit 1\n' >"$WORK/bad"; chmod 755 "$WORK/bad"; mv "$WORK/bad" "$PINFOLD_BIN/pinfold-server"
like "$(upgrade)" 'failed: the new server does not start' "a server that does not start is told"
mv "$WORK/good" "$PINFOLD_BIN/pinfold-server"
try "and is tried again until it does" wait_until 30 healthy
run "$WS" 'cat file'
is "$(json .stdout)" kept "all is there"

try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
done_testing
