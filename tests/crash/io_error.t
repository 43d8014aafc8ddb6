#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The disk of the database answers with I/O errors: nothing that is not on it is acknowledged, health
# says so, and when it works again so does the server, with all that was acknowledged.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need STRACE
server_start || done_testing
workspace '{"name": "before"}'
is "$CODE" 201 "a workspace is made"
WS=$ID

strace -f -qq -o "$WORK/strace" -e trace=fdatasync,fsync -e inject=fdatasync,fsync:error=EIO -p "$(pid_of server)" 2>"$WORK/strace.err" &
STRACE_PID=$!
at_exit 'kill $STRACE_PID 2>/dev/null'
traced() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$(pid_of server)/status"; }
try "errors are injected" wait_until 10 traced
api POST /v1/workspaces -m 30 -d '{"name": "during"}'
like "$CODE" '^5' "what cannot be written is refused"
unlike "$(json .detail)" '^null$' "in a sentence"
sick() { [ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$URL/v1/health")" = 503 ]; }
try "health says so" wait_until 10 sick
api GET "/v1/workspaces/$WS"
is "$CODE" 200 "what is there can be read"
run "$WS" 'echo works'
is "$(json .stdout)" works "commands that are collected run"
kill "$STRACE_PID"
wait "$STRACE_PID" 2>/dev/null

after() { api POST /v1/workspaces -m 30 -d '{"name": "after"}'; [ "$CODE" = 201 ]; }
try "when the disk works again, so does the server" wait_until 20 after
try "and health says so" wait_until 20 healthy
try "it is killed and comes again" kill_role server
api GET /v1/workspaces/before
is "$CODE" 200 "what was acknowledged before is there"
api GET /v1/workspaces/after
is "$CODE" 200 "and what was acknowledged after"
api GET /v1/workspaces/during
is "$CODE" 404 "what was refused is not"
done_testing
