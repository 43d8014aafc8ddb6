#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Webhooks of runs: signed, tried again, kept over a restart, and not to where they may not go.
# route: GET /v1/runs/{id}/deliveries
# route: GET /v1/webhooks/secret
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
mkdir "$WORK/hook" "$WORK/other"
python3 "$(dirname "$0")/hook-receiver" "$WORK/hook" &
receiver=$!
python3 "$(dirname "$0")/hook-receiver" "$WORK/other" &
other=$!
wait_until 20 test -s "$WORK/hook/port" && wait_until 20 test -s "$WORK/other/port"
port=$(cat "$WORK/hook/port")
to=http://127.0.0.1:$port
server_start "AllowPrivate=127.0.0.1:$port"
got() { jq -s "$1" "$WORK/hook/got" 2>/dev/null; }
n_got() { [ "$(got length)" = "$1" ]; }
run() { api POST "/v1/runs${2:-}" -d "$1"; RUN=$(json .id); }
delivered() { api GET "/v1/runs/$RUN/deliveries"; [ "$(json '.items[-1].status')" = "$1" ]; }

run "$(jq -n --arg u "$to/done?a=1&b=2" '{command: "echo \"it \\\"is\\\" done\"", webhook_url: $u}')" '?wait=30'
is "$CODE" 201 "a run has a webhook"
try "its end is posted" wait_until 60 n_got 1
is "$(got '.[0].path' | jq -r .)" "/done?a=1&b=2" "where it was to be"
is "$(got '.[0].body' | jq -r 'fromjson | "\(.event) \(.payload.status) \(.payload.reason) \(.payload.exit_code) \(.payload.result)"')" \
    'run.completed succeeded completed 0 it "is" done' "with what it came to"
is "$(got '.[0].body' | jq -r 'fromjson.run_id')" "$RUN" "and whose it is"
try "it is recorded" wait_until 30 delivered delivered
api GET "/v1/runs/$RUN/deliveries"
is "$(json '.items[0] | "\(.event) \(.attempts) \(.http_status) \(.error)"')" "run.completed 1 200 null" "as it went"
is "$(got '.[0].headers["x-pinfold-delivery"]' | jq -r .)" "$(json '.items[0].id')" "its id is sent"
api GET /v1/webhooks/secret
secret=$(json .secret)
sign() { printf '%s.%s' "$(got ".[$1].headers[\"x-pinfold-timestamp\"]" | jq -r .)" "$(got ".[$1].body" | jq -r .)" | openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1; }
is "$(got '.[0].headers["x-pinfold-signature"]' | jq -r .)" "sha256=$(sign 0)" "it is signed"

# --- progress, when asked for
rm "$WORK/hook/got"
run "$(jq -n --arg u "$to/" '{command: "true", webhook_url: $u, notify: true}')" '?wait=30'
try "a beginning is posted too" wait_until 60 n_got 2
is "$(got '[.[].body | fromjson.event] | sort | join(" ")' | jq -r .)" "run.completed run.started" "when it was asked for"

# --- one that does not answer well is tried again, also by the next server
rm "$WORK/hook/got"
echo 503 >"$WORK/hook/status"
run "$(jq -n --arg u "$to/" '{command: "exit 3", webhook_url: $u}')" '?wait=30'
try "it is tried again" wait_until 60 n_got 2
api GET "/v1/runs/$RUN/deliveries"
is "$(json '.items[0] | "\(.status) \(.http_status) \(.error)"')" "pending 503 it answered with status 503" "and says why"
server_stop
rm "$WORK/hook/status"
server_start "AllowPrivate=127.0.0.1:$port"
try "the next server goes on with it" wait_until 90 delivered delivered
is "$(got '[.[].headers["x-pinfold-delivery"]] | unique | length')" 1 "each try has the same id"
is "$(got '.[-1].body' | jq -r 'fromjson | "\(.event) \(.payload.exit_code)"')" "run.failed 3" "and the same words"

# --- where they may not go
for url in ftp://a/ http://user@127.0.0.1:$port/ http://127.0.0.1:1/ http://169.254.169.254/latest 'http://a b/' nothing; do
    run "$(jq -n --arg u "$url" '{command: "true", webhook_url: $u}')"
    like "$CODE" '^4[0-9][0-9]$' "refused: $url"
done
run "$(jq -n --arg u "http://localhost:$(cat "$WORK/other/port")/" '{command: "true", webhook_url: $u}')" '?wait=30'
tried() { api GET "/v1/runs/$RUN/deliveries"; [ "$(json '.items[0].attempts')" -ge 1 ] && [ "$(json '.items[0].error')" != null ]; }
try "a name of a private address is found out" wait_until 60 tried
fails "and nothing comes there" test -e "$WORK/other/got"
api DELETE "/v1/runs/$RUN"
is "$CODE" 204 "a run is deleted with what it had to tell"
kill "$receiver" "$other"
done_testing
