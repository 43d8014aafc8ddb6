#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two sandboxes side by side: neither sees, signals, reads or slows the other through the kernel's
# shared objects.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need PYTHON

# The neighbour: holds a shared memory segment, a listener, an abstract name, a file, a process.
cat >"$WS/neighbour" <<'EOP'
#!/bin/bash
ipcmk -M 4096 >/dev/null 2>&1
echo precious >/tmp/precious
echo precious >/dev/shm/precious
exec python3 -c '
import socket, time, sys
s = socket.socket(); s.bind(("127.0.0.1", 7777)); s.listen()
a = socket.socket(socket.AF_UNIX); a.bind("\0neighbour"); a.listen()
print("ready", flush=True)
time.sleep(300)' neighbour-process
EOP
chmod 755 "$WS/neighbour"
box_start "$WORK/neighbour" ./neighbour
neighbour=$BOX_PID
try "a neighbour runs" wait_until 30 grep -q ready "$WORK/neighbour"
# Its pid outside, and its user id.
pid=$(pgrep -f neighbour-process | while read -r p; do [ "$(stat -c %u /proc/$p 2>/dev/null)" -gt 65536 ] && echo $p; done | head -n 1)
uid=$(stat -c %u /proc/$pid)
isnt "$pid" "" "it can be seen from outside"

like "$(box awk '{ print $2 }' /proc/self/uid_map)" '^[0-9]+$' "a second sandbox runs beside it"
isnt "$(box awk '{ print $2 }' /proc/self/uid_map)" "$((uid - 1000))" "with another range of ids"
for ns in user mnt pid net ipc uts cgroup; do
    isnt "$(box readlink /proc/self/ns/$ns)" "$(readlink /proc/$pid/ns/$ns)" "and another $ns namespace"
done
is "$(box sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' | grep -c neighbour-process)" 0 "it sees no process of the neighbour"
is "$(box sh -c 'ls /tmp /dev/shm')" $'/dev/shm:\n\n/tmp:' "it sees no file of the neighbour's /tmp and /dev/shm"
is "$(box ipcs -m | grep -c 4096)" 0 "it sees no shared memory of the neighbour"
neighbour_attempts() {
    attempt "connect to the neighbour's port" ECONNREFUSED network connect 127.0.0.1 7777
    attempt "connect to the neighbour's abstract socket" ECONNREFUSED network unix @neighbour
    attempt "kill the neighbour by its number outside" ESRCH process kill "$pid" 9
    attempt "trace the neighbour" "ESRCH|EPERM" process attach "$pid"
    attempt "read the neighbour's memory by /proc" ENOENT process proc "$pid" mem r
    attempt "become the neighbour's user" EINVAL process become "$uid"
    attempt "give a file to the neighbour" EINVAL files chown "$uid" /workspace/attempts
}
both neighbour_attempts
box probe/process kill-all 9 >/dev/null 2>&1
try "the neighbour still runs" kill -0 "$pid"
BOX_OPTS=(--memory 64M)
box probe/use memory 300 >/dev/null 2>&1
is $? 137 "another sandbox runs out of memory"
try "the neighbour still runs after that" kill -0 "$pid"
BOX_OPTS=(--pids 60)
box probe/use forks 500 >/dev/null 2>&1
try "and after a fork bomb next door" kill -0 "$pid"
BOX_OPTS=()

# IPC objects of the machine itself.
key=0x50494e46
id=$(python3 -c "
import ctypes
print(ctypes.CDLL(None).shmget($key, 4096, 0o1666))")
at_exit "ipcrm -m $id 2>/dev/null"
attempt "find shared memory of the machine" ENOENT use find-ipc $key
judge
like "$("$WS/probe/use" find-ipc $key)" "not here" "control: hostile probes do not run outside"
like "$(ipcs -m | grep -ci 0x50494e46)" '^1$' "control: the segment is there outside"

# Files of the machine's /usr are shown to all: not so their locks, leases and watches.
PROFILE=build
box_start "$WORK/lock" python3 -c 'import ctypes, fcntl, os, select, sys
f = os.open("/usr/bin/true", os.O_RDONLY)
fcntl.flock(f, fcntl.LOCK_EX)
try: fcntl.fcntl(f, 1024, fcntl.F_RDLCK) # F_SETLEASE
except OSError as e: print("lease:", e)
c = ctypes.CDLL(None)
w = c.inotify_init()
c.inotify_add_watch(w, b"/usr/bin", 0x20)
c.inotify_add_watch(w, b"/usr/bin/true", 0x20)
print("ready", flush=True)
r, _, _ = select.select([w], [], [], 60)
print("saw an open", flush=True)'
try "a sandbox locks and watches a program of the machine" wait_until 30 grep -q ready "$WORK/lock"
try "the machine can lock it all the same" flock -w 1 /usr/bin/true true
PROFILE=default
is "$(box flock -w 1 /usr/bin/true echo locked)" locked "another sandbox too"
/usr/bin/true; box /usr/bin/true
read -rt 0.3 <> <(:) || true # an event would be there by now
unlike "$(cat "$WORK/lock")" "saw" "and who opens it outside is not told"
kill "$BOX_PID"

kill $neighbour 2>/dev/null; wait $neighbour 2>/dev/null
fails "the neighbour's end leaves nothing of it" kill -0 "$pid"
done_testing
