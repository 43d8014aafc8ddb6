#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The files of a sandbox: its root, the workspace, /dev, /proc, /tmp.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

is "$(box pwd)" /workspace "a command starts in the workspace"
is "$(box sh -c 'stat -c "%u %g %a" /workspace')" "1000 1000 755" "which belongs to its user"
echo hello >"$WS/in"
is "$(box cat in)" hello "it reads what is in the caller's directory"
box sh -c 'echo bye >out; mkdir d; ln -s in l; chmod 700 out'
is "$(cat "$WS/out") $(stat -c '%u %g %a' "$WS/out")" "bye 1000 1000 700" "what it writes is there afterwards, with owner and mode"
is "$(readlink "$WS/l")" in "symlinks too"
chown 1000:1000 "$WS/in"
PROFILE=strict
is "$(box cat in)" hello "a read-only workspace can be read"
fails "but not written to" box sh -c 'echo x >new'
fails "nor can its files be changed" box sh -c 'echo x >>in'
fails "nor deleted" box rm -f in
is "$(cat "$WS/in")" hello "the file is unchanged"
PROFILE=default

table=$(box cat /proc/self/mountinfo)
opts() { awk -v m="$1" '$5 == m { o = $6 } END { print o }' <<<"$table"; }
type_of() { awk -v m="$1" '$5 == m { for (i = 7; i < NF; i++) if ($i == "-") t = $(i + 1) } END { print t }' <<<"$table"; }
for m in / /usr /workspace /tmp /dev/shm /proc; do
    like "$(opts $m)" 'nosuid' "$m is mounted nosuid"
    like "$(opts $m)" 'nodev' "$m is mounted nodev"
done
like "$(opts /usr)" '^ro' "/usr is read-only"
like "$(opts /dev/shm)" noexec "/dev/shm is noexec"
like "$(opts /proc)" noexec "/proc is noexec"
like "$(opts /dev/pts)" 'nosuid.*noexec' "/dev/pts is nosuid and noexec"
for m in /proc/sys /proc/bus /proc/irq /proc/fs; do
    [ -e $m ] && like "$(opts $m)" '^ro' "$m is read-only"
done
is "$(type_of /)" overlay "the root is an overlay"
is "$(type_of /tmp) $(type_of /dev/shm) $(type_of /dev) $(type_of /dev/pts) $(type_of /proc)" "tmpfs tmpfs tmpfs devpts proc" "/tmp, /dev and the rest are of their own"
is "$(awk '$5 ~ /^\/(sys|run|home|root|var|boot|mnt|media|srv)/ { print $5 }' <<<"$table")" "" "nothing else of the machine is mounted"
is "$(grep -cE ' (shared|master|propagate_from):' <<<"$table")" 0 "no mount of a sandbox propagates anywhere"
mount -t tmpfs canary "$WORK/ws/d" && at_exit "umount '$WORK/ws/d' 2>/dev/null"
is "$(box grep -c canary /proc/self/mountinfo)" 0 "a mount of the machine below the workspace is not shown"
umount "$WORK/ws/d"

is "$(box sh -c 'stat -c %a /tmp; echo x >/tmp/f && cat /tmp/f')" $'1777\nx' "/tmp is writable for all, with the sticky bit"
is "$(box ls -A /tmp)" "" "and empty at every start"
is "$(box sh -c 'cp /bin/true /tmp/t && /tmp/t && echo ran')" ran "programs in /tmp can be run"
fails "in /dev/shm they cannot" box sh -c 'cp /bin/true /dev/shm/t && /dev/shm/t'
is "$(box sh -c 'echo x >~/f && cat ~/f; echo $HOME')" $'x\n/home/user' "the user has a home that it may write to"
fails "the user may not write to /etc" box sh -c 'echo x >/etc/f'
fails "nor to the root" box sh -c 'echo x >/f'
PROFILE=build
is "$(box sh -c 'echo x >/etc/f && echo y >/f && cat /etc/f /f')" $'x\ny' "root may"
is "$(box sh -c 'ls /etc/f /f 2>/dev/null | wc -l')" 0 "and every start has a fresh root"
PROFILE=default
like "$(box sh -c 'id -un; getent passwd user | cut -d: -f3,6,7; getent group user | cut -d: -f3')" $'^user\n1000:/home/user:/bin/(ba)?sh\n1000$' "the user has a name"
is "$(box sh -c 'for d in null zero full random urandom; do head -c 1 /dev/$d >/dev/null 2>&1 && echo $d; done; echo x >/dev/null && echo written' | tr '\n' ' ')" "null zero full random urandom written " "the devices work"
is "$(box sh -c 'dd if=/dev/zero of=/dev/full count=1 2>&1 | grep -c "No space"; readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr' | tr '\n' ' ')" "1 /proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 " "/dev/full is full, and the links are there"
has PYTHON && is "$(box python3 -c 'import os, pty; m, s = os.openpty(); print(os.ttyname(s))')" /dev/pts/0 "a program can make a terminal of its own"
is "$(box sh -c 'df --output=size -B1M /tmp | tail -n 1' | tr -d ' ')" 512 "/tmp has the size that the profile says"
is "$(box sh -c 'ls /; true' | tr '\n' ' ' | grep -oE '\b(bin|etc|lib|proc|tmp|usr|workspace)\b' | tr '\n' ' ')" "bin etc lib proc tmp usr workspace " "the usual directories are there"
is "$(BOX_OPTS=(--cwd /tmp); box pwd)" /tmp "it can start in another directory"
BOX_OPTS=(--cwd d/../d)
like "$(box pwd 2>&1)" '^(/workspace/d|.*)$' "a relative one is resolved inside"
BOX_OPTS=(--cwd /proc/self/fd/7)
fails "a directory that is only the caller's is refused" box pwd
BOX_OPTS=(--cwd /nowhere)
box true >"$WORK/out" 2>&1
like "$?" '^12[57]$' "a directory that is not there is no start"
like "$(cat "$WORK/out")" 'cwd|No such' "and says so"
done_testing
