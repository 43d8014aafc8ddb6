#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job: a C project in a container root that is built for it, with the compiler from packages.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
. "$TESTS/image/common.sh"
need MMDEBSTRAP OVERLAY
http_start
source_need bzip2
images_start
cat >"$IMAGES/c.image" <<'END'
[Image]
Description=A C compiler
Extends=debian-bookworm
[Steps]
Packages=gcc libc6-dev make git
END
PINFOLD_BIN=$WORK/prefix/bin server_start || done_testing
push bzip2 "$SOURCE"
api POST '/v1/workspaces?wait=60' -d "$(jq -n --arg u "$HTTP/repos/bzip2.git" '{name: "bzip2", image: "c", repository: {url: $u}, init_script: "echo prepared by $(id -un) >/etc/prepared"}')"
is "$CODE" 201 "a workspace with an image"
ID=$(json .id)
api POST "/v1/workspaces/$ID/build?wait=500" -d '{}'
for _ in 1 2 3 4 5; do
    api GET "/v1/workspaces/$ID?wait=100"
    [ "$(json .status)" = building ] || break
    wait_until 100 eval 'api GET "/v1/workspaces/$ID"; [ "$(json .status)" != building ]'
done
is "$(json .status)" ready "its root is built" || { tap_show body: "$BODY"; api GET "/v1/workspaces/$ID/build/log"; tap_show log: "$(tail -n 15 <<<"$BODY")"; done_testing; }
runs "the clone is in order" 'git status --porcelain && git log --format=%s && cat /etc/prepared && cat /etc/debian_version'
like "$OUT" $'^bzip2\nprepared by root\n12\\.' "in Debian, after its init script"
runs "built" 'make -j2 bzip2 libbz2.a'
like "$OUT" 'gcc' "by the image's compiler"
runs "its own tests pass" 'make test'
runs "the program works" 'head -c 1000000 /dev/urandom >x && ./bzip2 -k x && ./bzip2 -dc x.bz2 | cmp - x && git status --porcelain | grep -c "^??"'
gone bzip2
done_testing
