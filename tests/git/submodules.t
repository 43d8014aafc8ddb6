#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Submodules come when asked for, by the repository's own rules.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
LOG=$HTTP_LOG
for r in leaf middle top other; do repo $r; done
link() { # REPO PATH URL TARGET: a submodule, without fetching it
    git -C "$WORK/src/$1" config -f .gitmodules "submodule.$2.path" "$2"
    git -C "$WORK/src/$1" config -f .gitmodules "submodule.$2.url" "$3"
    git -C "$WORK/src/$1" add .gitmodules
    git -C "$WORK/src/$1" update-index --add --cacheinfo "160000,$(git -C "$WORK/src/$4" rev-parse main),$2"
    git -C "$WORK/src/$1" commit -qm "add $2"
    git init -q --bare "$SRV/$1.git"
    git -C "$WORK/src/$1" push -q --mirror "$SRV/$1.git"
}
link middle libs/leaf ../leaf.git leaf
link top deps/middle ../middle.git middle
link top other "$HTTP/repos/other.git" other
URL=$HTTP/repos/top.git

fresh mirror
works "submodules not asked for" clone url="$URL"
is "$(answer submodules) $(ls -A "$WS/deps/middle" | wc -l)" "0 0" "are empty directories"
is "$(inside 'git status --porcelain; git submodule status | cut -c1')" $'-\n-' "as git has them"
fresh mirror
works "submodules" clone url="$URL" submodules=1
is "$(answer submodules)" 3 "all of them, and theirs"
is "$(cat "$WS/deps/middle/README" "$WS/deps/middle/libs/leaf/README" "$WS/other/README")" $'hello middle\nhello leaf\nhello other' "are checked out"
is "$(inside 'git status --porcelain')" "" "git finds nothing to report"
is "$(inside 'git submodule status --recursive | cut -c1,43- | sed "s/ (.*//"')" $' deps/middle\n deps/middle/libs/leaf\n other' "git submodule is content"
is "$(inside 'cat other/.git deps/middle/libs/leaf/.git; git -C other remote get-url origin')" \
    $'gitdir: ../.git/modules/other\ngitdir: ../../../../.git/modules/deps/middle/modules/libs/leaf\n'"$HTTP/repos/other.git" "with git's own layout"
is "$(inside 'cd deps/middle/libs/leaf && git fsck 2>&1; git log --format=%s; git checkout -q main && git status --porcelain --branch')" \
    $'first\n## main...origin/main' "each is a repository"
is "$(inside 'git submodule update --init --recursive 2>&1; echo $?')" 0 "git submodule update has nothing to fetch"
fresh
: >"$LOG"
works "again" clone url="$URL" submodules=1
is "$(grep -cE 'leaf|middle|other' "$LOG")" 0 "takes pinned commits from the mirror"
fresh mirror
works "from a local repository" clone url=file:///srv/middle.git submodules=1
is "$(cat "$WS/libs/leaf/README")" "hello leaf" "too"

# Limits
fresh mirror
refused "more than allowed" limit "more than 2 submodules" clone url="$URL" submodules=1 limit_submodules=2
git -C "$WORK/src/leaf" commit -q --allow-empty -m unpublished
link other lib ../leaf.git leaf
fresh mirror
refused "a commit that the submodule does not have" not_found "the submodule lib: .*no branch, tag or commit" clone url="$HTTP/repos/other.git" submodules=1

# Whom credentials go to
"$TESTS/lib/git-http" "$SRV" "$WORK/second.log" >"$WORK/second.port" 2>/dev/null &
at_exit "kill $! 2>/dev/null"
: >"$WORK/second.log"
wait_until 20 test -s "$WORK/second.port"
SECOND=http://127.0.0.1:$(cat "$WORK/second.port")
repo own; link own mine ../middle.git middle
fresh mirror
works "a private repository with a submodule of the same server" clone url="$HTTP/private/own.git" username=me password=secret submodules=1
is "$(answer submodules) $(cat "$WS/mine/libs/leaf/README")" "2 hello leaf" "both with the credentials"
is "$(grep -rlE 'secret|bWU6c2VjcmV0' "$WS" "$MIRROR")" "" "which are written nowhere"
repo spy; link spy there "$SECOND/private/leaf.git" leaf
fresh mirror
refused "a submodule of another server that asks for them" denied "the submodule there: .*credentials" clone url="$HTTP/private/spy.git" username=me password=secret submodules=1
is "$(grep -c 'Basic' "$WORK/second.log")" 0 "does not get them"
fresh mirror
refused "nor a header" denied "the submodule there" clone url="$HTTP/token/spy.git" header="X-Token: secret" submodules=1
is "$(grep -c 'token=secret' "$WORK/second.log")" 0 "neither"

# A link that stands where, in letters of another size or behind a carriage return, a submodule goes: what
# the submodule brings would land in .git and be run (CVE-2024-32002, CVE-2025-48384).
repo hooked
(cd "$WORK/src/hooked" && mkdir -p y/hooks && printf '#!/bin/sh\ntouch /workspace/pwned\n' >y/hooks/post-checkout &&
    chmod 755 y/hooks/post-checkout && git add -A && git commit -qm hook)
publish hooked
plant() { # NAME LINK TARGET PATH
    repo "$1"
    (cd "$WORK/src/$1" && ln -s "$3" "$2" && git add -A && printf '[submodule "x/y"]\n\tpath = "%s"\n\turl = ../hooked.git\n' "$4" >.gitmodules &&
        git add .gitmodules && git -c core.protectNTFS=false update-index --add --cacheinfo "160000,$(git -C "$WORK/src/hooked" rev-parse main),$4" && git commit -qm plant)
    publish "$1"
    fresh mirror
    ask clone url="$HTTP/repos/$1.git" submodules=1
}
plant case a .git A/modules/x
is "$(find "$WS" -name pwned; find "$WS"/.git/modules/x/y/hooks "$WS"/.git/hooks -name post-checkout 2>/dev/null)" "" "a link a to .git and a submodule at A/modules/x plant no hook (CVE-2024-32002)"
plant same a .git a/modules/x
is "$(find "$WS" -name pwned; find "$WS"/.git/modules/x/y/hooks "$WS"/.git/hooks -name post-checkout 2>/dev/null)" "" "nor does a submodule behind the link itself"
plant cr sub .git/modules/x/y/hooks $'sub\r'
isnt "$CODE" 0 "a submodule at the name of a link and a carriage return is refused (CVE-2025-48384)"
is "$(find "$WS" -name post-checkout)" "" "and nothing of it is written either"

# URLs and names that are refused
n=0
bad() { # SENTENCE CODE REGEX NAME PATH URL
    n=$((n + 1))
    repo "bad$n"
    (cd "$WORK/src/bad$n" && printf '[submodule "%s"]\n\tpath = %s\n\turl = %s\n' "$4" "$5" "$6" >.gitmodules && git add -A &&
        git update-index --add --cacheinfo "160000,$(git -C "$WORK/src/middle" rev-parse main),mod" && git commit -qm bad)
    publish "bad$n"
    fresh mirror
    refused "$1" "$2" "$3" clone url="$HTTP/repos/bad$n.git" submodules=1
}
bad "a local path in a remote repository" denied "local path" mod mod /srv/leaf.git
bad "a file URL in a remote repository" denied "local path" mod mod file:///srv/leaf.git
bad "an ssh URL of another host" bad_request "ssh" mod mod git@elsewhere:x/y.git
bad "a command" bad_request "." mod mod 'ext::sh -c id'
bad "an option" bad_request "." mod mod '-u./x'
bad "a URL above its host" bad_request "climbs" mod mod ../../../../x
bad "a name that climbs" denied "name is not allowed" ../../x mod ../leaf.git
bad "a name like git's own" denied "name is not allowed" x/.git mod ../leaf.git
bad "a path that climbs" denied "path is not allowed" mod ../x ../leaf.git
bad "a path into .git" denied "path is not allowed" mod .git/hooks ../leaf.git
# Quoted, git's reader keeps the carriage return that its writer lost (CVE-2025-48384).
bad "a path that ends in a carriage return" denied "path has a control character" mod $'"mod\r"' ../leaf.git
bad "a name that ends in one" bad_request "malformed" $'mod\r' mod ../leaf.git
bad "a path with one inside" denied "path has a control character" mod $'"a\rb"' ../leaf.git
bad "a URL with one" bad_request "." mod mod $'"../leaf.git\r"'
is "$(find "$WS" -maxdepth 2 -name leaf -o -name x)" "" "nothing is written for them"
repo twins
(cd "$WORK/src/twins" && printf '[submodule "a"]\n\tpath = a\n\turl = ../leaf.git\n[submodule "a/hooks"]\n\tpath = b\n\turl = ../leaf.git\n' >.gitmodules &&
    git add -A && for p in a b; do git update-index --add --cacheinfo "160000,$(git -C "$SRV/leaf.git" rev-parse main),$p"; done && git commit -qm twins)
publish twins
fresh mirror
refused "names within each other" denied "within each other" clone url="$HTTP/repos/twins.git" submodules=1
done_testing
