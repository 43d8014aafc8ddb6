#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tools that a run brings: HTTP addresses that its agent calls by way of the server, by a stand-in for
# Claude Code; and by the door of its sandbox, by one for OpenCode. tests/e2e/agents_skills.t has the real ones.
# route: POST /v1/runs/{id}/mcp
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT PYTHON
repo=$WORK/repo
git init -q -b main "$repo"
chmod 755 "$WORK"
# It calls what its prompt says, "NAME JSON", and says what it got. NAME none is no tool's.
cat >"$repo/claude" <<'E'
#!/usr/bin/env python3
import json, sys
def put(**o): print(json.dumps(o), flush=True)
def rpc(n, method, **params):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if n is not None: message["id"] = n
    put(type="control_request", request_id="r%s" % n, request={"subtype": "mcp_message", "server_name": "pinfold", "message": message})
    return json.loads(sys.stdin.readline())["response"]["response"]["mcp_response"]
prompt = json.loads(sys.stdin.readline())["message"]["content"]
assert "--mcp-config" in sys.argv
put(type="system", subtype="init", session_id="s", model="m")
hello = rpc(0, "initialize", protocolVersion="2025-11-25")
rpc(None, "notifications/initialized")
tools = rpc(1, "tools/list")["result"]["tools"]
name, arguments = prompt.split(" ", 1)
got = rpc(2, "tools/call", name=name, arguments=json.loads(arguments))
length = len(got.get("result", {}).get("content", [{"text": ""}])[0]["text"])
if length > 1000: got = {}
put(type="result", subtype="success", session_id="s", result=json.dumps(
    {"version": hello["result"]["protocolVersion"], "tools": tools, "length": length, "got": got.get("result", got.get("error"))}))
sys.stdin.read()
E
# The same by the door of its sandbox.
cat >"$repo/opencode" <<'E'
#!/usr/bin/env python3
import http.client, json, os, sys
def put(**o): print(json.dumps(dict(o, sessionID="s")), flush=True)
server = json.load(open(os.environ["OPENCODE_CONFIG"]))["mcp"]["pinfold"]
def rpc(n, method, headers=server["headers"], **params):
    c = http.client.HTTPConnection("127.0.0.1", 3128)
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if n is not None: message["id"] = n
    c.request("POST", server["url"].split(":3128")[1], body=json.dumps(message), headers=dict(headers, **{"Content-Type": "application/json"}))
    r = c.getresponse()
    text = r.read()
    return json.loads(text) if text and r.status == 200 else r.status
