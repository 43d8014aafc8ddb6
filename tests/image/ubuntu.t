#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ubuntu-noble's own file and script, with an archive on loopback that says it is noble. Its
# packages are the host's; what is tested is the way from an archive to a workspace.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
images_start
try "an archive is made" "$(dirname "$0")/make-apt-archive" "$WORK/archive" noble || done_testing
serve "$WORK/archive" || done_testing

# As it ships, but unsigned: nobody but Ubuntu can sign as Ubuntu.
sed 's/^Base=.*/&\nKeyring=none\nComponents=main/' "$TOP/images/ubuntu-noble.image" >"$IMAGES/unsigned.image"
server_start "ImagesDir=$IMAGES" "Mirror.unsigned=$SERVED" "Mirror.ubuntu-noble=$SERVED" "Mirror.debian-bookworm=$SERVED" || done_testing

built unsigned || done_testing
is "$(inside 'cat /etc/apt/sources.list.d/*')" "deb [trusted=yes] $SERVED noble main" "its packages are from that archive"
is "$(inside 'id -un; echo $LANG')" $'user\nC.UTF-8' "commands run in it"

build ubuntu-noble
is "$(json .status)" error "the shipped image is not built from what Ubuntu did not sign"
like "$LOG" 'ubuntu-archive-keyring.gpg|signed by the key' "and the log says why"
build debian-bookworm
is "$(json .status)" error "nor is Debian from a mirror without it"
like "$LOG" 'no debian bookworm signed by the key' "and the log says so"
done_testing
