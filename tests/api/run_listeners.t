#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A thousand who listen to one run: each is given every event, once, and
# some of them come back after the last one that they saw.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT PYTHON
server_start "MaxStreams=1200" "MaxConnections=1300" || done_testing # those who come back are there twice for a moment
PID=$(sed -n 's/.*: server started pid=//p' "$SERVER_LOG" | tail -n 1)
rss() { awk '/^VmRSS/ {print $2}' "/proc/$PID/status"; }
api POST /v1/runs -d '{"command": "while [ ! -e go ]; do sleep 0.05; done; echo done", "repositories": []}'
RUN=$(json .id)
is_running() { api GET "/v1/runs/$RUN"; [ "$(json .status)" = running ]; }
try "a run goes on" wait_until 30 is_running
is_running; WS=$(json .workspace_id)
before=$(rss)
cat >"$WORK/listen" <<'END'
import json, re, selectors, socket, sys
host, port, run, token, n = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
sel, heard = selectors.DefaultSelector(), {}
def connect(last):
    s = socket.create_connection((host, port))
    s.sendall(("GET /v1/runs/%s/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n%s\r\n"
               % (run, token, "Last-Event-ID: %s\r\n" % last if last else "")).encode())
    return s
def add(i, last):
    s = connect(last)
    sel.register(s, selectors.EVENT_READ, i)
for i in range(n):
    heard[i] = ""
    add(i, None)
begun, over, back = set(), set(), set()
while len(over) < n:
    for key, _ in sel.select(60) or sys.exit("nothing comes: %d of %d have ended" % (len(over), n)):
        i, data = key.data, key.fileobj.recv(65536)
        heard[i] += data.decode()
        ids = re.findall(r"^id: (\d+)$", heard[i], re.M)
        if "event: end" in heard[i]: over.add(i)
        if i in over or not data:
            sel.unregister(key.fileobj); key.fileobj.close()
            if i not in over: sys.exit("one was cut: " + heard[i][:200])
        elif "event: run.started" in heard[i]:
            if i % 10 == 0 and i not in back:  # leaves, and comes back
                back.add(i)
                sel.unregister(key.fileobj); key.fileobj.close()
                add(i, ids[-1])
            else: begun.add(i)
    if len(begun) == n: print("all listen", flush=True); begun.add(-1)
kinds = {tuple(re.findall(r"^event: (\S+)$", t, re.M)) for t in heard.values()}
print("; ".join(" ".join(k) for k in kinds))
END
HOSTPORT=${URL#http://}
timeout 300 python3 "$WORK/listen" "${HOSTPORT%:*}" "${HOSTPORT#*:}" "$RUN" "$TOKEN" 1000 >"$WORK/heard" 2>&1 &
LISTENER=$!
try "a thousand listen, a hundred of them twice" wait_until 60 grep -q 'all listen' "$WORK/heard"
between "$(($(rss) - before))" -100000 98304 "which is some 60 KiB of memory for each"
api PUT "/v1/workspaces/$WS/files/go" -H 'Content-Type: application/octet-stream' --data-binary ''
wait "$LISTENER"
is "$(tail -n 1 "$WORK/heard")" "run.created run.started run.result run.completed end" "all hear the same, all of it and nothing twice"
api GET "/v1/runs/$RUN"
is "$(json .status)" succeeded "the run has ended"
done_testing
