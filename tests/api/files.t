#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files of a workspace: read, write, list, stat, move, delete, archives.
# route: GET /v1/workspaces/{id}/files
# route: GET /v1/workspaces/{id}/files/*
# route: PUT /v1/workspaces/{id}/files/*
# route: DELETE /v1/workspaces/{id}/files/*
# route: GET /v1/workspaces/{id}/stat
# route: POST /v1/workspaces/{id}/move
# route: POST /v1/workspaces/{id}/mkdir
# route: GET /v1/workspaces/{id}/archive
# route: PUT /v1/workspaces/{id}/archive
. "$(dirname "$0")/../lib/tap.sh"
need ROOT USERNS
server_start
api POST /v1/workspaces -d '{"name": "w"}'
W=/v1/workspaces/w
in_box() { api POST $W/exec -d "$(jq -n --arg c "$1" '{command: $c}')"; json .stdout; }
head_of() { api "$@" -D "$WORK/head"; HEAD=$(tr -d '\r' <"$WORK/head"); }

api PUT "$W/files/src/a%20b.txt" --data-binary $'hello\nworld\n'
is "$CODE" 200 "a file is written"
is "$(json '[.path,.type,.size,.mode]|tostring')" '["src/a b.txt","file",12,"0644"]' "with directories above it"
is "$(in_box 'cat "src/a b.txt"; stat -c %u:%a "src/a b.txt"')" $'hello\nworld\n1000:644' "it is there, and the user's"
head_of GET "$W/files/src/a%20b.txt"
is "$BODY" $'hello\nworld' "it is read"
like "$HEAD" 'Content-Length: 12' "with its length"
like "$HEAD" 'accept-ranges: bytes' "and in ranges"
is "$(curl -sSI -o "$WORK/head" -w '%{http_code}' -H "Authorization: Bearer $TOKEN" "$URL$W/files/none")" 404 "the head of one that is not there"
etag=$(sed -n 's/^etag: //p' <<<"$HEAD")
api GET "$W/files/src/a%20b.txt" -H "If-None-Match: $etag"
is "$CODE" 304 "not again when it has not changed"
head_of GET "$W/files/src/a%20b.txt" -H 'Range: bytes=6-8'
is "$CODE$BODY" 206wor "a range"
like "$HEAD" 'content-range: bytes 6-8/12' "says which"
api GET "$W/files/src/a%20b.txt" -H 'Range: bytes=-3'
is "$CODE$BODY" 206ld "the last bytes"
api GET "$W/files/src/a%20b.txt" -H 'Range: bytes=12-'
is "$CODE" 416 "a range outside"
out=$(curl -sS -I -H "Authorization: Bearer $TOKEN" "$URL$W/files/src/a%20b.txt")
like "$out" '200 OK' "HEAD"
like "$out" 'Content-Length: 12' "tells the size"
like "$out" 'x-file-type: file' "and the type"
api PUT "$W/files/src/a%20b.txt" -H 'If-Match: "nonsense"' --data-binary x
is "$CODE" 412 "a write on a condition that does not hold"
api PUT "$W/files/src/a%20b.txt" -H "If-Match: $etag" --data-binary x
is "$CODE" 200 "and one that does"
api PUT "$W/files/src/a%20b.txt" -H 'If-None-Match: *' --data-binary y
is "$CODE" 412 "a write of what must be new"
is "$(in_box 'cat "src/a b.txt"')" x "changes nothing when refused"
api PUT "$W/files/run.sh?mode=755" --data-binary $'#!/bin/sh\necho ran\n'
is "$(in_box ./run.sh)" ran "a mode"
api PUT "$W/files/no/dir/x?parents=0" --data-binary x
is "$CODE" 404 "without making directories"
head -c 5000000 /dev/urandom >"$WORK/big"
api PUT "$W/files/big" --data-binary @"$WORK/big"
is "$CODE" 200 "a big file"
curl -sS -H "Authorization: Bearer $TOKEN" "$URL$W/files/big" | cmp - "$WORK/big"
ok $? "comes back the same"
api PUT "$W/files/empty" --data-binary ''
api GET "$W/files/empty"
is "$CODE$BODY" 200 "an empty file"
in_box 'printf "\377" > bytes; ln -s bytes link; mkfifo pipe; printf x > "$(printf "bad\377name")"' >/dev/null
curl -sS -H "Authorization: Bearer $TOKEN" "$URL$W/files/bytes" | cmp -s - <(printf '\377')
ok $? "any bytes"
api GET "$W/files/pipe"
is "$((CODE >= 400))" 1 "a pipe is not waited for"
api GET "$W/files//etc/hostname"
is "$CODE" 200 "a second slash makes it absolute"