name, arguments = sys.stdin.read().split(" ", 1)
hello = rpc(0, "initialize", protocolVersion="2025-11-25")
told = rpc(None, "notifications/initialized")
tools = rpc("a", "tools/list")
got = rpc(2, "tools/call", name=name, arguments=json.loads(arguments))
stranger = rpc(3, "tools/list", headers={"Authorization": "Bearer pfr_0"})
put(type="text", part={"text": json.dumps({"version": hello["result"]["protocolVersion"], "told": told, "id": tools["id"], "tools": tools["result"]["tools"], "got": got.get("result", got.get("error")), "stranger": stranger})})
put(type="step_finish", part={"reason": "stop", "tokens": {}})
E
chmod 755 "$repo/claude" "$repo/opencode"
git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tools
cat >"$WORK/service" <<'E'
import http.server, json, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[1] + "/asked", "a") as f: f.write(json.dumps({"key": self.headers.get("X-Key"), "path": self.path, "method": self.command}) + "\n")
        self.send_response(200); self.send_header("Content-Length", "4"); self.end_headers(); self.wfile.write(b"done")
    do_DELETE = do_GET
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[1] + "/asked", "a") as f: f.write(json.dumps({"key": self.headers.get("X-Key"), "path": self.path, "method": self.command, "agent": self.headers.get("User-Agent"), "accept": self.headers.get("Accept"), "type": self.headers.get("Content-Type"), "body": body}) + "\n")
        out = b"x" * 100000 if self.path == "/long" else json.dumps({"of": body.get("city"), "sky": "blue \u00e9 \"\n"}).encode()
        self.send_response(500 if self.path == "/bad" else 200); self.send_header("Content-Length", str(len(out))); self.end_headers(); self.wfile.write(out)
    do_PUT = do_PATCH = do_POST
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True); s.serve_forever()
E
python3 "$WORK/service" "$WORK" >"$WORK/port" & at_exit "kill $!"
try "a service answers" wait_until 20 test -s "$WORK/port"
to=http://127.0.0.1:$(cat "$WORK/port")
server_start "RepositoryRoots=$WORK" "AllowPrivate=${to#http://}" || done_testing
run() { # PROMPT TOOLS
    api POST "/v1/runs?wait=90" -d "$(jq -n --arg u "$repo" --arg p "$1" --argjson t "$2" \
        '{agent: "claude-code", prompt: $p, model: "m", profile: "default", repository: {url: $u}, tools: $t, env: {PATH: "/workspace:/usr/bin:/bin", PINFOLD_MODEL_URL: "http://127.0.0.1:1"}}')"
    RUN=$(json .id) END=$(json '"\(.status) \(.reason)"') RESULT=$(json '.result // "{}"')
}
tools=$(jq -n --arg u "$to/weather" '[{name: "weather", description: "tells the \"weather\"", url: $u, headers: {"X-Key": "hidden-key"}, input_schema: {type: "object", properties: {city: {type: "string"}}}}]')
run 'weather {"city": "Oslo"}' "$tools"
is "$END" "succeeded completed" "an agent calls a tool"
is "$(jq -r '.got.content[0].text | fromjson | .of + .sky' <<<"$RESULT")" $'Osloblue \u00e9 "' "and has what that answers"
is "$(jq -r '.got.isError' <<<"$RESULT")" false "which is no error"
is "$(jq -c '.tools' <<<"$RESULT")" '[{"name":"weather","description":"tells the \"weather\"","inputSchema":{"type":"object","properties":{"city":{"type":"string"}}}}]' "it was told of it"
is "$(jq -r '"\(.key) \(.path) \(.body.city)"' "$WORK/asked")" "hidden-key /weather Oslo" "the service got header and arguments"
api GET "/v1/runs/$RUN"
is "$(json '.tools | join(" ")')" weather "the run names its tools"
unlike "$BODY" "hidden-key" "and shows no header"
api GET "/v1/execs"
unlike "$BODY" "hidden-key|curl" "nor is the call to be seen"
for method in PUT PATCH GET DELETE; do
    run 'weather {"city": "S\u00e3o & Co", "n": 2, "deep": {"a": [true]}, "no": null}' "$(jq --arg m $method '.[0].method = $m' <<<"$tools")"
    is "$END $(jq -r '.got.isError' <<<"$RESULT")" "succeeded completed false" "a tool is called by $method"
