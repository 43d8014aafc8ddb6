#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What live outputs say of themselves after the server was killed: how much was seen of one that is
# cut, and what a terminal showed.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON
server_start WarmPool=0 || done_testing
workspace '{"name": "alpha"}'
WS=$ID
FILES=$STATE/dirs/$WS
export PINFOLD_TOKEN=$TOKEN PINFOLD_URL=$URL

# --- an output that is cut ------------------------------------------------------------------------
background "$WS" 'head -c 300000 /dev/zero; until [ -e go ]; do sleep 0.05; done; printf %01000d 0; exit 5' \
    keep_output_bytes:65536
CUT=$EXEC
sizes() { api GET "/v1/execs/$CUT"; json '"\(.stdout_bytes) \(.truncated.stdout)"'; }
all_seen() { [ "$(sizes)" = "300000 true" ]; }
try "an output is cut at what is kept of it" wait_until 20 all_seen

# --- a terminal -----------------------------------------------------------------------------------
term() { "$TESTS/api/ws" "/v1/workspaces/$WS/terminal?$1" "${@:2}" 2>&1; }
# More than is kept: the end of it is.
out=$(term 'detach=1&command=sh' 'f:started' 'b:seq 100000; X=set; echo now $X\n' 'f:now set' x:)
TERM_ID=$(grep -o 'exec_[0-9a-z]*' <<<"$out" | head -n 1)
isnt "$TERM_ID" "" "a terminal runs"

try "the server is killed" kill_role server
exec_is "$TERM_ID" running
ok $? "the terminal goes on"
is "$(sizes)" "300000 true" "what was seen of the cut output is known"
out=$(term "exec=$TERM_ID" 'f:now set' 'b:echo $X again\n' 'f:set again' x:)
like "$out" '99998.*99999.*100000.*now set' "what the terminal showed is shown again"
api GET "/v1/execs/$TERM_ID/stdout"
between "$(printf %s "$BODY" | wc -c)" 262000 263000 "as much of it as is kept"
lines() { printf %s "$BODY" | tr -d '\r' | sed -n '/^[0-9]*$/p' | tail -n 30000; }
is "$(lines | awk 'NR > 1 && $1 != last + 1 { print } { last = $1 }')" "" "without a gap"

# --- and once more ----------------------------------------------------------------------------------
try "the server is killed again" kill_role server
out=$(term "exec=$TERM_ID" 'f:set again' 'b:exit\n' e:)
like "$out" 'set again' "what came between is there too"
run "$WS" 'touch go'
api GET "/v1/execs/$CUT/wait?wait=20"
is "$(json '"\(.status) \(.exit_code)"')" "ended 5" "the command whose output is cut ends as it should"
is "$(sizes)" "301000 true" "with all that it printed counted"
is "$(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/execs/$CUT/stdout" | tr '\0' x | tr -d x0 | wc -c)" 0 "and nothing else is in it"
is "$(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/execs/$CUT/stdout" | wc -c)" 65536 "as much is kept as was asked for"

trails() { find "$STATE/server/output" -name '*.[23]'; }
no_trail() { [ -z "$(trails)" ]; }
try "nothing is left beside their output" wait_until 20 no_trail
is "$(stray_output)" "" "no output file belongs to nobody"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
done_testing
