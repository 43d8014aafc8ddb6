#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The box and escape tests on Debian's own kernel, on pure cgroup v2, in an emulated machine.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT QEMU

vm=$TOP/build/vm
mkdir -p "$vm"
try "a disk is made of Debian's kernel, this host's essential packages and our binaries" \
    "$TESTS/vm/make-disk" "$vm" || { done_testing; }

# Which scripts: what a command is and its limits, which is where cgroups matter; the others
# take long where every instruction is emulated. Landlock is an older version there.
# VM_TESTS names others.
scripts=${VM_TESTS:-box/process.t,box/limits.t,box/landlock.t}
# Emulated: what passes here passes on a machine without /dev/kvm too.
timeout -k 10 "${VM_SECONDS:-560}" qemu-system-x86_64 -accel "${VM_ACCEL:-tcg},thread=multi" -cpu max -smp 2 -m 2048 \
    -nographic -no-reboot -nodefaults -serial file:"$WORK/console" \
    -kernel "$vm/vmlinuz" -initrd "$vm/initrd" -drive file="$vm/disk.img",if=virtio,format=raw,snapshot=on \
    -append "console=ttyS0 quiet loglevel=0 panic=-1 random.trust_cpu=on tests=$scripts" </dev/null >"$WORK/qemu" 2>&1
rc=$?
tr -d '\r' <"$WORK/console" >"$WORK/tap"
is "$rc" 0 "the machine runs and switches itself off" || tap_show console: "$(tail -n 20 "$WORK/tap")"
like "$(grep '^@begin' "$WORK/tap")" "memory.*pids|pids.*memory" "it has memory and pids on cgroup v2"
grep -q '^@end' "$WORK/tap"; ok $? "every script came to its end"

# Each script is one test here, with its own counts.
for t in ${scripts//,/ }; do
    awk -v t="@test $t" '$0 == t { on = 1; next } /^@(test|end)/ { on = 0 } on' "$WORK/tap" >"$WORK/one"
    passed=$(grep -c '^ok ' "$WORK/one")
    skipped=$(grep -c '^1\.\.0 # SKIP\|^ok .* # SKIP' "$WORK/one")
    [ "$(sed -n 's/^@exit //p' "$WORK/one")" = 0 ] && ! grep -q '^not ok' "$WORK/one" && [ "$passed" -gt 0 ]
    ok $? "$t under kernel $(sed -n 's/^@begin \([^ ]*\).*/\1/p' "$WORK/tap"): $passed passed, $skipped skipped" ||
        tap_show inside: "$(grep -A4 '^not ok\|SKIP' "$WORK/one" | head -n 40)"
done
done_testing
