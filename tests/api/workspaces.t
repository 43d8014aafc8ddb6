#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Workspaces: made, looked at, changed, forked, stopped, deleted.
# route: POST /v1/workspaces
# route: GET /v1/workspaces
# route: GET /v1/workspaces/{id}
# route: PATCH /v1/workspaces/{id}
# route: DELETE /v1/workspaces/{id}
# route: POST /v1/workspaces/{id}/fork
# route: POST /v1/workspaces/{id}/stop
# route: POST /v1/workspaces/{id}/rerun-init
# route: GET /v1/workspaces/{id}/init-log
# route: GET /v1/workspaces/{id}/debug
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start "MaxWorkspaces=8"
W=/v1/workspaces
head_of() { api "$@" -D "$WORK/head"; tr -d '\r' <"$WORK/head"; }

out=$(head_of POST $W -d '{}'; echo; cat "$WORK/body")
BODY=$(tail -1 <<<"$out")
like "$out" '201 Created' "an empty body makes a workspace"
like "$(json .id)" '^ws_[0-9a-z]{20}$' "with an id"
is "$(json '[.name,.status,.image,.profile,.network.mode]|tostring')" "[\"$(json .id)\",\"ready\",\"host\",\"default\",\"none\"]" "and defaults"
like "$out" "location: /v1/workspaces/$(json .id)" "Location leads to it"
A=$(json .id)
api POST $W -d '{"name": "box.1", "image": "host", "profile": "strict", "network": {"mode": "full", "allow": []},
    "env": {"K": "v", "L": ""}, "labels": {"team": "a"}, "limits": {"memory_bytes": 134217728, "pids": 64, "cpu_percent": 50, "disk_bytes": 67108864}}'
is "$CODE" 201 "everything can be said"
is "$(json '[.name,.profile,.network.mode,.env.K,.env.L,.labels.team,.limits.memory_bytes,.limits.pids,.limits_effective.cpu_percent]|tostring')" \
    '["box.1","strict","full","v","","a",134217728,64,50]' "and is shown"
api GET $W/box.1
is "$CODE$(json .name)" "200box.1" "a name is as good as an id"
B=$(json .id)
api POST $W -d '{"name": "box.1"}'
is "$CODE$(json .code)" 409conflict "a name is taken once"
etag=$(head_of GET "$W/$B" | sed -n 's/^etag: //p')
api GET "$W/$B" -H "If-None-Match: $etag"
is "$CODE" 304 "an entity tag saves reading it again"

api PATCH "$W/$B" -d '{"env": {"K": null, "M": "n"}, "labels": {}, "limits": {"pids": 32}, "name": "box.2"}'
is "$CODE" 200 "a workspace is changed"
is "$(json '[.name,(.env|tojson),(.labels|tojson),.limits.pids,.limits.memory_bytes]|tostring')" \
    '["box.2","{\"L\":\"\",\"M\":\"n\"}","{}",32,134217728]' "members given replace, null removes, the rest stays"
api PATCH "$W/$B" -H "If-Match: $etag" -d '{"env": {}}'
is "$CODE$(json .code)" 412precondition_failed "a change of what has changed is refused"
api GET $W/box.1
is "$CODE" 404 "the old name is free"

api GET "$W?limit=1"
is "$(json '.items[0].id')" "$A" "a list, oldest first"
next=$(json .next_cursor)
like "$(head_of GET "$W?limit=1")" 'link: <.*rel="next"' "with a link to the next page"
api GET "$W?limit=1&cursor=$next"
is "$(json '.items[0].id')" "$B" "which goes on behind it"
is "$(json .next_cursor)" null "and is the last one"
api GET "$W?status=error"
is "$(json '.items|length')" 0 "by state"

# --- what is in it stays, and is copied --------------------------------------------------------
api POST "$W/$A/exec" -d '{"command": "echo one > f; mkdir d; ln -s f l"}'
api POST "$W/$A/stop"
is "$CODE" 204 "its sandbox is stopped"
api GET "$W/$A"
is "$(json .alive)" false "and does not run"
api POST "$W/$A/exec" -d '{"command": "cat l"}'
is "$(json .stdout)" one "it starts again with its files"
api POST "$W/$A/fork" -d '{"name": "copy"}'
is "$CODE" 201 "a fork"
is "$(json .forked_from)" "$A" "says what of"
api POST $W/copy/exec -d '{"command": "cat l; echo two > f"}'
is "$(json .stdout)" one "has the files"
api POST "$W/$A/exec" -d '{"command": "cat f"}'
is "$(json .stdout)" one "and its own changes"