done
is "$(jq -rs '[.[-4:][] | "\(.method) \(.path) \(.body.city) \(.key)"] | join("\n")' "$WORK/asked")" "PUT /weather São & Co hidden-key
PATCH /weather São & Co hidden-key
GET /weather?city=S%C3%A3o%20%26%20Co&n=2&deep=%7B%22a%22%3A%20%5Btrue%5D%7D&no= null hidden-key
DELETE /weather?city=S%C3%A3o%20%26%20Co&n=2&deep=%7B%22a%22%3A%20%5Btrue%5D%7D&no= null hidden-key" "with its arguments in the body or in the query"
run 'weather {}' "$tools"
api POST "/v1/runs/$RUN/continue?wait=60" -d "$(jq -n --arg u "$to/other" '{message: "other {\"city\": \"Rome\"}", tools: [{name: "other", url: $u, headers: {"X-Key": "another"}}]}')"
is "$CODE $(json '"\(.status) \(.tools | join(" "))"')" "200 succeeded other" "a further turn has other tools"
is "$(tail -n 1 "$WORK/asked" | jq -r '"\(.path) \(.key) \(.body.city)"')" "/other another Rome" "and calls them"
api POST "/v1/runs/$RUN/continue" -d '{"message": "x", "tools": [{"name": "other", "url": "http://127.0.0.1:1/"}]}'
is "$CODE" 403 "which are checked like the first ones"
in_state() { grep -rlaF -e "$1" "$STATE" 2>/dev/null | xargs; }
is "$(in_state hidden-key)" "" "the headers are in no file of the server's"
is "$(jq -rs '.[0] | "\(.agent) \(.accept) \(.type)"' "$WORK/asked")" "pinfold */* application/json" "what a request has besides is there"
run 'weather {}' "$(jq '.[0].headers = {"User-Agent": "mine", "accept": "text/plain", "Content-Type": "text/json"}' <<<"$tools")"
is "$(tail -n 1 "$WORK/asked" | jq -r '"\(.agent) \(.accept) \(.type)"')" "mine text/plain text/json" "or as it is given"
run 'weather {}' "$(jq '.[0].url = "http://localhost.test/" | .[0].headers = {"A": "b"}' <<<"$tools")"
like "$CODE $(json .detail)" "^403 tools/0: headers go by plain http" "headers do not go by plain http to just anywhere"
for bad in Host Content-Length transfer-encoding; do
    run 'weather {}' "$(jq --arg h $bad '.[0].headers = {($h): "x"}' <<<"$tools")"
    is "$CODE" 400 "a header $bad is refused"
done
run 'weather {}' "$(jq '.[0].headers = {"A": ("x" * 4000), "B": ("x" * 4000), "C": ("x" * 4000)}' <<<"$tools")"
like "$CODE $(json .detail)" "^422 .*larger than 8192" "headers have a limit"
many() { jq -n --arg u "$to/weather" --argjson n "$1" '[range($n) | {name: "t\(.)", url: $u, headers: {"X-Key": "k\(.)"}}]'; }
run 't49 {"city": "Lima"}' "$(many 50)"
is "$END $(tail -n 1 "$WORK/asked" | jq -r '"\(.key) \(.body.city)"')" "succeeded completed k49 Lima" "fifty tools may be brought"
run 't1 {}' "$(many 51)"
is "$CODE" 422 "and no more"
# An older server's record, with its headers as they came.
run 'weather {}' "$tools"
OLD=$RUN
server_stop
python3 - "$STATE" "$RUN" <<'E'
import glob, sqlite3, sys
db = sqlite3.connect(glob.glob(sys.argv[1] + "/**/pinfold.db", recursive=True)[0])
texts = db.execute("SELECT tools FROM run WHERE id = ?", (sys.argv[2],)).fetchone()[0].split(b"\0")
assert texts[4].startswith(b"=tool/"), texts
texts[2], texts[4] = texts[2].split(b" ")[1], b"X-Key: old-hidden-key\n"
db.execute("UPDATE run SET tools = ? WHERE id = ?", (b"\0".join(texts), sys.argv[2]))
db.commit()
E
isnt "$(in_state old-hidden-key)" "" "an older server kept headers as they came"
server_start "RepositoryRoots=$WORK" "AllowPrivate=${to#http://}" || done_testing
gone() { [ -z "$(in_state old-hidden-key)" ]; }
api POST "/v1/runs/$OLD/continue?wait=60" -d '{"message": "weather {\"city\": \"Bern\"}"}'
is "$CODE $(tail -n 1 "$WORK/asked" | jq -r '"\(.path) \(.key) \(.body.city)"')" "200 /weather old-hidden-key Bern" "they are good with this one"
server_stop
try "which has sealed them" gone
server_start "RepositoryRoots=$WORK" "AllowPrivate=${to#http://}" || done_testing
api POST "/v1/runs/$OLD/continue?wait=60" -d '{"message": "weather {\"city\": \"Rome\"}"}'
is "$(tail -n 1 "$WORK/asked" | jq -r '"\(.key) \(.body.city)"')" "old-hidden-key Rome" "for good"
run 'none {}' "$tools"
is "$END $(jq -r '.got.code' <<<"$RESULT")" "succeeded completed -32601" "a tool that there is not is an error"
run 'weather {}' "$(jq --arg u "$to/bad" '.[0].url = $u' <<<"$tools")"
is "$(jq -r '.got.isError' <<<"$RESULT")" true "so is one that fails"
run 'weather {}' "$(jq --arg u "$to/long" '.[0].url = $u' <<<"$tools")"
is "$(jq -r .length <<<"$RESULT")" 65536 "a long answer is cut"
run 'weather {}' "$(jq '.[0].url = "http://127.0.0.1:9/"' <<<"$tools")"
like "$CODE $(json .detail)" "^403 .*tools/0" "a private address is refused"
for bad in '[{"name": "a b", "url": "http://x.test/"}]' '[{"name": "a", "url": "ftp://x"}]' '[{"name": "a"}]' '[{"name": "a", "url": "http://x.test/", "input_schema": 7}]' \
    '[{"name": "a", "url": "http://x.test/"}, {"name": "a", "url": "http://x.test/"}]' '[{"name": "a", "url": "http://x.test/", "headers": {"A": "b\"\n"}}]'; do
    run 'a {}' "$bad"
    like "$CODE" "^4" "refused: $bad"
