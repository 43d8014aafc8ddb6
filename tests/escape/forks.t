#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A workspace and its fork stand on the same files: neither changes what the other sees, whatever
# it tries as its user or as root, and neither gets hold of what lies beneath.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
server_start
W=/v1/workspaces
run() { api POST "$W/$1/exec" -d "$(jq -n --arg c "$2" "{command: \$c${3:+, $3}}")"; json .stdout; }
seen() { run "$1" 'find . ~ -printf "%p %y %m %U %G %l %T@ %C@ %i %s\n" 2>/dev/null | sort; sha256sum data dir/f ~/h'; }

api POST $W -d '{"name": "parent"}'
run parent 'mkdir dir empty; echo data >data; echo f >dir/f; ln -s /etc/passwd link; mkfifo pipe; echo home >~/h; cp /bin/true prog' >/dev/null
api POST $W/parent/fork -d '{"name": "child"}'
is "$CODE" 201 "a workspace is forked"
frozen() { find "$STATE/strata" \! -name 'str_*' -printf '%P %y %m %U %G %l %T@ %i %s\n' | sort; find "$STATE/strata" -type f -exec sha256sum {} +; }
was=$(frozen)
isnt "$was" "" "their files are beneath both"
cat >"$WORK/attempts" <<'EOP'
import ctypes, fcntl, mmap, os
def attempt(f, *a):
    try: return f(*a)
    except OSError: return None
for name in ("data", "dir/f", os.path.expanduser("~/h"), "/etc/passwd", "/etc/hostname"):
    r = attempt(os.open, name, os.O_RDONLY)                    # opened before it is copied up
    fd = attempt(os.open, name, os.O_RDWR)
    if fd is not None:
        attempt(os.pwrite, fd, b"changed", 0)
        m = attempt(mmap.mmap, fd, 4)
        if m: m[:4] = b"MMAP"
    if r is not None:
        w = attempt(os.open, "/proc/self/fd/%d" % r, os.O_RDWR)  # and again by its descriptor
        if w is not None: attempt(os.pwrite, w, b"through fd", 0)
        attempt(os.fchmod, r, 0o777)
        attempt(os.fchown, r, 0, 0)
        attempt(os.setxattr, r, "user.mark", b"x")
        attempt(fcntl.fcntl, r, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    attempt(os.link, name, "linked")
    attempt(os.truncate, "linked", 0)
    attempt(os.chmod, name, 0o6777)
    attempt(os.utime, name, (1, 1))
    for key, value in (("opaque", b"y"), ("redirect", b"/../../../../etc"), ("metacopy", b""), ("whiteout", b""), ("origin", b"\0" * 29)):
        attempt(os.setxattr, name, "user.overlay." + key, value)
        attempt(os.setxattr, "dir", "user.overlay." + key, value)
attempt(os.mknod, "whiteout", 0o20000, 0)
attempt(os.rename, "dir", "moved")
attempt(os.rename, "data", "empty/data")
attempt(os.unlink, "prog")
libc = ctypes.CDLL(None, use_errno=True)
for source, target in ((b"empty", b"dir"), (b"/workspace", b"/mnt")):
    libc.mount(source, target, None, 4096, None)
libc.umount2(b"/workspace", 2)
for name in ("../../../../strata", "/proc/self/root/../s", "/proc/1/root/../strata", "/f00", "/s", "/u"):
    if os.path.exists(name): print("reached", name)
print("tried")
EOP
api PUT $W/child/files/attempts.py --data-binary @"$WORK/attempts"
api PUT $W/parent/files/attempts.py --data-binary @"$WORK/attempts"
parent=$(seen parent)
is "$(run child 'python3 attempts.py')" tried "the child's user reaches nothing beneath its files"
is "$(run child 'python3 attempts.py' 'user: "root"')" tried "nor does its root"
is "$(seen parent)" "$parent" "and the parent sees no change"
is "$(frozen)" "$was" "nor is there one in the frozen files"
child=$(seen child)
is "$(run parent 'python3 attempts.py'; run parent 'python3 attempts.py' 'user: "root"')" $'tried\n\ntried' "the parent reaches nothing either"
is "$(seen child)" "$child" "the child sees no change"
is "$(frozen)" "$was" "nor is there one in the frozen files"
like "$child" '[0-9a-f]{64}' "there was something to see"

# Marks of an overlay that were planted before there was one.
api POST $W -d '{"name": "plant"}'
run plant 'mkdir a b; echo secret >a/f; python3 -c "
import os
for key, value in ((\"redirect\", b\"/../../../../../../etc\"), (\"opaque\", b\"y\"), (\"metacopy\", b\"\"), (\"origin\", b\"\\0\" * 29)):
    try: os.setxattr(\"b\", \"user.overlay.\" + key, value); os.setxattr(\"a/f\", \"user.overlay.\" + key, value)
    except OSError: pass
try: os.mknod(\"w\", 0o20000, 0)
except OSError: pass"' >/dev/null
api POST $W/plant/fork -d '{"name": "planted"}'
is "$CODE" 201 "what plants marks of an overlay is forked"
is "$(run planted 'ls b | grep -c -e passwd -e shadow; ls a')" $'0\nf' "they lead nowhere"
done_testing
