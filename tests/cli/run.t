#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold run: one command in a fresh sandbox without a server, as its manual says.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
need_binary pinfold pinfold-init pinfold-tool

state=$WORK/state
run() { "$PINFOLD_BIN/pinfold" run --state "$state" "$@" </dev/null; }
code() { run "$@" >"$WORK/out" 2>"$WORK/err"; echo $?; }

is "$(run echo hello)" hello "output comes back"
is "$(run -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out "stdout and stderr stay apart"
is "$(code true)" 0 "exit code 0 is 0"
is "$(code sh -c 'exit 7')" 7 "exit code 7 is 7"
is "$(code sh -c 'kill -KILL $$')" 137 "a signal is 128 and its number"
is "$(code no-such-program)" 127 "a missing program is 127"
is "$(code /etc/passwd)" 126 "a file that is no program is 126"
is "$(code --profile nonsense true)" 125 "a missing profile is 125"
like "$(cat "$WORK/err")" 'there is no profile nonsense' "and says so"
is "$(code --profile git true)" 125 "an internal profile is refused"
is "$(code --image nonsense true)" 125 "a missing image is 125"
is "$(code --net host true)" 125 "the host's network is not to be had"
is "$(code --memory 1K true)" 125 "a limit below its minimum is 125"
is "$(code --timeout 1s sleep 1000)" 124 "a timeout is 124"
is "$(code)" 2 "no command at all is a wrong command line"
is "$(code --nonsense true)" 2 "so is an unknown option"

is "$(printf 'a\0b\377' | "$PINFOLD_BIN/pinfold" run --state "$state" od -An -tx1 | tr -d ' ')" 610062ff "bytes of stdin arrive as they are"
is "$(head -c 5000000 /dev/zero | "$PINFOLD_BIN/pinfold" run --state "$state" cat | wc -c)" 5000000 "megabytes pass through"
is "$(run sh -c 'head -c 3000000 /dev/zero' | { read -rt 1 <> <(:); wc -c; })" 3000000 "a reader that comes late misses nothing"
is "$(yes | "$PINFOLD_BIN/pinfold" run --state "$state" sh -c 'exit 3' >/dev/null; echo "${PIPESTATUS[1]}")" 3 "input that nobody reads holds nothing up"
is "$(run sh -c 'sleep 1000 & exec >&- 2>&-; exit 5' ; echo $?)" 5 "what a command leaves behind does not hold it up"

is "$(run id -u)" 1000 "it runs as an ordinary user inside"
is "$(run --user 0 id -u)" 0 "or as the one that was asked for"
is "$(run --user nobody id -u)" 65534 "by name too"
is "$(run pwd)" /workspace "it starts in /workspace"
is "$(run --cwd /tmp pwd)" /tmp "or where it was told to"
is "$(code --cwd /nowhere pwd)" 125 "a directory that is not there is 125"
is "$(GREETING=hi SECRET=x run -e GREETING -e A=b -e NOT_SET sh -c 'echo $GREETING $A $SECRET $NOT_SET')" "hi b" "it gets the variables it was given, and no others"
is "$(run ls /proc/self/fd | tr '\n' ' ')" "0 1 2 3 " "no descriptor but its own"
is "$(run hostname 2>/dev/null || run cat /proc/sys/kernel/hostname)" pinfold "it does not learn the host's name"

mkdir "$WORK/dir"
chmod 777 "$WORK/dir"
echo mine >"$WORK/dir/file"
is "$(run --workspace "$WORK/dir" cat file)" mine "a directory of the host is shown at /workspace"
try "and can be written to" run --workspace "$WORK/dir" sh -c 'echo new >made'
is "$(cat "$WORK/dir/made")" new "for the host to see"
isnt "$(stat -c %u "$WORK/dir/made")" 0 "as somebody who is not root"
is "$(code --workspace "$WORK/nothing" true)" 125 "one that is not there is 125"
fails "without --workspace nothing is kept" test -e "$WORK/dir/kept"

like "$(run --memory 64M sh -c 'cat /proc/self/cgroup; tail /dev/zero' 2>&1; cat "$WORK/err")" '' "a memory bomb ends"
is "$(code --memory 64M tail /dev/zero)" 137 "by the kernel"
like "$(cat "$WORK/err")" 'out of memory' "and it is said why"

"$PINFOLD_BIN/pinfold" run --state "$state" sh -c 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >"$WORK/out" &
pid=$!
wait_until 20 grep -q ready "$WORK/out"
kill -TERM $pid
wait $pid
is $? 9 "a signal is passed on"
is "$(tail -n 1 "$WORK/out")" caught "to the command"

if script --version >/dev/null 2>&1; then
    is "$(script -qec "$PINFOLD_BIN/pinfold run --state $state tty" /dev/null </dev/null | tr -cd 'a-z0-9/ \n' | head -n 1)" /dev/pts/0 "on a terminal it gets a terminal of its own"
    is "$(script -qec "$PINFOLD_BIN/pinfold run --no-tty --state $state tty" /dev/null </dev/null | tr -cd 'a-z0-9/ \n' | head -n 1)" "not a tty" "but not with --no-tty"
fi
done_testing
