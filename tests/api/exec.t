#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One command and its collected answer, in a workspace and in a fresh sandbox.
# route: POST /v1/workspaces/{id}/exec
# route: POST /v1/exec
# route: GET /v1/workspaces/{id}/execs
# route: GET /v1/execs
# route: GET /v1/execs/{id}
# route: DELETE /v1/execs/{id}
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start "AnswerOutput=64K" "OutputKeep=1M" "ExecTimeoutMax=10min"
api POST /v1/workspaces -d '{"name": "w", "env": {"FROM_WS": "yes"}}'
is "$CODE" 201 "a workspace on the host's /usr"
run() { api POST /v1/workspaces/w/exec -d "$1"; }

run '{"command": "echo out; echo err >&2; exit 3"}'
is "$CODE" 200 "a command that fails is no error"
is "$(json '[.status,.reason,.exit_code,.signal,.stdout,.stderr]|tostring')" \
    '["ended","exited",3,null,"out\n","err\n"]' "its end and output are told"
is "$(json '[.timed_out,.oom_killed,.truncated.stdout,.truncated.stderr]|tostring')" '[false,false,false,false]' \
    "and that nothing else was wrong"
is "$(json '(.duration_ms|type)+(.cpu_ms|type)+(.max_memory_bytes|type)')" numbernumbernumber "with what it took"
run '{"argv": ["printf", "%s|", "a b", "", "ü"]}'
is "$(json .stdout)" 'a b||ü|' "argv is passed as it is"
run '{"command": "kill -TERM $$"}'
is "$(json '[.reason,.exit_code,.signal,.signal_number]|tostring')" '["signaled",null,"SIGTERM",15]' "a signal"
run '{"command": "pwd; echo $FROM_WS $MINE; id -u", "cwd": "/tmp", "env": {"MINE": "a=b"}}'
is "$(json .stdout)" $'/tmp\nyes a=b\n1000' "cwd, env of workspace and exec, user"
run '{"command": "id -u", "user": "0"}'
is "$(json .stdout)" 0 "another user"
run '{"command": "cat; echo end", "stdin": "one\u0000two"}'
is "$(json '.stdout|tojson')" '"one\u0000twoend\n"' "standard input with a NUL arrives and comes back"
run '{"command": "cat", "stdin_base64": "/wA="}'
is "$(json '[.stdout_base64,has("stdout")]|tostring')" '["/wA=",false]' "bytes that are no text travel as base 64"
run '{"command": "cat"}'
is "$(json '.reason+(.exit_code|tostring)')" exited0 "without input there is none to wait for"
run '{"command": "echo before; sleep 100 & sleep 100", "timeout_secs": 0.3}'
is "$(json '[.reason,.timed_out,.exit_code,.stdout]|tostring')" '["timed_out",true,null,"before\n"]' "a timeout"
run '{"command": "ps -e -o args= | grep -c \"[s]leep 100\""}'
is "$(json .stdout)" 0 "leaves nothing of it behind"
run '{"command": "(sleep 100 &) ; echo started"}'
is "$(json '.reason+.stdout')" $'exitedstarted' "a daemon does not hold the answer"
run '{"command": "ps -e -o args= | grep -c \"[s]leep 100\""}'
is "$(json .stdout)" 0 "and is gone with its command"
run '{"command": "head -c 100000 /dev/zero | tr \"\\\\0\" x"}'
is "$(json '[(.stdout|length),.truncated.stdout,.stdout_bytes]|tostring')" '[65536,true,100000]' \
    "output over the answer's limit is cut and says so"
run '{"command": "head -c 100000 /dev/zero | tr \"\\\\0\" x", "max_output_bytes": 100000}'
is "$(json '[(.stdout|length),.truncated.stdout]|tostring')" '[100000,false]' "a request may ask for more"
run '{"command": "yes", "limits": {"output_bytes": 100000}}'
is "$(json .reason)" output_limit "output over its own limit ends it"
run '{"argv": ["/no/such/program"]}'
is "$CODE$(json .reason)" 200start_failed "a program that is not there is an end"
# Many at once: init starts them side by side, and each is told of its own start.
kinds=('{"argv": ["/bin/echo", "N"]}' '{"argv": ["/no/such", "N"]}' '{"command": "echo N", "cwd": "/no/such"}'
    '{"command": "exit $((N % 7))"}')
