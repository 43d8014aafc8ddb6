#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tokens, scopes, users and the rate of one token.
# route: POST /v1/tokens
# route: GET /v1/tokens
# route: GET /v1/tokens/self
# route: GET /v1/tokens/{id}
# route: DELETE /v1/tokens/{id}
# route: GET /v1/users
# route: PUT /v1/users/{name}
# route: DELETE /v1/users/{name}
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start
ADMIN=$TOKEN
is "$(stat -c %a "$STATE/admin.token")" 600 "the first token is for its owner only"
api GET /v1/tokens/self
is "$(json '.scopes|tostring')" '["read","exec","admin"]' "and has every scope"
api POST /v1/tokens -d '{"name": "reader", "scopes": ["read"]}'
is "$CODE" 201 "a token is made"
READ=$(json .token) READ_ID=$(json .id)
is "$(json '(.token|length)>20')" true "and shown"
api GET "/v1/tokens/$READ_ID"
is "$(json 'has("token")')" false "but only once"
grep -rqF "$READ" "$STATE"
is $? 1 "it is nowhere on disk"
api POST /v1/tokens -d '{"name": "runner", "scopes": ["exec"]}'
EXEC=$(json .token)
is "$(json '.scopes|tostring')" '["read","exec"]' "exec has read"
api GET "/v1/tokens?limit=500"
is "$(json '[.items[].name]|map(select(.=="reader" or .=="runner"))|sort|tostring')" '["reader","runner"]' "tokens are listed"
api POST /v1/workspaces -d '{"name": "w"}'

TOKEN=$READ
api GET /v1/workspaces/w
is "$CODE" 200 "read: may look"
api POST /v1/workspaces/w/exec -d '{"command": "true"}'
is "$CODE$(json .code)" 403insufficient_scope "but not run"
api PUT /v1/workspaces/w/files/x --data-binary x
is "$CODE" 403 "nor write"
api DELETE /v1/workspaces/w
is "$CODE" 403 "nor delete"
api GET /v1/tokens
is "$CODE" 403 "nor see tokens"
api GET /v1/tokens/self
is "$CODE$(json .name)" 200reader "but its own"
TOKEN=$EXEC
api POST /v1/workspaces/w/exec -d '{"command": "true"}'
is "$CODE" 200 "exec: may run"
api POST /v1/tokens -d '{"name": "more", "scopes": ["admin"]}'
is "$CODE" 403 "but not make tokens"
api POST /v1/images/host/build -d '{}'
is "$CODE" 403 "nor build images for all"

TOKEN=$ADMIN
api POST /v1/tokens -d '{"name": "brief", "expires_in_secs": 0.5}'
BRIEF=$(json .token)
isnt "$(json .expires_at)" null "a token that expires"
expired() { TOKEN=$BRIEF api GET /v1/workspaces; [ "$CODE" = 401 ]; }
try "does" wait_until 10 expired
api POST /v1/tokens -d '{"name": "dated", "expires_at": "2099-01-02T03:04:05+01:00"}'
is "$(json .expires_at)" "2099-01-02T02:04:05.000Z" "at a time"
api POST /v1/tokens -d '{"name": "x", "expires_at": "tomorrow"}'
is "$CODE$(json '.errors[0].pointer')" 422/expires_at "that is one"
api POST /v1/tokens -d '{"name": "x", "scopes": ["root"]}'
is "$CODE" 422 "an unknown scope"
api POST /v1/tokens -d '{}'
is "$CODE" 422 "a name is needed"
api DELETE "/v1/tokens/$READ_ID"
is "$CODE" 204 "a token is revoked"
TOKEN=$READ api GET /v1/workspaces
is "$CODE$(json .code)" 401unauthorized "at once"
api DELETE "/v1/tokens/$READ_ID"
is "$CODE" 404 "and is no more"
api DELETE /v1/tokens/self
is "$CODE" 409 "the last admin token stays"

api POST /v1/tokens -H 'Idempotency-Key: t' -d '{"name": "once"}'
is "$(json '(.token|length)>20')" true "a token under an Idempotency-Key is shown"
SECRET=$(json .token)
api POST /v1/tokens -H 'Idempotency-Key: t' -d '{"name": "once"}'
is "$CODE$(json .token)" 201null "but not to a repetition"
grep -rqF "$SECRET" "$STATE"
is $? 1 "nor kept for one"

api PUT /v1/users/ann -d '{"password": "correct horse", "scopes": ["exec"]}'
is "$CODE" 200 "a user is made"
is "$(json '[.name,(.scopes|tostring),has("password")]|tostring')" '["ann","[\"read\",\"exec\"]",false]' "without its password"
api GET /v1/users
is "$(json '[.items[].name]|tostring')" '["ann"]' "and listed"
api PUT /v1/users/bob -d '{"password": "short"}'
is "$CODE" 422 "a short password"
api DELETE /v1/users/ann
is "$CODE" 204 "and deleted"
grep -rqF "correct horse" "$STATE"
is $? 1 "no password is on disk"
server_stop

STATE=$WORK/limited server_start "RequestsPerSecond=5"
# On one connection, so that they are in one second on a slow machine too.
urls=(); for _ in {1..20}; do urls+=("$URL/v1/info"); done
BODY=$(curl -sS -H "Authorization: Bearer $TOKEN" "${urls[@]}" | jq -sc 'map(select(.status == 429))[0]')
is "$(json '(.status|tostring)+.code+":"+(.limit.value|tostring)')" "429rate_limited:5" "too many requests of one token in a second"
for path in /api/v1/agents /api/workspaces /api/tasks /api/runs; do
    urls=(); for _ in {1..20}; do urls+=("$URL$path"); done
    curl -sS -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $TOKEN" "${urls[@]}" >"$WORK/codes" 2>/dev/null
    try "also at $path" grep -q 429 "$WORK/codes"
done
done_testing
