#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tour of README.md works when it is pasted. Only the address, the state directory and the
# repository are this test's own.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS OVERLAY GIT PYTHON MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher pinfold-git

mkdir -p "$WORK/srv"
git init -q -b main "$WORK/hello"
echo 'Hello World' >"$WORK/hello/README"
git -C "$WORK/hello" add README
git -C "$WORK/hello" -c user.name=t -c user.email=t@localhost commit -qm 'first words'
git clone -q --bare "$WORK/hello" "$WORK/srv/hello.git"
"$TESTS/lib/git-http" "$WORK/srv" "$WORK/git.log" >"$WORK/git.port" 2>/dev/null &
at_exit "kill $!"
wait_until 20 test -s "$WORK/git.port"
server_start || done_testing

sed -n '/<!-- tour begin/,/<!-- tour end/p' "$TOP/README.md" | sed -n '/^```sh$/,/^```$/p' | grep -v '^```' >"$WORK/tour"
isnt "$(wc -l <"$WORK/tour")" 0 "README.md has a tour"
sed -i -e "s|http://127.0.0.1:7070|$URL|" -e "s|/var/lib/pinfold|$STATE|" \
    -e "s|https://github.com/octocat/Hello-World|http://127.0.0.1:$(cat "$WORK/git.port")/repos/hello.git|" "$WORK/tour"
bash -u "$WORK/tour" >"$WORK/out" 2>&1
ok $? "it runs to its end" || tap_show out: "$(cat "$WORK/out")"
OUT=$(cat "$WORK/out")

said() { # REGEX SENTENCE
    grep -Eq -- "$1" "$WORK/out"; tap_up=1 ok $? "$2"
}
said '"stdout": "uid=1000' "a command in a fresh sandbox, as an ordinary user"
said '"status": "ready"' "the workspace with a repository is ready"
said '"commit": "[0-9a-f]{40}"' "and names the commit"
said '[0-9a-f]{7} first words' "git works in it"
said '"reason": "timed_out"' "a command that takes too long is ended"
said '^\{"event":"exit"' "the stream ends with an end"
is "$(grep -c '^{"event":"stdout"' "$WORK/out")" 3 "after three lines that came one by one"
said '^hello$' "a file comes back"
said '"sandbox": \{' "debug shows the sandbox"
said '^\{"type":"end","status":"succeeded"' "a run is watched to its end"
said '"status": "succeeded"' "the build succeeds"
said '^GNU Make' "and has what the init script installed"
unlike "$OUT" '"code":' "nothing was refused" || tap_show out: "$(grep -B2 -A5 '"code":' "$WORK/out")"
api GET /v1/workspaces
is "$(json '.items | length')" 0 "nothing is left of it"
done_testing
