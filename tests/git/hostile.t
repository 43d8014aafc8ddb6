#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Repositories made to do harm, object by object: a clear refusal, and nothing written.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
BAD=$SRV/bad.git
git init -q --bare "$BAD"
bad() { git -C "$BAD" "$@"; }
blob() { printf '%s' "$1" | bad hash-object -w --stdin; }
# Lines "MODE NAME HEX", NAME with printf's escapes and %20 for a blank, as they stand: not sorted,
# not checked.
tree() {
    python3 -c '
import sys
out = b""
for line in sys.stdin:
    mode, name, oid = line.split()
    name = name.encode().decode("unicode_escape").encode("latin-1").replace(b"%20", b" ")
    out += mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid)
sys.stdout.buffer.write(out)' | bad hash-object -t tree -w --stdin --literally
}
commit() { # TREE: becomes main
    bad update-ref refs/heads/main "$(printf 'tree %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n' "$1" |
        bad hash-object -t commit -w --stdin --literally)"
}
X=$(blob x)
URL=$HTTP/repos/bad.git
untouched() { [ -z "$(ls -A "$WS")" ]; }
hostile() { # SENTENCE CODE REGEX TREE
    commit "$4"
    fresh mirror
    refused "$1" "$2" "$3" clone url="$URL"
    untouched; tap_up=1 ok $? "nothing of it is written"
}

# Names
for name in .git .GIT .Git git~1 GIT~1 .git. '.git%20' '.git::$INDEX_ALLOCATION' '.g\xe2\x80\x8cit' '\xef\xbb\xbf.git'; do
    hostile "a file named $name" denied "like git's own directory" "$(echo "100644 $name $X" | tree)"
