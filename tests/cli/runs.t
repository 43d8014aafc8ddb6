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
done_testing
