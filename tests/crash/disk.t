#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A state directory on a disk that fills up, by bytes and by files, and that turns read-only; a
# workspace whose own disk fills up. What cannot be done is refused by name, what was acknowledged
# stays, and all works again when there is room.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need LOOP
DEVICE=
mount_state() {
    DEVICE=$(losetup --find --show "$WORK/disk.img") && mkdir -p "$STATE" && mount "$DEVICE" "$STATE"
}
unmount_state() {
    server_stop
    wait_until 20 umount "$STATE" && losetup -d "$DEVICE" && DEVICE=
}
truncate -s 160M "$WORK/disk.img"
mkfs.ext4 -q -m 0 -N 4000 "$WORK/disk.img"
at_exit 'mountpoint -q "$STATE" && umount -l "$STATE"; [ -z "$DEVICE" ] || losetup -d "$DEVICE"'
mount_state || { echo "Bail out! cannot mount a file"; exit 1; }
server_start DiskReserve=4M WarmPool=0 || done_testing

# Everything that was answered with success is kept in a list and must be found at the end.
acknowledged=()
remember() { [[ $CODE == 20[12] ]] && acknowledged+=("$1/$(json .id)"); }
all_there() {
    local path missing=
    for path in "${acknowledged[@]}"; do
        api GET "$path"
        [ "$CODE" = 200 ] || missing+="$path $CODE "
    done
    tap_up=1 is "$missing" "" "all that was acknowledged is there"
}
refused() { # SENTENCE: the last answer says that the disk is full
    tap_up=1 is "$CODE $(json .code)" "507 disk_full" "$1" || tap_show body: "$BODY"
}

workspace '{"name": "alpha"}'; WS=$ID; remember /v1/workspaces
workspace '{"name": "beta"}'; OTHER=$ID; remember /v1/workspaces
run "$WS" 'echo kept >file; echo done'
is "$(json .stdout)" "done" "a workspace has a file"
run "$OTHER" 'echo well'
is "$(json .stdout)" well "another one runs"

# --- no bytes ------------------------------------------------------------------------------------
run "$WS" 'head -c 1G /dev/zero >fill'
is "$(json '"\(.reason) \(.exit_code)"')" "disk_full 1" "a command that fills the disk is told so"
like "$(json .stderr)" "No space left" "after the error of the kernel"
run "$OTHER" 'echo well'
is "$CODE $(json .stdout)" "200 well" "others run"
api GET /v1/health
is "$CODE $(json .checks.disk)" "503 false" "health says that the disk is full" || tap_show body: "$BODY"
api POST /v1/workspaces -d '{}'
refused "a new workspace is refused"
api POST "/v1/workspaces/$WS/fork" -d '{}'
refused "a copy is refused"
api PUT "/v1/workspaces/$OTHER/files/x" --data-binary @/bin/true
refused "an upload is refused"
api GET "/v1/workspaces/$WS/files/file"
is "$BODY" kept "files can be read"
head -c 1G /dev/zero >"$STATE/filler" 2>/dev/null # what even root could take
full=
for i in $(seq 400); do
    api POST /v1/tokens -d "{\"name\": \"t$i\", \"scopes\": [\"read\"]}"
    remember /v1/tokens
    [ "$CODE" = 201 ] || { full=$CODE; break; }
done
is "$full" 507 "a token that cannot be recorded is refused" || tap_show body: "$BODY"
background "$OTHER" 'echo in the background'
remember /v1/execs
like "$CODE" '^(202|507)$' "a command in the background is recorded or refused"
run "$OTHER" 'seq 100000'
is "$CODE $(json '"\(.reason) \(.stdout_bytes)"')" "200 exited 588895" "a command with much output runs"
api POST /v1/exec -d '{"command": "echo fresh"}' -m 60
is "$CODE $(json .stdout)" "200 fresh" "a fresh sandbox runs"
all_there

kill -KILL "$SERVER_PID" "$(pid_of server)" "$(pid_of launcher)"
wait "$SERVER_PID" 2>/dev/null
server_start DiskReserve=4M WarmPool=0
ok $? "after a kill of everything it starts on a full disk"
all_there
run "$OTHER" 'echo well'
is "$CODE $(json .stdout)" "200 well" "and runs commands" || tap_show body: "$BODY"
rm "$STATE/filler"
api DELETE "/v1/workspaces/$WS/files/fill"
is "$CODE" 204 "what filled it can be deleted" || tap_show body: "$BODY"
try "with room all is well again" wait_until 20 healthy
workspace '{"name": "gamma"}'; remember /v1/workspaces
is "$CODE $(json .status)" "201 ready" "and there can be new workspaces"
api POST /v1/tokens -d '{"name": "after", "scopes": ["read"]}'; remember /v1/tokens
is "$CODE" 201 "and tokens"