done
hooks=$(echo "100755 post-checkout $(blob '#!/bin/sh
touch /workspace/pwned')" | tree)
hostile "a .git directory with hooks" denied "like git's own" "$(echo "40000 .git $(echo "40000 hooks $hooks" | tree)" | tree)"
hostile "a .git directory below another" denied "like git's own" "$(echo "40000 sub $(echo "40000 .git $(echo "40000 hooks $hooks" | tree)" | tree)" | tree)"
for name in . ..; do
    hostile "an entry named $name" denied "named '\\." "$(echo "100644 $name $X" | tree)"
    hostile "a directory named $name" denied "named '\\." "$(echo "40000 $name $hooks" | tree)"
done
hostile "a name with slashes" denied "slash" "$(echo "100644 ../../etc/x $X" | tree)"
hostile "a name with a leading slash" denied "slash" "$(echo "100644 /etc/x $X" | tree)"
hostile "a name of 300 bytes" limit "255 bytes" "$(echo "100644 $(printf 'a%.0s' {1..300}) $X" | tree)"
hostile ".gitmodules as a symlink" denied "symbolic link" "$(echo "120000 .gitmodules $X" | tree)"

# The same name twice
evil=$(blob /tmp) inner=$(echo "100644 x $X" | tree)
hostile "a name twice" denied "twice" "$(printf '100644 a %s\n100644 a %s\n' "$X" "$X" | tree)"
hostile "names out of order" denied "out of order" "$(printf '100644 b %s\n100644 a %s\n' "$X" "$X" | tree)"
commit "$(printf '120000 a %s\n100644 a-b %s\n40000 a %s\n' "$evil" "$X" "$inner" | tree)"
fresh mirror
refused "a symlink and a directory of one name" denied "in it twice|stands twice" clone url="$URL"
is "$(find "$WS" -name x)" "" "no file is written through the link"
commit "$(printf '120000 a %s\n40000 a %s\n' "$evil" "$inner" | tree)"
fresh mirror
refused "side by side" denied "in it twice|stands twice" clone url="$URL"
commit "$(printf '100644 a %s\n100644 a-b %s\n40000 a %s\n' "$X" "$X" "$inner" | tree)"
fresh mirror
refused "a file and a directory of one name" denied "in it twice|stands twice" clone url="$URL"

# Bombs
t=$(echo "100644 f $X" | tree)
for i in $(seq 10); do t=$(for n in 0 1 2 3 4 5 6 7 8 9; do echo "40000 d$n $t"; done | tree); done
hostile "ten to the tenth files" limit "more than 200000 (files|directories)" "$t"
t=$(tree </dev/null)
for i in $(seq 10); do t=$(for n in 0 1 2 3 4 5 6 7 8 9; do echo "40000 d$n $t"; done | tree); done
hostile "as many empty directories" limit "more than 200000 directories" "$t"
t=$(echo "100644 f $X" | tree)
for i in $(seq 120); do t=$(echo "40000 d $t" | tree); done
hostile "120 directories deep" limit "deeper than 100" "$t"
t=$(echo "100644 f $X" | tree) long=$(printf 'n%.0s' {1..250})
for i in $(seq 20); do t=$(echo "40000 $long $t" | tree); done
hostile "a path of 5,000 bytes" limit "path longer" "$t"
big=$(head -c 300000000 /dev/zero | bad hash-object -w --stdin)
commit "$(echo "100644 big $big" | tree)"
fresh mirror
refused "300 MB of zeros in 300 kB" limit "larger than" clone url="$URL" limit_file_bytes=100000000
commit "$(for i in 1 2 3 4 5 6 7 8; do echo "100644 f$i $big"; done | tree)"
fresh mirror
refused "and the same many times" limit "more than 500000000 bytes" clone url="$URL" limit_file_bytes=400000000 limit_tree_bytes=500000000

# Damage
commit "$(echo "100644 f $inner" | tree)"
fresh mirror
ask clone url=file:///srv/bad.git
isnt "$CODE" 0 "a file whose content is a directory"
commit "$X"
fresh mirror
ask clone url=file:///srv/bad.git
isnt "$CODE" 0 "a commit whose directory is a file"
commit "$(echo "100644 f 1234567890123456789012345678901234567890" | tree)"
fresh mirror
refused "local: a file whose content is missing" bad_request "damaged or missing" clone url=file:///srv/bad.git
commit "$(echo "170000 f $X" | tree)"
fresh mirror
ask clone url=file:///srv/bad.git
[ "$CODE" != 0 ] || [ ! -L "$WS/f" ]; ok $? "an entry of no known kind becomes nothing strange"

# What looks bad and is not: it stays in the sandbox.
commit "$(printf '100644 -x %s\n100644 a\\012b %s\n120000 abs %s\n120000 dangling %s\n100664 old %s\n120000 self %s\n120000 up %s\n' \
    "$X" "$X" "$(blob /etc/passwd)" "$(blob nowhere)" "$X" "$(blob self)" "$(blob ../../../../etc)" | tree)"
fresh mirror
works "symlinks out of the tree, names with a newline or a hyphen" clone url="$URL"
is "$(readlink "$WS/abs" "$WS/up" "$WS/self")" $'/etc/passwd\n../../../../etc\nself' "links are as committed"
is "$(inside 'git status --porcelain')" "" "git finds nothing to report"
for target in "$(blob '')" "$(printf 'a\0b' | bad hash-object -w --stdin)" "$(head -c 5000 /dev/zero | tr '\0' a | bad hash-object -w --stdin)"; do
    commit "$(echo "120000 l $target" | tree)"
    fresh mirror
    refused "a link with an impossible target" denied "bad target" clone url="$URL"
done

# Configuration, attributes and hooks run nothing.
evil='touch /workspace/pwned; touch /run/pinfold/repository.git/pwned'
commit "$(printf '100644 .gitattributes %s\n100644 .lfsconfig %s\n100644 f %s\n' \
    "$(blob '* filter=evil diff=evil merge=evil working-tree-encoding=UTF-16 ident')" "$(blob '[lfs] url = x')" "$X" | tree)"
cp "$BAD/config" "$WORK/config"
for key in core.fsmonitor filter.evil.smudge filter.evil.clean filter.evil.process core.sshCommand uploadpack.packObjectsHook \
    diff.evil.textconv core.pager credential.helper core.editor gpg.program; do
    bad config "$key" "sh -c '$evil'"
done
bad config filter.evil.required true
for hook in post-checkout post-merge pre-auto-gc reference-transaction post-update; do
    printf '#!/bin/sh\n%s\n' "$evil" >"$BAD/hooks/$hook"; chmod 755 "$BAD/hooks/$hook"
done
bad config core.worktree /etc
bad config include.path /dev/zero
fresh mirror
works "a local repository full of commands" clone url=file:///srv/bad.git
is "$(find "$WS" "$MIRROR" "$BAD" -name pwned)" "" "none of which is run"
is "$(cat "$WS/f")" x "a filter that is not there changes nothing"
is "$(inside 'git config --list --local | grep -c evil')" 0 "nor does its configuration arrive"
cp "$WORK/config" "$BAD/config"; rm "$BAD"/hooks/*

# Local repositories that point elsewhere
cp -r "$BAD" "$SRV/links.git"
rm -rf "$SRV/links.git/objects/"??
git -C "$BAD" gc -q 2>/dev/null; cp "$BAD"/objects/pack/* "$SRV/links.git/objects/pack/" 2>/dev/null
mv "$SRV/links.git/objects/pack" "$SRV/elsewhere"; mkdir "$SRV/links.git/objects/pack"
for f in "$SRV"/elsewhere/*; do ln -s "../../../elsewhere/$(basename "$f")" "$SRV/links.git/objects/pack/"; done
fresh mirror
ask clone url=file:///srv/links.git
isnt "$CODE" 0 "packs that are symlinks are not followed"
git init -q --bare "$SRV/alt.git"
git -C "$SRV/alt.git" update-ref refs/heads/main "$(bad rev-parse main)" 2>/dev/null || cp "$BAD/packed-refs" "$SRV/alt.git/"
printf '/etc\n/proc/self/fd\n../../bad.git/objects\n../../bad.git/objects\n' >"$SRV/alt.git/objects/info/alternates"
echo "$(bad rev-parse main)" >"$SRV/alt.git/refs/heads/main"
fresh mirror
works "alternates of a local repository are copied with it" clone url=file:///srv/alt.git
is "$(cat "$MIRROR/objects/info/alternates" 2>/dev/null)" "" "the mirror depends on nothing else"
is "$(inside 'git rev-list --objects HEAD >/dev/null; echo $?')" 0 "and is complete"
for i in $(seq 20); do echo "../../bad.git/objects/../objects"; done >"$SRV/alt.git/objects/info/alternates"
fresh mirror
refused "endless alternates" limit "alternates" clone url=file:///srv/alt.git
echo ../../alt.git/objects >"$SRV/alt.git/objects/info/alternates"
fresh mirror
ask mirror url=file:///srv/alt.git limit_seconds=20
isnt "$CODE" 3 "alternates in a circle come to an end"
rm "$SRV/alt.git/refs/heads/main"; mkfifo "$SRV/alt.git/refs/heads/main"
fresh mirror
ask mirror url=file:///srv/alt.git limit_seconds=2
isnt "$CODE" 0 "a pipe in place of a reference"
rm -rf "$SRV/alt.git"
mkdir -m 700 "$SRV/closed"; git init -q --bare "$SRV/closed/r.git"
fresh mirror
refused "a local repository that is not for everybody" denied "not readable for everybody" mirror url=file:///srv/closed/r.git
refused "a local path without a repository" not_found "no git repository" mirror url=file:///srv/nothing
git clone -q --depth 1 "file://$BAD" "$SRV/shallow" 2>/dev/null
refused "a shallow clone" bad_request "shallow" mirror url=file:///srv/shallow
git init -q --bare --object-format=sha256 "$SRV/sha256.git"
refused "a repository with SHA-256 names" bad_request "." mirror url=file:///srv/sha256.git
printf 'refs/heads/main\0x' >"$SRV/file"
refused "a file in place of a repository" not_found "no git repository" mirror url=file:///srv/file
done_testing
