#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds, images, profiles and repositories, with an image made from an archive on loopback.
# route: POST /v1/workspaces/{id}/build
# route: GET /v1/workspaces/{id}/build
# route: GET /v1/workspaces/{id}/build/log
# route: GET /v1/builds
# route: GET /v1/builds/{id}
# route: GET /v1/builds/{id}/log
# route: POST /v1/builds/{id}/cancel
# route: GET /v1/images
# route: GET /v1/images/{name}
# route: POST /v1/images/{name}/build
# route: GET /v1/profiles
# route: GET /v1/profiles/{name}
# route: GET /v1/repositories
# route: GET /v1/repositories/{id}
# route: POST /v1/repositories
# route: DELETE /v1/repositories/{id}
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../image/common.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT USERNS NETNS OVERLAY MMDEBSTRAP GIT PYTHON
images_start
try "an archive is made" "$(dirname "$0")/../image/make-apt-archive" "$WORK/archive" noble || done_testing
serve "$WORK/archive" || done_testing
sed 's/^Base=.*/&\nKeyring=none\nComponents=main/' "$TOP/images/ubuntu-noble.image" >"$IMAGES/ubuntu-noble.image"
git init -q -b main "$WORK/repo" && echo hello >"$WORK/repo/README" &&
    git -C "$WORK/repo" -c user.name=t -c user.email=t@t add . && git -C "$WORK/repo" -c user.name=t -c user.email=t@t commit -qm one
chmod -R a+rX "$WORK/repo"; chmod a+x "$WORK" # the mirror is made by another user
server_start "ImagesDir=$IMAGES" "Mirror.ubuntu-noble=$SERVED" "RepositoryRoots=$WORK" || done_testing
W=/v1/workspaces

api GET /v1/images
is "$(json '.items[]|select(.name=="ubuntu-noble")|[.ready,.layers_built,.base]|tostring')" '[false,0,"ubuntu"]' "an image that is not built"
api GET /v1/images/host
is "$(json .ready)" true "the host needs no building"
api POST $W -d "{\"name\": \"w\", \"image\": \"ubuntu-noble\", \"repository\": {\"url\": \"file://$WORK/repo\"}, \"init_script\": \"echo from init\"}"
is "$CODE$(json .status)" 201pending "a workspace that wants a build"
api POST $W/w/exec -d '{"command": "true"}'
is "$CODE$(json .code)" 409conflict "cannot be used before"
api GET $W/w/build
is "$CODE" 404 "and has none yet"
api POST "$W/w/build" -d '{}' -D "$WORK/head"
is "$CODE" 202 "a build is started"
B=$(json .id)
like "$(tr -d '\r' <"$WORK/head")" "location: /v1/builds/$B" "and where to look"
curl -sSN -H "Authorization: Bearer $TOKEN" -H 'Accept: text/event-stream' "$URL/v1/builds/$B/log" >"$WORK/live"
is "$(sed -n 's/^event: //p' "$WORK/live" | tail -1)" end "its log is live up to the end"
is "$(sed -n 's/^data: //p' "$WORK/live" | jq -r 'select(.event=="end").status')" succeeded "which says how it ended"
api GET "/v1/builds/$B?wait=60"
is "$(json '[.status,.error]|tostring')" '["succeeded",null]' "it succeeded"
sed -n 's/^data: //p' "$WORK/live" | jq -rj 'select(.event=="log").data' >"$WORK/live.log"
curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/builds/$B/log" | cmp -s - "$WORK/live.log"
ok $? "the log read later is the same"
api GET "$W/w/build/log?offset=5&limit=3"
is "$BODY" "$(head -c 8 "$WORK/live.log" | tail -c 3)" "by offset, from the workspace too"
api GET "$W/w/build"
is "$(json .id)" "$B" "which knows its build"
api GET "$W/w?wait=60"
is "$(json '[.status,(.repository.commit|length)]|tostring')" '["ready",40]' "the workspace is ready"
api POST $W/w/exec -d '{"command": "cat README; ls /usr/bin/dpkg"}'
is "$(json .stdout)" $'hello\n/usr/bin/dpkg' "with image and repository"
api GET $W/w/init-log
like "$BODY" 'from init' "and its init script ran"
api GET /v1/images/ubuntu-noble
is "$(json '[.ready,.layers==.layers_built]|tostring')" '[true,true]' "the image is built"
api POST "/v1/images/ubuntu-noble/build?wait=60" -d '{}'
is "$CODE" 200 "building it again"
is "$(json '[.status,.steps_cached==.steps]|tostring')" '["succeeded",true]' "needs nothing"
api POST "$W/w/exec" -d '{"command": "touch /workspace/mine"}'
api POST "$W/w/build?wait=60" -d '{"rebuild": true}'
is "$CODE$(json .status)" 200succeeded "a rebuild"
api POST "$W/w/exec" -d '{"command": "ls"}'
is "$(json .stdout)" README "begins anew"
api GET "/v1/builds?workspace=w"
is "$(json '[.items[].workspace_id]|unique|length')" 1 "builds are listed by workspace"
api GET "/v1/builds?limit=2"
is "$(json '.items|length')" 2 "and over all"
api POST "/v1/builds/$B/cancel"
is "$CODE" 410 "one that has ended cannot be cancelled"
api GET /v1/repositories
is "$(json '[.items[]|select(.status=="ready")]|length')" 1 "the mirror is listed"
R=$(json '.items[]|select(.status=="ready").id')
api GET "/v1/repositories/$R"
is "$(json '[.workspaces>0,.bytes>0]|tostring')" '[true,true]' "with its size and who uses it"
api DELETE "/v1/repositories/$R"
is "$CODE" 409 "it stays while it is used"
api POST /v1/repositories -d "{\"url\": \"file://$WORK/repo\"}"
is "$CODE$(json .id)" "200$R" "it is fetched again"

