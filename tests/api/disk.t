#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Budgets of mirrors and layers, disks that a setting gives, and what statistics say of all that.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/git.sh"
need ROOT USERNS OVERLAY GIT LOOP
for name in a b c; do
    repo "$name"
    head -c 2000000 /dev/urandom >"$WORK/src/$name/big"
    in_src "$name" add -A; in_src "$name" commit -qm big
    publish "$name"
done
server_start "RepositoryRoots=$SRV" MirrorsTotal=5M WorkspaceDisk=24M RunDisk=20M OutputTotal=1M OutputKeep=1M || done_testing
W=/v1/workspaces
disk() { api GET /v1/stats; json ".disk.$1"; }
clone() { api POST "$W?wait=60" -d "{\"name\": \"$1\", \"repository\": {\"url\": \"file://$SRV/$1.git\"}}"; json .status; }
mirrors() { api GET /v1/repositories; json '[.items[].url[-5:-4]] | sort | join("")'; }

# --- mirrors
is "$(disk mirrors_bytes_max) $(disk images_bytes_max) $(disk output_bytes_max)" "5242880 68719476736 1048576" "the budgets are shown"
is "$(clone a) $(clone b) $(clone c)" "ready ready ready" "three workspaces over repositories of 2 MB"
counted() { [ "$(disk mirrors_bytes)" -ge 6000000 ]; }
wait_until 30 counted; is $? 0 "what their mirrors take is counted"
is "$(mirrors)" abc "mirrors that are used stay, over the budget too"
is "$(find "$STATE/mirrors" -mindepth 1 -maxdepth 1 | wc -l)" 3 "on the disk"
api DELETE $W/b
one_gone() { [ "$(mirrors)" = ac ]; }
wait_until 30 one_gone; is "$(mirrors)" ac "one that nobody uses any more goes"
is "$(find "$STATE/mirrors" -mindepth 1 -maxdepth 1 | wc -l)" 2 "from the disk"
is "$(disk mirrors_removed_total)" 1 "which is counted"
between "$(disk mirrors_bytes)" 4000000 5242880 "and there is room again"
api POST $W/c/exec -d '{"command": "git log --oneline | wc -l; git fsck 2>&1 | grep -c missing"}'
is "$(json .stdout)" $'2\n0' "another one's history is whole"
before=$(disk mirrors_bytes)
server_stop
server_start "RepositoryRoots=$SRV" MirrorsTotal=1 WorkspaceDisk=24M RunDisk=20M
is "$(disk mirrors_bytes)" "$before" "what they take is known after a restart"
is "$(mirrors)" ac "and they stay, whatever the budget"

# --- disks
api GET $W/a
is "$(json '.limits_effective.disk_bytes')" 25165824 "a workspace has the disk that the setting gives"
api POST $W/a/exec -d '{"command": "head -c 40M /dev/zero >x"}'
is "$(json '"\(.reason) \(.stderr)"' | tr -d "'")" "disk_full head: error writing standard output: No space left on device" "which is full when it is full, and says so"
for c in "dd if=/dev/zero of=x bs=1M" "dd if=/dev/zero of=x bs=3M" "python3 -c 'open(\"x\", \"wb\").write(b\"x\" * 40000000)'"; do
    api POST $W/a/exec -d "$(jq -nc --arg c "rm -f x; $c" '{command: $c}')"
    is "$(json .reason)" disk_full "also for who writes large pieces, of which the last one leaves some room: $c"
done
api POST $W/a/exec -d '{"command": "rm x; false"}'
is "$(json .reason)" exited "a command that fails on a disk with room has its own reason"
between "$(du -s --block-size=1 "$STATE/dirs" | cut -f1)" 25165824 60000000 "outside it takes no more than that"
api POST $W -d '{"name": "own", "limits": {"disk_bytes": 64000000}}'
is "$(json '.limits_effective.disk_bytes')" 64000000 "who asks for one has that"
api POST $W -d '{"name": "small", "profile": "strict"}'
is "$(json '.limits_effective.disk_bytes')" 25165824 "also in a stricter profile"
api POST "/v1/runs?wait=60" -d '{"command": "head -c 30M /dev/zero >x"}'
is "$CODE $(json '"\(.status) \(.reason)"')" "201 failed disk_full" "a run has its own" || echo "# $BODY"
api POST /v1/exec -d '{"command": "head -c 200M /dev/zero >/workspace/x", "limits": {"disk_bytes": 16000000}}'
is "$(json .reason)" disk_full "so has a command without a workspace"

# --- output
for i in 1 2 3; do
    api POST $W/own/exec -d '{"command": "head -c 900000 /dev/zero | tr \"\\0\" a", "max_output_bytes": 10}'
done
server_stop
server_start "RepositoryRoots=$SRV" OutputTotal=1M OutputKeep=1M
within() { [ "$(disk output_bytes)" -le 1048576 ]; }
api POST $W/own/exec -d '{"command": "head -c 900000 /dev/zero | tr \"\\0\" a", "max_output_bytes": 10}'
wait_until 30 within; is $? 0 "kept output is within its budget"
for w in a c own small; do api DELETE $W/$w; done
is "$CODE" 204 "all goes"
done_testing
