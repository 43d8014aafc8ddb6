#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong is refused with the right status, a code, a sentence and the place; nothing breaks.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
server_start "MaxBody=64K" "StdinMax=256K" "MaxConnections=64" "CommandMax=4K"
api POST /v1/workspaces -d '{"name": "w"}'
W=/v1/workspaces/w

refused() { # STATUS CODE POINTER SENTENCE: the last answer is a problem document that says so
    is "$CODE $(json .code) $(json '.errors[0].pointer//empty')" "$1 $2 $3" "$4" || return
    is "$(json '[.status,(.title|length>0),(.detail|length>0),(.request_id|length>0),(.retryable|type),.type]|tostring')" \
        "[$1,true,true,true,\"boolean\",\"urn:pinfold:problem:$2\"]" "  as RFC 9457 says"
}
exec_is() { local status=$1 code=$2 pointer=$3 body=$4; api POST $W/exec -d "$body"; refused "$status" "$code" "$pointer" "exec ${5:-$body}"; }

# --- JSON --------------------------------------------------------------------------------------
exec_is 400 malformed_json "" '{'
exec_is 400 malformed_json "" 'nonsense'
exec_is 400 malformed_json "" '{"command": "x",}'
exec_is 400 malformed_json "" '{"command": "x"} more'
exec_is 400 malformed_json "" "$(printf '{"command": "\377"}')" "with bytes that are no UTF-8"
exec_is 400 malformed_json "" '{"command": "\ud800"}'
exec_is 422 invalid_field "" '[]'
exec_is 422 invalid_field "" '{}'
exec_is 422 invalid_field /argv '{"command": "x", "argv": ["y"]}'
exec_is 422 invalid_field /nope '{"command": "x", "nope": 1}'
exec_is 422 invalid_field /command '{"command": 7}'
exec_is 422 invalid_field /command '{"command": ["x"]}'
exec_is 422 invalid_field /command '{"command": ""}'
exec_is 422 invalid_field /command '{"command": "a\u0000b"}'
exec_is 422 invalid_field /command '{"command": "x", "command": "y"}'
exec_is 422 invalid_field /argv/1 '{"argv": ["x", "a\u0000b"]}'
exec_is 422 invalid_field /argv/0 '{"argv": [null]}'
exec_is 422 invalid_field /argv '{"argv": []}'
exec_is 422 invalid_field /argv '{"argv": "x"}'
exec_is 422 invalid_field /env/A '{"command": "x", "env": {"A": 1}}'
exec_is 422 invalid_field /env '{"command": "x", "env": {"A=B": "1"}}'
exec_is 422 invalid_field /env/A '{"command": "x", "env": {"A": "\u0000"}}'
exec_is 422 invalid_field /timeout_secs '{"command": "x", "timeout_secs": "5"}'
exec_is 422 invalid_field /timeout_secs '{"command": "x", "timeout_secs": -1}'
exec_is 422 invalid_field /tty '{"command": "x", "tty": "yes"}'
exec_is 422 over_limit /rows '{"command": "x", "rows": 0}'
exec_is 422 over_limit /cols '{"command": "x", "cols": 1001}'
exec_is 422 invalid_field /stdin_base64 '{"command": "x", "stdin_base64": "!"}'
exec_is 422 invalid_field /stdin_base64 '{"command": "x", "stdin": "a", "stdin_base64": "YQ=="}'
exec_is 422 invalid_field /limits/nope '{"command": "x", "limits": {"nope": 1}}'
exec_is 422 invalid_field /limits/pids '{"command": "x", "limits": {"pids": 1.5}}'
exec_is 422 over_limit /limits '{"command": "x", "limits": {"memory_bytes": 1}}'
is "$(json '.limit.name')" limits "  the limit is named"
deep=$(printf '%0.s[' $(seq 200))
exec_is 422 invalid_field /x "{\"x\": $deep" "deep nesting in an unknown field"
api POST /v1/exec -d "{\"command\": \"x\", \"files\": $deep"
is "$CODE$(json .limit.name)" 422json_depth "deep nesting where anything may stand"
api POST $W/exec -d "{\"command\":\"x\",\"$(printf 'k%.0s' $(seq 3000))\":1}"
like "$CODE$(json '.errors[0].pointer')" '^422/k{100,130}$' "a long unknown name is cut"
api POST $W/exec -d "{\"command\": \"x\", \"env\": {$(for i in $(seq 300); do printf '"A%d":"",' "$i"; done)\"B\":\"\"}}"
is "$CODE$(json '.limit.name+":"+(.limit.value|tostring)')" "422env:256" "too many variables"

