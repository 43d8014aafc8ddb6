#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Snapshots of workspaces: made, listed, gone back to, forked from, deleted.
# route: POST /v1/workspaces/{id}/snapshots
# route: GET /v1/workspaces/{id}/snapshots
# route: GET /v1/workspaces/{id}/snapshots/{snapshot}
# route: DELETE /v1/workspaces/{id}/snapshots/{snapshot}
# route: POST /v1/workspaces/{id}/restore
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start "MaxSnapshots=3"
W=/v1/workspaces
run() { api POST "$W/$1/exec" -d "$(jq -n --arg c "$2" '{command: $c}')"; json .stdout; }
snap() { api POST "$W/$1/snapshots" -d "{\"name\": \"$2\"}"; }
restore() { api POST "$W/$1/restore" -d "{\"snapshot\": \"$2\"${3:-}}"; }

api POST $W -d '{"name": "a"}'
A=$(json .id)
run a 'echo 1 >f; mkdir d; echo 1 >d/f; echo 1 >~/h' >/dev/null
api POST $W/a/snapshots -D "$WORK/head" -d '{"name": "one"}'
is "$CODE" 201 "a snapshot is made"
like "$(json .id)" '^snap_[0-9a-z]{20}$' "with an id"
is "$(json '[.name,.workspace,.image]|tostring')" "[\"one\",\"$A\",\"host\"]" "it says of what"
like "$(tr -d '\r' <"$WORK/head")" "location: $W/$A/snapshots/$(json .id)" "Location leads to it"
S=$(json .id)
run a 'echo 2 >f; rm -r d; mkdir d; echo 2 >d/g; rm ~/h' >/dev/null
snap a two
api GET $W/a/snapshots
is "$(json '[.items[].name]|tostring')" '["one","two"]' "they are listed, oldest first"
api GET "$W/a/snapshots/$S"
is "$CODE$(json .name)" 200one "one is shown by id"
api GET $W/a/snapshots/two
is "$CODE$(json .name)" 200two "or by name"
run a 'echo 3 >f; echo 3 >only' >/dev/null

restore a one
is "$CODE$(json .status)" 200ready "the workspace goes back to the first"
is "$(run a 'cat f d/f ~/h; ls d; ls')" $'1\n1\n1\nf\nd\nf' "all is as it was then, in its root too"
run a 'echo 4 >f' >/dev/null
restore a two
is "$(run a 'cat f; ls d; ls; ls ~')" $'2\ng\nd\nf' "and to the second"
restore a one
is "$(run a 'cat f')" 1 "what was written after going back is not in the snapshot"

# --- commands that run ---------------------------------------------------------------------------
api POST $W/a/exec -d '{"command": "touch begun; sleep 60", "background": true}'
X=$(json .id)
begun() { api HEAD $W/a/files/begun --head; [ "$CODE" = 200 ]; }
wait_until 20 begun
snap a three
is "$CODE$(json .code)" 409conflict "no snapshot while commands run"
restore a one
is "$CODE$(json .code)" 409conflict "nor is there a way back"
api POST $W/a/fork -d '{"name": "b", "snapshot": "two"}'
is "$CODE" 201 "a fork of a snapshot is made all the same"
is "$(run b 'cat f; ls d')" $'2\ng' "as it was then"
api GET "/v1/execs/$X"
is "$(json .status)" running "the command goes on"
restore a one ', "force": true'
is "$CODE" 200 "unless the way back is forced"
api GET "/v1/execs/$X"
is "$(json .reason)" cancelled "which ends them"
is "$(run a 'ls')" $'d\nf' "and what they did"

# --- limits, bad input, the end --------------------------------------------------------------------
snap a two
is "$CODE$(json .code)" 409conflict "a name is taken once in a workspace"
snap a 'a/b'
like "$CODE" '^4' "it has a grammar"
restore a nowhere
is "$CODE" 404 "there is no way back to what is not there"
api POST $W/a/restore -d '{}'
is "$CODE" 422 "nor without saying to what"
api POST $W/a/fork -d '{"snapshot": "nowhere"}'
is "$CODE" 404 "nor a fork of it"
snap a ''
is "$CODE$(json .name)" "201$(json .id)" "one without a name has its id"
snap a more
is "$CODE$(json .code)" 422over_limit "more than MaxSnapshots= are refused"
api DELETE $W/a/snapshots/one
is "$CODE" 204 "a snapshot is deleted"
api GET $W/a/snapshots/one
is "$CODE" 404 "it is no more"
snap a more
is "$CODE" 201 "which makes room"
is "$(run a 'cat f d/f')" $'1\n1' "the workspace keeps what it had of it"
server_stop
server_start "MaxSnapshots=3"
api GET $W/a/snapshots
is "$(json '.items|length')" 3 "they outlive the server"
restore a two
is "$CODE$(run a 'cat f')" 2002 "and can be gone back to"
api DELETE $W/a
is "$CODE" 204 "a workspace is deleted with its snapshots"
is "$(run b 'cat f; ls d')" $'2\ng' "a fork of one lives on"
api DELETE $W/b
is "$(ls "$STATE/dirs" "$STATE/strata" "$STATE/trash" | xargs)" "$STATE/dirs: $STATE/strata: $STATE/trash:" "and nothing is left of any"
if has LOOP; then
    api POST $W -d '{"name": "disk", "limits": {"disk_bytes": 33554432}}'
    run disk 'echo 1 >f' >/dev/null
    snap disk one
    run disk 'echo 2 >f' >/dev/null
    restore disk one
    is "$CODE$(run disk 'cat f')" 2001 "a workspace with a disk of its own has snapshots too"
fi
done_testing
