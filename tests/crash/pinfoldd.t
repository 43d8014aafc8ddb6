#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The supervisor with fake children: what they inherit, what happens when they die, how it stops.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
need_binary pinfoldd

mkdir -p "$WORK/bin" "$WORK/share/pinfold/profiles" "$WORK/share/pinfold/images"
cp "$PINFOLD_BIN/pinfoldd" "$WORK/bin/"
cp "$PINFOLD_HELPERS/fake/child" "$WORK/bin/pinfold-server"
cp "$PINFOLD_HELPERS/fake/child" "$WORK/bin/pinfold-launcher"
cp "$PINFOLD_HELPERS/fake/child" "$WORK/bin/pinfold-egress"
STATE=$WORK/deep/state LOG=$WORK/log OUT=$WORK/out
PID=

start() { # further arguments of pinfoldd
    : >"$LOG"; : >"$OUT"
    env SECRET=1 "$WORK/bin/pinfoldd" --listen 127.0.0.1:0 --state "$STATE" "$@" >"$OUT" 2>"$LOG" 12</dev/null &
    PID=$!
}
stop() { kill -TERM $PID 2>/dev/null; wait $PID; }
at_exit 'test -z "$PID" || kill -KILL $PID 2>/dev/null'
said() { grep -q -- "$1" "$LOG"; }
child() { sed -n "s/.*: $1 started pid=//p" "$LOG" | tail -n 1; }
gone() { ! kill -0 "$1" 2>/dev/null; }
count() { grep -c -- "$1" "$LOG"; }

start
try "it becomes ready" wait_until 20 grep -q . "$OUT"
like "$(cat "$OUT")" '^listening on http://127\.0\.0\.1:[0-9]+$' "it prints the one line, with the port it got"
is "$(grep -o 'pinfold-launcher fds:.*' "$LOG")" "pinfold-launcher fds: 0 1 2 3 4 5 6 7 8 9 10" "the launcher inherits its descriptors and no other"
is "$(grep -o 'pinfold-server fds:.*' "$LOG")" "pinfold-server fds: 0 1 2 3 4 5 6 7 8 9 10 11" "the server inherits one listening socket more"
like "$(grep 'pinfold-server env' "$LOG")" 'env:none uid:[1-9][0-9]* listen:1 token:5[0-9]' "the server gets no environment, a user of its own and the token"
like "$(grep 'pinfold-launcher env' "$LOG")" 'env:none uid:0 listen:0 token:0' "the launcher gets no token"
is "$(stat -c '%a %u' "$STATE" "$STATE/admin.token" "$STATE/layers" "$STATE/dirs" "$STATE/mirrors" | tr '\n' ' ')" \
    "700 0 600 0 700 0 700 0 700 0 " "the state directory and what is in it belong to root alone"
isnt "$(stat -c '%u' "$STATE/server")" 0 "the server's part belongs to the server's user"
like "$(cat "$STATE/admin.token")" '^pft_[0-9a-z]{52}$' "the first start writes a token"
token=$(cat "$STATE/admin.token")
(exec 3<>/dev/tcp/127.0.0.1/"$(sed 's/.*://' "$OUT")") 2>/dev/null
ok $? "the port is open"
fails "a second one on the same state directory is refused" "$WORK/bin/pinfoldd" --listen 127.0.0.1:0 --state "$STATE"

old=$(child server)
kill -KILL "$old"
try "a killed server is started again" wait_until 20 eval '[ "$(child server)" != "'"$old"'" ]'
try "it says who killed it" said 'server was ended by SIGKILL'
old=$(child launcher)
kill -SEGV "$old"
try "a crashed launcher is started again" wait_until 20 eval '[ "$(child launcher)" != "'"$old"'" ]'
is "$(wc -l <"$OUT")" 1 "the line on stdout comes once"
try "the new launcher got what the old one had" wait_until 20 eval '[ "$(count "pinfold-launcher fds: 0 1 2 3 4 5 6 7 8")" = 2 ]'
server=$(child server) launcher=$(child launcher)
try "both are ready again" wait_until 20 eval '[ "$(count "is ready after")" = 5 ]'
stop; is $? 0 "SIGTERM stops it with exit code 0"
try "the server was told to stop" said 'pinfold-server ends: told to'
try "the launcher too, after it" said 'pinfold-launcher ends: told to'
# The other two are told at the same time: which of them ends first is nobody's promise.
is "$(grep -o 'pinfold-[a-z]* ends' "$LOG" | tail -n 3 | head -n 1)" "pinfold-server ends" "the server goes first"
try "no child is left" eval "gone $server && gone $launcher"

start
try "it starts again on what is there" wait_until 20 grep -q . "$OUT"
is "$(cat "$STATE/admin.token")" "$token" "the token stays the same"
server=$(child server) launcher=$(child launcher)
kill -KILL $PID; wait $PID 2>/dev/null
try "children of a killed pinfoldd end by themselves" wait_until 20 eval "gone $server && gone $launcher"

