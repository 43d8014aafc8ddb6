#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sandbox whose set-up takes its time keeps no other one waiting, and can be given up.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
command -v strace >/dev/null || { echo "Bail out! strace is not installed"; exit 1; }
server_start WarmPool=0 || done_testing
# Only sandboxes with an allow-list listen in their set-up.
slow() {
    strace -f -qq -o "$WORK/strace" -e trace=listen -e inject=listen:delay_enter=8000000:when=1 -p "$(pid_of launcher)" 2>"$WORK/strace.err" &
    STRACE=$!
    at_exit "kill $STRACE 2>/dev/null"
    wait_until 20 grep -q "^TracerPid:.$STRACE" "/proc/$(pid_of launcher)/status"
}
starting() { api GET /v1/stats; json .sandboxes_starting; }
one_starts() { [ "$(starting)" = 1 ]; }
none_starts() { [ "$(starting)" = 0 ]; }
LISTED='{"command": "echo listed", "network": {"mode": "allow-list", "allow": ["example.org"]}}'

slow
curl -s -m 200 -o /dev/null -H "Authorization: Bearer $TOKEN" -d "$LISTED" "$URL/v1/exec" &
CLIENT=$!
try "a sandbox is being set up" wait_until 30 one_starts
api POST /v1/exec -d '{"command": "echo others"}'
is "$CODE $(json .stdout) $(starting)" "200 others 1" "others start and end meanwhile"
api POST /v1/workspaces -d '{"name": "w"}'
api POST /v1/workspaces/w/exec -d '{"command": "echo workspace"}'
is "$CODE $(json .stdout) $(starting)" "200 workspace 1" "a workspace's too"
api POST /v1/workspaces/w/fork -d '{"name": "f"}'
is "$CODE $(starting)" "201 1" "and its directory is copied"
kill $CLIENT
try "it is given up when its client leaves" wait_until 30 none_starts
api POST /v1/exec -d '{"command": "echo after"}'
is "$(json .stdout)" after "the launcher goes on"

for w in w f; do api DELETE "/v1/workspaces/$w"; done
nothing_left "of all of them nothing is left"
done_testing
