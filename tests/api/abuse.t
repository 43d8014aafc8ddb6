#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients that do harm to the front: its memory and descriptors stay bounded, and a good client is
# served meanwhile. Times are told, not judged.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
flood=$(dirname "$0")/flood
ulimit -n 4096

server_pid() { pgrep -P "$SERVER_PID" -f pinfold-server | head -n 1; }
rss() { awk '/^VmRSS/ { print $2 }' /proc/"$(server_pid)"/status; }
fds() { ls /proc/"$(server_pid)"/fd | wc -l; }
crowded() { [ "$(fds)" -gt $((fds_before + 10)) ]; }
settled() { [ "$(fds)" -le $((fds_before + 8)) ]; }
under() { # MODE: the harm from 127.0.0.2 while a good client of 127.0.0.1 asks
    local mode=$1 abuser peak_fds=0 peak_rss=0 good
    "$flood" "$URL" "$mode" 2 127.0.0.2 >"$WORK/abuse" 2>"$WORK/abuse.err" & abuser=$!
    at_exit "kill $abuser 2>/dev/null"
    wait_until 1 crowded # most modes; the others have begun by then
    "$flood" "$URL" good 20 >"$WORK/good" 2>"$WORK/good.err" & good=$!
    while kill -0 $good 2>/dev/null; do
        (($(fds) > peak_fds)) && peak_fds=$(fds)
        (($(rss) > peak_rss)) && peak_rss=$(rss)
        read -rt 0.1 <> <(:) || true
    done
    wait $abuser
    local fine median longest
    read -r fine median longest <"$WORK/good"
    is "$fine" 20 "$mode: a good client gets every answer" || tap_show err: "$(cat "$WORK/good.err")"
    echo "# $mode: median $median ms, longest $longest ms (without: $calm); memory $((peak_rss / 1024)) MiB, $peak_fds descriptors"
    sed 's/^/# /' "$WORK/abuse.err"
    between "$peak_fds" 1 $((fds_before + connections + 16)) "$mode: descriptors are bounded by MaxConnections="
    # A sanitizer keeps what was freed.
    [ -n "${FLAVOUR:-}" ] || between $((peak_rss - rss_before)) -100000 $((96 * 1024)) "$mode: memory is bounded"
    try "$mode: afterwards they are given back" wait_until 20 settled
}
begin() { # LINES of the configuration
    connections=120
    server_start "MaxConnections=$connections" "RequestTimeout=10s" "$@"
    calm=$("$flood" "$URL" good 20)
    calm="median ${calm#* }"
    fds_before=$(fds) rss_before=$(rss)
}

begin
for mode in silent half-open slow-headers slow-bodies slow-readers huge-headers pipelines garbage; do under $mode; done
is "$(python3 - "${URL#http://}" <<'EOP'
import socket, sys
host, port = sys.argv[1].split(":")
s = socket.create_connection((host, int(port)))
s.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
answer = b""
try:
    while piece := s.recv(65536):
        answer += piece
except OSError:
    pass
n = answer.count(b"HTTP/1.1 200")
print(2 <= n <= 64 * 4, answer.lower().rstrip().count(b"connection: close"))
EOP
)" "True 1" "a thousand requests at once on one connection do not all go before others: it is told and closed"
# All from one address, where the good client is too: the oldest idle ones give way.
"$flood" "$URL" silent 2 >/dev/null 2>&1 & abuser=$!
wait_until 5 crowded
is "$("$flood" "$URL" good 10 | cut -d' ' -f1)" 10 "a good client at the same address as the harm is served too"
wait $abuser
is "$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/v1/health")" 200 "the server is well after all of it"
server_stop

STATE=$WORK/share server_start "MaxConnections=120" "MaxConnectionsPerAddress=30" "RequestTimeout=10s"
fds_before=$(fds)
"$flood" "$URL" silent 2 127.0.0.2 >/dev/null 2>&1 & abuser=$!
wait_until 5 crowded
peak=0
for _ in 1 2 3 4 5; do "$flood" "$URL" good 2; (($(fds) > peak)) && peak=$(fds); done >"$WORK/good"
is "$(awk '{ n += $1 } END { print n }' "$WORK/good")" 10 "with a share for each address, others are served"
between $((peak - fds_before)) 1 40 "and one address has no more than its share ($((peak - fds_before)))"
wait $abuser
server_stop

(umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null)
STATE=$WORK/tls begin "TLSCertificate=$WORK/cert.pem" "TLSKey=$WORK/key.pem" "HTTP2=yes"
api POST "/v1/workspaces?wait=30" -k -d '{"name": "w", "image": "host"}'
for mode in silent bad-tls garbage; do under $mode; done
for mode in resets made-resets; do
    under $mode
    read -r streams conns <"$WORK/abuse"
    between "$conns" 2 500 "$mode: a connection that opens and gives up streams is closed, again and again ($streams streams on $conns)"
done
server_stop
is $? 0 "and it stops cleanly"
done_testing