wanted=('"ended exited 0 N\n"' '"ended start_failed -1 "' '"ended start_failed -1 "' '"ended exited \(N % 7) "')
for i in {0..95}; do
    printf 'url = "%s"\nheader = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\ndata = "%s"\noutput = "%s"\nnext\n' \
        "$URL/v1/workspaces/w/exec" "$TOKEN" "$(sed 's/"/\\"/g' <<<"${kinds[i % 4]//N/$i}")" "$WORK/many.$i"
done | sed '$d' >"$WORK/many"
curl -sS --no-progress-meter --parallel --parallel-max 32 -K "$WORK/many"
wrong=0
for i in {0..95}; do
    told=$(jq '"\(.status) \(.reason) \(.exit_code // -1) \(.stdout)"' "$WORK/many.$i")
    [ "$told" = "$(jq -n "${wanted[i % 4]//N/$i}")" ] || { echo "# $i: $told"; wrong=$((wrong + 1)); }
done
is "$wrong" 0 "of 96 that start side by side each has its own output, exit code or reason"
isnt "$(json .detail)" null "with a sentence"
run '{"command": "tty; stty size", "tty": true, "rows": 30, "cols": 100}'
like "$(json .stdout)" '/dev/pts/' "a terminal"
like "$(json .stdout)" '30 100' "of the size asked for"

api GET "/v1/workspaces/w/execs?limit=3"
is "$(json '[(.items|length),(.items[0].tty)]|tostring')" '[3,true]' "execs are listed, newest first"
id=$(json '.items[0].id') next=$(json .next_cursor)
api GET "/v1/workspaces/w/execs?limit=3&cursor=$next"
is "$(json '.items|length')" 3 "page by page"
isnt "$(json '.items[0].id')" "$id" "without repeating"
api GET "/v1/execs?limit=1"
is "$(json '.items[0].id')" "$id" "over all workspaces too"
api GET "/v1/execs/$id"
is "$CODE$(json .id)" "200$id" "one of them is shown"
api DELETE "/v1/execs/$id"
is "$CODE" 204 "and forgotten"
api GET "/v1/execs/$id"
is "$CODE$(json .code)" 404not_found "for good"

once() { api POST /v1/exec -d "$1"; }
once '{"command": "id -un; pwd; touch here && ls"}'
is "$CODE$(json .reason)" 200exited "a command in a fresh sandbox"
is "$(json .stdout)" $'user\n/workspace\nhere' "with a /workspace of its own"
is "$(json .workspace_id)" null "and no workspace"
once '{"command": "cat a b/c; stat -c %a b/c", "files": {"a": "A\n", "b/c": "C\n"}}'
is "$(json .stdout)" $'A\nC\n644' "files given as an object"
once '{"command": "./x; cat /tmp/y", "files": [{"path": "x", "content": "#!/bin/sh\necho ran\n", "mode": "0755"},
       {"path": "/tmp/y", "content_base64": "aGk="}]}'
is "$(json .stdout)" $'ran\nhi' "files given as a list, with mode and base 64"
once '{"command": "grep -c : /proc/net/dev", "network": {"mode": "none"}}'
is "$(json .stdout)" 1 "network none is lo only"
once '{"command": "echo $((1+1))", "profile": "strict", "image": "host", "limits": {"pids": 20}}'
is "$(json .stdout)" 2 "profile, image and limits"
once '{"command": "x", "image": "no-such"}'
is "$CODE$(json .code)" 400bad_request "an image that is not there"
only_one() { api GET /v1/stats && [ "$(json .sandboxes)" = 1 ]; }
try "fresh sandboxes go when their answer is there" wait_until 10 only_one

first=$(api POST /v1/exec -H 'Idempotency-Key: k1' -d '{"command": "cat /proc/sys/kernel/random/uuid"}'; json .stdout)
api POST /v1/exec -H 'Idempotency-Key: k1' -d '{"command": "cat /proc/sys/kernel/random/uuid"}'
is "$(json .stdout)" "$first" "the same Idempotency-Key gives the same answer without running again"
api POST /v1/exec -H 'Idempotency-Key: k1' -d '{"command": "true"}'
is "$CODE$(json .code)" 422idempotency_key_reused "with another body it is refused"
server_stop
is $? 0 "the server stops cleanly"
done_testing