api GET "$W/files"
is "$(json '[.entries[].path]|sort|map(select(.=="src" or .=="run.sh" or .=="link"))|tostring')" '["link","run.sh","src"]' "a list"
is "$(json '.entries[]|select(.path=="link")|[.type,.target]|tostring')" '["symlink","bytes"]' "symlinks are shown, not followed"
is "$(json '[.entries[]|select(.path_base64)]|length')" 1 "a name that is no text is there, too"
api GET "$W/files?path=src&depth=3"
is "$(json '[.entries[].path]|tostring')" '["a b.txt"]' "of a directory"
api GET "$W/files?limit=2"
is "$(json '[(.entries|length),.more]|tostring')" '[2,true]' "in parts"
after=$(json .next_after)
api GET "$W/files?limit=2&after=$after"
isnt "$(json '.entries[0].path')" "$after" "that go on"
api GET "$W/stat?path=link"
is "$(json .type)" symlink "stat"
api GET "$W/files?path=none"
is "$CODE" 404 "a directory that is not there"
api POST "$W/mkdir" -d '{"path": "x/y", "parents": true, "mode": "0700"}'
is "$CODE$(json '.type+.mode')" 201directory0700 "mkdir"
api POST "$W/mkdir" -d '{"path": "x/y"}'
is "$CODE" 409 "of what is there"
api POST "$W/move" -d '{"from": "run.sh", "to": "x/y/r"}'
is "$CODE$(in_box './x/y/r; ls run.sh 2>&1 | wc -l')" $'200ran\n1' "move"
api POST "$W/move" -d '{"from": "x/y/r", "to": "bytes"}'
is "$CODE" 409 "not over what is there"
api POST "$W/move" -d '{"from": "x/y/r", "to": "bytes", "overwrite": true}'
is "$CODE" 200 "unless asked"
api DELETE "$W/files/x"
is "$CODE" 409 "a directory that is not empty stays"
api DELETE "$W/files/x?recursive=1"
is "$CODE$(in_box 'ls -d x 2>/dev/null')" 204 "unless asked"
api DELETE "$W/files/none"
is "$CODE" 404 "what is not there cannot be deleted"

# --- archives ----------------------------------------------------------------------------------
mkdir -p "$WORK/tree/sub" && echo a >"$WORK/tree/a" && echo b >"$WORK/tree/sub/b" && ln -s a "$WORK/tree/l" && chmod 755 "$WORK/tree/a"
tar -C "$WORK/tree" -cf "$WORK/tree.tar" .
api PUT "$W/archive?path=in" --data-binary @"$WORK/tree.tar"
is "$CODE" 200 "an archive is unpacked"
is "$(in_box 'cd in && cat l sub/b && stat -c %a a')" $'a\nb\n755' "with links and modes"
curl -sS -H "Authorization: Bearer $TOKEN" "$URL$W/archive?path=in" >"$WORK/out.tar"
mkdir "$WORK/back" && tar -C "$WORK/back" -xf "$WORK/out.tar" --no-same-owner
diff -r "$WORK/tree" "$WORK/back"
ok $? "and comes back the same"
tar -C "$WORK" -cPf "$WORK/evil.tar" --transform 's,^,../../,' tree/a
api PUT "$W/archive" --data-binary @"$WORK/evil.tar"
is "$((CODE >= 400))" 1 "an archive that climbs out is refused"
api PUT "$W/archive" --data-binary "no archive"
is "$((CODE >= 400 && CODE < 500))" 1 "as is none at all"
api GET "$W/archive?path=none"
is "$CODE" 404 "and a directory that is not there"
done_testing
