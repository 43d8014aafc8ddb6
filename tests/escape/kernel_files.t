#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files by which the kernel is asked or told things: /proc and /sys.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

before=$(cat /proc/sys/kernel/{core_pattern,modprobe,hotplug,sysrq} 2>/dev/null)
NO="EACCES|EPERM|EROFS|ENOENT|EIO"
# A file of /proc that the kernel has is covered by a null device of our own: that refuses nothing,
# swallows what is written and has nothing to read.
covered() { # WHAT FILE PROBE...
    local what=$1 file=$2; shift 2
    if [ -e "/proc/$file" ]; then
        is "$(box stat -c %t:%T "/proc/$file")" 1:3 "in vain${AS:+ to $AS}: $what, which is the null device"
    else
        attempt "$what" "$NO" "$@"
    fi
}
write_kernel() {
    covered "press sysrq" sysrq-trigger files write /proc/sysrq-trigger h
    attempt "set the core pattern to a program" "$NO" files write /proc/sys/kernel/core_pattern '|/workspace/evil'
    attempt "set the module loader to a program" "$NO" files write /proc/sys/kernel/modprobe /workspace/evil
    attempt "set the hotplug helper to a program" "$NO" files write /proc/sys/kernel/hotplug /workspace/evil
    attempt "set the uevent helper to a program" "$NO" files write /sys/kernel/uevent_helper /workspace/evil
    attempt "register a binary format" "$NO" files write /proc/sys/fs/binfmt_misc/register ':e:M::e::/workspace/evil:'
    attempt "allow sysrq" "$NO" files write /proc/sys/kernel/sysrq 1
    attempt "turn off address randomisation" "$NO" files write /proc/sys/kernel/randomize_va_space 0
    attempt "lower the lowest mappable address" "$NO" files write /proc/sys/vm/mmap_min_addr 0
    attempt "drop the machine's caches" "$NO" files write /proc/sys/vm/drop_caches 1
    attempt "make the machine panic on out of memory" "$NO" files write /proc/sys/vm/panic_on_oom 0
    attempt "change the number of files of the machine" "$NO" files write /proc/sys/fs/file-max 100
    attempt "show kernel addresses" "$NO" files write /proc/sys/kernel/kptr_restrict 0
    attempt "forward packets" "$NO" files write /proc/sys/net/ipv4/ip_forward 1
    attempt "choose the next pid" "$NO" files write /proc/sys/kernel/ns_last_pid 500
    attempt "change the host name by /proc" "$NO" files write /proc/sys/kernel/hostname evil
    attempt "bind an interrupt to a processor" "$NO" files write /proc/irq/default_smp_affinity 1
    attempt "write a pci device's registers" "$NO" files write /proc/bus/pci/00/00.0 x
    attempt "write memory type ranges" "$NO" files write /proc/mtrr x
    attempt "talk to a scsi bus" "$NO" files write /proc/scsi/scsi x
    attempt "reach the release agent of a cgroup (CVE-2022-0492)" "$NO" files write /sys/fs/cgroup/release_agent /workspace/evil
    attempt "reach the release agent of the memory hierarchy" "$NO" files write /sys/fs/cgroup/memory/release_agent /workspace/evil
    attempt "reload the firmware" "$NO" files write /sys/firmware/efi/vars/new_var x
    attempt "power the machine off" "$NO" files write /sys/power/state mem
}
both write_kernel
is "$(cat /proc/sys/kernel/{core_pattern,modprobe,hotplug,sysrq} 2>/dev/null)" "$before" "the machine's settings are as before"

read_kernel() {
    covered "read the kernel's memory from /proc/kcore" kcore files read /proc/kcore
    attempt "read debugfs" "$NO" files read /sys/kernel/debug/sched/debug
    attempt "read another's energy use (a side channel)" "$NO" files read /sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj
}
both read_kernel
# A covered file reads as empty: that is as good as refused.
all=$(PROFILE=build box sh -c 'for f in /proc/*; do [ -f $f ] && echo "$f $(head -c 20 $f 2>/dev/null | wc -c)"; done' 2>/dev/null)
like "$all" "/proc/version [1-9]" "control: other files of /proc can be read"
for f in /proc/kmsg /proc/kpageflags /proc/kpagecount /proc/keys /proc/key-users /proc/timer_list /proc/sched_debug /proc/kallsyms /proc/vmallocinfo /proc/interrupts /proc/latency_stats; do
    is "$(awk -v f=$f '$1 == f && $2 > 0' <<<"$all")" "" "nothing to read in $f"
done
control "read a file of /proc" files read /proc/version
is "$(box probe/process proc self mem w)" "worked: open mem for writing" "control: a process may open its own memory"
like "$(box sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u | tr "\n" " "')" '^(/(x[0-9]+)? )+$' "the cgroup namespace shows nothing above its own group"
unlike "$(box cat /proc/self/mountinfo)" 'upperdir=/|lowerdir=/' "the mount table shows no path of the overlay's layers"
is "$(box sh -c 'ls /sys | wc -l')" 0 "there is no /sys"
judge
done_testing