# --- init script -------------------------------------------------------------------------------
api POST "$W?wait=60" -d '{"name": "init", "init_script": "echo hello from init; id -u; echo made > /workspace/made"}'
is "$CODE" 201 "a workspace with an init script"
api POST "$W/init/build?wait=60" -d '{}'
api GET "$W/init?wait=60"
is "$(json '[.status,.init_exit_code]|tostring')" '["ready",0]' "which ran"
api GET $W/init/init-log
like "$BODY" 'hello from init' "its log is text"
api GET "$W/init/init-log?offset=6" -H 'Accept: application/json'
is "$(json '.data[0:9]')" "from init" "or JSON, from an offset"
api GET "$W/init/init-log?follow=1"
is "$(sed -n 's/^data: //p' "$WORK/body" | jq -r .event | tail -1)" end "or events up to the end"
api PATCH $W/init -d '{"init_script": "echo again; exit 3"}'
api POST "$W/init/rerun-init?wait=60"
is "$CODE" 200 "it is run again"
is "$(json '[.status,.init_exit_code]|tostring')" '["error",3]' "and a failing one is an error"
isnt "$(json .error)" null "with a sentence"
api GET $W/init/debug
is "$CODE" 200 "debug"
isnt "$(json .problem)" null "says what is wrong"
like "$(json .init_log.text)" again "with the log's end"
api POST "$W/$A/rerun-init"
is "$CODE" 409 "without a script there is nothing to run again"
api POST "$W/$A/exec" -d '{"command": "sleep 60", "background": true}'
api GET "$W/$A/debug"
is "$(json '[.status,.sandbox.state]|tostring')" '["ready","live"]' "debug of a live one"
is "$(json '[.processes[]|select(.name=="sleep")]|length')" 1 "shows its processes"
like "$(json '.mounts|tostring')" '/workspace' "its mounts"
is "$(json '(.use.memory_bytes>0) and (.limits.pids>0) and (.execs|length>0)')" true "its use, limits and execs"
is "$(json '.namespaces|length>5')" true "its namespaces"
like "$(json .denied_syscalls.total)" '^[0-9]+$' "and refused calls"
api POST "$W/$A/exec" -d '{"command": "unshare -U true; unshare -U true; true"}'
api GET "$W/$A/debug"
is "$(json '.denied_syscalls.calls[]|select(.syscall=="unshare")|[.process,.count]|tostring')" '["unshare",2]' "which call, which process, how often"
like "$(json '.denied_syscalls|(.calls[]|select(.syscall=="unshare").why),.remedy')" 'name it.*namespaces.*profile learn' "why, and what can be done"

# --- the end -----------------------------------------------------------------------------------
api DELETE "$W/$A"
is "$CODE" 204 "deleted, with a command still running"
api GET "$W/$A"
is "$CODE" 404 "it is no more"
api DELETE "$W/$A"
is "$CODE" 404 "nor can it be deleted again"
for i in 1 2 3 4 5; do api POST $W -d '{}'; done
api POST $W -d '{}'
is "$CODE$(json .retryable)" 429true "more workspaces than may be"
api POST $W -H 'Idempotency-Key: a' -d '{"name": "idem"}'
is "$CODE" 429 "are refused"
api DELETE $W/copy
api POST $W -H 'Idempotency-Key: a' -d '{"name": "idem"}'
is "$CODE" 201 "a refusal is not remembered"
id=$(json .id)
out=$(head_of POST $W -H 'Idempotency-Key: a' -d '{"name": "idem"}')
is "$(jq -r .id "$WORK/body")" "$id" "an answer is"
like "$out" 'idempotency-replayed: true' "and says so"
like "$out" "location: /v1/workspaces/$id" "Location too"
done_testing
