#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hundred runs wait: each knows its place, all of them run once and in their order.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
repo=$WORK/repo
git init -q -b main "$repo"
git -C "$repo" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m empty
chmod 755 "$WORK"
server_start "MaxRuns=1" "RepositoryRoots=$WORK" || done_testing
api POST /v1/runs -d "$(jq -n --arg u "$repo" '{command: "while [ ! -e go ]; do sleep 0.05; done", repository: {url: $u}}')"
FIRST=$(json .id)
running() { api GET "/v1/runs/$FIRST"; [ "$(json .status)" = running ]; }
try "one runs" wait_until 30 running
running; WS=$(json .workspace_id)
bodies=$(for i in $(seq 100); do printf '{"command": "echo %s", "priority": %s, "env": {"N": "%s"}}\n' "$i" $((i % 2)) "$i"; done)
ids=() codes=
while read -r body; do api POST /v1/runs -d "$body"; ids+=("$(json .id)") codes+=$CODE; done <<<"$bodies"
is "${codes//201/}" "" "a hundred more are taken"
api GET "/v1/runs?status=queued&limit=200"
is "$(json '[.items[].queue_position] | sort == [range(1; 101)]')" true "each has a place of its own"
is "$(json '[.items | sort_by(.queue_position)[] | .env.N | tonumber] == ([range(1; 100; 2)] + [range(2; 101; 2)])')" true "by priority, then by age"
api POST "/v1/runs/${ids[49]}/cancel?wait=20"
is "$(json .status)" cancelled "one of them is cancelled"
api GET "/v1/runs/${ids[99]}"
is "$(json .queue_position)" 99 "and those behind it come nearer"
api PUT "/v1/workspaces/$WS/files/go" --data-binary ''
api GET "/v1/runs/${ids[99]}?wait=120"
is "$(json '"\(.status) \(.result)"')" "succeeded 100" "the last of them runs"
api GET "/v1/runs?limit=200"
is "$(json '[.items[].status] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" "cancelled 1, succeeded 100" "all have ended"
is "$(json '[.items[] | select(.status == "succeeded" and .env.N) | .result == "\(.env.N)\n"] | all')" true "each as itself"
is "$(json '[.items[] | select(.status == "succeeded")] | sort_by(.started_at, .id) | map(.env.N // "0" | tonumber) | map(select(. % 2 == 0) ) == ([0] + [range(2; 101; 2)] - [50])')" true "in their order"
api GET "/v1/runs/${ids[0]}/events"
is "$(json '[.items[].type] | join(" ")')" "run.created run.queued run.started run.result run.completed" "with their life told"
done_testing
