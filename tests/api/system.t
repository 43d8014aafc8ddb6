#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server about itself, and the document that describes it, checked against live answers.
# route: GET /v1/health
# route: GET /v1/info
# route: GET /v1/stats
# route: GET /v1/metrics
# route: GET /metrics
# route: GET /v1/openapi.json
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
server_start "MaxBody=1M" "MaxWorkspaces=7"
api POST /v1/workspaces -d '{"name": "w", "labels": {"a": "b"}}'
api POST /v1/workspaces/w/exec -d '{"command": "exit 1"}'

is "$(curl -sS "$URL/v1/health" | jq -r '[.status,.checks.launcher,.checks.database,.checks.disk]|tostring')" '["ok",true,true,true]' \
    "health needs no token"
api GET /v1/info
is "$(json '[.name,.limits.body_bytes,.limits.workspaces,(.images|index("host")>=0),(.profiles|index("strict")>=0)]|tostring')" \
    '["pinfold",1048576,7,true,true]' "info tells limits, images and profiles"
is "$(json '.profiles|index("git")')" null "internal profiles are not shown"
api GET /v1/stats
is "$(json '[.workspaces,.execs_started_total,.execs_ended_total.exited,.http.requests]|tostring')" '[1,1,1,1]' "stats count"
api GET /metrics
is "$(grep -c '^pinfold_execs_ended_total{reason="exited"} 1$' <<<"$BODY")" 1 "metrics count the same"
bad=$(grep -vE '^(# (HELP|TYPE) pinfold_[a-z0-9_]+ .+|pinfold_[a-z0-9_]+(\{[a-z]+="[a-z0-9_]+"\})? [0-9.e+]+)$' <<<"$BODY" | grep -v '^$')
is "$bad" "" "in Prometheus' format"
dup=$(grep '^# TYPE' <<<"$BODY" | sort | uniq -d)
is "$dup" "" "each family once"
api GET /v1/metrics
is "$CODE" 200 "beneath /v1 too"

# --- the document --------------------------------------------------------------------------------
curl -sS "$URL/v1/openapi.json" >"$WORK/openapi.json"
is "$(jq -r .openapi "$WORK/openapi.json")" 3.1.0 "an OpenAPI document, without a token"
jq -r '.paths|to_entries[]|.key as $p|.value|keys[]|ascii_upcase+" "+$p' "$WORK/openapi.json" | sort >"$WORK/documented"
"$PINFOLD_BIN/pinfold-server" --routes | sed '/dialect/,$d' | awk -F'|' '/^\| [A-Z]/ && $2 !~ /method/ { gsub(/[ `]/, "", $2); gsub(/[ `]/, "", $3);
    sub(/WebSocket/, "GET", $2); sub(/\*$/, "{path}", $3); print $2 " " $3 }' | sort -u >"$WORK/routes"
is "$(diff "$WORK/routes" "$WORK/documented")" "" "it has every route and no other"
is "$(jq -r '[.paths[][]|.operationId]|group_by(.)|map(select(length>1)|.[0])|.[]' "$WORK/openapi.json")" "" "operation ids are unique"
is "$(jq -r '[.paths[][]|select((.summary|length)==0 or (.tags|length)==0 or (.responses|length)<2)|.operationId]|.[]' "$WORK/openapi.json")" "" \
    "every operation has a sentence, a tag and answers"
is "$(jq -r '[..|objects|."$ref"//empty]|unique|.[]|sub("#/";"")|gsub("/";".")' "$WORK/openapi.json" | while read -r ref; do
    jq -e ".$ref" "$WORK/openapi.json" >/dev/null || echo "$ref"; done)" "" "every reference leads somewhere"

# Live answers against their schemas: as much of JSON Schema as the document uses.
cat >"$WORK/check.py" <<'P'
import json, sys
doc = json.load(open(sys.argv[1]))
def resolve(s):
    while "$ref" in s:
        s2 = doc
        for part in s["$ref"][2:].split("/"):
            s2 = s2[part]
        s = s2
    return s
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
def is_type(v, t):
    if t == "integer": return isinstance(v, int) and not isinstance(v, bool)
    if t == "number": return isinstance(v, (int, float)) and not isinstance(v, bool)
    return isinstance(v, TYPES[t])
