# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the image tests share. Source it after tap.sh.

# Our binaries with an images directory of this test's own, $IMAGES, and an empty $STATE.
images_start() {
    local share=$WORK/prefix/share/pinfold
    mkdir -p "$share"
    cp -r "$PINFOLD_BIN" "$WORK/prefix/bin"
    cp -r "$TOP/images" "$TOP/profiles" "$share"
    IMAGES=$share/images STATE=$WORK/state
    mkdir -m 700 "$STATE"
}
pinfold() { "$WORK/prefix/bin/pinfold" "$@"; }

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

# build IMAGE [OPTION...]: sets LOG and BUILD_MS; its exit code.
build() {
    local start rc
    start=$(date +%s%3N)
    LOG=$(pinfold image build --state "$STATE" "$@" 2>&1 </dev/null); rc=$?
    BUILD_MS=$(($(date +%s%3N) - start))
    return $rc
}
builds() { # IMAGE [OPTION...]: it must
    build "$@"; tap_up=1 ok $? "$1 is built" || { tap_show log: "$(tail -n 15 <<<"$LOG")"; return 1; }
}
breaks() { # IMAGE [OPTION...]: it must not be built
    ! build "$@"; tap_up=1 ok $? "$1 is not built" || { tap_show log: "$(tail -n 15 <<<"$LOG")"; return 1; }
}

# inside IMAGE COMMAND: what a shell in a fresh sandbox of it prints.
inside() { pinfold run --state "$STATE" --image "$1" -- sh -c "$2" 2>&1 </dev/null; }
