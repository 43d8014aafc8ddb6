#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make up` does once everything is installed and built: a user for the server, the default
# image, a server, a first exec, and then it serves until Ctrl-C.
#   up.sh BIN-DIR ADDR:PORT STATE-DIR
set -eu
bin=$1 listen=$2 state=$3
image=debian-bookworm
say() { printf '\n== %s\n' "$*"; }

for user in pinfold pinfold-egress; do
    id $user >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin $user
done
say "what this machine offers"
"$bin/pinfold" doctor --state "$state" || exit 1

say "starting the server on $listen, state in $state"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$bin/pinfold" serve --listen "$listen" --state "$state" >"$out" &
server=$!
stop() { kill -TERM "$server" 2>/dev/null || true; }
trap stop INT TERM
for ((i = 0; i < 600; i++)); do
    grep -q '^listening on ' "$out" && break
    kill -0 "$server" 2>/dev/null || { echo "the server did not start"; exit 1; }
    sleep 0.1
done
PINFOLD_URL=$(sed -n 's/^listening on //p' "$out")
PINFOLD_TOKEN=$(cat "$state/admin.token")
export PINFOLD_URL PINFOLD_TOKEN

first() {
    say "image $image (the first time takes a minute)"
    "$bin/pinfold" build "$image" || return 1
    say "a workspace, and a first exec in it"
    local ws
    ws=$("$bin/pinfold" ws create --image "$image" --build) || return 1
    "$bin/pinfold" exec "$ws" -- sh -c 'echo "hello from $(. /etc/os-release; echo "$PRETTY_NAME"), as $(id -un), process $$"' || return 1
    "$bin/pinfold" ws delete "$ws"
}
if first; then
    cat <<END

== pinfold serves on $PINFOLD_URL until Ctrl-C. In another shell:

  export PINFOLD_URL=$PINFOLD_URL PINFOLD_TOKEN=\$(cat $state/admin.token)
  curl -s -H "Authorization: Bearer \$PINFOLD_TOKEN" \$PINFOLD_URL/v1/exec -d '{"command": "id; uname -a"}'
  $bin/pinfold help

END
else
    echo "the first exec did not work; the lines above say why" >&2
    stop
    wait "$server" || true
    exit 1
fi
while kill -0 "$server" 2>/dev/null; do wait "$server" && break || true; done
