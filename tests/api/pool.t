#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Warm sandboxes: equal to fresh ones, used once, gone when the server was killed.
# route: POST /v1/exec
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../crash/common.sh"
server_start "WarmPool=2" "IdleStop=1h" || done_testing

once() { api POST /v1/exec -m 60 -d "$1"; }
stat_of() { api GET /v1/stats && json ".$1"; }
waiting() { api GET /v1/stats && [ "$(json '[.sandboxes, .sandboxes_warm, .sandboxes_starting] | tostring')" = "[0,$1,0]" ]; }
# What a command can see of how it came to be, but what differs from one sandbox to the next.
SEEN='id; env | sort; pwd; uname -n; cat /proc/self/limits; sed "s,/pool[^/]*,,; s,/exec_[^/]*,," /proc/self/cgroup; ls -A /workspace /tmp /dev
cut -d" " -f5- /proc/self/mountinfo | sed -E "s/[ug]id=[0-9]{6,}//g"; grep -E "^(Cap|Sec|No|Groups)" /proc/self/status
set -- /proc/[0-9]*; echo $#; ulimit -a; wc -l </proc/net/dev; ls /proc/self/fd'

once "$(jq -nc --arg c "$SEEN" '{command: $c}')"
json .stdout >"$WORK/cold"
is "$(stat_of sandboxes_warm_used_total)" 0 "the first command is started cold"
try "then two sandboxes wait" wait_until 20 waiting 2
once "$(jq -nc --arg c "$SEEN" '{command: $c}')"
json .stdout >"$WORK/warm"
is "$(stat_of sandboxes_warm_used_total)" 1 "the next finds one"
is "$(diff "$WORK/cold" "$WORK/warm")" "" "and sees what the first saw"

try "another takes its place" wait_until 20 waiting 2
for i in 1 2 3 4; do
    once '{"command": "echo x >>/workspace/left; echo x >>/tmp/left; cat /workspace/left /tmp/left | wc -l; echo pid:$$"}'
    json .stdout
done >"$WORK/four"
is "$(grep -c '^2$' "$WORK/four")" 4 "no command finds anything of another"
is "$(grep -c '^pid:' "$WORK/four") $(grep '^pid:' "$WORK/four" | sort -u | wc -l)" "4 1" "each was the first in its sandbox"

used=$(stat_of sandboxes_warm_used_total)
once '{"command": "cat /proc/self/limits", "limits": {"open_files": 256}}'
like "$(json .stdout)" 'Max open files *256 ' "own limits are in force"  || echo "# $BODY"
is "$(stat_of sandboxes_warm_used_total)" "$used" "in a sandbox made for them"
once '{"command": "cat a.txt", "files": {"a.txt": "given"}}'
is "$(json .stdout)" given "files are put into a warm one as into a cold one"
once '{"command": "sleep 30", "timeout_secs": 1}'
is "$(json .reason)" timed_out "a timeout"
once '{"command": "cat /dev/zero | tail", "limits": {"memory_bytes": 67108864}}'
is "$(json .reason)" oom "out of memory"

try "two wait" wait_until 20 waiting 2
BEFORE=$(box_pids | sort)
kill_role server
all_gone() { local p; for p in $BEFORE; do gone "$p" || return 1; done; }
try "what waited is gone after the server was killed" wait_until 20 all_gone
once '{"command": "echo on"}'
is "$(json .stdout)" on "the next one serves"
try "and fills a pool of its own" wait_until 20 waiting 2
server_stop
nothing_left "nothing is left when it stops"
done_testing
