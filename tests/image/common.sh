# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the image tests share. Source it after tap.sh.

# An images directory of this test's own: the real scripts, and the files written into $IMAGES.
images_start() {
    IMAGES=$WORK/images
    cp -r "$TOP/images" "$IMAGES"
}

# serve DIR: show it over HTTP on loopback; sets SERVED to its URL.
serve() {
    python3 - "$1" >"$WORK/served" 2>/dev/null <<'END' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
END
    at_exit "kill $!"
    wait_until 20 test -s "$WORK/served" || return 1
    SERVED=http://127.0.0.1:$(cat "$WORK/served")
}

# build IMAGE: a workspace with it, built; sets WS, CODE and BODY of the build, LOG, BUILD_MS.
build() {
    local start
    WS= LOG=
    api POST /v1/workspaces -H 'content-type: application/json' -d "{\"image\": \"$1\"}"
    [ "$CODE" = 201 ] || { tap_show create: "$BODY"; return 1; }
    WS=$(json .id)
    start=$(date +%s%3N)
    api POST "/v1/workspaces/$WS/build?wait=300"
    BUILD_MS=$(($(date +%s%3N) - start))
    LOG=$(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/workspaces/$WS/build/log")
    api GET "/v1/workspaces/$WS"
}

# inside COMMAND: its output in the workspace $WS.
inside() {
    api POST "/v1/workspaces/$WS/exec" -H 'content-type: application/json' \
        -d "$(jq -nc --arg c "$1" '{command: $c}')"
    json '.stdout + .stderr'
}

# built IMAGE: build it and say whether the workspace became ready.
built() {
    build "$1"
    tap_up=1 is "$(json .status)" ready "$1 is built" || { tap_show log: "$(tail -n 15 <<<"$LOG")"; return 1; }
}
