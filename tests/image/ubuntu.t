#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The files of ubuntu-noble and ubuntu-jammy, with an archive on loopback that says it is theirs. Its
# packages are the host's; what is tested is the way from an archive to a sandbox.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP PYTHON
need_binary pinfold pinfold-init
images_start
try "an archive is made" "$(dirname "$0")/make-apt-archive" "$WORK/archive" noble || done_testing
serve "$WORK/archive" || done_testing

# As it ships, but unsigned: nobody but Ubuntu can sign as Ubuntu.
sed 's/^Base=.*/&\nKeyring=none\nComponents=main/' "$TOP/images/ubuntu-noble.image" >"$IMAGES/unsigned.image"
builds unsigned --mirror "$SERVED" || done_testing
sed -i "s|^Base=.*|&\nMirror=$SERVED|" "$IMAGES/unsigned.image"
builds unsigned
like "$LOG" 'there already' "wherever the mirror is written"
here() { inside unsigned "$1"; }
is "$(here 'cat /etc/apt/sources.list.d/*')" "deb [trusted=yes] $SERVED noble main" "its packages are from that archive"
is "$(here 'id -un; echo $LANG; dpkg --audit')" $'user\nC.UTF-8' "commands run in it"

try "the same archive offers jammy" "$(dirname "$0")/make-apt-archive" "$WORK/archive" jammy
sed "s|^Base=.*|&\nKeyring=none\nComponents=main\nMirror=$SERVED|" "$TOP/images/ubuntu-jammy.image" >"$IMAGES/jammy.image"
builds jammy
is "$(inside jammy 'cat /etc/apt/sources.list.d/*; id -un; echo $LANG')" \
    "deb [trusted=yes] $SERVED jammy main"$'\nuser\nC.UTF-8' "jammy is built and used the same way"

breaks ubuntu-noble --mirror "$SERVED"
like "$LOG" 'ubuntu-archive-keyring.gpg' "as it ships, it takes nothing that Ubuntu did not sign"
breaks debian-bookworm --mirror "$SERVED"
like "$LOG" 'no debian bookworm signed by the key' "nor does Debian from a mirror without it"
mkdir -p "$WORK/archive/dists/bookworm"
cp "$WORK/archive/dists/noble/Release" "$WORK/archive/dists/bookworm/InRelease"
breaks debian-bookworm --mirror "$SERVED"
like "$LOG" 'no debian bookworm signed by the key' "or with one that nobody signed"
is "$(ls "$STATE/layers" | grep -c .)" 3 "no layer came of it"
done_testing