api POST $W -d '{"name": "bad", "image": "host", "repository": {"url": "file:///nowhere/at/all"}}'
is "$((CODE >= 400 && CODE < 500))" 1 "a repository outside the allowed roots"
api POST "$W?wait=60" -d "{\"name\": \"gone\", \"repository\": {\"url\": \"file://$WORK/none\"}}"
is "$CODE$(json .status)" 201error "one that is not there is an error of the workspace"
isnt "$(json .error)" null "with a sentence"
api POST "$W?wait=60" -d "{\"name\": \"ref\", \"repository\": {\"url\": \"file://$WORK/repo\", \"ref\": \"nope\"}}"
is "$(json .status)" error "as is a ref that is not there"

api GET /v1/profiles
is "$(json '[.items[].name]|sort|tostring')" '["agent","build","debug","default","strict"]' "profiles"
api GET /v1/profiles/strict
like "$(json .text)" 'SystemCallFilter' "with their text"
api GET /v1/profiles/strict -H 'Accept: text/plain'
like "$BODY" '^\[|Limits|SystemCallFilter' "or only that"

for w in w ref gone; do api DELETE $W/$w; done
api DELETE "/v1/repositories/$R"
is "$CODE" 204 "and deleted when nothing uses it"

# --- where the operator gives the profile build an allow-list, image steps and init scripts are bound by it
server_stop
world_start
SHARE=$WORK/prefix/share/pinfold/profiles # the command line's too
cp "$SHARE/build.profile" "$WORK/build.profile"
sed -i 's/^Network=full/Network=allow-list\nNetworkAllow=good.test/' "$SHARE/build.profile"
cat >"$IMAGES/app.image" <<'END'
[Image]
Extends=ubuntu-noble
[Steps]
Run=exec >/seen; echo "$http_proxy"; \
  ask() { bash -c "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://$1/ HTTP/1.1\r\n\r\n' >&3; head -n 1 <&3"; }; \
  ask good.test; ask bad.test; ask bad.test; \
  timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>/dev/null && echo out; true
