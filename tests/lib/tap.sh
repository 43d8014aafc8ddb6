# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# TAP for test scripts. Source it first:  . "$(dirname "$0")/../lib/tap.sh"
# A test is a sentence and a check:  is "$(cat f)" "hello" "a file keeps what was written"
# End with: done_testing
set -u
export LC_ALL=C.UTF-8 # what is compared has characters of more than one byte
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOP=$(dirname "$TESTS")
: "${PINFOLD_BIN:=$TOP/build/bin}" "${PINFOLD_HELPERS:=$TOP/build/helpers}"
export PINFOLD_BIN PINFOLD_HELPERS
[ -n "${ABILITIES+set}" ] || ABILITIES=$("$TESTS/lib/abilities" | tr '\n' ' ')
export ABILITIES
tap_n=0 tap_failed=0

# A directory of this test's own, gone at its end unless TEST_KEEP is set. at_exit COMMAND adds
# more to do then, last added first.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/pinfold-test.XXXXXX")
tap_at_exit=()
at_exit() { tap_at_exit=("$*" "${tap_at_exit[@]}"); }
tap_cleanup() {
    local todo
    for todo in "${tap_at_exit[@]}"; do eval "$todo"; done
    if [ -n "${TEST_KEEP:-}" ]; then echo "# kept $WORK"; else rm -rf -- "$WORK"; fi
}
trap tap_cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

ok() { # STATUS SENTENCE: did the command whose $? this is succeed?
    tap_n=$((tap_n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tap_n - $2"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_n - $2"
        echo "# at line ${BASH_LINENO[${tap_up:-0}]} of $(basename "$0")"
    fi
    return "$1"
}
tap_show() { printf '%s\n' "$2" | head -n 20 | sed "s/^/# $1 /"; }
try() { # SENTENCE COMMAND...: it must succeed
    local what=$1; shift
    local out; out=$("$@" 2>&1); local rc=$?
    tap_up=1 ok "$rc" "$what" || { echo "# exit code $rc of: $*"; tap_show out: "$out"; return 1; }
}
fails() { # SENTENCE COMMAND...: it must not succeed
    local what=$1; shift
    local out; out=$("$@" 2>&1); local rc=$?
    tap_up=1 ok "$((rc == 0))" "$what" || { echo "# it worked: $*"; tap_show out: "$out"; return 1; }
}
is() { # GOT WANT SENTENCE
    [ "$1" = "$2" ]; tap_up=1 ok $? "$3" || { tap_show got: "$1"; tap_show want: "$2"; return 1; }
}
isnt() { # GOT UNWANTED SENTENCE
    [ "$1" != "$2" ]; tap_up=1 ok $? "$3" || { tap_show got: "$1"; return 1; }
}
like() { # GOT REGEX SENTENCE
    [[ $1 =~ $2 ]]; tap_up=1 ok $? "$3" || { tap_show got: "$1"; tap_show regex: "$2"; return 1; }
}
unlike() { # GOT REGEX SENTENCE
    ! [[ $1 =~ $2 ]]; tap_up=1 ok $? "$3" || { tap_show got: "$1"; return 1; }
}
between() { # GOT LOW HIGH SENTENCE, whole numbers
    [ "$1" -ge "$2" ] 2>/dev/null && [ "$1" -le "$3" ]; tap_up=1 ok $? "$4" || { echo "# $1 is not in $2..$3"; return 1; }
}
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }
has() { [[ " $ABILITIES " == *" $1 "* ]]; }
need() { # ABILITY...: skip the whole script when one is missing
    local a
    for a in "$@"; do
        has "$a" || { echo "1..0 # SKIP needs $a: not on this machine"; exit 0; }
    done
}
need_binary() { # NAME...: of ours; a missing one is a failure, not a skip
    local b
    for b in "$@"; do
        [ -x "$PINFOLD_BIN/$b" ] || { echo "not ok 1 - $b is built"; echo "1..1"; exit 1; }
    done
}
wait_until() { # SECONDS COMMAND...: poll until it succeeds; for what sends no event
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        read -rt 0.05 <> <(:) || true
    done
}
done_testing() {
    echo "1..$tap_n"
    exit $((tap_failed > 0))
}

# A server of this test's own on a free port, with a state directory below $WORK: sets URL, TOKEN,
# STATE, SERVER_PID (of pinfoldd) and SERVER_LOG. Further arguments are lines of pinfold.conf.
server_start() {
    STATE=${STATE:-$WORK/state} SERVER_LOG=$WORK/server.log
    printf '%s\n' "$@" >"$WORK/pinfold.conf"
    case "$*" in *SecretKeyFile=*) ;; *) echo "SecretKeyFile=$WORK/secret.key" >>"$WORK/pinfold.conf" ;; esac
    : >"$WORK/server.out"
    "$PINFOLD_BIN/pinfold" serve --listen "${LISTEN:-127.0.0.1:0}" --state "$STATE" \
        --config "$WORK/pinfold.conf" >"$WORK/server.out" 2>>"$SERVER_LOG" &
    SERVER_PID=$!
    [ -n "${tap_server:-}" ] || at_exit server_stop
    tap_server=1
    wait_until 60 server_up && grep -q '^listening' "$WORK/server.out" || { echo "# the server does not start"; tap_show log: "$(tail -n 20 "$SERVER_LOG")"; return 1; }
    URL=$(sed -n 's/^listening on //p' "$WORK/server.out")
    TOKEN=$(cat "$STATE/admin.token")
    export PINFOLD_URL=$URL PINFOLD_TOKEN=$TOKEN
}
server_up() { grep -q '^listening on ' "$WORK/server.out" || ! kill -0 "$SERVER_PID"; }
server_stop() { # returns pinfoldd's exit code
    [ -n "${SERVER_PID:-}" ] || return 0
    local pid=$SERVER_PID rc
    SERVER_PID=
    kill -TERM "$pid" 2>/dev/null
    wait "$pid"; rc=$?
    return $rc
}
# api METHOD PATH [curl arguments]: body in $BODY, status in $CODE
api() {
    local method=$1 path=$2; shift 2
    CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' -X "$method" -H "Authorization: Bearer $TOKEN" "$@" "$URL$path")
    BODY=$(tr -d '\0' <"$WORK/body")
}
json() { jq -r "$1" <<<"$BODY"; } # json FILTER: of the last answer
