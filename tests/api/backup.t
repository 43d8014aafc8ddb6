#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold backup while the server works, and pinfold restore: what was backed up is there again, and
# what is not whole, newer or in use is refused with a sentence.
# route: GET /v1/backup
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
need_binary pinfold pinfoldd pinfold-server pinfold-launcher pinfold-init
p=$PINFOLD_BIN/pinfold
chmod 755 "$WORK"
server_start || done_testing

said() { "$p" "$@" 2>&1; }
exec_of() { # COMMAND: sets EXEC
    api POST "/v1/workspaces/$WS/exec" -d "$(jq -nc --arg c "$1" '{command: $c, background: true}')"
    EXEC=$(json .id)
    api GET "/v1/execs/$EXEC/wait?wait=60" -m 70
}
sum_of() { curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/execs/$1/stdout" | sha256sum; }
# What an exec's record says, and its output
record() { api GET "/v1/execs/$1"; jq -cS 'del(.stdout_bytes?)' <<<"$BODY"; sum_of "$1"; }

api POST "/v1/workspaces?wait=30" -d '{"name": "alpha", "env": {"A": "b"}}'
WS=$(json .id)
exec_of 'echo kept >file; echo small'
SMALL=$EXEC
exec_of 'head -c 12000000 /dev/urandom | base64 -w 0'
LARGE=$EXEC
EXECTOKEN=$("$p" token create --scope exec --name ci)
READTOKEN=$("$p" token create --scope read --name reader)
small=$(record "$SMALL") large=$(record "$LARGE")

# --- while it works
(i=0; while [ ! -e "$WORK/enough" ]; do
    curl -sS -m 20 -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $TOKEN" -d '{"command": "echo x"}' "$URL/v1/workspaces/$WS/exec"
done >"$WORK/codes") &
LOAD=$!
try "a backup is made while commands run" "$p" backup "$WORK/backup.tar"
touch "$WORK/enough"; wait $LOAD
is "$(sort -u "$WORK/codes")" 200 "none of which failed"
is "$(stat -c %a "$WORK/backup.tar")" 600 "only its owner can read it"
like "$(said backup --check "$WORK/backup.tar")" 'made by pinfold .* whole' "it is whole"
is "$(find "$WORK" -maxdepth 1 -name 'backup*' | wc -l)" 1 "and nothing else is left beside it"
gone() { [ ! -e "$STATE/server/backup" ]; }
try "nor in the state directory" wait_until 10 gone
is "$(tar -tf "$WORK/backup.tar" | tail -n 2 | tr '\n' ' ')" "pinfold.db pinfold-backup " "tar can read it"
mkdir "$WORK/look"; tar -C "$WORK/look" -xf "$WORK/backup.tar"
is "$(python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*) FROM token WHERE name = ?", ["admin.token"]).fetchone()[0],
      db.execute("SELECT length(value) FROM meta WHERE name = ?", ["secret"]).fetchone()[0])' "$WORK/look/pinfold.db")" "0 0" \
    "neither the admin token nor the key of sessions is in it"
is "$(grep -c "$TOKEN" "$WORK/backup.tar")" 0 "no token is"

is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $READTOKEN" "$URL/v1/backup")" 403 "a backup needs an admin"
curl -sS --limit-rate 1k -o /dev/null -H "Authorization: Bearer $TOKEN" "$URL/v1/backup" 2>/dev/null &
SLOW=$!
in_use() { api GET /v1/backup -o /dev/null; [ "$CODE" = 409 ]; }
wait_until 20 test -e "$STATE/server/backup"
try "there is one at a time" wait_until 20 in_use
kill $SLOW; wait $SLOW 2>/dev/null
free() { api GET /v1/backup -o /dev/null; [ "$CODE" = 200 ]; }
try "and the next may begin when its reader has left" wait_until 20 free

# --- what is refused
refused() { # FILE REGEX SENTENCE
    like "$(said backup --check "$1")" "$2" "$3"
    tap_up=1 fails "restore refuses it too" "$p" restore --state "$WORK/other" "$1"
    tap_up=1 is "$(ls "$WORK/other")" "" "and makes nothing"
}
size=$(stat -c %s "$WORK/backup.tar")
head -c $((size / 2)) "$WORK/backup.tar" >"$WORK/cut.tar"
refused "$WORK/cut.tar" 'no whole backup: it ends too early' "half a backup is refused"
cp "$WORK/backup.tar" "$WORK/flipped.tar"
printf X | dd of="$WORK/flipped.tar" bs=1 seek=$((size / 3)) conv=notrunc status=none
refused "$WORK/flipped.tar" 'its digest is another' "a changed byte is seen"
tar -C "$WORK/look" -cf "$WORK/foreign.tar" pinfold.db
refused "$WORK/foreign.tar" 'it has no manifest' "so is an archive that is none"
# pack DIR: an archive as the server would make it
pack() {
    python3 - "$1" "$2" <<'E2'
import hashlib, io, os, sys, tarfile
src, dst = sys.argv[1:]
out = io.BytesIO()
tar = tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT)
names = sorted(os.listdir(src + "/output"))
for name in ["output/" + n for n in names] + ["pinfold.db"]:
    tar.add(os.path.join(src, name), arcname=name)
