#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# WebSockets: a command with live input, and a terminal.
# route: GET /v1/workspaces/{id}/exec
# route: GET /v1/workspaces/{id}/terminal
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
server_start
api POST /v1/workspaces -d '{"name": "w"}'
W=/v1/workspaces/w
ws() { "$(dirname "$0")/ws" "$@" 2>&1; }
pick() { sed -n 's/^text //p' | jq -r "$1" 2>/dev/null; }

out=$(ws $W/exec 't:{"command": "read a; echo got $a >&2; cat", "stdin_open": true}' 'f:started' 'b:one\n' 'f:got' 'b:\x00\xff' \
    't:{"event": "stdin", "data": "three"}' 't:{"event": "stdin_close"}' e:)
is "$(pick '.event' <<<"$out" | head -1)" started "a command over a WebSocket starts"
is "$(pick 'select(.event=="stderr").data' <<<"$out")" "got one" "its input arrives while it runs"
is "$(sed -n 's/^text //p' <<<"$out" | jq -r 'select(.event=="stdout").data_base64//empty' | base64 -d | od -An -tx1 | tr -d ' \n' | cut -c1-4)" \
    00ff "binary messages are its bytes"
is "$(pick '.event' <<<"$out" | tail -1)" exit "the last event is exit"
like "$out" 'close 1000' "and the socket is closed as usual"
out=$(ws $W/exec 't:{"command": "trap \"exit 7\" USR1; echo up; sleep 100 & wait; wait"}' 'f:"data":"up' 't:{"event": "signal", "signal": "USR1"}' e:)
is "$(pick 'select(.event=="exit").exit_code' <<<"$out")" 7 "a signal"
out=$(ws $W/exec 't:{"command": "sleep 100"}' 'f:started' 't:{"event": "cancel"}' e:)
is "$(pick 'select(.event=="exit").reason' <<<"$out")" cancelled "cancelling"
out=$(ws $W/exec 't:{"command": "cat | wc -c", "stdin_open": true}' 'f:started' r:900000 r:900000 r:900000 't:{"event": "stdin_close"}' e:)
is "$(pick 'select(.event=="stdout").data' <<<"$out")" 2700000 "much input is not lost"
out=$(ws $W/exec 't:{"command": "x", "nope": 1}' e:)
is "$(pick .code <<<"$out")" bad_request "a bad body is an error event"
like "$(pick .detail <<<"$out")" '/nope' "that names the field"
out=$(ws $W/exec 't:nonsense' e:)
is "$(pick .event <<<"$out")" error "as is no JSON"
out=$(ws $W/exec 't:{"command": "sleep 100"}' 'f:started' 't:{"event": "dance"}' e:)
is "$(pick .event <<<"$out" | tail -1)" error "and an unknown control event"
is "$(ws /v1/workspaces/none/exec | cut -d' ' -f1,2)" "status 404" "an unknown workspace is a plain 404"
is "$(PINFOLD_TOKEN=bad ws $W/exec | cut -d' ' -f1,2)" "status 401" "and a bad token a 401"
out=$(WS_PROTOCOL=1 ws $W/exec 't:{"command": "true"}' e:)
like "$out" 'exited' "a token as sub-protocol, for browsers"
like "$out" 'pinfold.v1' "is answered with the other one"
api GET $W/exec
is "$CODE$(json .code)" 426upgrade_required "without an upgrade it is refused"

# A client that vanishes takes its command with it.
running() { api GET $W; [ "$(json .execs_running)" = "$1" ]; }
wait_until 10 running 0
ws $W/exec 't:{"command": "sleep 1000"}' 'f:started' x: >/dev/null
try "a client that vanishes ends its command" wait_until 10 running 0

# --- a terminal ------------------------------------------------------------------------------
out=$(ws "$W/terminal?rows=30&cols=90" 'f:\$' 'b:stty size\n' 'f:30 90' 't:{"event": "resize", "rows": 40, "cols": 100}' \
    'b:until [ "$(stty size)" = "40 100" ]; do sleep 0.05; done; stty size; tty; echo $TERM\n' 'f:xterm' 'b:exit 3\n' e:)
like "$out" '30 90' "a terminal has the size asked for"
like "$out" '40 100' "and is resized"
like "$out" '/dev/pts/' "it is one"
is "$(pick 'select(.event=="exit").exit_code' <<<"$out")" 3 "its shell's end is told"
out=$(ws "$W/terminal?command=echo%20ready;exec%20cat" 'f:ready' 't:typed\n' 'f:typed' 'b:\x03' e:)
is "$(pick 'select(.event=="exit").signal' <<<"$out")" SIGINT "keys as text, and Ctrl-C"
out=$(ws "$W/terminal?detach=1&command=sh" 'f:started' 'b:X=kept; echo set\n' 'f:set' x:)
id=$(pick 'select(.event=="started").id' <<<"$out")
out=$(ws "$W/terminal?exec=$id" 'f:started' 'b:echo $X again; exit\n' e:)
like "$out" 'kept again' "a detached terminal can be come back to"
is "$(ws "$W/terminal?exec=exec_00000000000000000000" | cut -d' ' -f1,2)" "status 404" "one that never was cannot"
done_testing
