#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sandbox that has ended leaves nothing: no process, mount, cgroup, interface, namespace or file.
# In namespaces of its own, since others make and lose interfaces and mounts at the same time.
[ -n "${OWN_NET:-}" ] || OWN_NET=1 exec unshare --net --mount -- "$0" "$@"
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

# Others may use the machine at the same time: what counts is what belongs to this test.
links() { ip -o link | awk -F': ' '{ print $2 }' | sort; }
ours() { # processes that see this test's workspace
    local p
    for p in /proc/[0-9]*; do grep -qs "$WS /workspace " "$p/mountinfo" && echo "${p#/proc/} $(cat "$p/comm")"; done
    pgrep -f "$WORK/state"
}
groups() { # of runs, without a process in them
    local d
    awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r d; do
        find "$d" -type d -path '*pinfold-run*/run_*' -prune 2>/dev/null
    done | sort -u | while read -r d; do
        find "$d" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -q . || echo "$d"
    done
}
files() { find "$WORK/state" -path "$WORK/state/layers/*" -prune -o -print | sort; }
new_groups() { comm -13 <(echo "$groups") <(groups); } # older ones of others may go
look() { mounts=$(wc -l </proc/mounts) groups=$(groups) files=$(files); }
all_gone() { # what was seen last is kept: a moment later another's run may be about to begin
    seen_links=$(links) seen_groups=$(new_groups) seen_ours=$(ours)
    [ "$seen_links" = "$links" ] && [ -z "$seen_groups$seen_ours" ]
}
clean() { # WHAT
    local what=$1
    wait_until 15 all_gone
    is "$(wc -l </proc/mounts)" "$mounts" "$what: no mount is left"
    is "$seen_links" "$links" "$what: no interface is left"
    is "$seen_ours" "" "$what: no process is left"
    is "$seen_groups" "" "$what: no cgroup is left"
    is "$(files)" "$files" "$what: no file is left in the state directory"
}
ip link set lo up
links=$(links)
box true; NET=full box true # what is made once, is
wait_until 15 eval '[ "$(links)" = "$links" ]' # the kernel removes a pair a moment after its namespace
look
box true; clean "after an ordinary end"
box sh -c 'exit 3'; clean "after a failure"
box /nowhere >/dev/null 2>&1; clean "after a command that is not there"
BOX_OPTS=(--timeout 300ms); box probe/use stubborn >/dev/null 2>&1; clean "after a timeout"
BOX_OPTS=(--memory 64M); box probe/use memory 300 >/dev/null 2>&1; clean "after running out of memory"
BOX_OPTS=(--pids 40); box probe/use bomb 500 >/dev/null 2>&1; clean "after a fork bomb"
BOX_OPTS=(--cwd /nowhere); box true >/dev/null 2>&1; clean "after a start that failed"
BOX_OPTS=(); box probe/use daemon /tmp/beat >/dev/null; clean "after a command that left a daemon"
NET=full; box true; clean "after a sandbox with a network"; NET=none
box_start "$WORK/out" sh -c 'echo ready; sleep 60'
wait_until 20 grep -q ready "$WORK/out"
kill -KILL "$BOX_PID"; wait "$BOX_PID" 2>/dev/null
wait_until 10 eval '[ -z "$(ours)" ]'
is "$(ours)" "" "after pinfold itself was killed: no process is left"
# The next start removes the groups of one whose maker is gone, once no start can be about to use them.
wait_until 30 eval 'box true; [ -z "$(new_groups)" ]'
clean "after the next start"
NET=full
box_start "$WORK/out" sh -c 'echo ready; sleep 60'
wait_until 20 grep -q ready "$WORK/out"
kill -KILL "$BOX_PID"; wait "$BOX_PID" 2>/dev/null
wait_until 10 eval '[ -z "$(ours)" ]'
wait_until 30 eval 'box true; [ -z "$(new_groups)" ]'
clean "after pinfold was killed with a network"
NET=none
box_start "$WORK/out" sh -c 'echo ready; sleep 60'
wait_until 20 grep -q ready "$WORK/out"
init=$(ours | sed -n "s/ pinfold-init$//p"); kill -KILL "$init"; wait "$BOX_PID" 2>/dev/null
is $? 125 "when init is killed from outside, pinfold says so with 125"
clean "after init was killed"
for i in 1 2 3 4 5 6 7 8; do box_line sh -c 'sleep 0.2'; "${BOX_LINE[@]}" & pids[i]=$!; done
bad=0; for p in "${pids[@]}"; do wait "$p" || bad=$((bad + 1)); done
is $bad 0 "eight at once all end well"
clean "after eight at once"
done_testing
