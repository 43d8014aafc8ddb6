#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Device nodes and the kernel's own files.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

disk=$(findmnt -no MAJ:MIN / | head -n 1)
devices() {
    attempt "make a node for the machine's memory" "EPERM" mount mknod c 1 1 /tmp/mem
    attempt "make a node for the kernel's log" "EPERM" mount mknod c 1 11 /tmp/kmsg
    attempt "make a node for the machine's disk ($disk)" "EPERM" mount mknod b "${disk%:*}" "${disk#*:}" /tmp/disk
    attempt "make a node for fuse" "EPERM" mount mknod c 10 229 /tmp/fuse
    attempt "make a node in the workspace" "EPERM" mount mknod c 1 3 /workspace/null
    attempt "make a node in /dev" "EPERM|EACCES|EROFS" mount mknod c 1 1 /dev/mem
    attempt "make a node in /dev/shm" "EPERM" mount mknod c 1 1 /dev/shm/mem
    for dev in mem kmem port kmsg kvm fuse loop-control loop0 net/tun vhost-net vhost-vsock vsock sda vda \
        nvme0n1 mapper/control tty0 tty1 ttyS0 console hpet rtc0 uinput input/event0 snapshot cpu/0/msr \
        watchdog btrfs-control userfaultfd autofs cuse uhid dri/card0 nvram udmabuf; do
        attempt "open /dev/$dev" "ENOENT|ENOTDIR" mount device /dev/$dev
    done
}
both devices
is "$(box probe/see devices /dev | sort | tr '\n' ';')" "full c 1:7;null c 1:3;random c 1:8;tty c 5:0;urandom c 1:9;zero c 1:5;" \
    "/dev holds the six harmless devices, with their own numbers, and no other"
# A node that lies in the workspace already, made by the machine's own root.
mknod "$WS/planted" c 1 3 && chmod 666 "$WS/planted"
attempt "open a device node that somebody planted in the workspace" "EACCES" mount device /workspace/planted
judge; PROFILE=build
attempt "open a planted device node as root" "EACCES" mount device /workspace/planted
judge
rm -f "$WS/planted"
control "open a device that is there" mount device /dev/null
judge
done_testing