def check(v, s, at):
    s = resolve(s)
    if "anyOf" in s:
        if not any(not list(check(v, o, at)) for o in s["anyOf"]): yield f"{at}: none of anyOf"
        return
    types = s.get("type")
    if types and not any(is_type(v, t) for t in ([types] if isinstance(types, str) else types)):
        yield f"{at}: {v!r} is no {types}"
    if "enum" in s and v is not None and v not in s["enum"]: yield f"{at}: {v!r} is not in {s['enum']}"
    if isinstance(v, dict):
        props = s.get("properties")
        for k, x in v.items():
            if props and k in props: yield from check(x, props[k], f"{at}/{k}")
            elif props is not None and k not in sys.argv[4:]: yield f"{at}/{k} is not described"
            elif isinstance(s.get("additionalProperties"), dict): yield from check(x, s["additionalProperties"], f"{at}/{k}")
        for k in props or {}:
            if k not in v: yield f"{at}/{k} is missing"
    if isinstance(v, list) and "items" in s:
        for i, x in enumerate(v): yield from check(x, s["items"], f"{at}/{i}")
method, path = sys.argv[2].split(" ")
op = doc["paths"][path][method.lower()]
status = next(k for k in op["responses"] if k != "default")
schema = op["responses"][status]["content"]["application/json"]["schema"]
print("\n".join(check(json.load(open(sys.argv[3])), schema, "")))
P
live() { # "METHOD TEMPLATE" PATH [BODY]: the answer is as described
    local what=$1 path=$2; shift 2
    api "${what%% *}" "$path" ${1:+-d "$1"}
    is "$(python3 "$WORK/check.py" "$WORK/openapi.json" "$what" "$WORK/body" stdout stderr token 2>&1)" "" "$what answers as described"
}
live "POST /v1/workspaces" /v1/workspaces '{"name": "x", "repository": null, "network": {"mode": "none"}}'
live "GET /v1/workspaces" /v1/workspaces
live "GET /v1/workspaces/{id}" /v1/workspaces/w
live "PATCH /v1/workspaces/{id}" /v1/workspaces/w '{"env": {"A": "b"}}'
live "POST /v1/workspaces/{id}/exec" /v1/workspaces/w/exec '{"command": "kill -9 $$"}'
live "POST /v1/exec" /v1/exec '{"argv": ["true"]}'
live "GET /v1/workspaces/{id}/execs" /v1/workspaces/w/execs
live "GET /v1/execs/{id}" "/v1/execs/$(api GET /v1/execs; json '.items[0].id')"
live "GET /v1/images" /v1/images
live "GET /v1/images/{name}" /v1/images/debian-bookworm
live "GET /v1/profiles" /v1/profiles
live "GET /v1/tokens" /v1/tokens
live "GET /v1/tokens/self" /v1/tokens/self
live "GET /v1/builds" /v1/builds
live "GET /v1/repositories" /v1/repositories
live "POST /v1/workspaces/{id}/mkdir" /v1/workspaces/w/mkdir '{"path": "d"}'
live "GET /v1/workspaces/{id}/stat" '/v1/workspaces/w/stat?path=d'

curl -sS -D "$WORK/head" -o /dev/null -X OPTIONS "$URL/v1/workspaces/w"
like "$(tr -d '\r' <"$WORK/head")" 'allow: GET, HEAD, PATCH, DELETE, OPTIONS' "OPTIONS tells the methods"
unlike "$(cat "$WORK/head")" '[Ss]erver:' "no header names the software"
group=pinfold.$(printf '%x-%x' $(stat -c '%d %i' "$STATE"))
groups() { # of this server: below our own, in each hierarchy
    local what path type
    while IFS=: read -r _ what path; do
        type=cgroup; [ -n "$what" ] || type=cgroup2
        awk -v t=$type -v c="${what%%,*}" '$3 == t && (c == "" || index("," $4 ",", "," c ",")) { print $2 }' /proc/mounts |
            while read -r at; do ls -d "$at${path%/}/$group" 2>/dev/null; done
    done </proc/self/cgroup | sort -u
}
isnt "$(groups)" "" "a server has a cgroup of its own"
server_stop
is "$(groups)" "" "which goes when it stops"
done_testing
