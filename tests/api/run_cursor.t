#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cursor's command line, which cannot be had: by a stand-in that prints what its public documentation
# says, is called as that says, and fails in the ways that it names.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
repo=$WORK/repo
git init -q -b main "$repo"
chmod 755 "$WORK"
# cursor-agent -p --output-format stream-json [--model M] [--resume ID] --force [--] PROMPT; CURSOR_API_KEY.
# What the prompt has decides what it does.
cat >"$repo/cursor-agent" <<'END'
#!/bin/bash
die() { echo "$1" >&2; exit 1; }
id= model=auto print= format= force= prompt=
while [ $# -gt 0 ]; do
    case $1 in
    -p | --print) print=1 ;;
    --output-format) format=$2; shift ;;
    --model) model=$2; shift ;;
    --resume) id=$2; shift ;;
    --force) force=1 ;;
    --) shift; prompt="$*"; break ;;
    -*) die "error: unknown option '$1'" ;;
    *) prompt=$1 ;;
    esac
    shift
done
[ "$print$format$force" = 1stream-json1 ] || die "not as it is to be called: $*"
[ -n "$CURSOR_API_KEY" ] || case $prompt in *keyless*) die "Error: Authentication required. Please run 'cursor-agent login' first, or set CURSOR_API_KEY environment variable." ;; esac
mkdir -p ~/.cursor/chats
if [ -n "$id" ]; then [ -e ~/.cursor/chats/"$id" ] || die "Error: no chat $id"; else id=$(cat /proc/sys/kernel/random/uuid); fi
case $prompt in *elsewhere*) id=$(cat /proc/sys/kernel/random/uuid) ;; esac
echo "$prompt" >>~/.cursor/chats/"$id"
out() { jq -cn --arg s "$id" --arg m "$model" --arg c "$PWD" --arg t "$2" "$1 + {session_id: \$s}"; }
out '{type: "system", subtype: "init", apiKeySource: "env", cwd: $c, model: $m, permissionMode: "default"}'
out '{type: "user", message: {role: "user", content: [{type: "text", text: $t}]}}' "$prompt"
case $prompt in
*dies*) out '{type: "assistant", message: {role: "assistant", content: [{type: "text", text: "half"}]}}'; die "Error: connection to the service was lost" ;;
*wrong*) out '{type: "result", subtype: "error", is_error: true, duration_ms: 5, result: "it went wrong"}'; exit 1 ;;
*liar*) out '{type: "result", subtype: "success", is_error: true, duration_ms: 5, result: "no"}'; exit 0 ;;
*silent*) exit 0 ;;
esac
echo made >made
out '{type: "assistant", message: {role: "assistant", content: [{type: "text", text: "I write, "}]}}'
call() { out '{type: "tool_call", subtype: "started", call_id: "c'"$1"'", tool_call: '"$2"'}'; out '{type: "tool_call", subtype: "completed", call_id: "c'"$1"'", tool_call: '"$3"'}'; }
call 1 '{writeToolCall: {args: {path: "made", fileText: "made\n"}}}' \
    '{writeToolCall: {args: {path: "made"}, result: {success: {path: "/workspace/made", linesCreated: 1, fileSize: 5}}}}'
call 2 '{shellToolCall: {args: {command: "false"}}}' '{shellToolCall: {args: {command: "false"}, result: {failure: {exitCode: 1, stdout: "", stderr: ""}}}}'
case $prompt in *asks*) call 3 '{shellToolCall: {args: {command: "rm -rf /"}}}' '{shellToolCall: {args: {}, result: {rejected: {reason: "not allowed"}}}}' ;; esac
out '{type: "assistant", message: {role: "assistant", content: [{type: "text", text: "and it is done."}]}}'
out '{type: "result", subtype: "success", is_error: false, duration_ms: 5, duration_api_ms: 4, result: $t, request_id: "r"}' "I write, and it is done. $(wc -l <~/.cursor/chats/"$id")"
END
chmod 755 "$repo/cursor-agent"
git -C "$repo" add . && git -C "$repo" -c user.name=a -c user.email=a@example.org commit -qm tool
server_start "RepositoryRoots=$WORK" || done_testing
run() { # PROMPT [MORE]
    api POST "/v1/runs?wait=60" -d "$(jq -n --arg u "$repo" --arg p "$1" --argjson more "${2:-{\}}" \
        '{agent: "cursor", prompt: $p, repository: {url: $u}, env: {PATH: "/workspace:/usr/bin:/bin"}} * $more')"
    RUN=$(json .id) END=$(json '"\(.status) \(.reason)"')
}
go_on() { api POST "/v1/runs/$RUN/continue?wait=60" -d "{\"message\": \"$1\"}"; END=$(json '"\(.status) \(.reason)"'); }

run '-do it' '{"model": "sonnet-4", "env": {"CURSOR_API_KEY": "k"}}'
is "$END $(json '"\(.exit_code) \(.error) \(.result)"')" "succeeded completed 0 null I write, and it is done. 1" "it does what it is asked, also with a hyphen first"
is "$(json '.changed_files | map(.path) | join(" ")')" made "what it changed is known"
is "$(json .usage)" null "it names no tokens, so nobody does"
SESSION=$(json .session_id)
api GET "/v1/runs/$RUN/events"
is "$(json '[.items[].type] | join(" ")')" "run.created run.started session.init agent.message agent.tool_call agent.tool_result agent.tool_call agent.tool_result agent.message run.result run.completed" "it is told step by step"
is "$(json '.items[] | select(.type == "session.init").payload.model')" sonnet-4 "with its model"
is "$(json '[.items[] | select(.type == "agent.tool_call").payload | "\(.id) \(.name)"] | join(", ")')" "c1 writeToolCall, c2 shellToolCall" "and its calls"
is "$(json '[.items[] | select(.type == "agent.tool_result").payload.is_error | tostring] | join(" ")')" "false true" "of which one failed"
go_on 'more'
is "$END $(json '"\(.session_id) \(.result)"')" "succeeded completed $SESSION I write, and it is done. 2" "it goes on in its session"
go_on 'elsewhere'
is "$END" "failed session_changed" "another session than it was to go on with is found out"
run 'asks for much'
is "$END" "succeeded permission_denied" "a call that was rejected is said"
run 'keyless'
like "$END $(json .error)" "^failed no_result .*CURSOR_API_KEY" "without a key it says what is missing"
run 'dies in between'
like "$END $(json .error)" "^failed no_result .*\(code 1\): Error: connection" "with no result line its last words are the reason"
run 'goes wrong'
like "$END $(json .error)" "^failed agent_error it went wrong" "a result of an error is one"
run 'a liar'
is "$END" "failed agent_error" "success that is an error too"
run 'silent'
is "$END $(json .exit_code)" "failed no_result 0" "exit code 0 alone proves nothing"
run 'forgetful' '{"env": {"HOME": "/workspace/home"}}'
api DELETE "/v1/workspaces/$(json .workspace_id)/files/home?recursive=1"
go_on 'more'
like "$END $(json .error)" "^failed session_lost .*no chat" "a session that is gone is not replaced by another"
done_testing
