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
later long POST "/v1/workspaces/$WS/exec" -d '{"command": "touch long; sleep 1000"}'
wait_until 20 eval "has_file $WS brief && has_file $WS waits && has_file $WS long"
upgrade >/dev/null
later_end brief
is "$CODE $(json .stdout)" "200 done" "a request that soon ends is answered"
later_end waits
is "$CODE $(json .status)" "200 running" "one that waits is answered as if its time were over"
later_end long
echo "# $CODE $BODY"
is "$RC" 0 "one that cannot be waited for has an answer all the same"

# --- what is refused ------------------------------------------------------------------------------------
pids="$(pid_of server) $(pid_of launcher)"
echo "Nonsense=1" >>"$WORK/pinfold.conf"
like "$(upgrade)" 'refused: .*pinfold.conf:2: .*Nonsense' "a configuration that is not good is refused, with its line"
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
