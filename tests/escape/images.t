#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hostile images: what lies in a layer (or in the files of a workspace that root of a sandbox left
# behind) must not turn a mount, a device or a set-user-id bit of the next start to its own ends.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need STRACE
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || { echo "1..0 # SKIP needs BUSYBOX: a static busybox"; exit 0; }

# An image of our own beside a copy of the binaries, its one layer filled by hand.
mkdir -p "$WORK/bin" "$WORK/share/pinfold/images"
cp "$PINFOLD_BIN"/pinfold* "$WORK/bin/"
cp -rL "$(dirname "$PINFOLD_BIN")"/share/pinfold/{profiles,images} "$WORK/share/pinfold/"
rm -f "$WORK"/share/pinfold/images/*.image
printf '[Image]\nDescription=evil\nBase=debian\nRelease=bookworm\n' >"$WORK/share/pinfold/images/evil.image"
evil() { timeout -k 5 60 "$WORK/bin/pinfold" run --image evil --state "$WORK/state" --profile "$PROFILE" --net "$NET" --workspace "$WS" -- "$@"; }
box true # makes the state directory
# The layer's name is the hash of what it depends on; here it is read off the look for it.
key=$(strace -f -e trace=%file "$WORK/bin/pinfold" run --image evil --state "$WORK/state" -- true 2>&1 | grep -oE '"[0-9a-f]{64}"' | tr -d '"' | head -n 1)
isnt "$key" "" "the image's layer has a name"
layer=$WORK/state/layers/$key
fresh() {
    rm -rf "$layer"
    mkdir -p "$layer"/{bin,dev,proc,tmp,etc,home/user,run,root,workspace,usr/bin}
    cp /bin/busybox "$layer/bin/busybox"
    for a in sh cat ls id stat grep mount readlink sleep; do ln -s busybox "$layer/bin/$a"; done
    printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$layer/etc/passwd"
    printf 'root:x:0:\nuser:x:1000:\n' >"$layer/etc/group"
    chown 1000:1000 "$layer/home/user"
}
fresh
is "$(evil /bin/sh -c 'id -un; pwd')" $'user\n/workspace' "control: a harmless image runs" || { tap_show out: "$(evil /bin/true 2>&1)"; done_testing; }

look='grep -E " /(dev|proc|tmp|dev/shm|workspace|dev/pts) " /proc/self/mountinfo | cut -d" " -f5 | sort | tr "\n" " "'
want=$(evil /bin/sh -c "grep -E ' /(dev|proc|tmp|dev/shm|workspace|dev/pts) ' /proc/self/mountinfo | cut -d' ' -f5" | sort | tr '\n' ' ')
is "$want" "/dev /dev/pts /dev/shm /proc /tmp /workspace " "control: with all its mounts"
canaries() { stat -c '%n %Y %s %a' /etc /etc/passwd /root /proc/version /dev/null /dev/shm /run 2>/dev/null | sha256sum; ls -A /etc /root | sha256sum; }
before=$(canaries)
planted() { # WHAT: the sandbox either is refused, or stands on the right places
    local what=$1 out rc
    for NET in none full; do
        out=$(evil /bin/sh -c "grep -E ' /(dev|proc|tmp|dev/shm|workspace|dev/pts) ' /proc/self/mountinfo | cut -d' ' -f5" 2>"$WORK/err"); rc=$?
        out=$(sort <<<"$out" | tr '\n' ' ')
        { [ $rc = 125 ] && grep -qE 'step|start' "$WORK/err"; } || { [ $rc = 0 ] && [ "$out" = "$want" ]; }
        tap_up=1 ok $? "$what: refused or harmless (net $NET)" || tap_show out: "rc $rc $out $(cat "$WORK/err")"
    done
    NET=none
    is "$(canaries)" "$before" "$what: nothing of the machine was touched"
}
for target in / /etc /proc /proc/self/root /workspace ../.. /dev/shm; do
    for place in dev proc tmp workspace; do
        fresh; rm -rf "${layer:?}/$place"; ln -s "$target" "$layer/$place"
        planted "an image whose /$place is a link to $target (CVE-2026-47766, CVE-2026-41579, CVE-2019-19921)"
    done
done
fresh; rm -rf "$layer/dev"; echo x >"$layer/dev"; planted "an image whose /dev is a file"
fresh; rm -rf "$layer/proc"; mkfifo "$layer/proc"; planted "an image whose /proc is a fifo"
fresh; ln -s /etc "$layer/dev/shm"; planted "an image whose /dev/shm is a link"
fresh; ln -s /etc/passwd "$layer/dev/null"; planted "an image whose /dev/null is a link (CVE-2025-31133)"
fresh; ln -s /etc "$layer/dev/pts"; ln -s /etc/shadow "$layer/dev/console"; planted "an image with links in /dev (CVE-2025-52565)"
fresh; mkdir -p "$layer/proc/self"; echo 0 >"$layer/proc/self/status"; planted "an image with a /proc of its own (CVE-2025-52881)"
fresh; ln -s /workspace/planted "$layer/etc/resolv.conf"; planted "an image whose resolv.conf is a link"
is "$(ls "$WS/planted" 2>/dev/null)" "" "nothing is made where such a link points"
fresh; rm -rf "$layer/etc"; ln -s /workspace "$layer/etc"; planted "an image whose /etc is a link"
fresh; rm -rf "$layer/run"; ln -s /etc "$layer/run"; planted "an image whose /run is a link"
fresh; rm -f "$layer/etc/passwd" "$layer/etc/group"; mkfifo "$layer/etc/passwd"
box_try=$(timeout 20 "$WORK/bin/pinfold" run --image evil --state "$WORK/state" --user user --workspace "$WS" -- /bin/true 2>&1); isnt $? 124 "an image whose passwd is a fifo does not make init wait"
for fd in 5 12 13; do
    fresh; ln -sf /proc/self/fd/$fd/../../../../../../../etc/passwd "$layer/etc/passwd"
    timeout 20 "$WORK/bin/pinfold" run --image evil --state "$WORK/state" --user daemon --workspace "$WS" -- /bin/true >/dev/null 2>&1
    is $? 125 "an image whose passwd is the machine's, by init's descriptor $fd, knows none of its users"
done
fresh; ln -sf /dev/zero "$layer/etc/passwd"
timeout 20 "$WORK/bin/pinfold" run --image evil --state "$WORK/state" --user user --workspace "$WS" -- /bin/true >/dev/null 2>&1; isnt $? 124 "nor one whose passwd has no end"
fresh; printf 'user:x:0:0::/:/bin/sh\nuser:x:4294967295:0::/:/bin/sh\nuser:x:-1:0::/:\n' >"$layer/etc/passwd"
is "$(timeout 20 "$WORK/bin/pinfold" run --image evil --state "$WORK/state" --user user --workspace "$WS" -- /bin/cat /proc/self/status 2>/dev/null | awk '/^CapEff/ { print $2 }')" "0000000000000000" "an image that says user is root gives no capability"

# Links that come and go while a sandbox starts: what was looked at is what is mounted on (CVE-2025-31133,
# CVE-2025-52565, CVE-2025-52881, CVE-2021-30465, CVE-2024-0132).
fresh
mkdir "$layer/real" "$layer/etc/real"
cat >"$WORK/flip" <<'EOF'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
layer, out = sys.argv[1:]
pairs = []
for place, target in (("proc", "/etc"), ("dev", "/proc"), ("tmp", "/etc"), ("workspace", "/etc"), ("run", out)):
    link = "%s/link-%s" % (layer, place)
    os.symlink(target, link)
    pairs.append((("%s/%s" % (layer, place)).encode(), link.encode()))
print("flipping", flush=True)
while True:
    for a, b in pairs:
        libc.renameat2(-100, a, -100, b, 2)  # RENAME_EXCHANGE
EOF
mkdir "$WORK/planted"
if command -v python3 >/dev/null; then
    python3 "$WORK/flip" "$layer" "$WORK/planted" >"$WORK/flipping" &
    flip=$!
    at_exit "kill $flip 2>/dev/null"
    wait_until 10 grep -q flipping "$WORK/flipping"
    harmless=0
    for i in $(seq 40); do
        # Whatever starts has each place where it belongs, and its covers on the /proc that it has.
        out=$(evil /bin/sh -c "grep -E ' /(dev|proc|tmp|dev/shm|workspace|dev/pts) ' /proc/self/mountinfo | cut -d' ' -f5; cat /proc/keys /proc/timer_list" 2>"$WORK/err"); rc=$?
        out=$(sort <<<"$out" | tr '\n' ' ')
        { [ $rc = 125 ] || [ "$out" = "$want" ] || [ "$rc$out" = "1 $want" ] || [ "$rc$out" = "127 " ] || [ "$rc$out" = "126 " ]; } && harmless=$((harmless + 1)) || tap_show "start $i": "rc $rc $out $(cat "$WORK/err")"
    done
    kill $flip; wait $flip 2>/dev/null
    is "$harmless" 40 "links that are exchanged with the places of an image while it starts: refused or harmless"
    is "$(canaries)" "$before" "and nothing of the machine was touched"
    is "$(ls -A "$WORK/planted")" "" "nor anything made where they point"
fi

# What a layer may hold and must not work.
fresh; cp /bin/busybox "$layer/bin/busybox-suid"; chmod 4755 "$layer/bin/busybox-suid"
PROFILE=default
is "$(evil /bin/busybox-suid id -u)" 1000 "a set-user-id program of an image gives nothing"
fresh; mknod "$layer/mem" c 1 1; chmod 666 "$layer/mem"; mknod "$layer/null" c 1 3; chmod 666 "$layer/null"
evil /bin/sh -c 'cat /null' >/dev/null 2>&1; isnt $? 0 "a device node of an image does not open"
evil /bin/sh -c 'cat /mem' >/dev/null 2>&1; isnt $? 0 "whichever it is"
PROFILE=build
evil /bin/sh -c 'cat /null' >/dev/null 2>&1; isnt $? 0 "nor for the sandbox's root"
PROFILE=default
fresh; mkdir "$layer/redirect" "$layer/secret"; echo hidden >"$layer/secret/f"
setfattr -n user.overlay.redirect -v /../../../../etc "$layer/redirect" 2>/dev/null
is "$(evil /bin/sh -c 'ls /redirect')" "" "an overlay redirect in a layer leads nowhere"
setfattr -n user.overlay.redirect -v "$WORK" "$layer/redirect" 2>/dev/null
is "$(evil /bin/sh -c 'ls /redirect')" "" "nor one to a path of the machine"
echo data >"$layer/meta"; setfattr -n user.overlay.metacopy "$layer/meta" 2>/dev/null; setfattr -n user.overlay.redirect -v /etc/shadow "$layer/meta" 2>/dev/null
unlike "$(evil /bin/sh -c 'cat /meta' 2>&1)" 'root:' "a metadata-only file in a layer shows no other file"
# The interpreter and the loader are the image's, as is /proc/self/exe of a script (CVE-2019-5736).
sums=$(sha256sum "$WORK"/bin/pinfold*)
fresh; printf '#!/proc/self/exe\n' >"$layer/bin/true"; chmod 755 "$layer/bin/true"
evil /bin/true >/dev/null 2>&1; isnt $? 0 "an image whose program is the runtime's own does not run it"
is "$(sha256sum "$WORK"/bin/pinfold*)" "$sums" "and changes none of our programs"
done_testing
