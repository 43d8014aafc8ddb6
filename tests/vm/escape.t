#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The escape tests under Debian's own kernel, on pure cgroup v2. What attacks our own helpers and the server
# more than the kernel (names, archives and links by the API, images, secrets that leak) meets the same code
# here as elsewhere, and takes as long as all the others where every instruction is emulated: it runs with
# VM_ALL=1.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/machine.sh"
all=()
[ -z "${VM_ALL:-}" ] || all=(escape/api.t escape/images.t escape/canaries.t)
# What takes longest first.
machine "${all[@]}" escape/files.t escape/resources.t escape/forks.t escape/processes.t escape/egress.t escape/terminal.t \
    escape/kernel_calls.t escape/neighbours.t escape/sockets.t escape/mounts.t escape/namespaces.t \
    escape/kernel_files.t escape/descriptors.t escape/privileges.t escape/devices.t
