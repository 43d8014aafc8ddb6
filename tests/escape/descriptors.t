#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Descriptors and the working directory: what the caller has open must not come along.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

echo secret >"$WORK/secret"; chmod 600 "$WORK/secret"
is "$(box probe/see fds </dev/null 2>/dev/null | cut -d' ' -f1 | tr '\n' ' ')" "0 1 2 " "a command has descriptors 0, 1 and 2 and no other"
exec 7</ 8<"$WORK/secret" 9>"$WORK/other"
is "$(box probe/see fds </dev/null 2>/dev/null | cut -d' ' -f1 | tr '\n' ' ')" "0 1 2 " "also when the caller has more open, among them the root directory"
for fd in 3 4 5 6 7 8 9 10 11 12 13 14 20 46; do
    attempt "read the machine's files by a leaked descriptor $fd (CVE-2024-21626)" "EBADF" files read-at $fd ../../../../etc/shadow
done
judge
exec 7<&- 8<&- 9>&-
attempt "read the machine's files by its working directory" "ENOENT" files read ../../../../../../etc/gshadow
# The same at the one moment when init's own descriptors are there: while a command is started.
for fd in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 20 46; do
    BOX_OPTS=(--cwd "/proc/self/fd/$fd")
    unlike "$(box sh -c 'cat ../../../../../../etc/shadow ../../../../../../etc/gshadow; ls ../../../../../..' 2>&1)" 'root:|denied|boot|state' "a command cannot start in the directory of init's descriptor $fd (CVE-2024-21626)"
done
ln -sfn /proc/self/fd/5 "$WS/five"
BOX_OPTS=(--cwd five)
fails "nor in one that a link in the workspace names" box true
BOX_OPTS=()
# A descriptor that the caller gives on purpose is a file, never a way on.
out=$(cd / && box probe/files read-at 0 "../../..$WORK/secret" </ 2>&1)
unlike "$out" "worked" "a directory as stdin is no way out of the sandbox"
out=$(cd / && box probe/files read-at 1 "../../../etc/passwd" 2>&1 1</)
unlike "$out" "worked" "a directory as stdout neither"
out=$(box probe/files reopen 0 w <"$WORK/secret" 2>&1)
like "$out" '^refused: reopen: E(ACCES|PERM|ROFS)' "a read-only file as stdin cannot be opened for writing" || chmod 600 "$WORK/secret"
out=$(box probe/files fchmod 0 <"$WORK/secret" 2>&1)
like "$out" '^refused: .*: E(PERM|ROFS|ACCES)' "nor its mode be changed"
is "$(stat -c %a "$WORK/secret")" 600 "and it is not"
exec 5>"$WORK/log"; chmod 600 "$WORK/log"; echo earlier >"$WORK/log"
out=$(box sh -c 'probe/files reopen 1 r >&2' 2>&1 1>&5)
like "$out" '^refused: reopen: E(ACCES|PERM)' "what was written to a log before cannot be read back by its descriptor (CVE-2026-8052)"
exec 5>&-
is "$(box sh -c 'readlink /proc/self/cwd')" /workspace "the working directory is the workspace"
is "$(cd / && box sh -c 'pwd')" /workspace "wherever the caller is"
exec 9</
is "$(box sh -c 'ls -d /proc/*/fd/9 2>/dev/null')" "" "no process inside shows a descriptor 9"
exec 9<&-
is "$(ENV_SECRET=1 LD_PRELOAD='' BASH_ENV=/x box probe/see env | grep -cE 'SECRET|BASH_ENV|LD_PRELOAD')" 0 "no variable of the caller's comes along"
judge
done_testing
