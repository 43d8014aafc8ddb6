#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The egress process, or who tells it what it knows, dies: connections are lost, rules are not.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON
world_start
server_start "${WORLD[@]}" Strict=yes
pid_of() { sed -n "s/.* $1 started pid=\([0-9]*\).*/\1/p" "$SERVER_LOG" | tail -n 1; }
ready() { grep -c " $1 is ready after" "$SERVER_LOG"; }
kill_one() { # ROLE: and wait for the next
    local n; n=$(ready "$1")
    kill -KILL "$(pid_of "$1")"
    wait_until 30 eval "[ \$(ready $1) -gt $n ]"
}
holds() { # WHAT
    is "$(run 'curl -sS -m 20 http://good.test/')" "hello from good.test" "$1: what is allowed works"
    is "$(run 'curl -s -m 20 -o /dev/null -w "%{http_code}" http://bad.test/')" 403 "$1: what is not does not"
    is "$(decision '.decisions[0] | "\(.host) \(.process)"')" "bad.test curl" "$1: who asked is known"
}
ws good.test
holds before
api POST "/v1/workspaces/$WS/exec" -d '{"command": "curl -sS http://good.test/hold; echo over; sleep 100", "background": true}'
long=$(json .id)
wait_until 20 grep -q "GET /hold" "$WORK/requests"

kill_one egress; ok $? "egress is started again"
wait_until 20 grep -q "held ended" "$WORK/requests"; ok $? "its connections have ended"
holds "egress was killed"
none_open() { [ "$(decision '[.decisions[] | select(.open)] | length')" = 0 ]; }
wait_until 10 none_open; ok $? "nothing is shown as open that is not"
api GET "/v1/execs/$long"
is "$(json .status)" running "the command whose connection it was goes on"

kill_one launcher; ok $? "the launcher is started again"
holds "the launcher was killed"
kill_one server; ok $? "the server is started again"
wait_until 20 curl -sSf -o /dev/null "$URL/v1/health"
holds "the server was killed"
api GET "/v1/execs/$long"
is "$(json .status)" running "and the command still goes on"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": ["a.other.test"]}'
is "$(run 'curl -sS -m 20 http://a.other.test/')" "hello from a.other.test" "its list can be changed as before"
kill_one egress; ok $? "egress is started again"
is "$(run 'curl -sS -m 20 http://a.other.test/')" "hello from a.other.test" "and is told the list as it is now"
fds() { ls "/proc/$(pid_of egress)/fd" | wc -l; }
api POST "/v1/execs/$long/cancel"
api DELETE "/v1/workspaces/$WS"
wait_until 20 eval '[ $(fds) -lt 20 ]'; ok $? "of a workspace that is gone egress holds nothing"
done_testing