END
server_start "${WORLD[@]}" "ImagesDir=$IMAGES" "ProfilesDir=$SHARE" "Mirror.ubuntu-noble=$SERVED" || done_testing
api POST "/v1/images/app/build" -d '{}'
B=$(json .id)
api GET "/v1/builds/$B?wait=60"
is "$(json '"\(.status) \(.error)"')" "succeeded null" "an image is built" || { api GET "/v1/builds/$B/log"; tap_show log: "$BODY"; }
api POST /v1/exec -d '{"image": "app", "command": "cut -d\" \" -f1,2 /seen"}'
is "$(json .stdout)" $'http://127.0.0.1:3128\nHTTP/1.1 200\nHTTP/1.1 403\nHTTP/1.1 403' "its step found the proxy, and reached what the profile's list has and nothing else" || echo "# $BODY"
api GET "/v1/builds/$B/log"
like "$BODY" "network: good.test:80 is allowed \(good.test\), asked by bash" "its log tells each decision"
is "$(grep -c "network: bad.test:80 is refused (not_listed), asked by bash" <<<"$BODY")" 1 "the same refusal once"
for mode in none full; do
    api POST "$W?wait=60" -d "$(jq -nc --arg m $mode '{network: {mode: $m}, init_script: "for h in good.test bad.test; do curl -s -o /dev/null -w \"%{http_code} \" http://$h/; done"}')"
    WS=$(json .id)
    api GET "$W/$WS/init-log"
    like "$BODY" "^200 403 " "an init script of a workspace with network $mode has that list too"
    is "$(decision '[.decisions[] | "\(.host) \(.allowed)"] | unique | join(", ")')" "bad.test false, good.test true" "its decisions are the workspace's"
done
server_stop
sed -i "s|^Keyring=none|&\nMirror=$SERVED|" "$IMAGES/ubuntu-noble.image" # the command line knows no other
echo "Run=true" >>"$IMAGES/app.image"
breaks app
like "$LOG" "profile build has an allow-list, which only a server keeps" "without a server, which keeps the list, there is no such step"
cp "$WORK/build.profile" "$SHARE/build.profile"
rm "$IMAGES/app.image"
# --- over their budget layers go, but those that somebody uses
"$WORK/prefix/bin/pinfold" run --state "$STATE" --image ubuntu-noble -- sh -c 'echo up; exec sleep 600' >"$WORK/beside" 2>&1 </dev/null &
beside=$!
at_exit "kill $beside 2>/dev/null"
wait_until 30 grep -q up "$WORK/beside"; is $? 0 "a command without a server runs in the image" || cat "$WORK/beside"
server_start "ImagesDir=$IMAGES" "Mirror.ubuntu-noble=$SERVED" "RepositoryRoots=$WORK" ImagesTotal=1 || done_testing
counted() { api GET /v1/stats; [ "$(json .disk.images_bytes)" -gt 1000000 ]; }
wait_until 30 counted; is $? 0 "what layers take is counted"
layers() { find "$STATE/layers" -maxdepth 1 -name '[0-9a-f]*' ! -name host | wc -l; }
isnt "$(layers)" 0 "they stay as long as it runs, over the budget too"
kill "$beside"; wait "$beside" 2>/dev/null
gone() { api GET /v1/images/ubuntu-noble; [ "$(json .layers_built)" = 0 ]; }
wait_until 60 gone && wait_until 30 eval '[ "$(layers)" = 0 ]'; is "$(layers)" 0 "then nothing stands on them, and they go"
told() { api GET /v1/stats; [ "$(json '.disk | "\(.images_bytes) \(.layers_removed_total > 0)"')" = "0 true" ]; }
wait_until 30 told; is $? 0 "which is counted"
api POST $W -d '{"name": "later", "image": "ubuntu-noble"}'
is "$CODE $(json .status)" "201 pending" "a workspace on the image wants a build"
done_testing
