#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients that leave, read slowly, come in crowds or never finish their request.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
server_start "MaxConnections=24" "MaxStreams=6" "RequestTimeout=10s"
api POST /v1/workspaces -d '{"name": "w"}'
W=/v1/workspaces/w
running() { api GET $W; [ "$(json .execs_running)" = "$1" ]; }
rss() { awk '/VmRSS/ { print $2 }' "/proc/$(pgrep -P "$SERVER_PID" -x pinfold-server)/status"; }
auth="Authorization: Bearer $TOKEN"

# --- who leaves ----------------------------------------------------------------------------------
curl -sS -o /dev/null -H "$auth" -d '{"command": "sleep 1000"}' "$URL$W/exec" 2>/dev/null & C=$!
wait_until 10 running 1
kill $C
try "a client that leaves a collected exec ends it" wait_until 10 running 0
api GET "$W/execs?limit=1"
is "$(json '.items[0].reason')" cancelled "and the reason is true"
curl -sSN -o /dev/null -H "$auth" -H 'Accept: text/event-stream' -d '{"command": "sleep 1000"}' "$URL$W/exec" & C=$!
wait_until 10 running 1
kill $C
try "one that leaves a quiet stream, too" wait_until 10 running 0
curl -sSN -o /dev/null -H "$auth" -d '{"command": "sleep 1000", "detach": true}' "$URL$W/exec" & C=$!
wait_until 10 running 1
kill $C; wait $C 2>/dev/null
api GET "$W/execs?limit=1"
X=$(json '.items[0].id')
running 1
is "$(json .execs_running)" 1 "a detached one goes on"
api POST "/v1/execs/$X/cancel"
wait_until 10 running 0
curl -sS -o /dev/null -H "$auth" "$URL/v1/execs/$X/wait" 2>/dev/null

# --- who reads slowly ----------------------------------------------------------------------------
before=$(rss)
cat >"$WORK/slow.py" <<'P'
# Asks for 2 GiB of output, reads 1 MiB, then nothing for as long as stdin is open.
import os, socket, sys
from urllib.parse import urlparse
u = urlparse(os.environ["PINFOLD_URL"])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
s.connect((u.hostname, u.port))
body = b'{"command": "head -c 2147483648 /dev/zero"}'
s.sendall(f"POST {sys.argv[1]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {os.environ['PINFOLD_TOKEN']}\r\n"
          f"Accept: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
n = 0
while n < 1 << 20:
    n += len(s.recv(65536))
print("reading", flush=True)
sys.stdin.read()
P
mkfifo "$WORK/hold"
python3 "$WORK/slow.py" $W/exec <"$WORK/hold" >"$WORK/slow.out" & P=$!
exec 9>"$WORK/hold"
wait_until 20 grep -q reading "$WORK/slow.out"
start=$(date +%s%N)
api POST $W/exec -d '{"command": "echo quick"}'
is "$(json .stdout)" quick "a slow reader does not hold up others"
between "$((($(date +%s%N) - start) / 1000000))" 0 5000 "(within seconds even on a busy machine)"
between "$(($(rss) - before))" -100000 65536 "and costs little memory"
exec 9>&-
wait $P
try "its command ends with it" wait_until 20 running 0

# --- who sends much ------------------------------------------------------------------------------
curl -sSN -H "$auth" -H 'Accept: application/x-ndjson' -d '{"command": "head -c 300000000 /dev/zero"}' "$URL$W/exec" |
    python3 -c '
import base64, json, sys
n = 0
for line in sys.stdin:
    e = json.loads(line)
    if e["event"] == "stdout":
        assert e["offset"] == n
        n += len(e["data"]) if "data" in e else len(base64.b64decode(e["data_base64"]))
    last = e
print(n, last["event"], last["reason"])' >"$WORK/count"
is "$(cat "$WORK/count")" "300000000 exit exited" "300 MB arrive whole, in order, with their end"
between "$(($(rss) - before))" -100000 98304 "without staying in memory"

# --- who comes in crowds -------------------------------------------------------------------------
for i in 1 2 3 4 5 6; do curl -sSN -o /dev/null -H "$auth" -H 'Accept: text/event-stream' -d '{"command": "sleep 1000"}' "$URL$W/exec" & done
wait_until 20 running 6
api POST $W/exec -H 'Accept: text/event-stream' -d '{"command": "true"}'
is "$CODE$(json .retryable)" 503true "more streams than may be are refused"
for i in $(seq 40); do curl -sS -m 60 -o "$WORK/well.$i" "$URL/v1/health" & done
for i in $(seq 40); do wait_until 60 test -s "$WORK/well.$i" || break; done
is "$(cat "$WORK"/well.* | grep -o '"status":"ok"' | wc -l)" 40 "more clients than connections: all are served in the end"
api GET /v1/execs?limit=20
for X in $(json '.items[]|select(.status=="running").id'); do api POST "/v1/execs/$X/cancel"; done
wait_until 20 running 0
python3 - "$URL" >"$WORK/slowloris" <<'P'
# Requests that never end: each connection is closed by the server within its time limit.
import socket, sys, time
from urllib.parse import urlparse
u = urlparse(sys.argv[1])
socks = []
for text in (b"GET /v1/health HTTP/1.1\r\nX: ", b"POST /v1/workspaces HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", b""):
    s = socket.create_connection((u.hostname, u.port))
    s.settimeout(40)
    s.sendall(text)
    socks.append(s)
print(sum(1 for s in socks if s.recv(1000) == b""))
P
is "$(cat "$WORK/slowloris")" 3 "a request that never ends is cut"

# --- a stop while clients are there --------------------------------------------------------------
curl -sSN -H "$auth" -H 'Accept: application/x-ndjson' -d '{"command": "sleep 1000"}' "$URL$W/exec" >"$WORK/cut" & C=$!
wait_until 10 grep -q started "$WORK/cut"
server_stop
is $? 0 "the server stops with a stream open"
wait $C
# Its command may be gone before the server says that it stops: either is an explicit end.
like "$(jq -r '.event+":"+(.code//.reason)' "$WORK/cut" | tail -1)" '^(error:busy|exit:(lost|cancelled|signaled))$' "which is told why it ends"
done_testing
