#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A short search with each fuzz target (clang's fuzzer, with sanitizers), from the inputs that are kept:
# FUZZ_SECONDS of each, or one once nothing else of make check is left ($FUZZ_HURRY is there). What breaks a
# parser is left in tests/fuzz/regress, to be committed with its fix. `make fuzz` searches longer.
. "$(dirname "$0")/../lib/tap.sh"
fuzz=$(dirname "$PINFOLD_BIN")/fuzz
for source in "$TESTS"/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    seconds=${FUZZ_SECONDS:-5}
    [ ! -e "${FUZZ_HURRY:-/nothing}" ] || seconds=1
    mkdir -p "$WORK/$name" "$TESTS/fuzz/regress/$name"
    "$fuzz/$name" -max_total_time="$seconds" -timeout=20 -print_final_stats=1 -artifact_prefix="$TESTS/fuzz/regress/$name/" \
        "$WORK/$name" "$TESTS/fuzz/corpus/$name" "$TESTS/fuzz/regress/$name" >"$WORK/out" 2>&1
    tap_up=0 ok $? "$name: nothing found in $seconds s, $(sed -n 's/^stat::number_of_executed_units: *//p' "$WORK/out") tries" ||
        tap_show fuzzer: "$(grep -v '^#[0-9]' "$WORK/out" | tail -n 30)"
    rmdir "$TESTS/fuzz/regress/$name" 2>/dev/null # empty
done
done_testing
