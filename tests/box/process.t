#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a command is born with: namespaces, ids, descriptors, environment, signals, limits.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

for ns in user mnt pid net ipc uts cgroup; do
    isnt "$(box readlink /proc/self/ns/$ns)" "$(readlink /proc/self/ns/$ns)" "it has a $ns namespace of its own"
done
is "$(box sh -c 'cat /proc/1/comm')" pinfold-init "pid 1 is pinfold's init"
is "$(box sh -c 'echo /proc/[0-9]*')" "/proc/1 /proc/2" "besides the command there is nothing but init"
is "$(box uname -n)" pinfold "the host name is the sandbox's"
isnt "$(hostname)" pinfold "and not the machine's"
is "$(box sh -c 'wc -w </proc/sys/kernel/domainname')" 0 "the domain name is empty"
is "$(box probe/see fds </dev/null | cut -d' ' -f1 | tr '\n' ' ')" "0 1 2 " "it has three descriptors"
is "$(env -i PATH="$PATH" X=1 "$PINFOLD_BIN/pinfold" run --image host --state "$WORK/state" --workspace "$WS" -- probe/see env | cut -d= -f1 | sort | tr '\n' ' ')" "HOME LANG PATH " "its environment is the three usual names"
BOX_OPTS=(--env A=1 --env B=two\ words --env EMPTY=)
is "$(box sh -c 'echo "$A,$B,$EMPTY"')" "1,two words," "and what it is given"
BOX_OPTS=()
is "$(trap '' PIPE CHLD TERM; box probe/see signals)" "blocked=0 not-default=0" "all signals are at their default, whatever the caller ignores"
like "$(box probe/see process)" 'leader=1 group=1 umask=022 ' "it leads a session and group, with umask 022"
is "$(umask 077; box sh -c umask)" 0022 "whatever the caller's umask is"
want=$'core 1 1\nmemlock 8388608 8388608\nmsgqueue 819200 819200\nnice 0 0\nnofile 16384 16384\nrtprio 0 0\nsigpending 4096 4096'
is "$(ulimit -n 4096 2>/dev/null; box probe/see limits | grep -vE '^(nproc|fsize)' | sort | sed 's/nofile 4096 4096/nofile 16384 16384/')" "$want" "its resource limits are those of the profile"
is "$(box awk '/^(NoNewPrivs|Seccomp):/ { print $2 }' /proc/self/status | tr '\n' ' ')" "1 2 " "no new privileges, and a filter"
is "$(box sh -c 'cat /proc/self/oom_score_adj')" 500 "the out-of-memory killer takes it before the machine's own"
is "$(box sh -c 'grep -c . /proc/self/net/tcp; cat /proc/self/loginuid 2>/dev/null || echo none' | head -n 1)" 1 "its network namespace has no socket"
BOX_OPTS=(--user 0)
is "$(box id -u)" 0 "it can be another user of the sandbox"
is "$(box awk '/^CapEff/ { print $2 }' /proc/self/status)" 0000000000000000 "who as root has no more capabilities than the profile gives"
BOX_OPTS=(--user nobody)
is "$(box id -un)" nobody "also by name"
BOX_OPTS=(--user nosuchuser)
fails "a user that is not there is an error" box id
BOX_OPTS=()
PROFILE=build
is "$(box id -u)" 0 "the profile build runs as root"
is "$(box probe/process become 1000)" "worked: become another user" "who may become another user"
PROFILE=nosuch
box true >"$WORK/out" 2>&1; is $? 125 "a profile that is not there ends with 125"
like "$(cat "$WORK/out")" 'nosuch' "and the message names it"
PROFILE=git
box true >"$WORK/out" 2>&1; is $? 125 "an internal profile is not for callers"
PROFILE=default
is "$(box sh -c 'sleep 0.1 & sleep 0.1 & wait; ps -o stat= -e | grep -c Z')" 0 "orphans and children are reaped"
is "$(box sh -c '(sleep 0.05 &) ; sleep 0.3; ps -eo stat= | grep -c Z')" 0 "an orphan is reaped by init"
done_testing
