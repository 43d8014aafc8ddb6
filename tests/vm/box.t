#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The box tests under Debian's own kernel, on pure cgroup v2.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/machine.sh"
# What takes longest first, so that both processors are used to the end. The last counts groups, which
# others make and lose. VM_TESTS names others.
machine box/tool.t box/profiles.t box/ends.t box/limits.t box/process.t box/network.t box/filesystem.t \
    box/landlock.t box/probe.t alone box/nothing_left.t