# --- values that only the verbs know -------------------------------------------------------------
exec_is 400 bad_request "" '{"command": "x", "cwd": "../.."}'
exec_is 422 over_limit "" '{"command": "x", "timeout_secs": 99999999}'
long=$(head -c 140000 /dev/zero | tr '\0' x)
printf '{"argv": ["echo", "%s", "%s"]}' "${long:0:70000}" "${long:70000}" >"$WORK/long.json"
api POST $W/exec -d @"$WORK/long.json"
is "$CODE$(json .code)" 422over_limit "arguments over the limit"
api POST $W/exec -d '{"command": "pwd", "cwd": "/etc/passwd"}'
is "$CODE$(json .reason)" 200start_failed "a cwd that is no directory is an end"
api POST $W/exec -d '{"command": "pwd", "cwd": "/no/where"}'
is "$CODE$(json .reason)" 200start_failed "as is one that is not there"
api POST $W/exec -d '{"command": "id", "user": "nobody-here"}'
is "$CODE$(json .reason)" 200start_failed "and a user that is not there"
ws_is() { local s=$1 c=$2 p=$3 b=$4; api POST /v1/workspaces -d "$b"; refused "$s" "$c" "$p" "workspace ${5:-$b}"; }
ws_is 422 invalid_field /name '{"name": "../x"}'
ws_is 422 invalid_field /name '{"name": ""}'
ws_is 422 over_limit /name "{\"name\": \"$(printf 'n%.0s' $(seq 65))\"}" "with a name that is too long"
ws_is 422 invalid_field /network/mode '{"network": {"mode": "host"}}'
ws_is 422 invalid_field /network/allow '{"network": {"mode": "none", "allow": ["example.org"]}}'
ws_is 422 invalid_field /repository/url '{"repository": {}}'
ws_is 422 invalid_field /id '{"id": "ws_x"}'
ws_is 400 bad_request "" '{"image": "no-such-image"}'
ws_is 400 bad_request "" '{"profile": "no-such-profile"}'
ws_is 400 bad_request "" '{"profile": "git"}' "with an internal profile"
ws_is 400 bad_request "" '{"repository": {"url": "ssh://x/y"}}'

# --- paths, ids, parameters ----------------------------------------------------------------------
get_is() { local s=$1 c=$2 p=$3; api GET "$p" --path-as-is; refused "$s" "$c" "" "GET $p"; }
get_is 404 no_such_route /v1/none
get_is 404 no_such_route /v1
get_is 404 not_found /v1/workspaces/ws_00000000000000000000
get_is 404 not_found /v1/workspaces/%3Cscript%3E
get_is 404 not_found /v1/execs/exec_00000000000000000000
get_is 404 not_found /v1/builds/bld_00000000000000000000
get_is 404 not_found /v1/images/none
get_is 404 not_found /v1/profiles/none
get_is 400 bad_path "/v1/workspaces/w/files/../../etc/passwd"
get_is 400 bad_path "/v1/workspaces/w/files/%2e%2e/x"
get_is 400 bad_path "/v1/workspaces/w/files/a%2fb"
get_is 400 bad_path "/v1/workspaces/w/files/a%00b"
get_is 400 bad_path "/v1/workspaces/w/files/%zz"
get_is 400 bad_path "/v1/workspaces?cursor=%00"
get_is 400 bad_parameter "/v1/workspaces?limit=x"
get_is 400 bad_parameter "/v1/workspaces?limit=501"
get_is 400 bad_parameter "/v1/workspaces/w?wait=soon"
get_is 400 bad_parameter "/v1/workspaces/w/files?depth=-1"
api GET "$W/files?path=../../etc"
is "$CODE" 400 "a path that climbs out of /workspace"
api PUT $W -d '{}'
is "$CODE$(json .code)" 405method_not_allowed "a method that is not there"
api POST /v1/workspaces/none/exec -d '{"command": "x"}'
is "$CODE" 404 "an exec in no workspace"
api GET "/v1/health?$(head -c 20000 /dev/zero | tr '\0' a)"
is "$CODE" 414 "a path that is too long"
api GET /v1/health -H "X-Big: $(head -c 40000 /dev/zero | tr '\0' a)"
is "$CODE" 431 "headers that are too large"

