#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any of the processes is killed, again and again, at random moments while execs, background execs,
# init scripts, clones and forks go on. Then the audit: what was acknowledged is there, output has
# neither gap nor double, every end is true, nothing is left. CRASH_KILLS= kills (300) with the
# choices of CRASH_SEED=, which is printed.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON GIT
: "${CRASH_KILLS:=300}" "${CRASH_SEED:=$RANDOM}"
echo "# CRASH_KILLS=$CRASH_KILLS CRASH_SEED=$CRASH_SEED"
SERVER_LOG=$WORK/server.log
git init -q -b main "$WORK/repo"
seq 200 >"$WORK/repo/numbers"
git -C "$WORK/repo" add . && git -C "$WORK/repo" -c user.name=a -c user.email=a@example.org commit -qm numbers
printf '%s\n' "RestartPauseMax=100ms" "RepositoryRoots=$WORK" "ExecsKept=100000" "ExecsKeptPerWorkspace=100000" \
    "DiskReserve=16M" >"$WORK/pinfold.conf"

python3 "$TESTS/crash/campaign.py" "$PINFOLD_BIN/pinfold" "$WORK" "$STATE" "$CRASH_KILLS" "$CRASH_SEED"
ok $? "the campaign runs to its end" || { [ -e "$WORK/stuck.n" ] || done_testing; }
SERVER_PID=$(cat "$WORK/pid") URL=$(cat "$WORK/url") TOKEN=$(cat "$STATE/admin.token")
at_exit 'kill -TERM $SERVER_PID 2>/dev/null; wait_until 20 gone $SERVER_PID'
told() { # FILE SENTENCE: nothing was found
    tap_up=1 is "$(head -n 5 "$WORK/$1")" "" "$2 (of $(cat "$WORK/$1.n"))"
}
told missing "everything that was acknowledged is there"
told untrue "every end is as it must be"
told gaps "every output is complete, without gap or double"
told stuck "everything ends"
# Deletions that were begun go on meanwhile, so one may be gone before its turn.
delete_each() {
    local id bad=
    api GET '/v1/workspaces?limit=200'
    for id in $(json '.items[].id'); do
        api DELETE "/v1/workspaces/$id" -m 60
        [[ $CODE == 204 || $CODE == 404 ]] || bad+="$id $CODE $BODY "
    done
    echo "$bad"
    [ -z "$bad" ]
}
try "all workspaces can be deleted" delete_each
try "then all repositories" wait_until 30 delete_repositories
nothing_left "nothing is left"
is "$(stray_output)" "" "no output file belongs to nobody"
kill -TERM "$SERVER_PID"
try "it stops" wait_until 20 gone "$SERVER_PID"
nothing_left "and leaves nothing"
done_testing
