#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The runner counts honestly: what does not end as it should is a failure.
. "$(dirname "$0")/../lib/tap.sh"
program() { printf '#!/bin/bash\n%s\n' "$1" >"$WORK/p.t"; chmod +x "$WORK/p.t"; }
counts() { # [VARIABLE=VALUE...]: the closing line of a run of the program
    env -u MUST_HAVE "$@" "$TESTS/lib/run" --name x "$WORK/p.t" | tail -n 1
}
program 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2'
is "$(counts)" "x: 2 passed, 0 failed, 0 skipped" "two that passed"
program 'echo "ok 1 - a"; echo "not ok 2 - b"; echo 1..2; exit 1'
is "$(counts)" "x: 1 passed, 1 failed, 0 skipped" "one that failed"
program 'echo "ok 1 - a"'
is "$(counts)" "x: 1 passed, 1 failed, 0 skipped" "a missing plan is a failure"
program 'echo "ok 1 - a"; echo 1..2'
is "$(counts)" "x: 1 passed, 1 failed, 0 skipped" "fewer than planned is a failure"
program 'echo "ok 1 - a"; echo 1..1; kill -SEGV $$'
is "$(counts)" "x: 1 passed, 1 failed, 0 skipped" "a crash after the last test is a failure"
program 'echo "ok 1 - a"; echo 1..1; exit 3'
is "$(counts)" "x: 1 passed, 1 failed, 0 skipped" "so is an exit code that no test explains"
program 'echo "ok 1 - a"; read -rt 100 <> <(:)'
is "$(counts TEST_TIMEOUT=1)" "x: 1 passed, 1 failed, 0 skipped" "one that hangs is ended and is a failure"
program 'echo "1..0 # SKIP needs NOPE: not here"'
is "$(counts)" "x: 0 passed, 0 failed, 1 skipped" "a script that cannot run is skipped"
is "$(counts MUST_HAVE='A NOPE')" "x: 0 passed, 1 failed, 0 skipped" "unless it had to run"
program 'echo "ok 1 - a # SKIP needs NOPE: not here"; echo 1..1'
is "$(counts)" "x: 0 passed, 0 failed, 1 skipped" "a test that cannot run is skipped"
is "$(counts MUST_HAVE=NOPE)" "x: 0 passed, 1 failed, 0 skipped" "unless it had to run"
rm "$WORK/p.t"
is "$(counts)" "x: 0 passed, 1 failed, 0 skipped" "a script that is not there is a failure"
printf 'a 3 0 1\nb 4 0 0\n' >"$WORK/tally"
out=$("$TESTS/lib/run" --total "$WORK/tally"); rc=$?
is "$(tail -n 1 <<<"$out") $rc" "7 passed, 0 failed, 1 skipped 0" "the parts are added up"
printf 'c\nb\n' >"$WORK/tally.failed"
out=$("$TESTS/lib/run" --total "$WORK/tally"); rc=$?
is "$(tail -n 1 <<<"$out") $rc" "7 passed, 1 failed, 1 skipped 1" "a part that did not even run is a failure"
program 'echo "not ok 1 - the moon is round"; echo 1..1; exit 1'
"$TESTS/lib/run" --tally "$WORK/tally" --name d "$WORK/p.t" >/dev/null
out=$("$TESTS/lib/run" --total "$WORK/tally")
like "$out" 'not ok 1 - the moon is round.*7 passed, 1 failed' "what failed is said again above the closing line"
done_testing
