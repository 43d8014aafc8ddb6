#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# https: versions, protocols, a bad pair of files.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
(umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null)
server_start "TLSCertificate=$WORK/cert.pem" "TLSKey=$WORK/key.pem"
like "$URL" '^https://' "the address says https"
get() { curl -sSk -o "$WORK/body" -w '%{http_code} %{http_version}' "$@" "$URL/v1/health" 2>&1; }
is "$(get)" "200 1.1" "https serves HTTP/1.1"
is "$(get --http2)" "200 1.1" "and nothing else unless asked"
like "$(get --tls-max 1.1)" 'SSL|alert|error|handshake' "TLS 1.1 is refused"
is "$(get --tls-max 1.2 --tlsv1.2)" "200 1.1" "TLS 1.2 is spoken"
is "$(curl -sS --cacert "$WORK/cert.pem" --resolve "localhost:${URL##*:}:127.0.0.1" "https://localhost:${URL##*:}/v1/health" | jq -r .status)" ok \
    "with the certificate it was given"
like "$(curl -sS -m 5 "http://${URL#https://}/v1/health" 2>&1)" 'curl' "plain HTTP is no answer there"
curl -sSk -H "Authorization: Bearer $TOKEN" -o "$WORK/body" -d '{"command": "echo safe"}' "$URL/v1/exec"
is "$(jq -r .stdout "$WORK/body")" safe "a command over https"
curl -sSkN -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson' -d '{"command": "head -c 5000000 /dev/zero | tr \"\\0\" x"}' "$URL/v1/exec" >"$WORK/big"
is "$(jq -rj 'select(.event=="stdout").data' "$WORK/big" | wc -c)" 5000000 "a long stream over https"
curl -sSk -X POST -H "Authorization: Bearer $TOKEN" -d '{"name": "w"}' -o /dev/null "$URL/v1/workspaces"
like "$("$(dirname "$0")/ws" /v1/workspaces/w/exec 't:{"command": "echo socket"}' e:)" socket "a WebSocket over https"
server_stop
is $? 0 "it stops cleanly"
STATE=$WORK/h2 server_start "TLSCertificate=$WORK/cert.pem" "TLSKey=$WORK/key.pem" "HTTP2=yes"
is "$(get --http2)" "200 2" "HTTP/2 where it is switched on"
is "$(get --http1.1)" "200 1.1" "beside HTTP/1.1"
curl -sSkN --http2 -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson' -d '{"command": "head -c 5000000 /dev/zero | tr \"\\0\" x; exit 3"}' "$URL/v1/exec" >"$WORK/big"
is "$(jq -rj 'select(.event=="stdout").data' "$WORK/big" | wc -c)$(jq -r 'select(.event=="exit").exit_code' "$WORK/big")" 50000003 "streams over HTTP/2"
curl -sSk --http2 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $TOKEN" -d '{"command": "sleep 1000"}' "$URL/v1/exec" & C=$!
active() { curl -sSk -H "Authorization: Bearer $TOKEN" "$URL/v1/stats" | jq -e ".execs_running == $1"; }
wait_until 10 active 1
kill $C
try "a client that leaves over HTTP/2 ends its command" wait_until 10 active 0
server_stop
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out "$WORK/other.pem" 2>/dev/null; chmod 600 "$WORK/other.pem"
printf 'TLSCertificate=%s\nTLSKey=%s\n' "$WORK/cert.pem" "$WORK/other.pem" >"$WORK/bad.conf"
out=$("$PINFOLD_BIN/pinfold" serve --listen 127.0.0.1:0 --state "$WORK/bad" --config "$WORK/bad.conf" 2>&1 & P=$!; wait_until 20 eval "! kill -0 $P"; kill $P 2>/dev/null; wait $P)
like "$out" 'TLS key' "a key of another certificate is told"
done_testing
