#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mounting, unmounting and changing the root.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

NO="EPERM|ENOSYS"
mounts() {
    attempt "mount a tmpfs" "$NO" mount mount tmpfs /tmp
    attempt "mount a second /proc, without its covers" "$NO" mount mount proc /tmp
    attempt "mount sysfs" "$NO" mount mount sysfs /tmp
    attempt "mount a cgroup v1 hierarchy, for its release_agent (CVE-2022-0492)" "$NO" mount mount cgroup /tmp memory
    attempt "mount a cgroup v2 hierarchy" "$NO" mount mount cgroup2 /tmp
    attempt "mount devtmpfs" "$NO" mount mount devtmpfs /tmp
    attempt "mount a new devpts" "$NO" mount mount devpts /tmp newinstance
    attempt "mount debugfs" "$NO" mount mount debugfs /tmp
    attempt "mount tracefs" "$NO" mount mount tracefs /tmp
    attempt "mount bpffs" "$NO" mount mount bpf /tmp
    attempt "mount binfmt_misc" "$NO" mount mount binfmt_misc /tmp
    attempt "mount an overlay with a setuid file below (CVE-2023-0386, CVE-2021-3493)" "$NO" mount mount overlay /tmp lowerdir=/usr,upperdir=/workspace,workdir=/tmp
    attempt "mount by fuse" "$NO" mount mount fuse /tmp fd=3,rootmode=40000,user_id=0,group_id=0
    attempt "bind the root elsewhere" "$NO" mount bind / /tmp
    attempt "bind over a program" "$NO" mount bind /workspace /usr
    attempt "make /usr writable" "$NO" mount remount /usr
    attempt "make /proc/sys writable" "$NO" mount remount /proc/sys
    attempt "make the root allow devices" "$NO" mount remount /
    attempt "take a cover off /proc" "$NO" mount umount /proc/kcore
    attempt "take /proc/sys's protection off" "$NO" mount umount /proc/sys
    attempt "unmount /proc" "$NO" mount umount /proc
    attempt "unmount /dev, to see what is below" "$NO" mount umount /dev
    attempt "unmount the root" "$NO" mount umount /
    attempt "pivot the root" "$NO" mount pivot
    attempt "open a file system by fsopen (CVE-2022-0185)" "$NO" mount fsopen ext4
    attempt "open a proc by fsopen" "$NO" mount fsopen proc
    attempt "clone the tree with open_tree" "$NO" mount open-tree /
    attempt "move a mount away" "$NO" mount move-mount /usr /tmp
    attempt "clear mount attributes" "$NO" mount setattr /usr
    attempt "pick a file system to reconfigure" "$NO" mount fspick /
}
both mounts
control "mount a tmpfs" mount mount tmpfs /tmp
control "bind the root elsewhere" mount bind / /tmp
control "unmount /proc" mount umount /proc
control "open a file system by fsopen" mount fsopen tmpfs
control "clone the tree with open_tree" mount open-tree /
control "mount a second /proc" mount mount proc /tmp

attempt "chroot" "$NO" mount chroot
judge; PROFILE=build
attempt "get above the root by chroot and a kept descriptor" "ENOENT|EPERM" mount chroot
judge; PROFILE=default
for n in 1 2 3; do
    like "$(box sh -c "cd /; cd $(printf '../%.0s' {1..50}); pwd; ls")" '^/' "climbing with .. stops at the root ($n)"
    [ $n = 1 ] && break
done
is "$(box stat -c %i /)" "$(box stat -c %i /../../..)" "'..' of the root is the root"
judge
done_testing
