#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three C projects, built with this machine's compiler (image host) by their own build systems, and
# tested by their own tests.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
server_start || done_testing

done_projects=0
project() { # NAME BUILD TEST SAYS ARTIFACT
    local name=$1
    [ $done_projects -lt 3 ] || return
    source_get "$name" || { echo "# this machine's archive does not give the source of $name"; return; }
    done_projects=$((done_projects + 1))
    push "$name" "$SOURCE"
    workspace "$(jq -n --arg n "$name" --arg u "$HTTP/repos/$name.git" '{name: $n, image: "host", repository: {url: $u}}')"
    ok $? "$name: a workspace" || { tap_show body: "$BODY"; return; }
    is "$(json .repository.commit)" "$COMMIT" "$name: at the commit that was pushed"
    runs "$name: the clone is in order" 'git status --porcelain && git log --format=%s'
    is "$OUT" "$name" "$name: nothing but what was pushed"
    runs "$name: built" "$2" || return
    runs "$name: its own tests pass" "$3"
    like "$OUT" "$4" "$name: and say so"
    run "sha256sum < $5"
    curl -sS -H "Authorization: Bearer $TOKEN" -o "$WORK/artifact" "$URL/v1/workspaces/$ID/files/$5"
    is "$(sha256sum <"$WORK/artifact")" "$OUT" "$name: what was built can be read over HTTP"
    like "$(file -b "$WORK/artifact" 2>/dev/null || head -c 8 "$WORK/artifact" | tr -d '\0')" 'ELF|ar archive|!<arch>' "$name: and is a library"
    api GET "/v1/workspaces/$ID/debug"
    is "$CODE $(json '.id // .workspace.id')" "200 $ID" "$name: it can be looked into"
    gone "$name"
}
project zlib './configure && make -j2' 'make test' 'zlib 64-bit test OK' libz.a
project cjson 'cmake -B build . && make -C build -j2' 'make -C build test' '100% tests passed' build/libcjson.so.1.7.15
project jansson 'cmake -DJANSSON_BUILD_DOCS=OFF -B build . && make -C build -j2' 'make -C build test' '100% tests passed' build/lib/libjansson.a
project libyaml 'cmake -DBUILD_TESTING=ON -B build . && make -C build -j2' 'make -C build test' '100% tests passed' build/libyaml.a
project bzip2 'make -j2 bzip2 libbz2.a' 'make test' 'Doing 6 tests' libbz2.a
[ $done_projects = 3 ] || skip "three C projects" "needs SOURCES: this machine's archive gives only $done_projects of five"
done_testing