text = open(src + "/pinfold-backup").read().splitlines()
text = [f"SHA256={hashlib.sha256(out.getvalue()).hexdigest()}" if l.startswith("SHA256=") else l for l in text]
data = ("\n".join(text) + "\n").encode()
info = tarfile.TarInfo("pinfold-backup")
info.size = len(data)
tar.addfile(info, io.BytesIO(data))
tar.close()
open(dst, "wb").write(out.getvalue())
E2
}
pack "$WORK/look" "$WORK/same.tar"
like "$(said backup --check "$WORK/same.tar")" whole "one that is packed again is good"
cp -r "$WORK/look" "$WORK/newer"
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 9999").connection.commit()' "$WORK/newer/pinfold.db"
pack "$WORK/newer" "$WORK/newer.tar"
refused "$WORK/newer.tar" 'version 9999, made by a newer pinfold' "a database of a newer version is refused"
cp -r "$WORK/look" "$WORK/damaged"
dd if=/dev/urandom of="$WORK/damaged/pinfold.db" bs=4096 seek=2 count=8 conv=notrunc status=none
pack "$WORK/damaged" "$WORK/damaged.tar"
refused "$WORK/damaged.tar" 'damaged' "a damaged database is refused"
like "$(said restore --state "$STATE" "$WORK/backup.tar")" 'stop it first' "a state directory in use is refused"
like "$(said backup --check "$WORK/none.tar")" 'No such file' "a file that is not there is named"

# --- into the stopped one
exec_of 'echo after'
AFTER=$EXEC
OLDADMIN=$TOKEN
server_stop
like "$(said restore --state "$STATE" "$WORK/backup.tar")" '^restored: made by .* server.before' "it is restored where it came from"
server_start
is "$TOKEN" "$OLDADMIN" "the admin token is the directory's own"
is "$(record "$SMALL")" "$small" "a command's record and output are there"
is "$(record "$LARGE")" "$large" "large output too"
api GET "/v1/execs/$AFTER"; is "$CODE" 404 "what came after the backup is not"
api GET "/v1/workspaces/alpha"; is "$(json '"\(.id) \(.status)"')" "$WS ready" "the workspace is there"
is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $EXECTOKEN" "$URL/v1/tokens/self")" 200 "tokens are good"
exec_of 'cat file'; is "$(sum_of "$EXEC")" "$(echo kept | sha256sum)" "its files are as they were"

# --- into an empty one, with files
try "a backup with files is made" "$p" backup --files --state "$STATE" "$WORK/files.tar"
like "$(said backup --check "$WORK/files.tar")" whole "and is whole"
server_stop
STATE=$WORK/fresh
try "it is restored into a new directory" "$p" restore --files --state "$STATE" "$WORK/files.tar"
server_start
isnt "$TOKEN" "$OLDADMIN" "which has an admin token of its own"
is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $OLDADMIN" "$URL/v1/info")" 401 "and does not know the other one's"
is "$(record "$LARGE")" "$large" "records and output are there"
exec_of 'cat file'; is "$(sum_of "$EXEC")" "$(echo kept | sha256sum)" "so are the workspace's files"

# --- without files
server_stop
STATE=$WORK/bare
try "records alone are restored into a new directory" "$p" restore --state "$STATE" "$WORK/backup.tar"
server_start
api POST "/v1/workspaces/$WS/exec" -d '{"command": "true"}'
is "$(json '"\(.reason) \(.exit_code)"')" "start_failed null" "a workspace whose files are not there does not pretend"
like "$(json .detail)" "$WS: No such file" "and says what is missing"
api DELETE "/v1/workspaces/$WS" -m 30; is "$CODE" 204 "and can be deleted"

# --- what a killed server leaves of one
server_stop
mkdir -p "$STATE/server/backup"; touch "$STATE/server/backup/pinfold.db"
chown -R "$(stat -c %u:%g "$STATE/server")" "$STATE/server/backup"
server_start
fails "a half-made backup is gone after a start" test -e "$STATE/server/backup"
done_testing
