#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The egress process, or who tells it what it knows, dies: connections are lost, rules are not.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT NETNS PYTHON GIT
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

# --- a clone goes on when its way out is replaced
repo one
http_start
cat >"$WORK/gate" <<'EOF'
import socket, sys, threading
to, held = int(sys.argv[1]), False
def carry(a, b):
    try:
        while (d := a.recv(65536)): b.sendall(d)
        b.shutdown(socket.SHUT_WR)
    except OSError: pass
l = socket.create_server(("127.0.0.1", 0))
print("port", l.getsockname()[1], flush=True)
while True:
    c, _ = l.accept()
    if not held: # the first one hears nothing
        held = True
        c.recv(100)
        print("held", flush=True)
        threading.Thread(target=c.recv, args=(100,)).start()
        continue
    s = socket.create_connection(("127.0.0.1", to))
    for p in ((c, s), (s, c)): threading.Thread(target=carry, args=p, daemon=True).start()
EOF
python3 "$WORK/gate" "${HTTP##*:}" >"$WORK/gate.out" 2>/dev/null &
at_exit "kill $! 2>/dev/null"
wait_until 20 grep -q port "$WORK/gate.out"
GATE=$(awk '/port/ { print $2 }' "$WORK/gate.out")
kept=$WS
api POST /v1/workspaces -d "{\"repository\": {\"url\": \"http://127.0.0.1:$GATE/repos/one.git\"}}"
WS=$(json .id)
wait_until 20 grep -q held "$WORK/gate.out"; ok $? "a server keeps a clone waiting"
kill_one egress; ok $? "egress is started again"
api GET "/v1/workspaces/$WS?wait=30"
is "$(json '"\(.status) \(.error)"')" "ready null" "the clone was begun once more, and is whole"
is "$(run 'cat README')" "hello one" "with its files"
is "$(grep -c "server was ended by SIG[^K]" "$SERVER_LOG")" 0 "by the same server"
api POST "/v1/workspaces?wait=30" -d '{"repository": {"url": "http://127.0.0.1:1/repos/one.git"}}'
like "$(json '"\(.status) \(.error)"')" "^error no connection to 127.0.0.1 port 1" "what cannot be reached is told at once" || echo "# $CODE $BODY"
WS=$kept
fds() { ls "/proc/$(pid_of egress)/fd" | wc -l; }
api POST "/v1/execs/$long/cancel"
api DELETE "/v1/workspaces/$WS"
wait_until 20 eval '[ $(fds) -lt 20 ]'; ok $? "of a workspace that is gone egress holds nothing"
done_testing
