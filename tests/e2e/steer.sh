# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Talking to agents that run. Source after agents.sh; a run is named as for begin.
status_is() { api GET "/v1/runs/${RUNS[$1]}"; [ "$(json .status)" = "$2" ]; }
seen() { RUN=${RUNS[$1]}; events "$2"; [ "$(json '.items | length')" -ge "${3:-1}" ]; }
put() { api GET "/v1/runs/${RUNS[$1]}"; WS=$(json .workspace_id); api PUT "/v1/workspaces/$WS/files/$2" -H 'Content-Type: application/octet-stream' --data-binary x; }
say() { api POST "/v1/runs/${RUNS[$1]}/messages" -d "$(jq -n --arg m "$2" '{content: $m}')"; }
interrupt() { api POST "/v1/runs/${RUNS[$1]}/interrupt" -d "$(jq -n --arg m "${2:-}" '{message: $m}')"; }
asked() { # RUN N: its n-th question, in $BODY; its id is $ASK
    asked_n() { api GET "/v1/approvals?run=${RUNS[$1]}&status=pending"; [ "$(json '.items | length')" -ge 1 ]; }
    try "$2" wait_until 30 asked_n "$1"
    asked_n "$1"
    ASK=$(json '.items[0].id')
}
answer() { api POST "/v1/approvals/$ASK/answer" -d "$1"; }
ask='{"permissions": "ask"}'
waits() { echo "[{\"run\": \"until [ -e go ]; do sleep 0.1; done; echo $1\"}, {\"say\": \"$2\"}]"; }
server_dies() { # and the next one is there
    pid_of() { sed -n "s/.*: $1 started pid=//p" "$SERVER_LOG" | tail -n 1; }
    is_new() { [ "$(pid_of server)" != "$OLD" ]; }
    OLD=$(pid_of server)
    kill -KILL "$OLD"
    try "another server is started" wait_until 60 is_new
}