# --- bodies --------------------------------------------------------------------------------------
api POST /v1/workspaces -d "{\"init_script\": \"$(head -c 70000 /dev/zero | tr '\0' x)\"}"
refused 413 body_too_large "" "a body over the limit"
is "$(json '.limit|.name+":"+(.value|tostring)')" "max_body:65536" "  the limit and its value are named"
head -c 300000 /dev/zero >"$WORK/zeros"
api PUT "$W/files/big" --data-binary @"$WORK/zeros"
is "$CODE$(json .code)" 413body_too_large "an upload over the limit"
api DELETE $W/files/none -d 'x'
is "$CODE" 404 "a body where none is expected but allowed is ignored"
api GET /v1/health -d x
is "$CODE" 413 "one where none is allowed is refused"

# --- credentials ---------------------------------------------------------------------------------
code() { curl -sS -o "$WORK/body" -w '%{http_code}' "$@"; BODY=$(cat "$WORK/body"); }
is "$(code "$URL/v1/workspaces")" 401 "no token"
is "$(code -H 'Authorization: Bearer nonsense' "$URL/v1/workspaces")" 401 "a wrong token"
is "$(code -H "Authorization: Basic $TOKEN" "$URL/v1/workspaces")" 401 "another scheme"
is "$(code -H "Authorization: Bearer $TOKEN$TOKEN$TOKEN$TOKEN$TOKEN" "$URL/v1/workspaces")" 401 "a long token"
is "$(code -H "X-API-Key: $TOKEN" "$URL/v1/workspaces")" 200 "X-API-Key is fine"
is "$(code "$URL/v1/none")" 404 "an unknown path needs none to say so"

# --- not HTTP ------------------------------------------------------------------------------------
raw() { # BYTES: what the server answers to them
    python3 - "$URL" "$1" <<'P'
import socket, sys
from urllib.parse import urlparse
u = urlparse(sys.argv[1])
s = socket.create_connection((u.hostname, u.port), 10)
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
s.shutdown(socket.SHUT_WR)
out = b""
while (p := s.recv(65536)):
    out += p
print(out.decode("latin-1").replace("\r", ""))
P
}
like "$(raw 'nonsense\r\n\r\n')" '400 Bad Request' "no HTTP at all"
like "$(raw 'GET / HTTP/1.1\r\n\r\n')" '404 Not Found' "a request without a host"
like "$(raw 'POST /v1/workspaces HTTP/1.1\r\nContent-Length: -5\r\n\r\n')" '400 ' "a negative length"
like "$(raw 'POST /v1/workspaces HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n')" '413 ' "an absurd one"
like "$(raw 'POST /v1/workspaces HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n')" '400 ' "an unknown coding"
like "$(raw 'GET /v1/health HTTP/1.1\r\nX: a\x00b\r\n\r\n')" '400|200' "a NUL in a header"
unlike "$(raw 'GET /v1/health HTTP/1.1\r\nX-Request-Id: a\x0d\x0aX-Evil: 1\r\n\r\n' | sed '/^$/q')" 'X-Evil' "no header is smuggled into the answer"
api GET /v1/health
is "$CODE" 200 "and the server is well"
api POST $W/exec -d '{"command": "echo still here"}'
is "$(json .stdout)" "still here" "and works"
done_testing
