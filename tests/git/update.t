#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A checkout becomes that of another commit: the same as one from nothing, without writing what both have.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
S=$WORK/src/one
repo one
first=$(in_src one rev-parse HEAD)
commit() { in_src one add -A; in_src one commit -qm "$1"; publish one; in_src one rev-parse HEAD; }
look='git status --porcelain; git for-each-ref; cat .git/HEAD; find . -path ./.git -prune -o -printf "%p %y %m %U:%G %s %l\n" | sort; find .git | sort; git fsck --strict 2>&1; git ls-files -s; find . -path ./.git -prune -o -type f -exec sha1sum {} + | sort'
from() { # SENTENCE BASE COMMIT: the update and a checkout from nothing
    fresh
    works "$1: from nothing" checkout url=file:///srv/one.git ref="$3"
    local want; want=$(inside "$look")
    fresh
    ask checkout url=file:///srv/one.git ref="$2"
    find "$WS" -path "$WS/.git" -prune -o -type f -printf '%P %i %C@\n' | sort >"$WORK/before"
    works "$1: the update" checkout url=file:///srv/one.git ref="$3" base="$2"
    is "$(inside "$look")" "$want" "$1: they are the same"
    find "$WS" -path "$WS/.git" -prune -o -type f -printf '%P %i %C@\n' | sort >"$WORK/after"
}
fresh mirror
mkdir -p "$S/a/b/c" "$S/x-y" "$S/x"; echo 1 >"$S/a/b/c/f"; echo 2 >"$S/x-y/f"; echo 3 >"$S/x/f"; echo 4 >"$S/x.f"
two=$(commit dirs)
ask mirror url=file:///srv/one.git
from "directories come" "$first" "$two"
is "$(comm -12 "$WORK/before" "$WORK/after" | cut -d' ' -f1 | paste -sd' ')" "README dir/main.c run.sh" "what did not change was not written"
like "$(answer files) $(answer tree_bytes)" '^8 8$' "all files are counted, and the bytes written"
from "and go" "$two" "$first"
from "nothing changes" "$two" "$two"
is "$(answer tree_bytes)" 0 "nothing is written"
rm -r "$S/a" "$S/x"; ln -s /etc "$S/a"; echo file >"$S/x"; rm "$S/link"; mkdir "$S/link"; echo in >"$S/link/f"; mv "$S/README" "$S/x-y/README"; chmod 755 "$S/dir/main.c"; chmod 644 "$S/run.sh"
three=$(commit kinds)
ask mirror url=file:///srv/one.git
from "files, links and directories change their kind" "$two" "$three"
from "and back" "$three" "$two"
in_src one rm -rqf --ignore-unmatch . ; in_src one commit -qm nothing --allow-empty; publish one; none=$(in_src one rev-parse HEAD)
ask mirror url=file:///srv/one.git
from "all goes" "$three" "$none"
from "all comes" "$none" "$three"
git -C "$S" update-index --add --cacheinfo 160000,1234567890123456789012345678901234567890,mod/sub; in_src one commit -qm module; publish one; mod=$(in_src one rev-parse HEAD)
ask mirror url=file:///srv/one.git
from "a submodule's place comes" "$three" "$mod"
from "and goes" "$mod" "$first"

echo '*.c text eol=crlf' >"$S/.gitattributes"; printf 'a\nb\n' >"$S/t.c"; git -C "$S" rm -q --cached mod/sub; attr=$(commit attributes)
echo '*.h text eol=crlf' >"$S/.gitattributes"; more=$(commit more)
ask mirror url=file:///srv/one.git
from "attributes come" "$three" "$attr"
from "they change" "$attr" "$more"
from "they go" "$more" "$three"

# What is not as it should be
fresh
refused "nothing there" not_found 'remove .README' checkout url=file:///srv/one.git ref="$two" base="$first"
fresh
ask checkout url=file:///srv/one.git ref="$first"
refused "a base that is no commit of it" bad_request 'damaged or missing' checkout url=file:///srv/one.git ref="$two" base=1234567890123456789012345678901234567890
refused "a base with submodules" bad_request 'no base' checkout url=file:///srv/one.git ref="$two" base="$first" submodules=1
refused "a base of a clone" bad_request 'no base' clone url=file:///srv/one.git ref="$two" base="$first"
refused "an option as a base" bad_request 'no base' checkout url=file:///srv/one.git ref="$two" base=--x
for i in 1 2; do # a directory of the checkout has become a link out of it
    fresh; ask checkout url=file:///srv/one.git ref="$two"
    rm -rf "$WORK/out"; mkdir "$WORK/out"; echo mine >"$WORK/out/f"; chown -R 1000:1000 "$WORK/out"
    [ $i = 1 ] && { rm -rf "$WS/x"; ln -s ../run/pinfold/repository.git "$WS/x"; }
    [ $i = 2 ] && { rm -rf "$WS/a/b"; ln -s ../x "$WS/a/b"; }
    before=$(find "$MIRROR" | sort | sha1sum)
    ask checkout url=file:///srv/one.git ref="$first" base="$two"
    is "$CODE $(find "$MIRROR" | sort | sha1sum)" "1 $before" "a link in a directory's place is not followed"
done
done_testing
