# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Test scripts on Debian's own kernel, on pure cgroup v2, in an emulated machine: what passes here
# passes on a machine without /dev/kvm too. Source after tap.sh.
#   machine SCRIPT...   run them, as many side by side as there are processors, and report: each is
#                       one test here, with its own counts, and the reasons of what it skipped;
#                       what stands after the word alone begins when the others have ended
need ROOT QEMU
VM=$TOP/build/vm

# What that kernel and the disk have: nothing that needs one of these can be skipped in there.
VM_HAS="ROOT USERNS NETNS OVERLAY CGROUP2 CGROUP2_MEMORY CGROUP2_PIDS SECCOMP_LOG LOOP LANDLOCK PYTHON GIT STRACE"

report() { # SCRIPT
    local passed skipped
    awk -v t="@test $1" '$0 == t { on = 1; next } /^@(test|end)/ { on = 0 } on' "$WORK/tap" >"$WORK/one"
    passed=$(grep '^ok ' "$WORK/one" | grep -vc '# SKIP')
    skipped=$(grep -c '^1\.\.0 # SKIP\|^ok .* # SKIP' "$WORK/one")
    grep -q '^@exit 0 ' "$WORK/one" && ! grep -q '^not ok' "$WORK/one" && [ "$passed" -gt 0 ]
    tap_up=1 ok $? "$1 under kernel $KERNEL: $passed passed, $skipped skipped$(sed -n 's/^@exit [0-9]*\( after.*\)/,\1/p' "$WORK/one")" ||
        tap_show inside: "$(grep -A4 '^not ok\|^Bail\|^@exit' "$WORK/one" | head -n 40)"
    sed -n 's/^.*# SKIP /# skipped in there: /p' "$WORK/one" | sort | uniq -c
}

machine() {
    local rc t missing scripts
    scripts=$(IFS=,; echo "${VM_TESTS:-$*}")
    mkdir -p "$VM"
    try "a disk is made of Debian's kernel, this host's essential packages and our binaries" \
        "$TESTS/vm/make-disk" "$VM" || done_testing
    # No mitigations: nothing is guessed at ahead where everything is emulated, and they are dear.
    timeout -k 10 "${VM_SECONDS:-560}" qemu-system-x86_64 -accel "${VM_ACCEL:-tcg},thread=multi" -cpu max -smp 2 -m 2048 \
        -nographic -no-reboot -nodefaults -serial file:"$WORK/console" \
        -kernel "$VM/vmlinuz" -initrd "$VM/initrd" -drive file="$VM/disk.img",if=virtio,format=raw,snapshot=on \
        -append "console=ttyS0 quiet loglevel=0 panic=-1 random.trust_cpu=on mitigations=off seconds=${VM_SECONDS:-560} tests=$scripts" \
        </dev/null >"$WORK/qemu" 2>&1
    rc=$?
    tr -d '\r' <"$WORK/console" >"$WORK/tap"
    is "$rc" 0 "the machine runs and switches itself off" || tap_show console: "$(tail -n 20 "$WORK/tap")"
    KERNEL=$(sed -n 's/^@begin \([^ ]*\).*/\1/p' "$WORK/tap")
    like "$(grep '^@begin' "$WORK/tap")" "memory.*pids|pids.*memory" "it has memory and pids on cgroup v2"
    missing=$(for t in $VM_HAS; do grep -q "^@abilities .*\b$t\b" "$WORK/tap" || echo "$t"; done)
    is "$missing" "" "it can do all that the tests ask for"
    grep -q '^@end' "$WORK/tap"; ok $? "every script came to its end"
    for t in ${scripts//,/ }; do [ "$t" = alone ] || report "$t"; done
    done_testing
}
