#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Repositories over HTTP: where they come from, what is refused and with which words, what stays.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
repo one
repo sub
mkdir "$SRV/team"
(cd "$WORK/src/one" && git submodule -q add "$HTTP/repos/sub.git" sub && git commit -qm sub && git tag v1 && git branch topic)
publish one
cp -r "$SRV/one.git" "$SRV/team/"
chmod -R go+rX "$SRV"
main=$(in_src one rev-parse main)
server_start "RepositoryBase=$HTTP/repos/" "RepositoryRoots=$SRV" || done_testing
MADE=""
with() { # JSON of repository
    api POST '/v1/workspaces?wait=60' -d "{\"repository\": $1}"
    ID=$(json .id)
    [ "$ID" = null ] || MADE="$MADE $ID"
}
comes() { # SENTENCE REPOSITORY
    with "$2"
    [ "$CODE" = 201 ] && [ "$(json .status)" = ready ]
    tap_up=1 ok $? "$1" || tap_show body: "$CODE $BODY"
}
# Refused at once, or in the workspace's error.
refused() { # SENTENCE REGEX REPOSITORY
    with "$3"
    if [ "$CODE" = 201 ]; then
        is "$(json .status)" error "$1"
        tap_up=1 like "$(json .error)" "$2" "says why"
    else
        like "$CODE" '^4..$' "$1"
        tap_up=1 like "$(json .detail)" "$2" "says why"
    fi
}

# Where they come from
comes "over http" "{\"url\": \"$HTTP/repos/one.git\"}"
is "$(json .repository.commit)" "$main" "at its commit"
runs "git works in it" 'git status --porcelain --branch; echo x >>README; git -c user.name=u -c user.email=u@h commit -qam mine && git log --format=%s | head -2'
is "$OUT" $'## main...origin/main\nmine\nsub' "to read and to write"
run 'git fetch 2>&1; echo more; touch /run/pinfold/repository.git/x 2>&1'
like "$OUT" 'more.*Read-only' "its mirror cannot be written to"
first=$ID
comes "owner/repo against the base URL" '{"url": "team/one.git"}'
is "$(json .repository.commit)" "$main" "the same commit"
comes "from a file URL" "{\"url\": \"file://$SRV/one.git\"}"
comes "from a path" "{\"url\": \"$SRV/one.git\"}"
runs "git works in that too" 'git log --format=%s && git status --porcelain'
for ref in topic refs/heads/topic v1 "$main" "${main:0:12}"; do
    comes "at $ref" "{\"url\": \"$HTTP/repos/one.git\", \"ref\": \"$ref\"}"
    is "$(json .repository.commit)" "$main" "its commit"
done
comes "with submodules" "{\"url\": \"$HTTP/repos/one.git\", \"submodules\": true}"
runs "they are there" 'cat sub/README && git submodule status && git status --porcelain'
like "$OUT" $'^hello sub\n [0-9a-f]{40} sub' "and in order"
(cd "$WORK/src/one" && echo newer >README && git commit -qam newer && git push -q "$SRV/one.git" main)
comes "a commit pushed since" "{\"url\": \"$HTTP/repos/one.git\"}"
is "$(json .repository.commit)" "$(in_src one rev-parse main)" "is in the next workspace"
ID=$first
runs "an older workspace is as it was" 'git log --format=%s | head -1; git status --porcelain; git fsck 2>&1 | grep -v -e dangling -e notice; true'
is "$OUT" mine "with its own commits"

# Credentials
refused "a private repository" "asks for credentials" "{\"url\": \"$HTTP/private/one.git\"}"
refused "with a wrong password" "refuses the credentials" "{\"url\": \"$HTTP/private/one.git\", \"username\": \"me\", \"password\": \"wr0ng-pa55\"}"
comes "with the right one" "{\"url\": \"$HTTP/private/one.git\", \"username\": \"me\", \"password\": \"secret\"}"
unlike "$BODY" 'secret|"me"' "the answer does not repeat it"
# The command is kept with the exec, so its pattern must not match itself.
runs "the workspace does not hold it" 'env | grep -cE "s[e]cret|bWU6c2V[j]cmV0"; grep -rlE "s[e]cret|bWU6c2V[j]cmV0" /workspace /run /tmp /home 2>/dev/null; echo searched'
is "$OUT" $'0\nsearched' "anywhere"
is "$(grep -rlaE 'bWU6c2VjcmV0|wr0ng-pa55' "$STATE" "$SERVER_LOG" 2>/dev/null)" "" "neither does the state directory or the log"
refused "credentials in the URL" "own fields" "{\"url\": \"http://me:secret@127.0.0.1/x/y\"}"
unlike "$BODY" secret "are not repeated either"

# What is refused
refused "ssh" "https" '{"url": "git@127.0.0.1:x/y.git"}'
refused "a path outside the roots" "beneath one of" '{"url": "/etc"}'
refused "a path that climbs" "dot" "{\"url\": \"$SRV/../../../etc\"}"
refused "an option for a URL" "hyphen" '{"url": "--upload-pack=/bin/sh"}'
refused "an option for a reference" "hyphen" "{\"url\": \"$HTTP/repos/one.git\", \"ref\": \"--all\"}"
refused "a reference that is not there" "no branch, tag or commit 'nope'" "{\"url\": \"$HTTP/repos/one.git\", \"ref\": \"nope\"}"
refused "a repository that is not there" "no repository" '{"url": "team/none"}'
refused "a web page" "no git repository" "{\"url\": \"$HTTP/page/x\"}"
refused "a port where nobody listens" "refused" '{"url": "http://127.0.0.1:1/x"}'
refused "a host that does not exist" "address" '{"url": "http://nothing.invalid/x"}'
git init -q --bare "$SRV/bad.git"
tree=$(printf '100644 .git\0%b' "$(git -C "$SRV/bad.git" hash-object -w --stdin </dev/null | sed 's/../\\x&/g')" | git -C "$SRV/bad.git" hash-object -t tree -w --stdin --literally)
git -C "$SRV/bad.git" update-ref refs/heads/main "$(git -C "$SRV/bad.git" commit-tree -m x "$tree")"
refused "a repository with a file named .git" "like git's own directory" "{\"url\": \"$HTTP/repos/bad.git\"}"

for ID in $MADE; do api DELETE "/v1/workspaces/$ID"; done
wait_until 20 eval '[ -z "$(ls -A "$STATE/dirs")" ]'
is "$(ls -A "$STATE/dirs")" "" "deleted workspaces leave no file"
done_testing
