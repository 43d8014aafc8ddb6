#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Getting at pid 1 of the sandbox, which holds the way out to the server, and at other processes.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

trace_init() {
    attempt "attach to init with ptrace" EPERM process attach 1
    attempt "seize init with ptrace" EPERM process seize 1
    attempt "read init's memory" EPERM process vm-read 1
    attempt "write init's memory" EPERM process vm-write 1
    attempt "open /proc/1/mem for writing" "EACCES|EPERM" process proc 1 mem w
    attempt "open /proc/1/mem for reading" "EACCES|EPERM" process proc 1 mem r
    attempt "read init's environment" "EACCES|EPERM" process proc 1 environ r
    attempt "read init's memory map" "EACCES|EPERM" process proc 1 maps r
    attempt "read init's auxiliary vector" "EACCES|EPERM" process proc 1 auxv r
    attempt "read init's kernel stack" "EACCES|EPERM|ENOENT" process proc 1 stack r
    attempt "read init's current system call" "EACCES|EPERM|ENOENT" process proc 1 syscall r
    attempt "open init's way to the server through /proc/1/fd" "EACCES|EPERM|ENXIO" process proc 1 fd/3 r
    attempt "see what init's descriptors are" "EACCES|EPERM" process link 1 fd/3
    attempt "list what init has mapped" "EACCES|EPERM" process proc 1 map_files d
    attempt "walk out through /proc/1/root" "EACCES|EPERM" process proc 1 root d
    attempt "walk out through /proc/1/cwd" "EACCES|EPERM" process proc 1 cwd d
    attempt "overwrite init's program through /proc/1/exe (CVE-2019-5736)" "EACCES|EPERM|ETXTBSY" process proc 1 exe w
    attempt "see which program init is" "EACCES|EPERM" process link 1 exe
    attempt "take one of init's descriptors by pidfd" "EPERM|ENOSYS" process pidfd-getfd 1 3
    attempt "compare itself with init" "EPERM|ENOSYS" process kcmp 1
    attempt "move init's memory" "EPERM|ENOSYS" process move-pages 1
    attempt "page out init's memory" "EPERM|ENOSYS" process madvise 1
    for ns in user mnt pid net ipc uts cgroup; do
        attempt "join init's $ns namespace" "EACCES|EPERM|ENOSYS" process setns 1 $ns
    done
}
both trace_init
attempt "list init's descriptors" "EACCES|EPERM" process proc 1 fd d
judge; PROFILE=debug AS="a debugger"
attempt "attach to init with ptrace (CVE-2016-9962)" EPERM process attach 1
attempt "seize init with ptrace" EPERM process seize 1
attempt "read init's memory" EPERM process vm-read 1
attempt "write init's memory" EPERM process vm-write 1
is "$(box probe/process trace-child)" "worked: ptrace of a child" "a debugger can trace its own child"
judge; PROFILE=default AS=""
attempt "trace even its own child, outside the profile debug (CVE-2019-13272)" EPERM process trace-child
control "ptrace of a child" process trace-child
attempt "change init's limits" "EPERM|ESRCH" process prlimit 1

# pid 1 gets no signal that it did not ask for, and asked for none: it lives on and ends normally.
for sig in 9 19 15 11 6; do
    out=$(box sh -c "probe/process kill 1 $sig; sleep 0.05; echo alive" 2>&1); rc=$?
    is "$rc $(tail -n 1 <<<"$out")" "0 alive" "signal $sig to init does not end the sandbox"
done
judge; PROFILE=build
for sig in 9 19 15 11; do
    out=$(box sh -c "probe/process kill 1 $sig; sleep 0.05; echo alive" 2>&1); rc=$?
    is "$rc $(tail -n 1 <<<"$out")" "0 alive" "signal $sig to init from the sandbox's root does not end it"
done
is "$(box sh -c 'probe/process storm 1 >/dev/null; echo alive' 2>&1)" alive "a storm of all signals does not end init"
judge; PROFILE=default
attempt "forge a signal that seems to come from the kernel" "EPERM" process sigqueue 1
attempt "forge credentials of pid 1 on a socket" "EPERM" process credentials 1
judge; PROFILE=build
attempt "forge credentials of pid 1 on a socket, as root" "EPERM" process credentials 1
judge; PROFILE=default

# A canary outside, of root and of the user id that commands have inside.
sleep 600 & canary=$!
setpriv --reuid 1000 --regid 1000 --clear-groups sleep 600 & canary_user=$!
at_exit "kill $canary $canary_user 2>/dev/null"
box probe/process kill-all 9 >/dev/null 2>&1
PROFILE=build box probe/process kill-all 9 >/dev/null 2>&1
kill -0 $canary && kill -0 $canary_user
ok $? "a signal to everything reaches nothing outside"
judge; PROFILE=default
attempt "signal a process outside by its number" ESRCH process kill $canary 9
attempt "signal a process of the same user id outside" ESRCH process kill $canary_user 9
attempt "open a process outside by pidfd" "ESRCH|EINVAL" process pidfd $canary
attempt "find any foreign process by signal 0" ESRCH process kill-foreign 50 40000
judge; PROFILE=build
attempt "signal a process outside by its number, as root" ESRCH process kill $canary 9
judge; PROFILE=default
kill -0 $canary && kill -0 $canary_user
ok $? "the processes outside are still there"

attempt "raise its priority" "EACCES|EPERM" process nice
attempt "get real-time scheduling" EPERM process fifo
attempt "protect itself from the out-of-memory killer" "EACCES|EPERM" process oom -1000
attempt "raise a hard limit" EPERM process rlimit
attempt "become root" EPERM process become 0
attempt "take group 0" EPERM process setgroups
attempt "seem to be another program" EPERM process exe-file /usr/bin/true
judge; PROFILE=build AS=root
attempt "raise its priority" "EACCES|EPERM" process nice
attempt "get real-time scheduling" EPERM process fifo
attempt "protect itself from the out-of-memory killer" "EACCES|EPERM" process oom -1000
attempt "raise a hard limit" EPERM process rlimit
attempt "become a user that has no id outside" EINVAL process become 70000
attempt "seem to be another program" "EPERM|EINVAL" process exe-file /usr/bin/true
judge; AS="" PROFILE=default
control "join a user namespace's own mount namespace" process setns self mnt

# CVE-2019-5736, the other way: a program that is "/proc/self/exe" makes the runtime execute itself.
before=$(sha256sum "$PINFOLD_BIN"/pinfold* | sha256sum)
printf '#!/proc/self/exe\n' >"$WS/evil"; chmod 755 "$WS/evil"
box ./evil >"$WORK/out" 2>&1
isnt $? 0 "a script whose interpreter is /proc/self/exe does not start the runtime"
judge; PROFILE=build
box sh -c 'cp /bin/true /tmp/t; for p in /proc/[0-9]*/exe; do { : >$p; } 2>/dev/null; (exec 3<>$p) 2>/dev/null; done; true' >/dev/null 2>&1
is "$(sha256sum "$PINFOLD_BIN"/pinfold* | sha256sum)" "$before" "pinfold's programs are unchanged after attempts to overwrite them through /proc"
judge
done_testing
