#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold runs: against a server.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS GIT PYTHON
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
p=$PINFOLD_BIN/pinfold
server_start "RepositoryRoots=$WORK"
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
is "$(code run --agent command -- sh -c 'exit 3')" 1 "run --agent is the same"
like "$("$p" run -a command -- echo hi)" 'run.created' "with its events"
is "$(code run -- sh -c 'exit 5')" 5 "run of a command needs no server"
is "$(code runs create --follow --timeout 300ms -- sleep 60)" 124 "one that took too long with 124"
is "$(code runs create --agent nobody --prompt x)" 125 "an agent that is not there is refused"
is "$(code runs create --agent shell --prompt x --max-turns 0)" 2 "no turns are refused"
like "$("$p" runs create --agent shell --prompt x --max-turns 3 2>&1)" "agent shell cannot limit its turns" "a limit of turns is handed on"
like "$("$p" runs create --agent shell --prompt x --max-cost 1.5 2>&1)" "agent shell does not know what it costs" "and one of money"
is "$(code runs create --agent shell --prompt x --max-cost much)" 2 "which is a number"
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
# Terminals, by a program that has one.
cat >"$WORK/on-a-terminal" <<'E'
#!/usr/bin/env python3
# on-a-terminal ROWS COLS STEP... -- COMMAND...: f:REGEX waits for it, t:TEXT types, s:ROWS:COLS changes
# the size, k: kills it. Prints what was seen and "exit CODE".
import fcntl, os, pty, re, select, signal, struct, sys, termios
i = sys.argv.index("--")
rows, cols, steps, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:i], sys.argv[i + 1:]
def size(fd, rows, cols): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
pid, fd = pty.fork()
if not pid:
    size(0, rows, cols)
    os.execv(command[0], command)
seen, at = b"", 0
def more():
    global seen
    if not select.select([fd], [], [], 60)[0]: print("nothing comes", seen); os.kill(pid, 9); sys.exit(1)
    try: data = os.read(fd, 65536)
    except OSError: data = b""
    seen += data
    return data
for step in steps:
    if step[0] == "f":
        while True:
            m = re.search(step[2:].encode(), seen[at:])
            if m: at += m.end(); break
            if not more(): break
    elif step[0] == "t": os.write(fd, step[2:].encode().decode("unicode_escape").encode())
    elif step[0] == "s": size(fd, *map(int, step[2:].split(":")))
while more(): pass
print(seen.decode(errors="replace").replace("\r", "")); print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
seat() { timeout 90 python3 "$WORK/on-a-terminal" "$@"; }
run=$("$p" runs create --terminal --agent shell --prompt 'trap "stty size" WINCH; stty size; until read word; do :; done; echo "heard $word"; exit 5')
out=$(seat 30 90 'f:30 90' 's:20:70' 'f:20 70' 't:hello\n' -- "$p" runs terminal "$run")
like "$out" 'heard hello' "runs terminal shows a run's terminal and types into it, whose size follows ours"
like "$out" 'exit 5' "and ends as that does"
run=$("$p" runs create --terminal --agent shell --prompt 'echo here; read word; echo "heard $word"')
like "$(seat 30 90 'f:here' 't:\x1d' -- "$p" runs terminal "$run")" 'what runs there goes on' "it is left with Ctrl-]"
like "$(seat 30 90 'f:here' 't:typed\n' 't:\x1d' -- "$p" runs terminal --view "$run")" 'left' "--view only looks"
like "$(seat 30 90 'f:here' 't:by me\n' -- "$p" runs terminal "$run")" 'heard by me' "and what goes on may be come back to"
is "$(code runs terminal "$id")" 125 "a run that is not there has no terminal"
ws=$("$p" ws create --image host)
out=$(seat 30 90 'f:.' 't:stty size; echo in $((40 + 2)); exit 4\n' 'f:in 42' -- "$p" ws terminal "$ws")
like "$out" '30 90' "ws terminal has a shell of our size"
like "$out" 'exit 4' "and its exit code"
like "$(seat 30 90 'f:one' -- "$p" ws terminal "$ws" -- echo "it's one")" "it's one" "or a command"
is "$(echo from a pipe | "$p" ws terminal "$ws" -- sh -c 'read a; echo "got $a"' | tr -d '\r' | tail -n 1)" "got from a pipe" "without a terminal of ours it is a pipe to one"
is "$(code runs create --workspace "$ws" --priority -3 --follow -- sh -c 'echo one >>f')" 0 "runs create runs in a workspace"
is "$("$p" exec "$ws" -- cat f)" one "whose files it has"
echo '{"env": {"WHO": "from a file"}, "silence_secs": 2.5, "notify": false, "command": "echo $WHO", "task": null}' >"$WORK/body"
is "$("$p" runs logs "$(run=$("$p" runs create --body "$WORK/body"); "$p" runs events "$run" >/dev/null; echo "$run")")" "from a file" "more of the request may be in a file"
echo '[]' >"$WORK/body"
is "$(code runs create --body "$WORK/body" -- true)" 2 "which holds an object"
is "$(code runs create --body "$WORK/nothing" -- true)" 2 "and is there"
is "$(code runs create --priority 101 -- true)" 2 "a priority that is none"
# Several repositories.
for name in one two; do
    git init -q -b main "$WORK/$name"
    echo "file of $name" >"$WORK/$name/file"
    git -C "$WORK/$name" add file
    git -C "$WORK/$name" -c user.name=a -c user.email=a@example.org commit -qm first
done
git -C "$WORK/two" branch other
chmod 755 "$WORK"
run=$("$p" runs create -r "$WORK/one" -r "$WORK/two#other" --agent shell --prompt 'cat */file; git -C two branch')
"$p" runs events --types run.completed "$run" >"$WORK/o"
is "$(awk '{print $2}' "$WORK/o" | xargs)" "run.completed" "runs events may show some"
is "$("$p" runs logs "$run")" "file of one
file of two
* other" "a run has several repositories, each at its ref"
is "$(code runs continue "$run" 'exit 3' --follow)" 1 "runs continue follows"
is "$(awk '{print $2}' "$WORK/o" | xargs)" "user.message run.started run.failed" "what comes from then on"
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
