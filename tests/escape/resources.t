#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Using the machine up: every bomb goes off inside its limit, and the machine goes on.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

left() { grep -ls "$WS /workspace " /proc/[0-9]*/mountinfo | wc -l; } # processes of this test's sandboxes
alive() { # the machine still starts processes, and has memory
    local free; free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
    [ "$free" -gt 200 ] && /bin/true
}
BOX_OPTS=(--pids 60 --memory 64M)
out=$(box probe/use forks 500)
like "$out" $'refused: fork: EAGAIN$' "a fork bomb, counted, ends at the limit of processes"
between "$(sed -n 's/^children: //p' <<<"$out")" 20 60 "and near that limit"
out=$(box probe/use bomb 1500 2>&1)
like "$out" "survived|^$" "a fork bomb that forks in every process"
try "the machine goes on" alive
is "$(left)" 0 "and nothing of the bomb is left"
out=$(box probe/use threads 500 2>&1)
like "$out" 'refused: thread: EAGAIN$' "threads count as processes do"
out=$(box sh -c ':(){ :|:& };:' 2>&1)
try "the shell's fork bomb: the machine goes on" alive
is "$(left)" 0 "nothing of it is left"
PROFILE=build
out=$(box probe/use forks 500)
like "$out" 'refused: fork: EAGAIN$' "root of a sandbox is bound by the same number"
PROFILE=default

BOX_OPTS=(--memory 64M)
oom() { # WHAT PROBE...
    local what=$1 rc; shift
    box "probe/$@" >"$WORK/out" 2>"$WORK/err"; rc=$?
    tap_up=1 ok "$((rc != 137))" "a memory bomb of $what is killed" || tap_show out: "$(cat "$WORK/out" "$WORK/err") rc=$rc"
    try "the machine goes on" alive
}
oom "private memory" use memory 400
oom "an anonymous file" use memfd 400
oom "shared memory" use shm 400
box sh -c 'probe/use file /tmp/big 400' >/dev/null 2>&1
isnt $? 0 "files in /tmp count as memory"
box sh -c 'probe/use file /dev/shm/big 400' >/dev/null 2>&1
isnt $? 0 "files in /dev/shm too"
box sh -c 'for i in 1 2 3 4 5 6 7 8; do probe/use memory 30 & done; wait' >/dev/null 2>&1
try "many processes together stay below the limit: the machine goes on" alive
out=$(box probe/use pipes 20000 2>&1); rc=$?
ok "$((rc == 0))" "full pipes are bounded" || tap_show out: "$out"
out=$(box probe/use sockets 20000 2>&1); rc=$?
ok "$((rc == 0))" "full sockets are bounded" || tap_show out: "$out"
attempt "lock memory beyond its limit" "ENOMEM|EPERM|EAGAIN" use mlock 32
attempt "open more files than its limit" "EMFILE" use fds 100000
attempt "queue more signals than its limit" "EAGAIN" use signals 100000
attempt "make more inotify instances than its limit" "EMFILE|ENFILE" use watches 100000
judge
out=$(box sh -c 'probe/use queues 1000' 2>&1)
like "$out" 'refused: message queue: (EMFILE|ENOSPC|ENOSYS|EPERM|EACCES|ENOMEM)$' "message queues are bounded"
is "$(box sh -c 'ulimit -c')" 0 "no core dumps of more than a byte"
rm -f "$WS"/core*; before=$(ls -d /core* /var/crash/* /var/lib/systemd/coredump/* 2>/dev/null | wc -l)
box sh -c 'ulimit -c unlimited; probe/process crash' >/dev/null 2>&1
is $? 139 "a crash is a crash"
is "$(ls "$WS"/core* 2>/dev/null)" "" "and leaves no core file"
is "$(ls -d /core* /var/crash/* /var/lib/systemd/coredump/* 2>/dev/null | wc -l)" "$before" "nor does the machine's crash helper run (CVE-2025-4598, CVE-2025-5054)"

BOX_OPTS=(--disk 32M)
out=$(box probe/use file /home/user/big 200 2>&1)
like "$out" 'refused: write: ENOSPC$' "the root is bounded in bytes"
between "$(sed -n 's/^written: \([0-9]*\) MB$/\1/p' <<<"$out")" 10 32 "near its limit"
out=$(box probe/use file /tmp/big 2000 2>&1)
like "$out" 'refused: write: ENOSPC$' "/tmp is bounded in bytes"
out=$(box probe/use file /dev/shm/big 2000 2>&1)
like "$out" 'refused: write: ENOSPC$' "/dev/shm too"
out=$(box sh -c 'mkdir /tmp/d; probe/use files /tmp/d 2000000' 2>&1)
like "$out" 'refused: create: ENOSPC$' "/tmp is bounded in files"
out=$(box probe/use files /dev 1000 2>&1)
like "$out" 'refused: create: (EACCES|ENOSPC|EROFS)$' "/dev cannot be filled"
PROFILE=build
out=$(box probe/use files /dev 1000 2>&1)
like "$out" 'refused: create: (EACCES|ENOSPC|EROFS)$' "nor by root"
PROFILE=default
try "the machine goes on" alive

BOX_OPTS=(--cpu 20%)
got=$(box probe/use cpu 2000)
between "$got" 1 45 "a spinning process gets no more processor than its share (20%, measured $got%)"
BOX_OPTS=(--timeout 1s)
start=$SECONDS
box probe/use stubborn >/dev/null 2>&1
is $? 124 "a process that ignores all signals ends at the timeout"
between $((SECONDS - start)) 0 8 "in time"
BOX_OPTS=(--timeout 2s --pids 60)
box sh -c 'while :; do probe/use daemon /tmp/x >/dev/null; done' >/dev/null 2>&1
rc=$?; between $rc 1 124 "a command that makes daemons for ever comes to its end"
is "$(left)" 0 "and nothing of it is left"
BOX_OPTS=()
box probe/use daemon /workspace/beat >/dev/null 2>&1
before=$(stat -c %s "$WS/beat" 2>/dev/null || echo 0)
read -rt 0.3 <> <(:) || true # the daemon writes every 20 ms, if it lives
is "$(stat -c %s "$WS/beat" 2>/dev/null || echo 0)" "$before" "a daemon does not outlive its command"
out=$(box sh -c 'probe/files deep /tmp/deep 3000' 2>&1)
like "$out" "worked: 3000 levels|refused" "a very deep tree"
is "$(box sh -c 'probe/files deep /workspace/deep 1000 >/dev/null; echo done')" done "in the workspace too"
try "which can be removed afterwards" rm -rf "$WS/deep"
done_testing
