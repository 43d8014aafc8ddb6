#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Line ends and $Id$ in the working tree are what git itself would write.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
repo one
cd "$WORK/src/one" || exit 1
mkdir -p sub/deep bin
printf '*.txt text eol=crlf\n*.id ident\n*.bin -text\nauto text=auto\n[attr]mine text eol=crlf\n*.mac mine\n' >.gitattributes
printf '*.txt text eol=lf\n' >sub/.gitattributes
printf 'deep.txt -text\n' >sub/deep/.gitattributes
printf 'a\nb\n' >a.txt; cp a.txt sub/a.txt; printf 'x\r\ny\r\n' >sub/deep/deep.txt; cp a.txt sub/deep/b.txt
printf '$Id$\n' >v.id; printf 'a\r\nb\0\n' >x.bin; printf 'a\nb\n' >auto; cp a.txt x.mac; : >empty.txt
git add -A && git commit -qm attributes
cd "$TOP" || exit 1
publish one
git clone -q "$SRV/one.git" "$WORK/want"
fresh mirror
works "a repository with attributes" clone url=file:///srv/one.git
is "$(cd "$WS" && find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha1sum)" \
    "$(cd "$WORK/want" && find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha1sum)" "has the files that git writes"
is "$(od -c "$WS/a.txt" | head -1 | tr -s ' ')" '0000000 a \r \n b \r \n' "with their line ends"
is "$(inside 'git status --porcelain')" "" "and git finds nothing to report"
done_testing
