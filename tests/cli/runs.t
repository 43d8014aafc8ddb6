#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold runs: against a server.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
p=$PINFOLD_BIN/pinfold
server_start
ok $? "a server starts" || done_testing
code() { "$p" "$@" >"$WORK/o" 2>"$WORK/e"; echo $?; }
id=$("$p" runs create -e A=b -- sh -c 'echo hi $A')
like "$id" '^run_' "runs create prints an id"
is "$("$p" runs events "$id" | awk '{print $2}' | xargs)" "run.created run.started run.result run.completed" "runs events shows its life"
is "$("$p" runs logs "$id")" "hi b" "runs logs what it printed"
like "$("$p" runs list)" "$id +command +succeeded +completed" "runs list has it"
like "$("$p" runs list --status succeeded)" "$id" "by its state"
is "$("$p" runs list --status queued | grep -c run_)" 0 "and by no other"
is "$("$p" runs get "$id" --json | jq -r .result)" "hi b" "runs get has its result"
is "$(code runs create --follow -- sh -c 'exit 3')" 1 "a run that is followed exits as it did"
is "$(code runs create --follow --timeout 300ms -- sleep 60)" 124 "one that took too long with 124"
is "$(code runs create --agent nobody --prompt x)" 125 "an agent that is not there is refused"
long=$("$p" runs create --agent shell --prompt 'sleep 60')
is "$(code runs delete "$long")" 1 "one that runs is not deleted"
kept=$("$p" runs create --agent shell --prompt 'echo one' --mode plan)
"$p" runs events "$kept" >/dev/null
is "$(code runs continue "$kept" 'echo two >f; cat f' --mode execute)" 0 "runs continue goes on"
like "$("$p" runs events "$kept" | awk '{print $2}' | xargs)" "run.completed user.message run.started run.result run.completed" "as another turn"
is "$("$p" runs logs "$kept")" two "runs logs has what that printed"
is "$(code runs continue "$kept")" 1 "it needs something to do"
is "$(code runs say "$kept" x)" 1 "what has ended is not told anything"
is "$(code runs pause "$long")" 1 "one that keeps nothing is not paused"
is "$(code runs cancel "$long")" 0 "runs cancel ends it"
is "$(code runs delete "$long" "$id")" 0 "runs delete forgets them"
shown=$("$p" runs create --terminal --agent shell --prompt 'stty size; echo shown')
"$p" runs events "$shown" >/dev/null
like "$("$p" runs recording "$shown" | head -n 1)" '"version":2,"width":80,"height":24|"version": *2' "runs recording prints what a terminal showed"
like "$("$p" runs recording "$shown" --turn 1)" 'shown' "all of it"
like "$("$p" runs transcript "$shown")" 'shown' "runs transcript what was said"
is "$(code runs recording "$shown" --turn 7)" 1 "a turn that there was not is refused"
is "$(code runs create --webhook ftp://x -- true)" 125 "a webhook that is none is refused"
# An agent that asks, by a stand-in for Claude Code.
mkdir "$WORK/ws"; cat >"$WORK/claude" <<'E'
#!/bin/bash
read -r line
echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'
echo '{"type":"control_request","request_id":"q","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"rm x"}}}'
read -r line
echo "{\"type\":\"result\",\"subtype\":\"success\",\"result\":$(jq -c '.response.response.message // .response.response.behavior' <<<"$line"),\"session_id\":\"s\"}"
while read -r line; do :; done
E
chmod 755 "$WORK/claude"; install -D -m 755 "$WORK/claude" "/usr/local/lib/pinfold-test-$$/claude"; at_exit "rm -rf /usr/local/lib/pinfold-test-$$"
asking() { "$p" runs create --agent claude-code --prompt x --model m --permissions ask -e PATH="/usr/local/lib/pinfold-test-$$:/usr/bin:/bin" -e PINFOLD_MODEL_URL=http://127.0.0.1:1; }
asked() { "$p" runs approvals "$1" | grep -q apr_; }
for how in allow deny; do
    run=$(asking)
    try "it asks" wait_until 30 asked "$run"
    like "$("$p" runs approvals "$run")" "apr_[a-z0-9]+ +$run +Bash +..command.:.*rm x" "runs approvals has what it asks"
    ask=$("$p" runs approvals --json | jq -r ".items[] | select(.run_id == \"$run\") | .id")
    is "$(code runs $how "$ask" -m "word of $how")" 0 "runs $how answers"
    timeout 60 "$p" runs events "$run" >/dev/null
    like "$("$p" runs get "$run" --json | jq -r .result)" "^(allow|word of deny)$" "which it hears"
done
is "$(code runs allow "$ask")" 1 "what is answered is not answered again"
is "$(code runs interrupt "$run")" 1 "what has ended is not interrupted"
done_testing
