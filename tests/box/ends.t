#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a command ends and what of it arrives: exit codes, signals, timeouts, input and output.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

for code in 0 1 7 64 124 125 126 127 128 255; do
    box sh -c "exit $code"; is $? $code "exit code $code is the command's"
done
for sig in HUP INT QUIT ILL ABRT KILL SEGV PIPE TERM USR1; do
    n=$(kill -l $sig)
    box probe/use signal-self "$n" >/dev/null 2>&1; is $? $((128 + n)) "death by SIG$sig is $((128 + n))"
done
box /nowhere/program >"$WORK/out" 2>&1; is $? 127 "a program that is not there ends with 127"
like "$(cat "$WORK/out")" "/nowhere/program" "and is named"
box nosuchprogram >"$WORK/out" 2>&1; is $? 127 "also one that is not on PATH"
box /etc/passwd >/dev/null 2>&1; is $? 126 "a file that is no program ends with 126"
box /usr >/dev/null 2>&1; is $? 126 "a directory too"
printf 'echo no shebang\n' >"$WS/plain"; chmod 755 "$WS/plain"
box ./plain >"$WORK/out" 2>&1; isnt $? 0 "a script without an interpreter line is not run by chance"
printf '#!/nowhere/interpreter\n' >"$WS/bad"; chmod 755 "$WS/bad"
box ./bad >/dev/null 2>&1; is $? 127 "an interpreter that is not there ends with 127"

is "$(printf 'one\ntwo\n' | box wc -l)" 2 "stdin arrives, and its end"
is "$(box cat </dev/null)" "" "an empty stdin ends at once"
head -c 30000000 /dev/urandom >"$WORK/random"
is "$(box cat <"$WORK/random" | sha256sum)" "$(sha256sum <"$WORK/random")" "30 MB go through stdin and stdout unchanged"
is "$(box sh -c 'cat >&2' <"$WORK/random" 2>&1 >/dev/null | sha256sum)" "$(sha256sum <"$WORK/random")" "and through stderr"
is "$(box sh -c 'echo out; echo err >&2' 2>/dev/null)" out "stdout and stderr are apart"
is "$(box sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err "on both sides"
is "$(box printf 'a\0b\377' | od -An -tx1 | tr -d ' ')" 610062ff "zero bytes and what is no text arrive"
start=$SECONDS
is "$(box yes | head -n 2)" $'y\ny' "a reader that goes away ends an endless writer"
between $((SECONDS - start)) 0 10 "soon"
is "$(box sh -c 'echo first; exec >&- 2>&-; exit 3'; echo $?)" $'first\n3' "closing its output does not end a command"
is "$(box sh -c '(sleep 30 >/dev/null 2>&1 &) ; echo done')" "done" "a child left behind does not hold the end up"
start=$SECONDS
is "$(box sh -c '(sleep 30 &) ; echo done')" "done" "not even one that holds the output open"
between $((SECONDS - start)) 0 10 "since it ends with the command"

BOX_OPTS=(--timeout 500ms)
start=$(date +%s%N)
out=$(box sh -c 'echo before; sleep 30; echo after' 2>/dev/null); rc=$?
took=$((($(date +%s%N) - start) / 1000000))
is "$rc $out" "124 before" "a timeout ends with 124, and what was printed until then is there"
between "$took" 450 8000 "after its time ($took ms)"
box sh -c 'trap "" TERM INT HUP; sleep 30 & sleep 30 & wait' >/dev/null 2>&1
is $? 124 "ignoring signals does not help"
BOX_OPTS=(--timeout 30s)
box true; is $? 0 "a timeout that does not come changes nothing"
BOX_OPTS=(--memory 64M)
box probe/use memory 300 >"$WORK/out" 2>&1; is $? 137 "out of memory is a kill"
like "$(cat "$WORK/out")" 'out of memory' "and is told as such"
box sh -c 'probe/use memory 300; echo "rc $?"; true' >"$WORK/out" 2>&1
like "$(cat "$WORK/out")" 'out of memory' "also when it was a child of the command"
BOX_OPTS=()

for sig in TERM INT HUP; do
    box_start "$WORK/out" sh -c "trap 'echo got $sig; exit 9' $sig; echo ready; while :; do sleep 0.05; done"
    wait_until 20 grep -q ready "$WORK/out"
    kill -$sig "$BOX_PID"; wait "$BOX_PID"
    is "$? $(grep -c "got $sig" "$WORK/out")" "9 1" "SIG$sig to pinfold reaches the command"
done
box_start "$WORK/out" sh -c 'echo ready; sleep 60'
wait_until 20 grep -q ready "$WORK/out"
kill -TERM "$BOX_PID"; wait "$BOX_PID"
is $? 143 "and ends one that does not handle it"
box_start "$WORK/out" probe/use stubborn
wait_until 20 grep -q ignoring "$WORK/out"
kill -TERM "$BOX_PID"
read -rt 0.2 <> <(:) || true
kill -0 "$BOX_PID"; ok $? "a command may ignore the first"
kill -TERM "$BOX_PID"; wait "$BOX_PID"
is $? 137 "but not the second"
is "$(box bash -c 'ulimit -s 1024; : "${x:=$(head -c 100000 /dev/zero | tr "\0" a)}"; echo ${#x}')" 100000 "large words"
args=(); for i in $(seq 5000); do args+=("argument-number-$i"); done
is "$(box sh -c 'echo $# "$5000"' sh "${args[@]}")" "5000 argument-number-5000" "5000 arguments arrive"
is "$(box printf '%s|' '' ' ' $'\n' '*' '$HOME' "'")" '| |'$'\n''|*|$HOME|'"'"'|' "arguments arrive as they are"
done_testing
