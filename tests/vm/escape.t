#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The escape tests under Debian's own kernel, on pure cgroup v2: those that need no server and do not
# take too long where every instruction is emulated.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/machine.sh"
machine escape/resources.t escape/processes.t escape/neighbours.t escape/sockets.t escape/mounts.t \
    escape/namespaces.t escape/kernel_files.t escape/descriptors.t escape/privileges.t