# --- no inodes -------------------------------------------------------------------------------------
run "$WS" 'mkdir many; i=0; while true >many/$i; do i=$((i + 1)); done 2>&1; false'
is "$(json .reason)" disk_full "a command that takes all inodes is told so" || tap_show body: "$BODY"
like "$(json .stdout)" "No space left" "after the error of the kernel"
run "$OTHER" 'echo well'
is "$CODE $(json .stdout)" "200 well" "others run"
api POST /v1/workspaces -d '{}'
refused "a new workspace is refused"
api PUT "/v1/workspaces/$OTHER/files/x" --data-binary x
refused "an upload is refused"
all_there
run "$WS" 'rm -r many'
is "$(json .reason)" exited "what took them can be deleted"
workspace '{"name": "delta"}'; remember /v1/workspaces
is "$CODE $(json .status)" "201 ready" "and there can be new workspaces"

# --- a workspace with a disk of its own ---------------------------------------------------------------
workspace '{"name": "small", "limits": {"disk_bytes": 20000000, "inodes": 200}}'; remember /v1/workspaces
SMALL=$ID
is "$CODE $(json .status)" "201 ready" "a workspace with a disk of its own" || tap_show body: "$BODY"
run "$SMALL" 'echo kept >file; head -c 19000000 /dev/urandom >most && echo fits'
is "$(json .stdout)" fits "what was asked for fits"
run "$SMALL" 'head -c 50M /dev/zero >fill'
is "$(json '"\(.reason) \(.exit_code)"')" "disk_full 1" "more does not, and is told so"
try "the disk beneath is not full" healthy
run "$OTHER" 'head -c 10M /dev/zero >x && rm x && echo well'
is "$(json .stdout)" well "others are not touched"
api PUT "/v1/workspaces/$SMALL/files/x" --data-binary "@$TESTS/README.md"
refused "an upload into it is refused"
run "$SMALL" 'rm most fill; cat file'
is "$(json '"\(.reason) \(.stdout)"')" "exited kept" "and it works again when there is room"
run "$SMALL" 'mkdir many; i=0; while true >many/$i; do i=$((i + 1)); done 2>/dev/null; echo $i; false'
is "$(json .reason)" disk_full "its inodes have a limit too"
between "$(json .stdout | tr -d '\n ')" 100 200 "of about what was asked for"
run "$SMALL" 'rm -r many'
is "$(json '"\(.reason) \(.exit_code)"')" "exited 0" "and it works again"

# --- read-only --------------------------------------------------------------------------------------------
# What the kernel does when it finds an error on the disk.
mount -o remount,errors=remount-ro "$STATE"
echo 1 >"/sys/fs/ext4/$(basename "$DEVICE")/trigger_fs_error" 2>/dev/null
read_only() { ! touch "$STATE/touched" 2>/dev/null; }
try "the disk turns read-only" wait_until 10 read_only
api POST /v1/tokens -d '{"name": "ro", "scopes": ["read"]}'
like "$CODE $(json .code)" '^(500 internal|507 disk_full)$' "a token that cannot be recorded is refused" || tap_show body: "$BODY"
api POST /v1/workspaces -d '{}'
like "$CODE" '^50[037]$' "a new workspace is refused"
api GET "/v1/workspaces/$WS"
is "$CODE" 200 "what is known is told"
api GET /v1/health
is "$CODE" 503 "health says that something is wrong"
run "$WS" 'cat file; echo x >new'
is "$CODE $(json '"\(.reason) \(.stdout)"')" "200 exited kept" "a live sandbox can still read its files" || tap_show body: "$BODY"
unmount_state
ok $? "it stops and the disk can be unmounted"
e2fsck -fy "$WORK/disk.img" >/dev/null 2>&1
[ $? -le 1 ]; ok $? "the disk can be repaired"
mount_state
server_start DiskReserve=4M WarmPool=0
ok $? "and the server starts on it"
all_there
run "$WS" 'cat file'
is "$(json .stdout)" kept "files are there"
try "all workspaces can be deleted" delete_all
nothing_left "after all that nothing is left"
unmount_state
ok $? "the disk can be unmounted"
done_testing
