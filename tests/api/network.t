#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# route: GET /v1/workspaces/{id}/network
# route: PATCH /v1/workspaces/{id}/network
# Allow-lists: how they are asked for, shown and changed, and what a program sees of them. The
# outside is this test's own, on loopback.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON
world_start
cp -r "$TOP/profiles" "$WORK/profiles"
cat >"$WORK/profiles/listed.profile" <<'EOP'
format=1
[Profile]
Extends=default
[Sandbox]
Network=allow-list
NetworkAllow=*.good.test a.other.test
EOP
WORLD+=("Presets=corp=good.test,*.good.test:8443 npm=a.other.test" "RepositoryBase=https://git.good.test/x/" "ProfilesDir=$WORK/profiles")
server_start "${WORLD[@]}" Strict=yes
naked='unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY;'

# --- a program that knows proxies, and one that does not
ws good.test "*.good.test:8443" "$WEB:8080"
is "$(run 'curl -sS http://good.test/')" "hello from good.test" "a listed host is reached by the proxy variables"
is "$(run 'curl -skS https://good.test/')" "hello from good.test" "over TLS too"
is "$(run "$naked curl -sS http://good.test/")" "hello from good.test" "and without them"
is "$(run "$naked curl -skS https://good.test/")" "hello from good.test" "over TLS too, by its name"
is "$(run "$naked python3 -c 'import urllib.request as u; print(u.urlopen(\"http://GOOD.test.\").read().decode(), end=\"\")'")" "hello from good.test" "in whatever spelling"
is "$(run 'python3 -c "import urllib.request as u; print(u.urlopen(\"http://good.test/x\").read().decode(), end=\"\")"')" "hello from good.test" "python takes the proxy"
is "$(run 'curl -skS https://deep.in.good.test:8443/')" "hello from deep.in.good.test:8443" "a star stands for all below, with its port"
is "$(run "curl -sS http://$WEB:8080/")" "hello from $WEB:8080" "an address that the operator lists"
is "$(run 'curl -sS -x socks5h://127.0.0.1:3128 http://good.test/')" "hello from good.test" "SOCKS with a name"
is "$(run 'curl -sS --data-binary @/usr/bin/env http://good.test/post >/dev/null; echo $?')" 0 "a body goes through"
like "$(grep /post "$WORK/requests")" "body=$(stat -Lc %s /usr/bin/env)" "all of it"
# All of it at once, so that head and body fill what is read first.
is "$(run "python3 -c 'import socket
s = socket.create_connection((\"good.test\", 80))
s.sendall(b\"POST /at-once HTTP/1.1\\r\\nHost: good.test\\r\\nContent-Length: 300000\\r\\n\\r\\n\" + b\"x\" * 300000)
print(s.recv(100).split()[1].decode())'")" 200 "a large one that comes at once too"
is "$(run 'curl -sS -H "Transfer-Encoding: chunked" -d abc http://good.test/chunks >/dev/null; echo $?')" 0 "in chunks too"
is "$(run "$naked curl -sS http://good.test/big/3000000 | wc -c")" 3000000 "a large answer is whole"
is "$(run 'curl -skS https://good.test/big/3000000 | wc -c')" 3000000 "through a tunnel too"
is "$(run 'python3 - <<"EOS"
import socket
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"GET http://good.test/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
d = b""
while b"\r\n\r\n" not in d: d += s.recv(4096)
s.sendall(b"GET / HTTP/1.1 is a frame now")
print(d[:12].decode(), s.recv(100).decode())
EOS')" "HTTP/1.1 101 GET / HTTP/1.1 is a frame now" "a WebSocket is let through once it is one"
is "$(run 'echo $NODE_USE_ENV_PROXY; env | grep -ci _proxy=')" "1
9" "the variables are set in all their forms" || true
api POST "/v1/workspaces/$WS/exec" -d '{"command": "echo $http_proxy", "env": {"http_proxy": "mine"}}'
is "$(json .stdout)" mine "but not over those that were given"

# --- refusals
out=$(run 'curl -sS http://bad.test/')
like "$out" "cannot reach bad.test:80" "a refusal names the host"
like "$out" "good.test" "and the list"
like "$out" "PATCH /v1/workspaces/$WS/network" "and the way out"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://bad.test/')" 403 "it is a 403"
is "$(run 'curl -sk -o /dev/null -w "%{http_connect}" https://bad.test/')" 403 "to CONNECT too"
like "$(run 'curl -sS -x socks5h://127.0.0.1:3128 http://bad.test/')" "\(2\)" "SOCKS says that a rule forbids it"
is "$(run "$naked getent hosts bad.test; echo \$?")" 2 "the name does not exist inside"
like "$(run "$naked curl -sSk --resolve bad.test:443:127.0.0.1 https://bad.test/")" "access denied|alert" "a captured hello gets an alert"
is "$(run 'curl -s -o /dev/null -w "%{http_connect}" https://good.test:22/')" 403 "another port is another thing"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://sub.good.test/')" 403 "a star with a port is for that port"

# --- what was decided
is "$(decision '.mode + " " + (.allow | join(" "))')" "allow-list good.test *.good.test:8443 $WEB:8080" "the network is shown as asked for"
is "$(decision '[.decisions[] | select(.host == "bad.test" and .port == 80)][0] | "\(.allowed) \(.rule) \(.reason)"')" "false null not_listed" "a refusal is shown"
is "$(decision '[.decisions[] | select(.host == "deep.in.good.test")][0] | "\(.port) \(.allowed) \(.rule)"')" "8443 true *.good.test:8443" "what is allowed, with its rule"
is "$(decision '[.decisions[] | select(.bytes_received > 3000000)] | length')" 2 "with what it carried"
is "$(decision '[.decisions[] | select(.host == "bad.test" and .port == null)] | length > 0')" true "a name that was only asked for, too"
api GET "/v1/workspaces/$WS"
is "$(json '.network | "\(.mode) \(.allow | length)"')" "allow-list 3" "the workspace shows its network"

# --- who asked
newest() { decision "[.decisions[] | select(.host == \"$1\")][0] | \"\(.process) \(.pid)\""; }
run 'curl -s -o /dev/null http://who1.test/' >/dev/null
like "$(newest who1.test)" '^curl [0-9]+$' "a refusal names the program that asked, gone as it is"
run "$naked getent hosts who2.test" >/dev/null
like "$(newest who2.test)" '^getent [0-9]+$' "the one that asked for a name too"
connect='import socket
def ask(host):
    s = socket.create_connection(("127.0.0.1", 3128))
    s.sendall(("GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n" % host).encode())
    s.recv(10)
'
pid=$(run "exec python3 -c '${connect}import os
ask(\"good.test\")
print(os.getpid(), end=\"\")'")
is "$(newest good.test)" "python3 $pid" "and by its id inside"
run "python3 -c '${connect}import ctypes
ctypes.CDLL(None).prctl(15, b\"a\\x01\\xff\\\"\\n\", 0, 0, 0)
ask(\"who3.test\")'" >/dev/null
like "$(newest who3.test)" '^a\?\?"\? [0-9]+$' "whatever it calls itself"
run "python3 -c '${connect}import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
ask(\"who4.test\")'" >/dev/null
is "$(newest who4.test)" "null null" "one that lets nobody look is not known"
run "python3 -c '${connect}import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
for i in range(6000): os.dup(0)
ask(\"who5.test\")'" >/dev/null
is "$(newest who5.test)" "null null" "nor one that hides among thousands of descriptors"
run 'curl -s -o /dev/null http://who6.test/' >/dev/null
like "$(newest who6.test)" '^curl [0-9]+$' "which is no harm to the next"

# --- changes while it runs
api POST "/v1/workspaces/$WS/exec" -d '{"command": "curl -sS http://good.test/hold; echo ended; sleep 60", "background": true}'
held=$(json .id)
wait_until 20 grep -q "GET /hold" "$WORK/requests"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": ["a.other.test"]}'
is "$CODE $(json '.effective | join(" ")')" "200 a.other.test" "the list is changed"
wait_until 20 grep -q "held ended" "$WORK/requests"; ok $? "a connection that is no longer allowed ends"
api GET "/v1/execs/$held"
is "$(json .status)" running "nothing else does"
is "$(run 'curl -sS http://a.other.test/')" "hello from a.other.test" "the new list holds at once"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://good.test/')" 403 "the old one does not"
api PATCH "/v1/workspaces/$WS/network" -d '{"learn": true}'
is "$(json '.proposed | contains(["bad.test", "good.test"])') $(json '.proposed | index("a.other.test")')" "true null" "learning proposes what was refused"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://good.test/')" 403 "and still refuses it"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": []}'
is "$(run 'curl -s http://a.other.test/ | head -n 2 | tail -n 1')" "Its allow-list is empty." "an empty list allows nothing (CVE-2025-66479)"
api PATCH "/v1/workspaces/$WS/network" -d '{"mode": "full", "allow": ["good.test"]}'
is "$CODE" 422 "another mode has no list"
api POST "/v1/execs/$held/cancel"
server_stop
server_start "${WORLD[@]}" Strict=yes
is "$(decision '.mode + " " + (.learn | tostring)')" "allow-list true" "it is the same after a restart"

# --- presets
ws @corp @npm @git
is "$(decision '.effective | sort | join(" ")')" "*.good.test:8443 a.other.test git.good.test good.test" "presets are what the configuration says"
is "$(run 'curl -sS http://a.other.test/')" "hello from a.other.test" "and hold"
ws @apt
hosts=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^ *#' | grep -oE 'https?://[^/ ]+' | sed 's|.*//||; s|.*@||' | sort -u | tr '\n' ' ')
if [ -n "$hosts" ]; then is "$(decision '.effective | sort | join(" ")') " "$hosts" "@apt is where this machine gets its packages from"; else skip "@apt is where this machine gets its packages from" "it has no sources"; fi
like "$(api POST /v1/workspaces -d '{"network": {"mode": "allow-list", "allow": ["@models"]}}'; echo "$BODY")" "preset @models is empty" "a preset for which nothing is configured says so"

# --- what may be asked for
bad() { # RULE WHAT
    api POST /v1/workspaces -d "$(jq -nc --arg a "$1" '{network: {mode: "allow-list", allow: [$a]}}')"
    like "$CODE" "^4(00|03|22)$" "refused as a rule: $2" || echo "# $BODY"
}
bad '*' "everything"; bad 'http://good.test' "a URL"; bad 'good.test/x' "a path"; bad '127.0.0.1' "an address without a port"
bad '10.0.0.1:80' "an address that the operator does not list"; bad '@nothing' "an unknown preset"; bad 'a b' "two in one"
bad '' "nothing"; bad $'a\nb' "a line break"; bad 'bücher.test' "a name that is not ASCII"
like "$BODY" "xn--" "it says how to write that"

# --- profiles
api POST /v1/workspaces -d '{"profile": "listed"}'
WS=$(json .id)
is "$(json '.network.mode') $(decision '.effective | join(" ")')" "allow-list *.good.test a.other.test" "a profile's list is the one of who asks for none"
is "$(run 'curl -sS http://x.good.test/')" "hello from x.good.test" "it holds"
api PATCH "/v1/workspaces/$WS/network" -d '{"allow": ["*.test", "x.good.test:8443", "a.other.test"]}'
is "$(json '.effective | sort | join(" ")')" "*.good.test a.other.test" "another is cut to it" || echo "# $BODY"
api PATCH "/v1/workspaces/$WS/network" -d '{"mode": "full"}'
is "$CODE" 403 "and it cannot be left by another mode"
api POST /v1/exec -d '{"profile": "listed", "command": "curl -sS http://a.other.test/; curl -s -o /dev/null -w \"%{http_code}\" http://good.test/"}'
is "$(json .stdout)" "hello from a.other.test
403" "one command in a fresh sandbox has the same"
api POST /v1/exec -d '{"network": {"mode": "allow-list", "allow": ["good.test"]}, "command": "curl -sS http://good.test/"}'
is "$(json .stdout)" "hello from good.test" "and a list of its own"
api POST /v1/runs -d '{"command": "curl -sS http://good.test/; curl -s -o /dev/null -w \"%{http_code}\" http://bad.test/", "network": {"mode": "allow-list", "allow": ["good.test"]}}'
is "$(json '.network | "\(.mode) \(.allow[0])"')" "allow-list good.test" "a run has a list too"
id=$(json .id)
ended() { api GET "/v1/runs/$id"; [ "$(json .ended_at)" != null ]; }
wait_until 30 ended
is "$(json .result)" "hello from good.test
403" "and it holds" || echo "# $BODY"
like "$("$PINFOLD_BIN/pinfold" run --image host --state "$WORK/local" --net allow-list -- true 2>&1)" "server" "the command without a server says that it has none"
# --- servers at IPv6 addresses
server_stop
server_start "${WORLD[@]:0:1}" "${WORLD[1]} [::1]:$PORT6 dual.test:$PORT6 late.test:$PORT6" Strict=yes
ws "six.test:$PORT6" "dual.test:$PORT6" "late.test:$PORT6" "[::1]:$PORT6"
is "$(run "curl -sS http://six.test:$PORT6/")" "hello from six.test:$PORT6" "a name that has an IPv6 address alone"
is "$(run "curl -sS http://dual.test:$PORT6/; curl -sS http://late.test:$PORT6/")" "hello from dual.test:${PORT6}
hello from late.test:$PORT6" "one of two kinds, whichever of them answers"
is "$(run "curl -sS --noproxy '' 'http://[::1]:$PORT6/'; curl -sS --noproxy '' 'http://[0:0:0:0:0:0:0:1]:$PORT6/'")" "hello from [::1]:$PORT6
hello from [::1]:$PORT6" "an address that the operator lists, in each spelling"
is "$(run "curl -sS -p --noproxy '' -x http://127.0.0.1:3128 'http://[::1]:$PORT6/' && curl -sS --noproxy '' -x socks5://127.0.0.1:3128 'http://[::1]:$PORT6/' && curl -sS -x socks5h://127.0.0.1:3128 http://six.test:$PORT6/")" "hello from [::1]:$PORT6
hello from [::1]:$PORT6
hello from six.test:$PORT6" "by CONNECT and SOCKS too"
is "$(decision "[.decisions[] | select(.host == \"::1\")][0] | \"\\(.allowed) \\(.port)\"")" "true $PORT6" "the decision names it"
is "$(run "curl -s --noproxy '' -o /dev/null -w '%{http_code}' 'http://[::1]:$((PORT6 + 1))/'; curl -s -o /dev/null -w ' %{http_code}' 'http://[::ffff:127.0.0.1]:$PORT6/'")" "403 403" "another port, and a mapped spelling of something else, are not"
done_testing
