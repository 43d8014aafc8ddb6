#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# System calls: by name, by number, by other entries, and the filter itself.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

# What no profile may let through to the kernel. With bad arguments EFAULT, EBADF and EINVAL would
# mean that it got there.
calls=$("$PINFOLD_HELPERS/probe/kernel" list | grep -vE '^(chroot|fchmodat2|lsm_get_self_attr)$')
got=$(bare probe/kernel call $calls 2>&1)
n=$(awk '$2 != "EPERM" && $2 != "ENOSYS"' <<<"$got" | wc -l)
between "$n" 30 100 "control, without a sandbox $n of these calls reach the kernel"
for PROFILE in strict default agent build debug; do
    got=$(box probe/kernel call $calls 2>&1)
    while read -r name result; do
        [ "$PROFILE" = debug ] && [[ $name == kcmp || $name == ptrace || $name == process_vm_* ]] && continue
        like "$result" '^(EPERM|ENOSYS)$' "$PROFILE: $name does not reach the kernel"
    done <<<"$got"
    is "$(wc -l <<<"$got")" "$(wc -w <<<"$calls")" "$PROFILE: all were tried"
done
judge; PROFILE=default

some_calls() {
    attempt "add a key (CVE-2016-0728)" "EPERM|ENOSYS" kernel add-key
    attempt "find the session keyring" "EPERM|ENOSYS" kernel read-keys
    attempt "make an io_uring (CVE-2023-2598)" "EPERM|ENOSYS" kernel io-uring
    attempt "make a bpf map (CVE-2021-3490)" "EPERM|ENOSYS" kernel bpf
    attempt "open a performance counter (CVE-2013-2094)" "EPERM|ENOSYS" kernel perf
    attempt "handle its own page faults" "EPERM|ENOSYS" kernel userfault
    attempt "get memory that cannot be reclaimed" "EPERM|ENOSYS" kernel memfd-secret
    attempt "set the machine's clock" "EPERM" kernel settime
    attempt "set the host name" "EPERM" kernel hostname evil
    attempt "read the kernel's log" "EPERM" kernel dmesg
    attempt "map the zero page" "EPERM|EACCES" kernel null-page
    for p in 0x0040000 0x0400000 0x0100000 0x0200000 0x4000000 0xffff0000 6; do
        attempt "take the personality $p" "EPERM|EINVAL" kernel personality $p
    done
    for nr in 20 5 11 102 120 21 26; do
        attempt "enter by int 0x80 with number $nr" "ENOSYS|EPERM|SYS|SEGV|KILL" kernel int80 $nr
    done
    for nr in 39 101 165 41 56 272 425; do
        attempt "enter as x32 with number $nr (CVE-2014-0038)" "ENOSYS|EPERM" kernel x32 $nr
    done
    for nr in 165 272 101 425 250; do
        attempt "call number $nr with bits above the 32nd" "EPERM|ENOSYS" kernel high-bits $nr
    done
    for nr in 500 512 547 1000 4095 99999 2147483647; do
        attempt "call number $nr, which no kernel knows" "ENOSYS" kernel number $nr
    done
    attempt "take the filter off again" "EINVAL|EPERM|EACCES" kernel unfilter
    attempt "clear the securebits" "EPERM" kernel securebits
    attempt "raise an ambient capability" "EPERM" kernel ambient 21
    attempt "take all capabilities" "EPERM" kernel capset
}
both some_calls
control "add a key" kernel add-key
control "make an io_uring" kernel io-uring
control "open a performance counter" kernel perf
control "set the host name" kernel hostname control
control "take another personality" kernel personality 0x0040000
if [[ $(bare probe/kernel int80 20 2>&1) == *SEGV* ]]; then
    skip "control, without a sandbox it works: enter by int 0x80 (getpid)" "this kernel has no entry for 32-bit programs"
else
    control "enter by int 0x80 (getpid)" kernel int80 20
fi
judge; PROFILE=strict
attempt "take a harmless personality, in the profile strict" "EPERM" kernel personality 8

# A child and a thread of the confined process are as confined.
judge; PROFILE=default
is "$(box sh -c 'sh -c "grep Seccomp: /proc/self/status"' | tr -d '\t')" "Seccomp:2" "a grandchild has the filter too"
is "$(box sh -c 'grep NoNewPrivs /proc/self/status' | tr -d '\t')" "NoNewPrivs:1" "no new privileges, for good"
judge
done_testing
