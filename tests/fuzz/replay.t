#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every parser over the inputs that are kept: corpus (what it may meet) and regress (what broke it).
. "$(dirname "$0")/../lib/tap.sh"
fuzz=$(dirname "$PINFOLD_BIN")/fuzz
for source in "$TESTS"/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    mapfile -t inputs < <(find "$TESTS/fuzz/corpus/$name" "$TESTS/fuzz/regress/$name" -type f 2>/dev/null | sort)
    isnt "${#inputs[@]}" 0 "there are inputs for $name"
    try "$name reads ${#inputs[@]} inputs without harm" "$fuzz/$name" "${inputs[@]}"
done
done_testing
