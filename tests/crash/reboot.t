#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything of pinfold dies at the same moment, the inits of its sandboxes too, and what a power cut
# can leave half-made lies about: the next start removes all of it, and says of what ran that it is
# lost, with the machine's restart as the reason when that was it. A true restart is simulated: the
# state directory is elsewhere, no group is there, and the boot has another name.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON
server_start || done_testing

scene() { # commands, a terminal's worth of sandboxes, a disk, a build under way
    workspace '{"name": "plain"}'
    PLAIN=$ID
    workspace "{\"name\": \"disk\"$(has LOOP && echo ', "limits": {"disk_bytes": 60000000}')}"
    DISK=$ID
    run "$DISK" 'echo kept >file; sync'
    background "$PLAIN" 'echo said; exec sleep 1000'
    A=$EXEC
    background "$DISK" 'echo said; exec sleep 1000'
    B=$EXEC
    later stream POST "/v1/workspaces/$PLAIN/exec" -H 'Accept: application/x-ndjson' -d '{"command": "echo said; exec sleep 1000"}'
    later shot POST /v1/exec -d '{"command": "exec sleep 1000"}'
    all_run() { [ "$(box_pids | wc -l)" -ge 3 ] && grep -q said "$WORK/stream.body" && said "$A" && said "$B"; }
    said() { api GET "/v1/execs/$1/stdout"; [ "$BODY" = said ]; }
    wait_until 30 all_run
}
kill_all() {
    local pids pid
    pids="$SERVER_PID $(pid_of server) $(pid_of launcher) $(box_pids)"
    kill -KILL $pids
    wait "$SERVER_PID" 2>/dev/null
    for pid in $pids; do wait_until 10 gone "$pid"; done
    SERVER_PID=
    later_end stream
    later_end shot
}
plant() { # what can be half-made
    local at
    mkdir -p "$STATE"/trash/{new_0,old_0/a/b} "$STATE/server/backup"
    echo x | tee "$STATE/.tmp_0" "$STATE/trash/new_0/part" "$STATE/server/output/exec_0.0" "$STATE/server/output/bld_0.0" \
        "$STATE/server/output/ws_0.0" "$STATE/server/backup/pinfold.db" >/dev/null
    chown -R --reference="$STATE/server" "$STATE/server"
    # A pair that nobody's range is about, and one of a range that is in use.
    for at in 900 902; do
        ip link show "pf$at" >/dev/null 2>&1 || ip link add "pf$at" type veth peer name "peer$at"
        at_exit "ip link del pf$at 2>/dev/null"
    done
    mkdir -p /run/pinfold/ranges
    [ -n "${held:-}" ] || { flock -n -F /run/pinfold/ranges/902 sleep 1000 & held=$!; at_exit "kill $held"; }
    for at in $CGROUPS; do
        at=$(find "$at" -maxdepth 4 -type d -path "*/$(group_name)" 2>/dev/null | head -n 1)
        [ -z "$at" ] || mkdir -p "$at/ws_planted/exec-1"
    done
}
# A child that was stuck half-way, in its group: it holds a mounted disk and one end of a pair.
stick() {
    local at group disk=$STATE/trash/new_0/disk.img
    for at in $CGROUPS; do
        at=$(find "$at" -maxdepth 6 -type d -path "*/$(group_name)/ws_planted/exec-1" 2>/dev/null | head -n 1)
        [ -n "$at" ] && [ -e "$at/cgroup.kill" ] && group=$at
    done
    truncate -s 8M "$disk" && mke2fs -q -F -t ext4 "$disk"
    unshare --mount --net sh -c 'echo $$ >"$0/cgroup.procs" && mount -o loop "$1" /mnt && echo stuck; exec sleep 1000' \
        "$group" "$disk" >"$WORK/stuck" 2>&1 &
    stuck=$!
    at_exit "kill -KILL $stuck 2>/dev/null"
    wait_until 20 grep -q stuck "$WORK/stuck" && ip link add pf901 type veth peer name eth0 netns "$stuck"
}
planted() {
    find $CGROUPS -maxdepth 6 -type d -path "*/$(group_name)/*" 2>/dev/null | grep planted
    ip -br link show 2>/dev/null | grep -o '^pf90[01]'
    ls -d "$STATE"/.tmp_0 "$STATE"/trash/* "$STATE"/server/backup "$STATE"/server/output/{exec,bld,ws}_0.0 2>/dev/null
}
ends() { # ID REASON-DETAIL: lost, for that reason, with what it had said
    api GET "/v1/execs/$1"
    tap_up=1 is "$(json '"\(.status) \(.reason) \(.exit_code) \(.detail)"')" "ended lost null $2" "it is told as lost, and why"
    api GET "/v1/execs/$1/stdout"
    tap_up=1 is "$BODY" said "what it had said is there"
}
clean_but_dirs() { [ "$(leftovers | sort)" = "$(printf 'file dirs/%s\n' "$PLAIN" "$DISK" | sort)" ]; }

# --- everything at once -----------------------------------------------------------------------------
scene; ok $? "all runs"
STREAMED=$(head -n 1 "$WORK/stream.body" | jq -r .id)
kill_all
plant
! has LOOP || { stick; ok $? "one child of it is stuck"; }
isnt "$(planted)" "" "there are leftovers"
server_start
try "it starts again" wait_until 30 healthy
none_planted() { [ -z "$(planted)" ]; } # the kernel takes a pair away a moment after its namespace
try "everything half-made is gone" wait_until 20 none_planted
planted | sed 's/^/# /'
! has LOOP || try "what was stuck too" gone "$stuck"
try "but not the network of a range that somebody holds" ip link show pf902
try "no group, mount, loop device, id range or network is left" wait_until 20 clean_but_dirs
leftovers | sed 's/^/# /'
ends "$A" "its sandbox ended, or was not begun, while no server ran"
ends "$B" "its sandbox ended, or was not begun, while no server ran"
ends "$STREAMED" "its sandbox ended, or was not begun, while no server ran"
run "$DISK" 'cat file'
is "$(json .stdout)" kept "files are there"

# --- another boot -----------------------------------------------------------------------------------
try "the workspaces are deleted" delete_all
scene; ok $? "all runs again"
kill_all
plant
# The machine's own part of a restart: groups, records of locks and the boot's name are gone.
for at in $CGROUPS; do find "$at" -depth -type d -path "*/$(group_name)*" -exec rmdir {} + 2>/dev/null; done
cp -a "$STATE" "$WORK/moved" && rm -rf "$STATE"
STATE=$WORK/moved
python3 - "$STATE/server/pinfold.db" <<'E2'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE meta SET value = ? WHERE name = 'boot'", [b"another\n"])
db.commit()
E2
chown --reference="$STATE/server" "$STATE"/server/pinfold.db*
server_start
try "it starts" wait_until 30 healthy
is "$(planted)" "" "everything half-made is gone"
try "nothing else is left" wait_until 20 clean_but_dirs
leftovers | sed 's/^/# /'
ends "$A" "the machine restarted while it ran"
ends "$B" "the machine restarted while it ran"
run "$DISK" 'cat file'
is "$(json .stdout)" kept "files are there"
server_stop
server_start
background "$PLAIN" 'echo said; exec sleep 1000'
wait_until 20 said "$EXEC"
kill_role server
api GET "/v1/execs/$EXEC"
is "$(json .status)" running "a restart of the server alone is none of the machine"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
done_testing
