#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is true of every route of every dialect, by the server's own table: who is let in, and that no body, id
# or parameter makes it do anything but refuse in words.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
server_start || done_testing
api POST /v1/tokens -d '{"name": "reader", "scopes": ["read"]}'
READER=$(json .token)
UUID=550e8400-e29b-41d4-a716-446655440000
RUN=run_00000000000000000000
printf '%s\n' 'no json' '[]' '"text"' '{"a":' '{"body": 1, "prompt": [], "name": {}, "content": 5, "task": true, "status": 7, "message": null}' \
    '{"repo": "a/b", "prompt": "", "agent_provider": "'"$(printf 'x%.0s' {1..200})"'"}' \
    "$(printf '[%.0s' {1..100})" '{"hook_event_name": "PreToolUse", "tool_input": {"a": [{}]}}' >"$WORK/bodies"
printf '{"body": "\\u0000", "name": "\\u0000", "prompt": "\\ud800", "title": "\\u0000"}\n' >>"$WORK/bodies"

code() { curl -sS -m 20 -o "$WORK/body" -w '%{http_code}' -X "$@" || true; }
with() { local token=$1 method=$2; shift 2; code "$method" -H "Authorization: Bearer $token" "$@"; }
n=0
while read -r method pattern scope; do
    n=$((n + 1))
    case $pattern in # a thing that is not there, of the right shape
    */agents/run/*) path=${pattern//\{id\}/$RUN} ;;
    *) path=${pattern//\{id\}/$UUID} ;;
    esac
    path=${path//\{repo\}/$UUID}
    if [ "$method" = WebSocket ]; then
        is "$(code GET "$URL$path")" 426 "$pattern is only a WebSocket"
        continue
    fi
    got=$(code "$method" "$URL$path")
    case $scope in
    "") isnt "$got" 401 "$method $pattern is for everybody" ;;
    *) is "$got" 401 "$method $pattern wants a token" ;;
    esac
    case $scope in
    read | "") ;;
    *) is "$(with "$READER" "$method" "$URL$path")" 403 "$method $pattern is not for who may only read" ;;
    esac
    [ "$pattern" = /api/control/stream ] && continue # it goes on
    bad=
    for id in x "$(printf 'x%.0s' {1..300})" %00 %ff ..%2f..%2fetc; do
        case $pattern in *{id}*) ;; *) break ;; esac
        got=$(with "$TOKEN" "$method" "$URL${pattern//\{*\}/$id}")
        case $got in 4??|501) ;; *) bad+=" id:$id:$got" ;; esac
    done
    if [ "$method" != GET ]; then
        while IFS= read -r text; do
            got=$(with "$TOKEN" "$method" -d "$text" "$URL$path")
            case $got in 2??|4??|501) ;; *) bad+=" body:$text:$got" ;; esac
        done <"$WORK/bodies"
        got=$(head -c 9000000 /dev/zero | with "$TOKEN" "$method" --data-binary @- "$URL$path")
        case $got in 413|000) ;; *) bad+=" large:$got" ;; esac
    fi
    for query in 'limit=-1' 'limit=99999999999999999999' 'offset=x' 'last_event_id=-5' 'types=,,,' 'run_id=x' 'status=%00'; do
        [ "$method" = GET ] || break
        got=$(with "$TOKEN" GET "$URL$path?$query")
        case $got in 2??|4??|501) ;; *) bad+=" query:$query:$got" ;; esac
    done
    is "$bad" "" "$method $pattern refuses what is wrong"
done < <("$PINFOLD_BIN/pinfold-server" --routes | sed -n '/dialect/,$p' | awk -F'|' '/^\| [A-Z]/ && $2 !~ /method/ {
    gsub(/[ `]/, "", $2); gsub(/[ `]/, "", $3); gsub(/ /, "", $4); print $2, $3, $4 }')
between "$n" 80 200 "the table was read"
api GET /v1/health
is "$CODE" 200 "the server is well"
unlike "$(cat "$SERVER_LOG")" "server (ended with|was ended by)" "and is the same"
done_testing
