#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# route: GET /v1/secrets
# route: GET /v1/secrets/{name}
# route: PUT /v1/secrets/{name}
# route: DELETE /v1/secrets/{name}
# route: POST /v1/secrets/rotate
# Secrets: sealed at rest, used outside, the key file lost, wrong and rotated. At the end everything
# that was written is searched for what was given.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON
world_start
CONF=("${WORLD[@]}" "CAFile=$WORK/cert.pem" "SecretKeyFile=$WORK/keys/secret.key" LogLevel=debug Strict=yes)
server_start "${CONF[@]}"
KEYS=$WORK/keys/secret.key
CANARY=canary-8d1f40-value
secret() { api PUT "/v1/secrets/$1" -d "$2"; }
heads() { tail -n 1 "$WORK/heads"; }

# --- making, showing
is "$(stat -c '%a %U' "$KEYS")" "600 root" "the first start makes a key file for root alone"
secret forge "{\"value\": \"$CANARY\", \"hosts\": [\"good.test\", \"*.good.test:8443\", \"http://$WEB:8080\"], \"format\": \"token {}\"}"
is "$CODE $(json '"\(.name) \(.header) \(.format) \(.hosts | length) \(.usable)"')" "200 forge Authorization token {} 3 true" "a secret is made"
unlike "$BODY" "canary" "its value is not in the answer"
api GET /v1/secrets/forge
unlike "$BODY" "canary" "nor when it is shown"
api GET /v1/secrets
is "$CODE $(json '.items | length')" "200 1" "nor in the list"
unlike "$BODY" "canary" "which has it"
secret bad '{"value": "x", "hosts": []}'
is "$CODE" 422 "it is for some host" || echo "# $BODY"
secret bad '{"value": "x", "hosts": ["http://good.test"]}'
is "$CODE" 403 "plain http is for what the operator lists"
secret bad '{"value": "x", "hosts": ["good.test"], "header": "Host"}'
is "$CODE" 400 "a header that says how a message is read is refused"
secret bad '{"value": "x", "hosts": ["good.test"], "format": "none"}'
is "$CODE" 400 "a format without a place for it too"
secret bad '{"value": "canary\nx: y", "hosts": ["good.test"]}'
is "$CODE" 400 "and a value of two lines"
unlike "$BODY" "canary" "of which nothing is said"
api GET /v1/secrets/bad
is "$CODE" 404 "what was refused is not there"
is "$(curl -s -o /dev/null -w '%{http_code}' -X PUT "$URL/v1/secrets/x" -d '{}')" 401 "nobody without a token makes one"

# --- its use
api POST /v1/workspaces -d '{"secrets": ["forge"], "network": {"mode": "allow-list", "allow": ["good.test", "*.good.test:8443", "'"$WEB"':8080"]}}'
WS=$(json .id)
is "$CODE" 201 "a workspace names it"
is "$(run 'curl -sS -H "Authorization: mine" http://good.test/a')" "hello from good.test" "a plain request to its host is answered"
like "$(heads)" "^tls GET /a .*Host: good.test .*Authorization: token $CANARY( |$)" "it left by TLS, with the value"
unlike "$(heads)" "mine" "instead of what the client said"
run 'unset http_proxy; curl -sS http://good.test/b' >/dev/null
like "$(heads)" "^tls GET /b .*token $CANARY" "a captured one too"
run 'curl -sS http://deep.good.test:8443/c' >/dev/null
like "$(heads)" "^tls GET /c .*Host: deep.good.test:8443 .*token $CANARY" "to another port by pattern"
run "curl -sS http://$WEB:8080/d" >/dev/null
like "$(heads)" "^plain GET /d .*token $CANARY" "in plain where that is configured"
run 'curl -skS https://good.test/e' >/dev/null
unlike "$(heads)" "canary" "what is TLS already goes through as it is"
like "$(run 'echo $PINFOLD_SECRET_FORGE; curl -sS $PINFOLD_SECRET_FORGE_URL/f')" "pinfold-placeholder-forge.hello from good.test" "it has a service for its first host"
like "$(heads)" "^tls GET /f .*token $CANARY" "with the value"
api POST /v1/exec -d '{"command": "curl -s -o /dev/null -w %{http_code} http://good.test/g", "network": {"allow": ["good.test"]}}'
unlike "$(heads)" "canary" "who does not name it does not get it"
api POST /v1/exec -d '{"command": "curl -s $PINFOLD_SECRET_FORGE_URL/h", "secrets": ["forge"]}'
is "$(json .stdout)" "hello from good.test" "a command in a fresh sandbox may name it, too"
api POST /v1/exec -d '{"command": "true", "secrets": ["nobody"]}'
is "$CODE" 400 "one that is not there is refused"
counted() { api GET "/v1/workspaces/$WS/network"; [ "$(json '.secrets[0].requests')" = 5 ]; }
wait_until 20 counted
is "$(json '.secrets[0] | "\(.name) \(.requests) \(.failures)"')" "secret/forge 5 0" "requests are counted"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": ["good.test"]}'
run 'curl -sS http://good.test/i' >/dev/null
like "$(heads)" "GET /i .*token $CANARY" "a change of the rules leaves it"
api PATCH "/v1/workspaces/$WS" -d '{"secrets": []}'
run 'curl -sS http://good.test/j' >/dev/null
like "$(heads)" "GET /j " "a change of the secrets takes hold at once"
unlike "$(heads)" "canary" "and takes it away"

