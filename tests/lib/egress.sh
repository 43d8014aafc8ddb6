# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A small world for sandboxes with an allow-list, all of it on this machine's loopback. Source after
# tap.sh.
#   world_start      its name server and its web servers, at $WEB and [::1]:$PORT6: sets WORLD, the
#                    lines of pinfold.conf that go with it, but for the latter. Names: tests/lib/egress-world.
#   ws ALLOW...      a workspace with these rules: sets WS
#   run COMMAND      run it in there; its output
#   decision FILTER  of the newest decisions, by jq
world_start() {
    cp "$TESTS/lib/egress-world" "$WORK/world"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=*.good.test" \
        -addext "subjectAltName=DNS:*.good.test,DNS:good.test,DNS:a.other.test" \
        -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
    local tail=$(($$ >> 8 & 255)).$(($$ & 255)) # tests may run side by side
    WEB=127.53.$tail
    PORT6=$((20000 + $$ % 12000))
    python3 "$WORK/world" "$WORK" "127.54.$tail" "$WEB" $PORT6 >"$WORK/world.out" 2>&1 &
    world_pid=$!
    at_exit "kill $world_pid 2>/dev/null"
    wait_until 20 grep -q ready "$WORK/world.out" || { echo "Bail out! $(tail -n 1 "$WORK/world.out")"; exit 1; }
    WORLD=("NameServers=127.54.$tail" "AllowPrivate=$WEB:80 $WEB:443 $WEB:8443 $WEB:8080")
}
ws() {
    local allow
    allow=$(printf '%s\n' "$@" | jq -R . | jq -sc 'map(select(. != ""))')
    api POST /v1/workspaces -d "{\"network\": {\"mode\": \"allow-list\", \"allow\": $allow}}"
    WS=$(json .id)
    [ "$CODE" = 201 ] || echo "# $BODY"
}
run() {
    api POST "/v1/workspaces/$WS/exec" -d "$(jq -nc --arg c "$1" '{command: $c, timeout_secs: 60}')"
    json '.stdout + .stderr'
}
decision() {
    api GET "/v1/workspaces/$WS/network"
    json "$1"
}
