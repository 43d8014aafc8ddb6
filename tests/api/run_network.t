#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs with an allow-list: what they may reach, with and without a worktree, and that each decision
# is an event. The outside is this test's own, on loopback.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON GIT
world_start
git init -q -b main "$WORK/repo"
git -C "$WORK/repo" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m empty
chmod 755 "$WORK"
server_start "${WORLD[@]}" "RepositoryRoots=$WORK" "MaxRuns=1" || done_testing

body() { # COMMAND [MORE]
    jq -nc --arg c "$1" --argjson more "${2:-{\}}" \
        '{command: $c, network: {mode: "allow-list", allow: ["good.test"]}} + $more'
}
try_all='echo $(curl -sS http://good.test/; for i in 1 2 3; do curl -s -o /dev/null -w " %{http_code}" http://bad.test/; done)'
decisions() {
    api GET "/v1/runs/$RUN/events?types=network.decision"
    json '[.items[].payload | "\(.decision) \(.host):\(.port) \(.rule // .reason)"] | join(", ")'
}
for more in '{}' "$(jq -nc --arg u "$WORK/repo" '{repository: {url: $u}}')"; do
    where=$([ "$more" = '{}' ] && echo "in a fresh sandbox" || echo "over a worktree")
    api POST "/v1/runs?wait=60" -d "$(body "$try_all" "$more")"
    RUN=$(json .id)
    is "$(json '"\(.status) \(.result)"')" "succeeded hello from good.test 403 403 403" "a run $where reaches what is listed and nothing else"
    is "$(json '.network | "\(.mode) \(.allow | join(" "))"')" "allow-list good.test" "its list is shown"
    like "$(decisions)" '^allowed good.test:80 good.test, refused bad.test:80 [a-z_]+$' "each decision is an event, the same refusal once"
done
api POST /v1/runs -d "$(body 'sleep 60')"
LONG=$(json .id)
api POST /v1/runs -d "$(body "$try_all")"
RUN=$(json .id)
server_stop
server_start "${WORLD[@]}" "RepositoryRoots=$WORK" "MaxRuns=1"
api GET "/v1/runs/$RUN?wait=60"
is "$(json '"\(.status) \(.network.allow | join(" ")) \(.result)"')" "succeeded good.test hello from good.test 403 403 403" "a list outlives a restart of the server while the run waits"
api GET "/v1/runs/$LONG"
isnt "$(json .status)" running "and what ran before it has ended"
api POST /v1/runs -d '{"command": "true", "network": {"mode": "none", "allow": ["good.test"]}}'
like "$CODE" '^4' "a list with another mode is refused"
api POST /v1/runs -d '{"command": "true", "network": {"mode": "allow-list", "allow": ["http://x/"]}}'
like "$CODE" '^4' "a rule that is none is refused"
done_testing
