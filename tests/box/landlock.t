#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a profile asks of the kernel where it has it: Landlock, and core scheduling.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

WRITE='for d in / /etc /run /opt /var /mnt /srv /root; do { : >$d/new; } 2>/dev/null && echo $d; done; true'
BOX_OPTS=(--user root)
is "$(box sh -c "$WRITE" | wc -l)" 8 "control: root without capabilities may write to its own root in the profile default"
has LANDLOCK || { skip "Landlock" "the kernel has none"; done_testing; }
for PROFILE in strict agent; do
    BOX_OPTS=(--user root)
    is "$(box sh -c "$WRITE")" "" "$PROFILE: even root writes to no other directory"
    is "$(box sh -c 'rm /etc/passwd || mv /etc/passwd /tmp/p || ln /etc/hosts /tmp/h || cp /dev/null /etc/hosts' 2>/dev/null; echo $?)" \
        1 "$PROFILE: nor removes, moves, links or cuts what is there"
    is "$(box sh -c 'head -c1 /etc/passwd >/dev/null && ls / >/dev/null && env true && echo ok')" ok "$PROFILE: all of it can be read and run"
    BOX_OPTS=()
    is "$(box sh -c 'cd /tmp && mkdir -p a/b && echo 1 >a/f && mv a/f a/b/g && ln a/b/g h && mkfifo p && ln -s h l && rm -r a && cat l')" 1 \
        "$PROFILE: /tmp can be worked in, across directories"
    is "$(box sh -c 'for d in /tmp /var/tmp /dev/shm /home/user; do echo >$d/f && mv $d/f /tmp/g && echo $d; done' | wc -l)" 4 \
        "$PROFILE: and the other places that the profile names"
    is "$(box sh -c 'echo x >/dev/null && ! cp /etc/passwd /dev/full && echo ok' 2>/dev/null)" ok "$PROFILE: devices can be written to"
    BOX_OPTS=(--tty)
    is "$(box sh -c 'stty -echo && echo x >/dev/tty && tty' | tr -d '\r' | tr '\n' ' ')" "x /dev/pts/0 " "$PROFILE: a terminal works"
    BOX_OPTS=()
    is "$(box sh -c 'sleep 60 & kill $! && wait $!'; echo $?)" 143 "$PROFILE: one command may signal another"
    like "$("$PINFOLD_BIN/pinfold" profile plan $PROFILE)" 'no_new_privs.*writable +/tmp.*landlock.*init' "$PROFILE: the plan shows it"
done
is "$(box sh -c 'cd /workspace && echo 1 >made && mv made /tmp/ && cat /tmp/made')" 1 "agent: the workspace can be worked in"
PROFILE=strict BOX_OPTS=(--user root)
attempt "mount, which Landlock refuses on top of the filter" "EPERM|ENOSYS" mount mount tmpfs /tmp
attempt "write through /proc what it may not write" "EACCES|EPERM|EROFS" files write /proc/self/root/etc/hosts x
judge
BOX_OPTS=()
cookie=$(box probe/see core)
case $cookie in
    none*) skip "core scheduling" "the kernel has none, or the processor no sibling threads" ;;
    *)
        isnt "$cookie" 0 "strict: no sibling thread runs anything else (cookie $cookie)"
        isnt "$(box probe/see core)" "$cookie" "and another sandbox has a cookie of its own"
        is "$(PROFILE=default box probe/see core)" 0 "default: not asked for"
        ;;
esac
done_testing
