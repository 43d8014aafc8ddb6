#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attempts through the API, where strangers' names, archives, links and scripts meet our own
# helpers: what works there must stay in the sandbox. Canaries outside tell if it did not.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS PYTHON
mkdir -p "$WORK/out/dir"
chmod 755 "$WORK" "$WORK/out" # anybody who got out could read, and would find it writable
echo "canary $RANDOM" >"$WORK/out/dir/secret"
chmod -R o+rwX "$WORK/out"
OUT=$WORK/out/dir
canaries() { find "$WORK/out" -printf '%p %y %s %m %U %T@\n' | sort | sha256sum; sha256sum "$OUT/secret" /etc/passwd /etc/shadow; ls -A / /etc /root | sha256sum; }
server_start
api POST '/v1/workspaces?wait=30' -d '{"name": "w", "image": "host"}'
is "$(json .status)" ready "a workspace"
W=/v1/workspaces/w
run() { api POST $W/exec -d "$(jq -n --arg c "$1" '{command: $c}')"; json .stdout; } # in the sandbox
exec_with() { api POST $W/exec -d "$1"; }                                          # a body
quiet() { # nothing runs in it any more
    local id
    api GET "$W/execs?limit=100"
    for id in $(json '.items[]|select(.status!="ended").id'); do api POST "/v1/execs/$id/cancel"; done
    wait_until 20 stopped
}
stopped() { api POST $W/stop; [[ $CODE == 20* ]]; }
untouched() { is "$(canaries)" "$before" "nothing outside was touched: $1"; }
for f in files process use kernel terminal mount; do api PUT "$W/files/probe/$f?mode=755" --data-binary @"$PINFOLD_HELPERS/probe/$f"; done
is "$(run 'probe/files read /proc/version >/dev/null; echo $?')" 0 "control: probes run in it"
before=$(canaries)

# --- the working directory of an exec -----------------------------------------------------------
root=$(run 'stat -c %d:%i /')
for fd in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 20 46; do
    exec_with '{"cwd": "/proc/self/fd/'$fd'", "argv": ["/bin/sh", "-c", "cat ../../../../../../etc/shadow ./shadow; stat -c %d:%i ../../../../../.."]}'
    out=$(json '(.stdout // "") + "|" + (.reason // .code // "")')
    [ "$out" = "$root"$'\n|exited' ] || [[ $out == "|start_failed" || $out == "|"*not_found* || $out == "|"* && $CODE != 200 ]]
    ok $? "an exec in the directory of descriptor $fd stays inside (CVE-2024-21626)" || tap_show got: "$CODE $BODY"
done
run 'for i in 3 5 7 8 9; do ln -sfn /proc/self/fd/$i cwd$i; ln -sfn /proc/1/cwd cwd1; ln -sfn /proc/1/root cwd2; done' >/dev/null
for i in 1 2 3 5 7 8 9; do
    exec_with '{"cwd": "cwd'$i'", "command": "cat etc/shadow ../etc/shadow ../../../etc/shadow"}'
    unlike "$BODY" 'root:[$*!]' "nor in one that a link in the workspace names ($i)"
done
exec_with '{"cwd": "'"$OUT"'", "command": "cat secret"}'
unlike "$BODY" 'canary' "a directory of the machine is not one of the sandbox's (CVE-2025-59532)"
exec_with '{"cwd": "../../../../../..'"$OUT"'", "command": "cat secret"}'
unlike "$BODY" 'canary' "climbing does not help"
exec_with '{"cwd": "/proc/1/root'"$OUT"'", "command": "cat secret"}'
unlike "$BODY" 'canary' "nor init's root"

# --- users and variables --------------------------------------------------------------------------
for user in evil 4294967295 4294967294 65536 -1 '0:0' '../root' "root\\u0000"; do
    exec_with '{"user": "'"$user"'", "argv": ["/usr/bin/id", "-u"]}'
    unlike "$CODE $(json .stdout)" '^200 0$' "the user '$user' is not root (CVE-2026-30892)"
