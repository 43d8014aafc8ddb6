#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secrets of every kind are given to pinfold and used; then all that it wrote, answers and holds is
# searched for them: state, logs, answers, environments, command lines, core files, and the memory of
# every process of the sandboxes that used them.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT NETNS PYTHON GIT OVERLAY
world_start
repo one
CANARIES=$WORK/canaries
plant() { printf '%s %s\n' "$1" "$2" >>"$CANARIES"; }
value() { sed -n "s/^$1 //p" "$CANARIES"; }
for kind in provider secret replaced git refused login user; do plant $kind "canary-$kind-$(openssl rand -hex 12)"; done
http_start --password "$(value git)"
PORT=${HTTP##*:}
value login >"$WORK/password"
printf 'alice:%s\n' "$(value user)" >"$WORK/users"
chmod 600 "$WORK/password" "$WORK/users"
ulimit -c unlimited # a core file would be written, if anything let it
cores() { find / "$STATE" -maxdepth 1 -name 'core*' -newer "$CANARIES" -type f; }
CONF=("${WORLD[0]}" "${WORLD[1]} loop.test:$PORT 127.0.0.1:$PORT" "CAFile=$WORK/cert.pem" "SecretKeyFile=$WORK/keys/secret.key"
    "PasswordFile=$WORK/password" "UsersFile=$WORK/users" LogLevel=debug)
server_start "${CONF[@]}" || done_testing
plant admin "$TOKEN"
mkdir "$WORK/answers"
n=0
ask() { # as api, and the answer is kept to be searched
    api "$@" -D "$WORK/head"
    n=$((n + 1))
    cat "$WORK/head" "$WORK/body" >"$WORK/answers/$n"
}

# --- given
ask PUT /v1/providers/claude -d "{\"kind\": \"anthropic\", \"base_url\": \"https://good.test/v1\", \"api_key\": \"$(value replaced)\"}"
ask PUT /v1/providers/claude -d "{\"kind\": \"anthropic\", \"base_url\": \"https://good.test/v1\", \"api_key\": \"$(value provider)\"}"
ask PUT /v1/secrets/forge -d "{\"value\": \"$(value secret)\", \"hosts\": [\"good.test\"], \"format\": \"token {}\"}"
is "$CODE" 200 "a provider and a secret are made"
for body in "{\"value\": \"$(value refused)\", \"hosts\": [\"good.test\"], \"nonsense\": 1}" "{\"value\": \"$(value refused)\", \"hosts\": 7}" \
    "{\"value\": \"$(value refused)" "{\"value\": [\"$(value refused)\"]}" "{\"value\": \"$(value refused)\\n\", \"hosts\": [\"good.test\"]}"; do
    ask PUT /v1/secrets/bad -d "$body"
done
ask PUT /v1/providers/bad -d "{\"kind\": \"oracle\", \"base_url\": \"https://good.test\", \"api_key\": \"$(value refused)\"}"
TOKEN=$(value refused) ask POST /v1/tokens
is "$CODE" 401 "some are refused"
api POST /v1/tokens -d '{"name": "t", "scopes": ["exec"]}'
plant token "$(json .token)"
api GET /v1/webhooks/secret
plant webhook "$(json .secret)"
api POST /api/auth/login -d "{\"password\": \"$(value login)\"}"
plant session "$(json .token)"
api POST /api/auth/login -d "{\"username\": \"alice\", \"password\": \"$(value user)\"}"
ask POST /api/auth/login -d "{\"password\": \"$(value refused)\"}"
is "$(awk 'length($2) < 16' "$CANARIES" | wc -l) $(wc -l <"$CANARIES")" "0 11" "all are planted" || sed 's/^/# /' "$CANARIES"

# --- used
ask POST /v1/workspaces -d '{"name": "w", "provider": "claude", "secrets": ["forge"], "env": {"SEEN": "canary-seen-4711"}, "network": {"mode": "allow-list", "allow": ["good.test"]}}'
WS=w
ask POST /v1/workspaces/w/exec -d '{"command": "curl -sS -d {} $ANTHROPIC_BASE_URL/messages; curl -sS http://good.test/a; curl -sS $PINFOLD_SECRET_FORGE_URL/b; curl -sS -x http://127.0.0.1:3128 http://a.other.test/"}'
like "$(cat "$WORK/heads")" "x-api-key: $(value provider).*token $(value secret)" "they are used"
ask POST /v1/workspaces/w/exec -d '{"command": "python3 -c \"import urllib.request as u, os, time; k = [u.urlopen(os.environ[\\\"PINFOLD_SECRET_FORGE_URL\\\"] + \\\"/c\\\").read() for _ in range(3)]; print(flush=True); time.sleep(600)\"", "background": true}'
BG=$(json .id)
for mode in full allow-list; do
    ask POST '/v1/workspaces?wait=60' -d "{\"name\": \"clone-$mode\", \"repository\": {\"url\": \"http://127.0.0.1:$PORT/private/one.git\", \"username\": \"me\", \"password\": \"$(value git)\"}, \"network\": {\"mode\": \"$mode\"}}"
    is "$(json .status)" ready "a clone with a token ($mode)" || echo "# $BODY"
    ask POST '/v1/workspaces?wait=60' -d "{\"name\": \"not-$mode\", \"repository\": {\"url\": \"http://127.0.0.1:$PORT/private/one.git\", \"username\": \"me\", \"password\": \"$(value refused)\"}, \"network\": {\"mode\": \"$mode\"}}"
    is "$(json .status)" error "and one that the server refuses"
    ask POST "/v1/workspaces/clone-$mode/exec" -d '{"command": "env; cat /proc/*/environ; ls -laR /workspace /tmp | head -50"}'
done
ask POST /v1/workspaces -d '{"name": "opened", "secrets": ["forge"], "network": {"mode": "allow-list", "allow": ["https://good.test/*"]}}'
ask POST /v1/workspaces/opened/exec -d '{"command": "curl -sS https://good.test/opened; sleep 600 >/dev/null 2>&1 & "}'
like "$(tail -n 1 "$WORK/heads")" "GET /opened .*token $(value secret)" "one goes into a request whose TLS was opened"
ask GET /v1/workspaces/opened/network
grep -c "auth=Basic $(printf 'me:%s' "$(value git)" | base64 -w0)" "$HTTP_LOG" | { read -r c; [ "$c" -ge 2 ]; }
ok $? "which had it"
ask POST '/v1/runs?wait=60' -d '{"provider": "claude", "command": "curl -sS -d {} $ANTHROPIC_BASE_URL/messages; env", "webhook_url": "http://127.0.0.1:'"$PORT"'/x"}'
RUN=$(json .id)
started() { api GET "/v1/execs/$BG/stdout"; [ -n "$BODY" ]; }
wait_until 30 started

# --- asked about
for path in /v1/secrets /v1/secrets/forge /v1/providers /v1/providers/claude /v1/workspaces /v1/workspaces/w /v1/workspaces/w/network \
    /v1/workspaces/w/debug /v1/workspaces/clone-full/init-log /v1/workspaces/clone-full/debug /v1/execs /v1/runs "/v1/runs/$RUN" \
    "/v1/runs/$RUN/events" "/v1/runs/$RUN/logs" "/v1/runs/$RUN/transcript" "/v1/runs/$RUN/deliveries" /v1/tokens /v1/tokens/self /v1/users \
    /v1/repositories /v1/builds /v1/info /v1/stats /v1/metrics /v1/health /v1/openapi.json /v1/agents /v1/backup; do
    ask GET "$path"
    [ "$CODE" = 200 ] || echo "# $path: $CODE"
done
ask POST /v1/secrets/rotate
is "$CODE" 204 "they are sealed anew"

# --- searched
seek() { "$TESTS/lib/canaries" "$CANARIES" "$@"; }
role_pid() { sed -n "s/.*: $1 started pid=//p" "$SERVER_LOG" | tail -n 1; }
group=$(printf 'pinfold.%x-%x' "$(stat -c %d "$STATE")" "$(stat -c %i "$STATE")")
inside=$(grep -ls "/$group/" /proc/[0-9]*/cgroup | cut -d/ -f3)
ours="$SERVER_PID $(role_pid server) $(role_pid launcher) $(role_pid egress)"
memories() { for p in "$@"; do echo --memory "$p"; done; }
is "$(echo "$inside" | wc -w | awk '{ print ($1 >= 2) }')" 1 "the sandbox that used them lives"
# The search itself is seen to find: a variable that is no secret is in all these places.
printf 'seen canary-seen-4711\n' >"$WORK/control"
seek_control() { "$TESTS/lib/canaries" "$WORK/control" "$@"; }
# shellcheck disable=SC2046
control=$(seek_control "$STATE" "$WORK/answers" $(memories $inside))
like "$control" "memory of .*environ of|environ of .*memory of" "what is no secret is found in memory and environments of the sandbox"
like "$control" "$STATE/server/pinfold.db" "and in the database"
like "$control" "$WORK/answers/" "and in answers"
# shellcheck disable=SC2046
is "$(seek $(memories $inside))" "" "no secret is in the memory of the sandbox's processes, init's among them"
for p in $ours; do tr '\0' ' ' <"/proc/$p/environ" >"$WORK/environ.$p"; tr '\0' ' ' <"/proc/$p/cmdline" >"$WORK/cmdline.$p"; done
is "$(seek "$WORK"/environ.* "$WORK"/cmdline.*)" "" "nor in environment or command line of our own"
# shellcheck disable=SC2046
is "$(seek $(memories "$(role_pid launcher)") | grep -v 'admin')" "" "nor in the launcher's memory"
is "$(seek "$WORK/answers")" "" "nor in an answer: of errors, lists, events, debug, metrics or a backup"
is "$(seek "$STATE" | grep -v "^admin $STATE/admin.token$")" "" "nor in the state: database, journal, output, workspaces, mirrors"
is "$(seek "$SERVER_LOG" "$WORK/server.out" "$WORK/keys")" "" "nor in the log, of all levels, or beside the keys"

# --- and when our own processes die
for role in server egress launcher; do
    old=$(role_pid $role)
    kill -ABRT "$old"
    again() { local p; p=$(role_pid $role); [ -n "$p" ] && [ "$p" != "$old" ] && api GET /v1/health && [ "$CODE" = 200 ]; }
    try "the $role process dies of a signal that leaves a core file elsewhere" wait_until 60 again
done
is "$(cores)" "" "and leaves none"
ask POST /v1/workspaces/w/exec -d '{"command": "curl -sS http://good.test/again"}'
is "$(json .stdout)" "hello from good.test" "the next ones go on"
server_stop
is "$(seek "$STATE" "$SERVER_LOG" "$WORK/answers" | grep -v "^admin $STATE/admin.token$")" "" "at the end none is anywhere"
done_testing
