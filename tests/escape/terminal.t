#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pushing input into the caller's terminal. The sandbox runs on a terminal made for this test.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need PYTHON

# Run the sandbox with stdio on a fresh terminal; what it shows is the answer.
on_terminal() {
    python3 - "$@" <<'EOP'
import os, pty, sys, select
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
while True:
    r, _, _ = select.select([fd], [], [], 30)
    if not r:
        break
    try:
        d = os.read(fd, 4096)
    except OSError:
        break
    if not d:
        break
    out += d
os.waitpid(pid, 0)
sys.stdout.write(out.decode("utf-8", "replace").replace("\r", ""))
EOP
}
terminal() { # WHAT WHY SUB...
    local what=$1 why=$2; shift 2
    local out; out=$(on_terminal "${run[@]}" --profile "$PROFILE" $tty -- probe/terminal "$@")
    tap_up=1 like "$out" "refused: .*: ($why)" "refused${AS:+ to $AS}: $what" || echo "# in profile $PROFILE"
}
all_terminal() {
    terminal "push input into the terminal (CVE-2017-5226)" "EPERM" sti
    terminal "push input with bits above the 32nd set (CVE-2019-10063)" "EPERM" sti-high
    terminal "select and paste on the console (CVE-2023-28100)" "EPERM" linux
    terminal "the same with the 64th bit set" "EPERM" linux-high
    terminal "change the line discipline (CVE-2017-2636)" "EPERM" discipline 13
    terminal "take over the console's output" "EPERM|ENOTTY" console
    terminal "change the terminal's foreground group" "EPERM|ENOTTY|EINVAL" pgrp 1
    terminal "hang up the terminal" "EPERM" hangup
}
run=("$PINFOLD_BIN/pinfold" run --image host --state "$WORK/state" --workspace "$WS")
tty=--tty
both all_terminal
tty=--no-tty
terminal "push input without a terminal of its own" "EPERM" sti
terminal "take a terminal that it does not have" "EPERM|ENOTTY" steal
if [ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ]; then
    like "$(on_terminal unshare -Ur "$WS/probe/terminal" sti)" worked "control, without a sandbox it works: push input into the terminal"
fi
like "$(on_terminal unshare -Ur "$WS/probe/terminal" steal)" worked "control, without a sandbox it works: take the terminal"
like "$(on_terminal "${run[@]}" --no-tty -- probe/see process)" "leader=1 .*tty=0" "a command without a terminal has no controlling terminal, though its caller has"
out=$(on_terminal "${run[@]}" --tty -- sh -c 'tty; ls /dev/pts | tr "\n" " "; probe/see process')
like "$out" "/dev/pts/0" "a command with a terminal has one of the sandbox's own"
like "$out" $'\n''0 ptmx' "which is the only one there is"
like "$out" "tty=1" "and it is the controlling one"
done_testing