done
exec_with '{"user": "root", "command": "grep Cap /proc/self/status"}'
is "$(json .stdout | awk 'NF { print $2 }' | sort -u)" 0000000000000000 "root of a sandbox has no capability by name, nor to inherit (CVE-2022-29162)"
exec_with '{"user": "root", "command": "probe/process attach 1; probe/process proc 1 mem w; probe/process link 1 exe; probe/process proc 1 fd/3 r"}'
is "$(json .stdout | grep -c '^refused')" 4 "root of a sandbox cannot look into init (CVE-2016-9962)"
run 'printf "int puts(const char *); __attribute__((constructor)) static void f(void) { puts(\"pwned\"); }" >/tmp/p.c; cc -shared -fPIC -o /workspace/p.so /tmp/p.c' >/dev/null
for v in LD_PRELOAD=/workspace/p.so LD_AUDIT=/workspace/p.so GCONV_PATH=/workspace BASH_ENV=/workspace/x; do
    api PATCH $W -d '{"env": {"'"${v%%=*}"'": "'"${v#*=}"'"}}'
    api GET "$W/files?path=."
    unlike "$CODE $BODY" 'pwned' "the workspace's ${v%%=*} does not get into our own helper (CVE-2019-14271, CVE-2025-23266)"
done
api PATCH $W -d '{"env": {}}'

# --- names -----------------------------------------------------------------------------------------
run 'ln -sfn '"$OUT"' d; ln -sfn '"$OUT"'/secret s; ln -sfn / r; ln -sfn /etc/cron.d c; ln -sfn ../../../../..'"$OUT"' u; ln -sfn loop loop
     ln -sfn /proc/self/root p; ln -sfn /proc/self/fd/0 f0; ln -sfn /proc/self/exe x; ln -sfn /proc/1/root i; mkfifo fifo' >/dev/null
for path in s d/secret "r$OUT/secret" u/secret "p$OUT/secret" "i$OUT/secret" "%2e%2e/%2e%2e$OUT/secret" "..%2f..$OUT/secret" \
    "//$OUT/secret" "/proc/self/root$OUT/secret" "/proc/self/cwd/../../..$OUT/secret" "/proc/1/cwd$OUT/secret" loop; do
    api GET "$W/files/$path" --path-as-is -m 20
    unlike "$CODE $BODY" '^200|canary' "reading $path gives nothing of the machine (CVE-2024-28185)"
done
for path in s d/new "r$OUT/new" u/new "p$OUT/new" c/evil loop "i$OUT/new" "/proc/self/root$OUT/new" "/proc/sys/kernel/core_pattern" "/proc/1/mem" "/sys/fs/cgroup/release_agent"; do
    api PUT "$W/files/$path?parents=1" --path-as-is -m 20 --data-binary evil
    CODE_PUT=$CODE
done
untouched "by files written through links (CVE-2021-30465, CVE-2024-28185)"
for path in fifo f0; do
    api GET "$W/files/$path" -m 20
    unlike "$CODE" '^(000|200)' "reading $path neither waits nor works"
done
api GET "$W/files/x" -m 20
[ "$CODE" != 200 ] || ! cmp -s "$WORK/body" "$PINFOLD_BIN/pinfold-tool"; ok $? "our helper's program is not to be had by /proc/self/exe (CVE-2019-5736)"
api PUT "$W/files/x" -m 20 --data-binary evil
for path in d "r$OUT" u c p; do api DELETE "$W/files/$path?recursive=1" -m 20; done
api DELETE "$W/files/d/secret" -m 20
api POST $W/move -d '{"from": "probe/use", "to": "'"d/use"'"}'
api POST $W/move -d '{"from": "d/secret", "to": "taken"}'
api POST $W/mkdir -d '{"path": "d/made"}'
api GET "$W/archive?path=d" -m 20
untouched "by files deleted, moved and made through links (CVE-2024-28189, CVE-2024-23652)"
unlike "$(tr -d '\0' <"$WORK/body")" canary "an archive of a link is not one of what it points to"
api DELETE "$W/files/../../../..$OUT/secret" --path-as-is
untouched "by climbing"
name=$(printf 'a\n{"path": "forged"}\xff\x1b[2J')
run "touch \$'a\\n{\"path\": \"forged\"}\\xff\\x1b[2J'" >/dev/null
api GET "$W/files?path=."
is "$(jq '[.. | objects | select(.path? == "forged")] | length' "$WORK/body")" 0 "a file's name cannot forge another's record"
run 'printf "#!/bin/sh\nsleep 20\n" >"/tmp/x\",\"pid\":1"; chmod 755 /tmp/x*; (exec "/tmp/x\",\"pid\":1" &) ; exec sh -c "exec -a \"\$(printf \"a\nb\\\"}],\")\" sleep 1"' >/dev/null
api GET $W/debug
is "$(jq -r .status "$WORK/body")" ready "nor can a process's forge the debug page"