mkdir "$STATE/server/output"
echo x >"$STATE/server/output/file"
echo secret >"$WORK/secret"
ln "$WORK/secret" "$STATE/server/hard"
ln -s "$WORK/secret" "$STATE/server/soft"
owner=$(stat -c %u "$STATE/server")
chown "$owner:$owner" "$STATE/server/output" "$STATE/server/output/file"
printf 'ServerUser=65431\n' >"$WORK/conf"
start --config "$WORK/conf"
wait_until 20 grep -q . "$OUT"
stop
is "$(stat -c %u "$STATE/server" "$STATE/server/output" "$STATE/server/output/file" | sort -u)" 65431 "another ServerUser= gets what the former one made"
is "$(stat -c %u "$WORK/secret")" 0 "and nothing that was linked there"
rm -r "$STATE/server/output" "$STATE"/server/{hard,soft}

touch "$STATE/server/flood"
start
wait_until 20 grep -q . "$OUT"
try "it survives a flood of log lines" said '^server| flood 1$'
fails "and does not write all of it" said '^server| flood 4999$'
is "$(awk 'length > 1100' "$LOG" | wc -l)" 0 "no line of the log is longer than its bound"
stop; is $? 0 "it stops after a flood"
rm "$STATE/server/flood"

start
wait_until 20 grep -q . "$OUT"
kill -INT $PID
kill -TERM $PID
wait $PID; is $? 0 "one Ctrl-C that arrives twice is one"
fails "and nothing is killed for it" said 'second time'

touch "$STATE/server/ignore-term"
printf 'StopTimeout=1s\n' >"$WORK/conf"
start --config "$WORK/conf"
wait_until 20 grep -q . "$OUT"
stop; is $? 0 "it stops although the server ignores that"
try "the server was killed in the end" said 'server does not stop: killed'
rm "$STATE/server/ignore-term"

touch "$STATE/server/never-ready"
start
try "the launcher is ready before the server" wait_until 20 said 'launcher is ready'
kill -KILL "$(child launcher)"
try "and is started again when it dies then" wait_until 20 eval '[ "$(count "launcher is ready")" = 2 ]'
kill -KILL "$(child server)"
try "so is one that was killed before it was ready" wait_until 20 eval '[ "$(count "server started")" = 2 ]'
stop
rm "$STATE/server/never-ready"

touch "$STATE/server/die-early"
start
wait $PID; is $? 1 "a server that dies at the first start ends the start"
try "with the reason" said 'server ended with exit code 3'
is "$(cat "$OUT")" "" "and nothing is said to be listening"
rm "$STATE/server/die-early"

# What a pinfoldd that was killed was about to start holds its lock until it executes.
: >"$OUT"
flock -F "$STATE/layers" sh -c 'echo held; exec sleep 0.3' >"$WORK/held" & HOLDER=$!
wait_until 20 grep -q held "$WORK/held"
start
try "a lock that goes in a moment is waited for" wait_until 20 grep -q . "$OUT"
stop
wait $HOLDER
flock -F "$STATE/layers" sh -c 'echo held; exec sleep 100' >"$WORK/held" & HOLDER=$!
wait_until 20 grep -q held "$WORK/held"
start
wait $PID; is $? 1 "one that stays is another's"
try "who is named by the directory" said "another pinfoldd uses $STATE"
kill $HOLDER

refused() { # CONFIG-TEXT WANTED-MESSAGE SENTENCE
    printf '%s\n' "$1" >"$WORK/conf"
    local out; out=$("$WORK/bin/pinfoldd" --check --config "$WORK/conf" 2>&1)
    [ $? = 1 ] && [[ $out == *"$2"* ]]; ok $? "$3" || tap_show out: "$out"
}
refused $'# x\nListn=1.2.3.4:5' 'conf:2: there is no setting Listn' "an unknown setting is refused with file and line"
refused $'MaxBody=1M\nMaxBody=2M' 'conf:2: MaxBody is set twice' "a repeated setting is refused"
refused 'AdminToken=abc' 'pinfoldd sets this itself' "what pinfoldd makes itself cannot be set"
refused "TLSKey=$WORK/key" 'belong together' "a key without a certificate is refused"
touch "$WORK/pw"; chmod 644 "$WORK/pw"
refused "PasswordFile=$WORK/pw" 'must belong to root with mode 0600' "a secret that others can read is refused"
refused 'ServerUser=root' 'must not run as root' "a server that runs as root is refused"
mkdir -m 777 "$WORK/open"
fails "a state directory that others can write is refused" "$WORK/bin/pinfoldd" --listen 127.0.0.1:0 --state "$WORK/open"
chmod 644 "$STATE/admin.token"
fails "a token that others can read is refused" "$WORK/bin/pinfoldd" --listen 127.0.0.1:0 --state "$STATE"
done_testing
