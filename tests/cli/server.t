#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command line against a server.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
p=$PINFOLD_BIN/pinfold
server_start
ok $? "a server starts" || done_testing
code() { "$p" "$@" >"$WORK/o" 2>"$WORK/e"; echo $?; }

ws=$("$p" ws create --name first -e COLOUR=red --memory 256M)
like "$ws" '^ws_[0-9a-z]{20}$' "ws create prints the id and nothing else"
like "$("$p" ws list)" "$ws +first +ready +host" "ws list has it"
is "$("$p" ws list --json | jq -r '.items[0].id')" "$ws" "in JSON as the server sent it"
is "$("$p" ws get --json "$ws" | jq -r '.limits.memory_bytes')" 268435456 "with its limits"
like "$("$p" ws get "$ws")" '"name": "first"' "ws get shows it"

is "$("$p" exec "$ws" echo hello)" hello "output comes back"
is "$("$p" exec "$ws" -- sh -c 'echo $COLOUR; echo err >&2' 2>/dev/null)" red "stdout and stderr stay apart"
is "$(code exec "$ws" -- sh -c 'exit 7')" 7 "the exit code is the command's"
is "$(code exec "$ws" -- sh -c 'kill -KILL $$')" 137 "a signal is 128 and its number"
like "$(cat "$WORK/e")" 'signaled SIGKILL' "and is named"
is "$(code exec "$ws" no-such-program)" 127 "a missing program is 127"
is "$(code exec "$ws" /etc/passwd)" 126 "a file that is no program is 126"
is "$(code exec -t 1 "$ws" sleep 1000)" 124 "a timeout is 124"
is "$(code exec "$ws" true)" 0 "and the workspace goes on"
is "$(code exec ws_00000000000000000000 true)" 125 "a workspace that is not there is 125"
is "$(printf 'a\0b\377' | "$p" exec --stdin "$ws" -- od -An -tx1 | tr -d ' ')" 610062ff "bytes of stdin arrive as they are"
is "$("$p" exec "$ws" -- printf 'a\000b\377' | od -An -tx1 | tr -d ' ')" 610062ff "and those of stdout"
is "$("$p" exec "$ws" -- head -c 20000000 /dev/zero | wc -c)" 20000000 "20 MB come through whole"
is "$("$p" exec -C /tmp -u 0 -e A=b "$ws" -- sh -c 'pwd; id -u; echo $A' | tr '\n' ' ')" "/tmp 0 b " "directory, user and variables are as asked for"
is "$("$p" exec --json "$ws" true | jq -rs '.[-1].event')" exit "with --json the events come as they are, an end last"
"$p" run --state "$STATE" true
is "$("$p" exec "$ws" -- wc -l /etc/hosts /etc/group | wc -l)" 3 "pinfold run beside a server leaves its sandboxes' files alone"
copy=$("$p" ws fork --name copy "$ws")
like "$copy" '^ws_' "ws fork prints the copy's id"
snap=$("$p" ws snapshot --name here "$copy")
like "$snap" '^snap_' "ws snapshot prints the snapshot's id"
like "$("$p" ws snapshot --list "$copy")" "$snap +here" "or lists those there are"
try "ws restore goes back to it" "$p" ws restore "$copy" here
try "and it can be deleted" "$p" ws snapshot --delete here "$copy"
is "$(code ws build "$ws")" 0 "ws build of what needs none is content"
like "$("$p" exec -d "$ws" sleep 100)" '^exec_' "a background exec prints its id"
"$p" exec "$ws" -- sh -c 'echo begun; sleep 1000' >"$WORK/long" &
pid=$!
wait_until 20 grep -q begun "$WORK/long"
kill -INT $pid; kill -TERM $pid; wait $pid 2>/dev/null
try "a client that goes away ends its command" wait_until 20 eval '! "$p" exec "$ws" -- cat /proc/*/cmdline 2>/dev/null | tr "\0" " " | grep -q "sleep 1000"'

like "$("$p" ws debug "$ws")" '"workspace": ' "ws debug shows what is known"
is "$(code ws create --image nonsense)" 1 "an unknown image is refused"
like "$(cat "$WORK/e")" "nonsense" "by name"
is "$(code ws create --ref main)" 2 "a ref without a repository is a wrong command line"
is "$(code ws create --memory lots)" 2 "a size that is none too"
is "$(code ws delete "$copy" "$ws")" 0 "two are deleted at once"
is "$("$p" ws list --json | jq '.items | length')" 0 "and are gone"

like "$("$p" image list)" 'host +0/0 layers' "images are listed by the server"
like "$("$p" profile list --json | jq -r '.items[].name' | tr '\n' ' ')" 'default .*strict' "profiles too"
token=$("$p" token create --name reader --scope read --expires 1h)
like "$token" '^pft_' "token create prints the token"
like "$("$p" token create --name client --prefix oc_sk)" '^oc_sk_' "with another beginning, where clients look at that"
is "$(PINFOLD_TOKEN=$token code ws list)" 0 "which works"
is "$(PINFOLD_TOKEN=$token code ws create)" 1 "for what it may do and no more"
id=$("$p" token list --json | jq -r '.items[] | select(.name == "reader").id')
is "$(code token delete "$id")" 0 "it is deleted"
is "$(PINFOLD_TOKEN=$token code ws list)" 1 "and works no longer"
is "$(PINFOLD_TOKEN=nonsense code ws list)" 1 "a wrong token is refused"
is "$(code secret put forge --host api.example.org <<<"sk-canary")" 0 "secret put takes a value from stdin"
like "$("$p" secret list)" 'forge +secret +yes +0 +api\.example\.org' "secret list shows what it is for"
fails "and not the value" grep -q canary <<<"$("$p" secret list --json)"
is "$(code secret put forge --host api.example.org </dev/null)" 2 "without a value it is a wrong command line"
is "$(code secret put forge --host api.example.org <<<$'one\ntwo')" 2 "with two lines too"
is "$(code secret put forge <<<x)" 1 "without a host it is refused"
like "$(cat "$WORK/e")" "hosts" "by the field's name"
is "$(code provider put claude --kind anthropic --base-url https://models.example.org --model m1 <<<"sk-canary")" 0 "provider put makes a provider"
is "$(code provider put local --kind openai-compatible --base-url https://llm.example.org --no-key </dev/null)" 0 "or one that wants no key"
like "$("$p" provider list)" 'claude +anthropic +yes +0 +https://models\.example\.org' "provider list shows them"
ws=$("$p" ws create --image host --net allow-list --secret forge --provider claude)
like "$("$p" exec "$ws" -- sh -c 'echo $ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY')" '/provider/claude pinfold-placeholder' "a workspace that names it is told where it is, and no key"
is "$(code ws delete "$ws")" 0 "it is deleted"
is "$(code secret rotate)" 0 "another key seals them"
is "$(code provider delete claude local; code secret delete forge)" $'0\n0' "they are deleted"
is "$(code secret delete forge)" 1 "what is not there cannot be"
is "$(env -u PINFOLD_TOKEN "$p" ws list --state x >/dev/null 2>&1; echo $?)" 2 "an option that a command does not have is refused"
is "$(PINFOLD_URL=http://127.0.0.1:1 code ws list)" 1 "a server that is not there is said to be"
is "$(PINFOLD_URL=file:///etc/passwd code ws list)" 1 "a URL of another kind is refused"
is "$(PINFOLD_URL=http://127.0.0.1:1 code ws list --url "$URL")" 0 "--url comes before the environment"
server_stop
is $? 0 "the server stops cleanly"
done_testing