# --- races -----------------------------------------------------------------------------------------
run 'mkdir race good; ln -sfn '"$OUT"' bad; echo mine >good/secret; echo mine >race/secret' >/dev/null
exec_with '{"command": "exec probe/files exchange race bad", "background": true}'
for i in $(seq 25); do
    curl -s -m 20 -H "Authorization: Bearer $TOKEN" "$URL$W/files/race/secret"
    curl -s -m 20 -H "Authorization: Bearer $TOKEN" "$URL$W/archive?path=race" | tr -d '\0'
done >"$WORK/raced" 2>&1
unlike "$(cat "$WORK/raced")" canary "a directory that turns into a link while it is read shows nothing of the machine (CVE-2021-30465)"
for i in $(seq 25); do
    echo evil | curl -s -o /dev/null -m 20 -T - -H "Authorization: Bearer $TOKEN" "$URL$W/files/race/secret"
    curl -s -o /dev/null -m 20 -X DELETE -H "Authorization: Bearer $TOKEN" "$URL$W/files/race/secret"
    curl -s -o /dev/null -m 20 -d '{"path": "race/made'$i'"}' -H "Authorization: Bearer $TOKEN" "$URL$W/mkdir"
done
untouched "by writes and deletes that raced with it (CVE-2024-45310)"
for i in 1 2 3 4 5; do
    run 'rm -rf t; mkdir -p t/a/b t/c; touch t/a/b/secret; (while mv t/a/b t/a/c 2>/dev/null; do ln -sfn '"$OUT"' t/a/b; rm t/a/b; mv t/a/c t/a/b; done) & sleep 0.02' >/dev/null
    api DELETE "$W/files/t?recursive=1" -m 20
done
untouched "by removing a tree that changes meanwhile (CVE-2024-23652)"

# --- archives --------------------------------------------------------------------------------------
tar_of() { python3 - "$OUT" "$@" <<'EOP'
import io, sys, tarfile
out, kind = sys.argv[1:3]
b = io.BytesIO(); t = tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT)
def add(name, type=tarfile.REGTYPE, link="", data=b"evil", mode=0o644, uid=0, dev=(0, 0), pax={}):
    i = tarfile.TarInfo(name); i.type = type; i.linkname = link; i.mode = mode; i.uid = i.gid = uid
    i.devmajor, i.devminor = dev; i.pax_headers = pax
    if type == tarfile.REGTYPE: i.size = len(data)
    t.addfile(i, io.BytesIO(data) if type == tarfile.REGTYPE else None)
S, H, D = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
k = {
 "climbing": lambda: add("../../../../.." + out + "/new"),
 "absolute": lambda: add(out + "/new"),
 "through-link": lambda: (add("l", S, out), add("l/new")),
 "through-dir-link": lambda: (add("l2", S, out), add("l2/sub", D), add("l2/sub/new")),
 "over-link": lambda: (add("l3", S, out + "/secret"), add("l3")),
 "link-twice": lambda: (add("a", S, "."), add("a/a", S, out), add("a/a/new")),
 "hard-link": lambda: (add("h", H, out + "/secret"), add("h")),
 "hard-link-climbing": lambda: (add("h2", H, "../../../.." + out + "/secret"), add("h2")),
 "hard-link-of-link": lambda: (add("s2", S, out + "/secret"), add("h3", H, "s2"), add("h3")),
 "device": lambda: add("dev", tarfile.CHRTYPE, dev=(1, 1), mode=0o666),
 "block-device": lambda: add("disk", tarfile.BLKTYPE, dev=(8, 0), mode=0o666),
 "fifo": lambda: add("pipe", tarfile.FIFOTYPE),
 "setuid": lambda: add("suid", data=b"#!/bin/sh\nid -u\n", mode=0o6755, uid=0),
 "pax-path": lambda: add("harmless", pax={"path": "../../../../.." + out + "/new"}),
 "pax-link": lambda: (add("l4", S, "harmless", pax={"linkpath": out}), add("l4/new")),
 "nul": lambda: add("n", pax={"path": "ok\0/../../../.." + out + "/new"}),
 "xattr": lambda: add("cap", mode=0o755, pax={"SCHILY.xattr.security.capability": "\x01\0\0\x02\xff\xff\xff\xff"}),
 "huge-size": lambda: add("sparse", pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000000000000"}),
 "dot-dot-dir": lambda: add("..", D, mode=0o777),
 "root-dir": lambda: add("/", D, mode=0o777),
 "deep": lambda: add("/".join(["d"] * 400)),
}
k[kind](); t.close(); sys.stdout.buffer.write(b.getvalue())
EOP
}
for kind in climbing absolute through-link through-dir-link over-link link-twice hard-link hard-link-climbing hard-link-of-link \
    device block-device fifo setuid pax-path pax-link nul xattr huge-size dot-dot-dir root-dir deep; do
    tar_of $kind >"$WORK/tar"
    api PUT "$W/archive?path=unpack-$kind" -H 'Content-Type: application/x-tar' -m 30 --data-binary @"$WORK/tar"
    [[ $CODE =~ ^(20|4) ]]; ok $? "an archive with something $kind is refused or harmless ($CODE)" || tap_show got: "$BODY"
