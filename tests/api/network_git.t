#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# route: PATCH /v1/repositories/{id}
# What works for a workspace with an allow-list, its clone and its init script, goes out by the same
# door and under the same rules as its commands.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT NETNS PYTHON GIT
world_start
repo one
repo two
repo three
http_start
PORT=${HTTP##*:} # loop.test is this server, for the world's name server alone
printf '[submodule "two"]\n\tpath = two\n\turl = http://good.test/two.git\n' >"$WORK/src/one/.gitmodules"
in_src one update-index --add --cacheinfo "160000,$(in_src two rev-parse HEAD),two"
in_src one add .gitmodules
in_src one commit -qm submodule
publish one
printf '[submodule "ten"]\n\tpath = ten\n\turl = http://ten.test/two.git\n' >"$WORK/src/three/.gitmodules"
in_src three update-index --add --cacheinfo "160000,$(in_src two rev-parse HEAD),ten"
in_src three add .gitmodules
in_src three commit -qm submodule
publish three
server_start "${WORLD[0]}" "${WORLD[1]} loop.test:$PORT" Strict=yes || done_testing
W=/v1/workspaces
make() { api POST "$W?wait=60" -d "$1"; WS=$(json .id); }
repo_json() { printf '{"url": "http://loop.test:%s/%s", "submodules": %s%s}' "$PORT" "$1" "${2:-false}" "${3:-}"; }

# --- cloning
for mode in full none; do
    make "{\"repository\": {\"url\": \"http://127.0.0.1:$PORT/repos/two.git\"}, \"network\": {\"mode\": \"$mode\"}}"
    is "$(json '"\(.status) \(.error)"')" "ready null" "with network $mode a person may name a server in the house"
    is "$(decision '[.decisions[] | "\(.host):\(.port) \(.allowed) \(.rule)"] | unique | join(" ")')" "127.0.0.1:$PORT true 127.0.0.1:$PORT" "and its clone is a decision too"
    is "$(decision '.decisions[0].process')" pinfold-git "of the helper that clones"
    make "{\"repository\": $(repo_json repos/three.git true), \"network\": {\"mode\": \"$mode\"}}"
    like "$(json .error)" "do not allow ten.test port 80: it lies at a private address" "a submodule of it is no person's word, with network $mode"
    is "$(decision '[.decisions[] | select(.host == "ten.test")][0] | "\(.allowed) \(.reason)"')" "false private_address" "which is a decision as well"
    make "{\"repository\": $(repo_json "away/$PORT/repos/two.git"), \"network\": {\"mode\": \"$mode\"}}"
    like "$(json '"\(.status) \(.error)"')" "^error .*do not allow 127.0.0.1 port $PORT" "nor is a redirect to an address, with network $mode"
    make "{\"repository\": {\"url\": \"http://169.254.169.254/x.git\"}, \"network\": {\"mode\": \"$mode\"}}"
    like "$(json '"\(.status) \(.error)"')" "^error .*169.254.169.254 port 80: it lies at a link-local address" "a cloud's metadata is nobody's to name"
done
make "{\"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"allow-list\"}}"
is "$(json '"\(.status) \(.error)"')" "ready null" "with an allow-list it goes out by the proxy, an empty list lets its own server"
is "$(run 'cat README; git log --oneline | wc -l')" $'hello one\n2' "and is whole"
is "$(decision '[.decisions[] | "\(.host):\(.port) \(.allowed) \(.rule)"] | unique | join(" ")')" "loop.test:$PORT true loop.test:$PORT" "which the workspace tells among its decisions"
closed() { [ "$(decision '[.decisions[] | select(.open)] | length')" = 0 ]; }
wait_until 20 closed; is $? 0 "none is left open"
is "$(decision '[.decisions[] | .bytes_received] | add > 400')" true "with their bytes"
is "$(run "curl -s -o /dev/null -w '%{http_code}' http://loop.test:$PORT/repos/one.git/info/refs")" 403 "its commands are not let there for that"
make "{\"repository\": $(repo_json private/one.git false ', "username": "me", "password": "secret"'), \"network\": {\"mode\": \"allow-list\"}}"
is "$(json '"\(.status) \(.error)"')" "ready null" "with credentials too"
make "{\"repository\": $(repo_json private/one.git false ', "username": "me", "password": "wrong"'), \"network\": {\"mode\": \"allow-list\"}}"
is "$(json '"\(.status) \(.error)"')" "error the server refuses the credentials" "what the server refuses is told as that"

make "{\"repository\": {\"url\": \"http://127.0.0.1:$PORT/repos/one.git\"}, \"network\": {\"mode\": \"allow-list\"}}"
is "$(json '"\(.status) \(.error)"')" "error the network's rules do not allow 127.0.0.1 port $PORT: it lies at a loopback address, which AllowPrivate= does not list." \
    "a server in the house has to be listed, and that is told"

# --- what a repository names is not what a person named
make "{\"repository\": $(repo_json repos/one.git true), \"network\": {\"mode\": \"allow-list\"}}"
is "$(json .status)" error "a submodule elsewhere is not fetched"
like "$(json .error)" "do not allow good.test port 80: no rule allows it" "and the error says why"
unlike "$(cat "$WORK/requests" 2>/dev/null)" "two.git" "nothing was sent there"
is "$(decision '[.decisions[] | select(.host == "good.test")][0] | "\(.allowed) \(.reason)"')" "false not_listed" "it is a decision too"
make "{\"repository\": $(repo_json repos/one.git true), \"network\": {\"mode\": \"allow-list\", \"allow\": [\"good.test\"]}}"
like "$(cat "$WORK/requests")" "GET /two.git/info/refs" "with a rule it is asked for"
make "{\"repository\": $(repo_json "away/$PORT/repos/one.git"), \"network\": {\"mode\": \"allow-list\"}}"
like "$(json '"\(.status) \(.error)"')" "^error .*do not allow 127.0.0.1 port $PORT" "a redirect to an address is not followed"
make '{"repository": {"url": "http://loop.test:1/x"}, "network": {"mode": "allow-list"}}'
like "$(json .error)" "no connection to loop.test port 1: .*private|no connection to loop.test port 1|do not allow loop.test port 1" "a private address that the operator does not list is not reached"

# --- the init script
script() { make "{\"init_script\": $(jq -n --arg s "$1" '$s'), \"network\": $2}"; api GET "$W/$WS/init-log"; }
script 'curl -sS http://good.test/a; curl -s -o /dev/null -w "%{http_code}\n" http://a.other.test/b; getent hosts a.other.test || echo none' '{"mode": "allow-list", "allow": ["good.test"]}'
like "$BODY" "^hello from good.test.403.none." "an init script reaches what the list names, and nothing else"
is "$(decision '[.decisions[] | "\(.host) \(.allowed)"] | unique | join(", ")')" "a.other.test false, good.test true" "its decisions are the workspace's"
script 'echo "$http_proxy"; python3 -c "
import socket
s = socket.socket(); s.settimeout(5)
try: s.connect((\"'"$WEB"'\", 8080)); print(\"out\")
except OSError: print(\"no way\")"' '{"mode": "allow-list"}'
like "$BODY" "^http://127.0.0.1:3128.no way." "there is no other way out"
script 'echo "$http_proxy|"' '{"mode": "none"}'
like "$BODY" "^\|" "without a list it has the network of the profile build"
# Rules that change while it runs hold for it at once.
api POST "$W" -d "$(jq -nc '{init_script: "until [ \"$(curl -s -o /dev/null -w %{http_code} http://a.other.test/)\" = 200 ]; do sleep 0.1; done; echo opened; curl -s http://good.test/hold; echo cut", network: {mode: "allow-list", allow: ["good.test"]}}')"
WS=$(json .id)
log_has() { api GET "$W/$WS/init-log"; [[ $BODY == *$1* ]]; }
wait_until 20 eval '[ "$(decision "[.decisions[] | select(.host == \"a.other.test\")] | length")" -gt 0 ]'
log_has opened; is $? 1 "an init script waits for what is not listed"
api PATCH "$W/$WS/network" -d '{"allow": ["good.test", "a.other.test"]}'
is "$CODE" 200 "its workspace's list is changed meanwhile"
wait_until 20 log_has opened; is $? 0 "and holds for the script that runs"
wait_until 20 grep -q "GET /hold" "$WORK/requests"
api PATCH "$W/$WS/network" -d '{"allow": ["a.other.test"]}'
wait_until 20 log_has cut; is $? 0 "a connection of it that is no longer allowed ends"

# --- what a repository's workspaces may reach at most
make "{\"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"full\"}}"
make "{\"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"allow-list\", \"allow\": [\"good.test\", \"a.other.test\"]}}"
LISTED=$WS
api GET /v1/repositories
REPO=$(json "[.items[] | select(.url | endswith(\"/repos/one.git\"))][0].id")
is "$(run 'for h in good.test a.other.test; do curl -s -o /dev/null -w "%{http_code} " http://$h/; done')" "200 200 " "a workspace reaches what its own list has"
api PATCH "/v1/repositories/$REPO" -d '{"network": {"allow": ["good.test", "*.good.test"]}}'
is "$CODE" 409 "with a workspace of mode full a repository gets no list" || echo "# $BODY"
api GET /v1/workspaces?limit=100
for w in $(json '.items[] | select(.network.mode == "full") | .id'); do api DELETE "$W/$w"; done
api PATCH "/v1/repositories/$REPO" -d '{"network": {"allow": ["good.test", "*.good.test"]}}'
is "$CODE $(json '.network.allow | join(" ")')" "200 good.test *.good.test" "without one it does" || echo "# $BODY"
is "$(run 'for h in good.test deep.good.test a.other.test; do curl -s -o /dev/null -w "%{http_code} " http://$h/; done')" "200 403 403 " "it cuts the list of a workspace that runs, and adds nothing to it"
is "$(decision '.effective | join(" ")')" good.test "which shows what is left"
make "{\"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"allow-list\", \"allow\": [\"deep.good.test\", \"a.other.test\"]}, \"init_script\": \"curl -s -o /dev/null -w '%{http_code}' http://a.other.test/ >/workspace/code\"}"
is "$(json .status) $(run 'cat code; curl -s -o /dev/null -w " %{http_code}" http://deep.good.test/')" "ready 403 200" "a new one is cloned, and cut like its init script"
make "{\"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"full\"}}"
is "$CODE" 403 "mode full is not to be had"
like "$(json .detail)" "repository has an allow-list" "and the error says why"
api POST '/v1/runs?wait=60' -d "{\"command\": \"for h in good.test a.other.test; do curl -s -o /dev/null -w '%{http_code} ' http://\$h/; done\", \"repository\": $(repo_json repos/one.git), \"network\": {\"mode\": \"allow-list\", \"allow\": [\"good.test\", \"a.other.test\"]}}"
is "$(json '.result')" "200 403 " "runs over it are bound too" || echo "# $BODY"
server_stop
server_start "${WORLD[0]}" "${WORLD[1]} loop.test:$PORT" Strict=yes
WS=$LISTED
is "$(run 'for h in good.test a.other.test; do curl -s -o /dev/null -w "%{http_code} " http://$h/; done')" "200 403 " "it outlives the server"
api PATCH "/v1/repositories/$REPO" -d '{"network": {"allow": ["secret/x"]}}'
is "$CODE" 400 "no secret stands in it"
api PATCH "/v1/repositories/$REPO" -d '{"network": {"allow": []}}'
is "$(run 'curl -s -o /dev/null -w "%{http_code} " http://good.test/')" "403 " "an empty one is nothing"
api PATCH "/v1/repositories/$REPO" -d '{"network": null}'
is "$CODE $(json .network)" "200 null" "null takes it away"
is "$(run 'for h in good.test a.other.test; do curl -s -o /dev/null -w "%{http_code} " http://$h/; done')" "200 200 " "and the workspace has its own again"
EXEC=$(api POST /v1/tokens -d '{"name": "e", "scopes": ["exec"]}'; json .token)
is "$(curl -s -o /dev/null -w '%{http_code}' -X PATCH -H "Authorization: Bearer $EXEC" "$URL/v1/repositories/$REPO" -d '{"network": null}')" 403 "it is an admin's to change"
done_testing
