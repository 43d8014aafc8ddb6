#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The box tests under Debian's own kernel, on pure cgroup v2.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/machine.sh"
# What takes longest first, so that both processors are used to the end; the others take too long
# where every instruction is emulated. VM_TESTS names others.
machine box/limits.t box/process.t box/network.t box/filesystem.t box/landlock.t