done

# --- by the door
api PUT /v1/providers/model -d "$(jq -n --arg u "$to" '{kind: "openai-compatible", base_url: $u, api_key: "k"}')"
by_door() { # PROMPT TOOLS
    api POST "/v1/runs?wait=90" -d "$(jq -n --arg u "$repo" --arg p "$1" --argjson t "$2" \
        '{agent: "opencode", prompt: $p, model: "m", provider: "model", profile: "default", network: {mode: "allow-list", allow: []}, repository: {url: $u}, tools: $t, env: {PATH: "/workspace:/usr/bin:/bin"}}')"
    RUN=$(json .id) END=$(json '"\(.status) \(.reason)"') RESULT=$(json '.result // "{}"')
}
by_door 'weather {"city": "Bonn"}' "$tools"
is "$END $(jq -r '"\(.version) \(.told) \(.id) \(.stranger)"' <<<"$RESULT")" "succeeded completed 2025-11-25 202 a 401" "an agent asks by the door of its sandbox"
is "$(jq -r '.got.content[0].text | fromjson | .of + .sky' <<<"$RESULT")" $'Bonnblue \u00e9 "' "and has what a tool answers"
is "$(jq -c '.tools | map(.name)' <<<"$RESULT")" '["weather"]' "it was told of it"
by_door 'none {}' "$tools"
is "$END $(jq -r '.got.code' <<<"$RESULT")" "succeeded completed -32601" "a tool that there is not is an error there too"
by_door 'weather {}' "$(jq --arg u "$to/bad" '.[0].url = $u' <<<"$tools")"
is "$(jq -r '.got.isError' <<<"$RESULT")" true "so is one that fails"
api POST "/v1/runs/$RUN/mcp" -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
is "$CODE" 409 "when its turn is over nothing is served"
api POST /v1/runs -d "$(jq -n --argjson t "$tools" '{agent: "opencode", prompt: "x", model: "m", tools: $t, env: {PINFOLD_MODEL_URL: "http://127.0.0.1:1"}}')"
like "$CODE $(json .detail)" "^400 .*with a provider only" "nor without the door"
api POST /v1/runs -d "$(jq -n --argjson t "$tools" '{agent: "cursor", prompt: "x", tools: $t}')"
like "$CODE $(json .detail)" "^400 .*cannot be served tools" "an agent that cannot be served any is refused"
done_testing
