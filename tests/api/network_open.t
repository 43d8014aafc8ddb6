#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS opened by choice: rules about single requests, an authority that only one sandbox trusts,
# secrets put in on the way.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON NODE
world_start
server_start "${WORLD[@]}" "CAFile=$WORK/cert.pem" LogLevel=debug Strict=yes || done_testing
heads() { tail -n 1 "$WORK/heads"; }
KEY=opened-7d21c4

ws 'GET,HEAD https://good.test/repos/*' 'https://deep.good.test:8443/*' 'https://a.other.test/login'
is "$CODE" 201 "a workspace with rules about single requests"
is "$(decision '.effective')" "$(printf '%s' '["GET,HEAD+https://good.test:443/repos/*","https://deep.good.test:8443/*","https://a.other.test:443/login"]' | jq .)" "they are shown in full" || echo "# $BODY"
is "$(run 'curl -sS https://good.test/repos/a?b=c')" "hello from good.test" "a request that a rule allows is answered, and curl trusts the answer"
like "$(heads)" "^tls GET /repos/a\?b=c HTTP/1.1 .*Host: good.test" "it left by TLS of its own"
is "$(run 'curl -sS -o /dev/null -w "%{http_code}" -d x https://good.test/repos/a; curl -sS -o /dev/null -w " %{http_code}" https://good.test/other; curl -sS -o /dev/null -w " %{http_code}" --path-as-is https://good.test/repos/../other; curl -sS -o /dev/null -w " %{http_code}" https://good.test/repos/%2e%2e/other')" "403 403 403 403" "another method and other paths are refused, however they are spelt"
unlike "$(cat "$WORK/requests")" "other|POST" "and never arrive"
like "$(run 'curl -sS -d x https://good.test/repos/a')" "no rule allows POST /repos/a" "the refusal says what and why"
is "$(decision '[.decisions[] | select(.allowed | not) | .reason] | unique | join(" ")')" "request_not_listed" "and is a decision"
is "$(decision '[.decisions[] | select(.allowed and .host == "good.test")][0].rule')" "GET,HEAD+https://good.test:443/repos/*" "which names the rule where it is allowed"
is "$(run 'curl -sS -X PUT -d data https://deep.good.test:8443/any')" "hello from deep.good.test:8443" "a rule for all requests, on another port"
like "$(tail -n 1 "$WORK/requests")" "PUT /any .*body=4" "bodies go with them"
is "$(run 'head -c 3000000 /dev/zero | curl -sS -X POST --data-binary @- https://deep.good.test:8443/big/2000000 | wc -c')" 2000000 "large ones both ways"
like "$(tail -n 1 "$WORK/requests")" "body=3000000" "whole"
is "$(run 'head -c 300000 /dev/zero | curl -sS -H "Transfer-Encoding: chunked" -X POST --data-binary @- https://deep.good.test:8443/x | head -c 5')" "hello" "and in chunks"
is "$(run 'head -c 3000000 /dev/zero | curl -sS -X POST --data-binary @- https://deep.good.test:8443/early')" "not read" "an answer that comes before the end of the request arrives"
is "$(run 'curl -sS --http2 -o /dev/null -w "%{http_version}" https://deep.good.test:8443/x')" "1.1" "HTTP/2 is not offered"
is "$(run 'unset https_proxy HTTPS_PROXY ALL_PROXY all_proxy; curl -sS https://good.test/repos/b')" "hello from good.test" "a program that knows no proxy is captured"
is "$(run 'curl -sS -x socks5h://127.0.0.1:3128 https://good.test/repos/c')" "hello from good.test" "by SOCKS too"
is "$(run 'python3 -c "import urllib.request as u; print(u.urlopen(\"https://good.test/repos/py\").read().decode(), end=\"\")"')" "hello from good.test" "python trusts it"
is "$(run 'node -e "require(\"https\").get(\"https://good.test/repos/node\", r => r.pipe(process.stdout))"')" "hello from good.test" "and node"
like "$(run 'curl -sSv https://good.test/repos/d 2>&1 | grep issuer')" "pinfold sandbox ws_" "by this sandbox's own authority"
isnt "$(run 'SSL_CERT_FILE= CURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt curl -s https://good.test/repos/e; echo $?')" 0 "who trusts only the root's list does not"
is "$(run 'curl -sS -H "Host: a.other.test" https://good.test/repos/a -o /dev/null -w "%{http_code}"')" 400 "a request for another host than the connection's is refused"
is "$(run 'curl -sS -H "X-HTTP-Method-Override: DELETE" https://good.test/repos/f')" "hello from good.test" "a header that changes the method"
unlike "$(heads)" "Override" "does not go on"
is "$(run 'python3 - <<"EOS"
import socket, ssl, os
s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"CONNECT good.test:443 HTTP/1.1\r\n\r\n"); s.recv(100)
t = ssl.create_default_context().wrap_socket(s, server_hostname="good.test")
t.sendall(b"GET /repos/one HTTP/1.1\r\nHost: good.test\r\n\r\nDELETE /repos/two HTTP/1.1\r\nHost: good.test\r\n\r\n")
d = b""
while True:
    m = t.recv(4096)
    if not m: break
    d += m
print(d.count(b"HTTP/1.1"))
EOS')" 1 "a connection carries one request"
unlike "$(cat "$WORK/requests")" "DELETE" "and no second one behind it"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://good.test/repos/a')" 403 "in plain such a rule opens nothing"
is "$(run 'python3 - <<"EOS"
import socket, ssl
s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"CONNECT deep.good.test:8443 HTTP/1.1\r\n\r\n"); s.recv(100)
t = ssl.create_default_context().wrap_socket(s, server_hostname="deep.good.test")
t.sendall(b"GET /w HTTP/1.1\r\nHost: deep.good.test:8443\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
assert b" 101 " in t.recv(4096)
t.sendall(b"over and back"); print(t.recv(100).decode())
EOS')" "over and back" "a WebSocket goes through"
is "$(run 'python3 - <<"EOS"
import socket
s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"CONNECT good.test:443 HTTP/1.1\r\n\r\n"); s.recv(100)
s.sendall(b"GET /repos/a HTTP/1.1\r\nHost: good.test\r\n\r\n")
try: print(s.recv(100)[:1] in (b"", b"\x15"))
except ConnectionResetError: print(True)
EOS')" True "what is no TLS gets nowhere"

# --- its key is nobody's, its trust no other's
is "$(run 'stat -c "%U %a" /tmp/.pinfold/ca.pem /tmp/.pinfold/ca-bundle.pem | sort -u; touch /tmp/.pinfold/x 2>/dev/null || echo not mine; grep -c BEGIN /tmp/.pinfold/ca.pem')" $'root 644\nnot mine\n1' "inside there is a certificate, root's"
is "$(run 'find / -xdev -name "*.pem" -newer /proc/1 2>/dev/null | xargs grep -l PRIVATE 2>/dev/null')" "" "and no key of it"
is "$(grep -rl 'PRIVATE KEY' "$STATE" 2>/dev/null)" "" "nor is there one on the disk"
run 'cat /tmp/.pinfold/ca.pem' >"$WORK/first.pem"
FIRST=$WS
ws 'https://good.test/*'
run 'cat /tmp/.pinfold/ca.pem' >"$WORK/second.pem"
isnt "$(cat "$WORK/first.pem")" "$(cat "$WORK/second.pem")" "another sandbox has another authority"
isnt "$(run "cat >/tmp/first <<'EOS'
$(cat "$WORK/first.pem")
EOS
CURL_CA_BUNDLE=/tmp/first curl -s https://good.test/; echo \$?")" 0 "and the first one's is worth nothing in it"
openssl x509 -in "$WORK/first.pem" -noout -ext basicConstraints | grep -q 'CA:TRUE, pathlen:0'
ok $? "it can sign servers, and no other authority"

# --- secrets go in on the way
api PUT /v1/secrets/forge -d "{\"value\": \"$KEY\", \"hosts\": [\"good.test\"], \"format\": \"token {}\"}"
api POST /v1/workspaces -d '{"secrets": ["forge"], "network": {"mode": "allow-list", "allow": ["GET https://good.test/api/*", "deep.good.test:8443"]}}'
WS=$(json .id)
is "$(run 'curl -sS -H "Authorization: mine" -H "X-HTTP-Method: PUT" https://good.test/api/x')" "hello from good.test" "a client that speaks TLS is answered"
like "$(heads)" "^tls GET /api/x .*Authorization: token $KEY( |$)" "with the secret put in"
unlike "$(heads)" "mine|X-HTTP-Method" "instead of what it said itself"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" -X POST https://good.test/api/x')" 403 "only for what the rules allow"
is "$(run 'curl -sSk https://deep.good.test:8443/y -o /dev/null -w "%{http_code}"')" 200 "what is not opened goes through as it is"
unlike "$(heads)" "$KEY" "without it"
unlike "$(run 'env; cat /tmp/.pinfold/*')" "$KEY" "it is not in the sandbox"
counted() { api GET "/v1/workspaces/$WS/network"; [ "$(json '.secrets[0].requests')" = 1 ]; }
wait_until 20 counted; is $? 0 "its use is counted"

# --- changed while it runs
ws good.test
is "$(run 'curl -sSk https://good.test/a; ls /tmp/.pinfold 2>/dev/null')" "hello from good.test" "without such a rule nothing is opened"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": ["https://good.test/only"]}'
is "$CODE" 200 "one is added to a sandbox that runs"
there() { [[ $(run 'ls /tmp/.pinfold') == *ca-bundle* ]]; }
wait_until 20 there
is "$(run 'curl -sS https://good.test/only; curl -sS -o /dev/null -w "%{http_code}" https://good.test/a')" $'hello from good.test\n403' "and holds at once"

# --- every kind of sandbox
for profile in default agent; do
    api POST /v1/exec -d "{\"command\": \"curl -sS https://good.test/x\", \"profile\": \"$profile\", \"network\": {\"mode\": \"allow-list\", \"allow\": [\"https://good.test/x\"]}}"
    is "$(json '.stdout + .stderr')" "hello from good.test" "a command in a fresh sandbox of profile $profile" || echo "# $BODY"
done
api POST '/v1/runs?wait=60' -d '{"command": "curl -sS https://good.test/x; curl -s -o /dev/null -w %{http_code} https://good.test/y", "network": {"mode": "allow-list", "allow": ["https://good.test/x"]}}'
is "$(json .result)" $'hello from good.test\n403' "a run"
api POST "/v1/workspaces?wait=60" -d '{"init_script": "curl -sS https://good.test/x >/workspace/x", "network": {"mode": "allow-list", "allow": ["https://good.test/x"]}}'
WS=$(json .id)
is "$(run 'cat x')" "hello from good.test" "an init script"

# --- when the egress process dies, and the server
WS=$FIRST
egress() { sed -n 's/.*: egress started pid=//p' "$SERVER_LOG" | tail -n 1; }
run 'cp /tmp/.pinfold/ca-bundle.pem /tmp/read-before' >/dev/null # as a program that runs has it
old=$(egress)
kill -KILL "$old"
back() { [ "$(egress)" != "$old" ] && [ "$(run 'curl -s https://good.test/repos/again')" = "hello from good.test" ]; }
wait_until 30 back; is $? 0 "the next one opens TLS as before"
is "$(run 'cat /tmp/.pinfold/ca.pem')" "$(cat "$WORK/first.pem")" "with the same authority"
is "$(run 'CURL_CA_BUNDLE=/tmp/read-before curl -sS https://good.test/repos/x')" "hello from good.test" "which a program that read its certificate before goes on to trust"
kill -KILL "$(sed -n 's/.*: server started pid=//p' "$SERVER_LOG" | tail -n 1)"
wait_until 30 curl -sSf -o /dev/null "$URL/v1/health"
old=$(egress)
wait_until 30 eval '[ "$(run "curl -s https://good.test/repos/again")" = "hello from good.test" ]' # the new server has heard of it
kill -KILL "$old"
wait_until 30 back
is "$(run 'CURL_CA_BUNDLE=/tmp/read-before curl -sS https://good.test/repos/x')" "hello from good.test" "also when the server died first"
is "$(grep -rl 'PRIVATE KEY' "$STATE" 2>/dev/null)" "" "its key is still nowhere on the disk"

# --- asked for wrongly
for rule in 'http://good.test/x' 'https://good.test' 'get https://good.test/' 'https://good.test/a*b' 'https://good.test/x?y' 'GET POST https://good.test/'; do
    api POST /v1/workspaces -d "$(jq -nc --arg r "$rule" '{network: {mode: "allow-list", allow: [$r]}}')"
    is "$CODE" 400 "'$rule' is refused" || echo "# $BODY"
done
done_testing