done
untouched "by any of these archives (CVE-2018-15664 and its like)"
is "$(run 'find . -xdev \( -type c -o -type b -o -perm /6000 \) -path "./unpack*"; getcap -r unpack-xattr 2>/dev/null')" "" "none brings a device, a set-user-id bit or a capability"
api PUT "$W/archive?path=d" -H 'Content-Type: application/x-tar' --data-binary @"$WORK/tar"
untouched "by unpacking into a link"

# --- our helper, while it works --------------------------------------------------------------------
mkfifo "$WORK/slow"
exec 9<>"$WORK/slow"
curl -s -o /dev/null -T "$WORK/slow" -H "Authorization: Bearer $TOKEN" "$URL$W/files/slow" & slow=$!
at_exit "kill $slow 2>/dev/null"
exec_with '{"background": true, "stdin": "x", "command": "sleep 30"}'
out=$(run 'for p in /proc/[0-9]*; do p=${p#/proc/}; grep -qs tool /proc/$p/comm || continue
    probe/process proc $p exe w; probe/process proc $p mem w; probe/process proc $p fd d; probe/process attach $p; probe/process pidfd-getfd $p 0; done')
unlike "$out" worked "the helper cannot be traced, written to or robbed of descriptors (CVE-2019-5736)"
kill $slow; exec 9>&-
quiet

# --- scripts of root -------------------------------------------------------------------------------
# As an init script, which runs as the sandbox's root with a package manager's capabilities.
script='exec 2>&1
probe/mount mount cgroup /tmp memory; probe/files write /sys/fs/cgroup/release_agent /x; probe/mount mount cgroup2 /tmp
probe/files write /proc/sys/kernel/core_pattern "|/x"; probe/mount mknod b 8 0 /tmp/disk; probe/mount pivot
probe/process setns 1 mnt; probe/mount unshare user; probe/kernel bpf; probe/files handle /workspace
probe/process proc 1 root d; probe/mount chroot; probe/files write '"$OUT"'/secret x; ls /sys/fs/cgroup 2>/dev/null'
api PATCH $W -d "$(jq -n --arg s "$script" '{init_script: $s}')"
api POST "$W/rerun-init?wait=60"
api GET "$W/init-log"
unlike "$BODY" 'worked' "an init script gets out by none of what it tries (CVE-2022-0492, CVE-2023-25809)"
between "$(grep -o 'refused' <<<"$BODY" | wc -l)" 11 30 "and did try"
api PATCH $W -d '{"init_script": null}'
untouched "by scripts"

# --- terminals -------------------------------------------------------------------------------------
out=$(timeout 20 "$TESTS/api/ws" "$W/terminal" $'b:probe/terminal sti; probe/terminal linux; echo ov""er\n' 'f:over' x: 2>/dev/null)
is "$(grep -c refused <<<"$out")" 2 "two attempts on a terminal of the API"
unlike "$out" 'worked' "a terminal of the API is pushed nothing into (CVE-2017-5226, CVE-2023-28100)"

# --- other workspaces, and the end -----------------------------------------------------------------
api POST '/v1/workspaces?wait=30' -d '{"name": "other", "image": "host"}'
run 'ln -sfn /workspace/../../other o; ln -sfn '"$STATE"' state; ls o/ state/ '"$STATE"'/dirs' >/dev/null
is "$(json .stdout)" "" "another workspace's files are nowhere to be found"
for id in '../other' '..%2fother' 'w%2f..%2fother' '%2e%2e' 'w%00' 'other%20' '-' '.'; do
    api GET "/v1/workspaces/$id/files/x" --path-as-is
    like "$CODE" '^(400|404)' "no workspace is called $id"
done
quiet
api POST "$W/fork?wait=60" -d '{"name": "copy"}'
like "$CODE" '^20' "a workspace full of links is forked"
untouched "by a fork, which copies links as links"
for w in w copy other; do api DELETE /v1/workspaces/$w; done
wait_until 30 test -z "$(ls -A "$STATE/dirs" 2>/dev/null)"
untouched "by deleting workspaces full of links (CVE-2024-23652)"
done_testing
