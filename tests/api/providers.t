#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# route: GET /v1/providers
# route: GET /v1/providers/{name}
# route: PUT /v1/providers/{name}
# route: DELETE /v1/providers/{name}
# Providers of models: a service on loopback inside, the real key outside.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON
world_start
server_start "${WORLD[@]}" "CAFile=$WORK/cert.pem" Strict=yes
KEY=sk-real-5e2c9a
provider() { api PUT "/v1/providers/$1" -d "$2"; }
heads() { tail -n 1 "$WORK/heads"; }

# --- making, showing
provider claude "{\"kind\": \"anthropic\", \"base_url\": \"https://good.test/v1/\", \"api_key\": \"$KEY\", \"models\": [\"m1\", \"m2\"]}"
is "$CODE $(json '"\(.name) \(.kind) \(.base_url) \(.models | join(",")) \(.usable)"')" "200 claude anthropic https://good.test/v1/ m1,m2 true" "a provider is made"
unlike "$BODY" "$KEY" "its key is not in the answer"
api GET /v1/providers/claude
is "$CODE $(json .header)" "200 x-api-key" "it is shown"
unlike "$BODY" "$KEY" "without its key"
api GET /v1/providers
is "$(json '.items | length')" 1 "and listed"
unlike "$BODY" "$KEY" "without its key"
api GET /v1/secrets
is "$(json '.items | length')" 0 "it is no secret of the other list"
provider gpt "{\"kind\": \"openai\", \"base_url\": \"https://good.test:8443/v1\", \"api_key\": \"$KEY-2\"}"
provider plain "{\"kind\": \"openai-compatible\", \"base_url\": \"http://$WEB:8080/v1\"}"
is "$CODE" 200 "one without a key, in plain, at an address that the operator lists"
provider x "{\"kind\": \"openai\", \"base_url\": \"http://good.test/v1\", \"api_key\": \"k\"}"
is "$CODE" 403 "another host is not reached in plain"
like "$BODY" "AllowPrivate=" "and it says what would allow it"
provider x '{"kind": "tool", "base_url": "https://good.test", "api_key": "k"}'
is "$CODE" 400 "what tools of runs have is no kind of a provider"
provider x '{"kind": "oracle", "base_url": "https://good.test", "api_key": "k"}'
is "$CODE" 400 "an unknown kind is refused"
provider x '{"kind": "openai", "base_url": "https://u:p@good.test", "api_key": "k"}'
is "$CODE" 400 "a URL with a credential is refused"
provider x '{"kind": "openai", "base_url": "https://good.test", "api_key": "a\r\nb: c"}'
is "$CODE" 400 "a key that would make two headers is refused"
unlike "$BODY" "b: c" "and not shown"
provider x '{"kind": "openai", "base_url": "https://good.test"}'
is "$CODE" 400 "a key is needed"

# --- its use
api POST /v1/workspaces -d '{"provider": "claude"}'
WS=$(json .id)
is "$CODE $(json '.network.mode')" "201 allow-list" "a workspace names it, and has an allow-list"
is "$(run 'echo $ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY')" "http://127.0.0.1:3128/provider/claude pinfold-placeholder-claude" "inside there is an address and a placeholder"
is "$(run 'curl -sS -H "x-api-key: $ANTHROPIC_API_KEY" -H "Accept-Encoding: gzip" -d "{}" $ANTHROPIC_BASE_URL/messages' | jq .usage.output_tokens)" 7 "a request is answered"
like "$(heads)" "^tls POST /v1/messages HTTP/1.1 .*Host: good.test .*x-api-key: $KEY( |$)" "it went out by TLS to the base URL with the key"
unlike "$(heads)" "placeholder|gzip" "and without the placeholder"
is "$(run 'curl -sS -x http://127.0.0.1:3128 --noproxy "" -d "{}" $ANTHROPIC_BASE_URL/messages | head -c 1')" "{" "a client that asks the proxy for the service has it too"
is "$(run 'curl -s -o /dev/null -w "%{http_code} %{redirect_url}" $ANTHROPIC_BASE_URL/redirect')" "302 https://a.other.test/stolen" "a redirect is the client's"
unlike "$(cat "$WORK/heads")" "stolen" "and not followed with the key"
is "$(run 'curl -s -w "%{http_code}" $ANTHROPIC_BASE_URL/silence')" "pinfold: this sandbox cannot reach good.test:443: it closed the connection without an answer.
502" "a service that does not answer is a 502"
is "$(run 'curl -s --path-as-is -o /dev/null -w "%{http_code}" $ANTHROPIC_BASE_URL/../admin')" 400 "no path leads out of the base URL"
is "$(run 'curl -s --path-as-is -o /dev/null -w "%{http_code}" $ANTHROPIC_BASE_URL/%2e%2E/admin')" 400 "however it is written"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:3128/provider/gpt/models')" 404 "one that was not named is not there"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://good.test/')" 403 "its host is not open otherwise"
is "$(run 'python3 - <<"EOS"
import socket
def ask(text):
    s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(text); return s.recv(100).split(b" ")[1].decode()
