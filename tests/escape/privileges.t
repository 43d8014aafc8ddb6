#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ids and capabilities: what root of a sandbox is, and that nobody becomes more.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

caps() { box awk '/^Cap/ { print $1 $2 }' /proc/self/status | tr '\n' ' '; }
none="CapInh:0000000000000000 CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:0000000000000000 CapAmb:0000000000000000 "
for PROFILE in strict default agent debug; do
    is "$(caps)" "$none" "$PROFILE: no capability in any set"
done
judge; PROFILE=build
# chown dac_override fowner fsetid kill setgid setuid net_bind_service sys_chroot setfcap
want=$(printf '%016x' $((1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<10 | 1<<18 | 1<<31)))
is "$(caps)" "CapInh:0000000000000000 CapPrm:$want CapEff:$want CapBnd:$want CapAmb:0000000000000000 " "build: exactly the capabilities that package managers need, none inheritable"
like "$(box cat /proc/self/uid_map | tr -s ' ')" '^ 0 [1-9][0-9]{5,} 65536$' "root inside is an id far from the machine's own"
like "$(box cat /proc/self/gid_map | tr -s ' ')" '^ 0 [1-9][0-9]{5,} 65536$' "its group too"
base=$(box awk '{ print $2 }' /proc/self/uid_map)
isnt "$base" 0 "root inside is not root outside"
box_start "$WORK/pid" sh -c 'echo $$; exec sleep 5.21'
wait_until 20 test -s "$WORK/pid"
outside=$(ps -eo uid,args | awk '/[s]leep 5.21$/ { print $1 }' | sort -n | tail -n 1)
between "${outside:-0}" 100000 4294967294 "seen from outside, root's process runs under a shifted id"
kill "$BOX_PID"
judge; PROFILE=default
is "$(box probe/see ids)" "uid=1000,1000,1000 gid=1000,1000,1000 groups=1000" "a user's real, effective and saved ids agree, with its own group only"
for n in 0 1 65534 65535 100000 4294967295; do
    [ $n = 4294967295 ] && continue # "no change" to the kernel
    attempt "become user $n" "EPERM|EINVAL" process become $n
done
judge; PROFILE=build
is "$(box sh -c 'probe/process become 1000')" "worked: become another user" "control: root inside may become another user of its range"
attempt "become an id beyond its range" "EINVAL" process become 65536
# What root of the sandbox changes is its own.
attempt "own a file of the machine in the workspace" "EPERM|EINVAL|EOVERFLOW" files chown 70000 /workspace/probe
touch "$WS/foreign"; chown 4000000000:4000000000 "$WS/foreign"; chmod 600 "$WS/foreign"
attempt "read a file whose owner has no id in here" "EACCES|EPERM|EOVERFLOW" files read /workspace/foreign
attempt "take such a file" "EPERM|EOVERFLOW|EINVAL" files chown 0 /workspace/foreign
judge
rm -f "$WS/foreign"
judge
done_testing