# --- another key
before=$(cut -c1-30 "$KEYS" | sort -u | wc -l)
api GET /v1/secrets/forge
old=$(json .sealed_with)
api PUT /v1/providers/model -d "{\"kind\": \"openai\", \"base_url\": \"https://good.test\", \"api_key\": \"$CANARY-2\"}"
api POST /v1/secrets/rotate
is "$CODE" 204 "a rotation ends when all is sealed anew" || echo "# $BODY"
is "$(wc -l <"$KEYS")" 2 "the key file has another line"
api GET /v1/secrets/forge
new=$(json .sealed_with)
[ "$new" != "$old" ]; is $? 0 "the secret is sealed with it"
api GET /v1/providers/model
is "$(json .sealed_with)" "$new" "and the provider"
cp "$KEYS" "$WORK/both"
# Keys come and go while pinfold is killed: at the end all is there and sealed with the newest.
for i in 1 2 3; do
    curl -s -o /dev/null -X POST -H "Authorization: Bearer $TOKEN" "$URL/v1/secrets/rotate" &
    curl_pid=$!
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" "$curl_pid" 2>/dev/null
    SERVER_PID=
    server_start "${CONF[@]}"
done
settled() { api GET /v1/secrets/forge; local a; a=$(json .sealed_with); api GET /v1/providers/model; [ -n "$a" ] && [ "$(json .sealed_with)" = "$a" ] && [ "$(json .usable)" = true ]; }
wait_until 30 settled; is $? 0 "a rotation that was cut off is finished after the restart"
api POST /v1/exec -d '{"command": "curl -s $PINFOLD_SECRET_FORGE_URL/k", "secrets": ["forge"]}'
like "$(heads)" "GET /k .*token $CANARY( |$)" "and the value is what it was"

# --- a key file that is lost
server_stop
mv "$KEYS" "$WORK/kept"
server_start "${CONF[@]}"
told() { api GET /v1/secrets/forge; [ "$(json .usable)" = false ]; }
wait_until 20 told
is "$CODE $(json .usable)" "200 false" "without the key file a secret is there, but cannot be used"
like "$(grep 'cannot be used' "$SERVER_LOG")" "SecretKeyFile=" "and the log says what is missing"
api POST /v1/exec -d '{"command": "curl -s -w %{http_code} $PINFOLD_SECRET_FORGE_URL/l", "secrets": ["forge"]}'
like "$(json .stdout)" "not in the key file.*502" "so does an attempt"
server_stop
cat "$WORK/kept" "$KEYS" >"$WORK/joined"
cp "$WORK/joined" "$KEYS"
server_start "${CONF[@]}"
usable() { api GET /v1/secrets/forge; [ "$(json .usable)" = true ]; }
wait_until 20 usable
is "$(json .usable)" true "with its line put back all is well again"
server_stop
chmod 644 "$KEYS"
server_start "${CONF[@]}"
secret other '{"value": "x", "hosts": ["good.test"]}'
is "$CODE" 409 "a key file that others can read is none"
like "$BODY" "nobody else can read" "and the answer says so"
server_stop
chmod 600 "$KEYS"
server_start "${CONF[@]}"
wait_until 20 usable
api DELETE /v1/secrets/forge
is "$CODE" 204 "a secret is deleted"
api GET /v1/secrets/forge
is "$CODE" 404 "and gone"
out=$("$PINFOLD_BIN/pinfold" serve --listen 127.0.0.1:0 --state "$WORK/state2" --config <(echo "SecretKeyFile=$WORK/state2/key") 2>&1)
like "$out" "beside what it is to seal" "a key file in the state directory is refused"

# --- everything that was written
api GET "/v1/workspaces/$WS/debug"; debug=$BODY
unlike "$debug" "canary" "debug does not show it"
server_stop
is "$(grep -rla canary "$STATE" "$SERVER_LOG" "$WORK/server.out" "$WORK/keys" | head -3)" "" "neither state, database, output nor logs hold a value"
done_testing