p = b"POST /provider/claude/messages HTTP/1.1\r\nHost: x\r\n"
print(ask(p + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ask(p + b"A: b\n\r\n"), ask(p + b"x-api-key : k\r\n\r\n"), ask(p + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), ask(p + b"a: " + b"x" * 20000 + b"\r\n\r\n"))
EOS')" "400 400 400 400 400" "what two readers would read differently is refused, and a head that is too large"
is "$(run 'python3 - <<"EOS"
import socket
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"POST /provider/claude/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: x-api-key\r\n\r\n{}GET /provider/claude/second HTTP/1.1\r\n\r\n")
d = b""
while True:
    n = s.recv(4096)
    if not n: break
    d += n
print(d.count(b"HTTP/1.1"))
EOS')" 1 "a connection carries one request"
unlike "$(cat "$WORK/heads")" "/v1/second" "and no second one behind it"
like "$(heads)" "x-api-key: $KEY" "a Connection header takes nothing of ours away"

# --- streams come as they are sent
api POST "/v1/workspaces/$WS/exec" -d '{"command": "curl -sSN $ANTHROPIC_BASE_URL/stream", "background": true}'
x=$(json .id)
first() { api GET "/v1/execs/$x/stdout"; [[ $BODY == *message_start* ]]; }
wait_until 30 first && unlike "$BODY" "message_delta" "the first event is there before the second is sent"
touch "$WORK/seen"
api GET "/v1/execs/$x/wait?wait=60"
api GET "/v1/execs/$x/stdout"
like "$BODY" '"output_tokens": 17' "and the rest follows"

# --- counts
counted() { api GET "/v1/workspaces/$WS/network"; [ "$(json '.secrets[0].output_tokens')" -ge 31 ]; }
wait_until 20 counted
is "$(json '.secrets[0] | "\(.name) \(.failures)"')" "provider/claude 1" "requests are counted, and those that failed"
is "$(json '.secrets[0] | .cached_tokens % 5')" 0 "so are tokens, by the answer's own usage"
unlike "$(json '.secrets[0].input_tokens')" "9999" "and not by what stands in a text"
like "$(decision '[.decisions[] | select(.host == "good.test" and .allowed)][0].rule')" "provider/claude" "decisions name it as their rule"
api GET /v1/providers/claude
is "$(json '.output_tokens >= 31')" true "the provider has the sum"

