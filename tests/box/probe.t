#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The probes themselves: hostile ones do not run outside, and say what they should inside.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

harmless=" see/fds see/env see/signals see/process see/limits see/ids see/devices see/core kernel/list files/read network/interfaces "
for p in "$PINFOLD_HELPERS"/probe/*; do
    [[ $p == *.d ]] && continue
    while read -r name rest; do
        name=$(basename "$p")/$name
        if [[ $rest == *"(hostile)" ]]; then
            [[ $harmless != *" $name "* ]]; ok $? "$name is marked as hostile"
        else
            [[ $harmless == *" $name "* ]]; ok $? "$name only looks"
        fi
    done < <("$p")
done
"$PINFOLD_HELPERS/probe/see" nothing >"$WORK/out"; is $? 3 "a hostile probe ends with 3 in the initial user namespace"
like "$(cat "$WORK/out")" '^not here' "and says why"
is "$(box probe/see nothing)" "worked: a hostile probe that does nothing" "in a sandbox it runs"
is "$(bare probe/see nothing)" "worked: a hostile probe that does nothing" "in a user namespace of its own too"
is "$(unshare -m -p -f "$PINFOLD_HELPERS/probe/see" nothing | cut -d: -f1)" "not here" "other namespaces alone do not count"
is "$(unshare -m sh -c "mount -t tmpfs t /proc && $PINFOLD_HELPERS/probe/see nothing" | cut -d: -f1)" "not here" "nor does a /proc that tells nothing"
done_testing