# --- OpenAI's shape, and without a key
api POST /v1/exec -d '{"command": "echo $OPENAI_BASE_URL; curl -sS -H \"Authorization: Bearer $OPENAI_API_KEY\" -d {} $OPENAI_BASE_URL/chat/completions", "network": {"allow": ["provider/gpt"]}}'
like "$(json .stdout)" '^http://127.0.0.1:3128/provider/gpt.\{.*"completion_tokens": 3' "a command without a workspace has it too"
like "$(heads)" "Host: good.test:8443 .*Authorization: Bearer $KEY-2( |$)" "with its own key and port"
api POST /v1/runs?wait=60 -d '{"provider": "plain", "command": "env | sort; curl -sS -H \"Authorization: Bearer $OPENAI_API_KEY\" -d {} $OPENAI_BASE_URL/chat/completions"}'
is "$CODE $(json .status)" "201 succeeded" "a run names its provider"
like "$(heads)" "^plain POST /v1/chat/completions" "in plain where that is configured"
unlike "$(heads)" "Authorization" "a provider without a key gets none"
run_id=$(json .id)
used() { api GET "/v1/runs/$run_id"; [ "$(json .usage.output_tokens)" = 3 ]; }
wait_until 20 used
is "$(json '.usage | "\(.input_tokens) \(.output_tokens) \(.cached_tokens)"')" "12 3 8" "the run shows what its provider counted"

# --- Google's shape: its clients put a key into the query
provider goog "{\"kind\": \"gemini\", \"base_url\": \"https://good.test\", \"api_key\": \"$KEY-5\"}"
api POST /v1/exec -d '{"command": "u=$GOOGLE_GEMINI_BASE_URL/v1beta/models/m:gen; for q in \"key=$GEMINI_API_KEY\" \"alt=sse&key=$GEMINI_API_KEY\" \"key=$GEMINI_API_KEY&alt=sse&key\" \"monkey=1&key=a&x=key=2#key=3\"; do curl -sS -H \"x-goog-api-key: mine\" \"$u?$q\"; done", "network": {"allow": ["provider/goog"]}}'
is "$(tail -n 4 "$WORK/heads" | grep -c "x-goog-api-key: $KEY-5\( \|$\)")" 4 "it goes out in its header" || echo "# $BODY"
is "$(tail -n 4 "$WORK/heads" | cut -d' ' -f3 | paste -sd' ')" "/v1beta/models/m:gen /v1beta/models/m:gen?alt=sse /v1beta/models/m:gen?alt=sse /v1beta/models/m:gen?monkey=1&x=key=2" "and no other goes out, in no place"
unlike "$(tail -n 4 "$WORK/heads")" "placeholder|mine" "neither the placeholder nor a client's own"

# --- what is not verified gets nothing
provider other "{\"kind\": \"openai\", \"base_url\": \"https://$WEB:8443/v1\", \"api_key\": \"$KEY-3\"}"
api POST /v1/exec -d '{"command": "curl -sS $OPENAI_BASE_URL/models", "network": {"allow": ["provider/other"]}}'
like "$(json .stdout)" "its certificate is not good" "a certificate for another name is refused"
unlike "$(cat "$WORK/heads")" "$KEY-3" "before the key is sent"

# --- asking wrongly
api POST /v1/runs -d '{"provider": "nobody", "command": "true"}'
is "$CODE" 400 "a provider that is not there is refused"
like "$BODY" "PUT /v1/providers" "with the way to make it"
api POST /v1/runs -d '{"provider": "claude", "network": {"mode": "none"}, "command": "true"}'
is "$CODE" 400 "no network and a provider do not go together"
like "$BODY" "allow-list" "and the answer says what does"
api POST /v1/runs -d '{"agent": "claude-code", "prompt": "x", "model": "m1"}'
is "$CODE" 400 "an agent that needs one says so"
ws @models
is "$(decision '.effective | sort | join(" ")')" "$WEB:8080 $WEB:8443 good.test good.test:8443" "@models are the providers' hosts"

# --- changes reach sandboxes that run
provider claude "{\"kind\": \"anthropic\", \"base_url\": \"https://deep.good.test/other\", \"api_key\": \"$KEY-4\"}"
api GET /v1/workspaces
WS=$(json '.items[0].id')
run 'curl -sS $ANTHROPIC_BASE_URL/x' >/dev/null
like "$(heads)" "GET /other/x .*Host: deep.good.test .*x-api-key: $KEY-4" "a provider that is replaced is another one at once"
api DELETE /v1/providers/claude
is "$CODE" 204 "a provider is deleted"
is "$(run 'curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:3128/provider/claude/x')" 404 "and gone inside"
api GET /v1/providers/claude
is "$CODE" 404 "and outside"
done_testing
