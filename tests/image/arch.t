#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arch-linux's own file and scripts, with a repository on loopback whose base is a handful of the
# host's programs.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY PACSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
images_start
try "a repository is made" "$(dirname "$0")/make-pacman-repository" "$WORK/repository" || done_testing
serve "$WORK/repository" || done_testing
sed 's/^Base=.*/&\nKeyring=none\nComponents=core/' "$TOP/images/arch-linux.image" >"$IMAGES/unsigned.image"
repository=core/os/$(uname -m)
mkdir -p "$IMAGES/$repository"
cp "$WORK/repository/$repository"/{core.db,extra-*} "$IMAGES/$repository/"
cat >"$IMAGES/more.image" <<'END'
[Image]
Extends=unsigned
[Steps]
Copy=core /srv/core
Run=echo 'Server = file:///srv/$repo/os/$arch' >/etc/pacman.d/mirrorlist
Packages=extra
END
server_start "ImagesDir=$IMAGES" "Mirror.unsigned=$SERVED" || done_testing

built unsigned || done_testing
is "$(inside 'cat /etc/install-ran')" 2-1 "install scripts ran, with /dev and /proc"
is "$(inside 'cat /etc/hook-ran')" usr/ "hooks ran, with the names of files"
is "$(inside 'id -un; pwd')" $'user\n/workspace' "commands run in it"
is "$(inside 'pacman -Qq')" $'base\nfilesystem' "pacman knows what is installed"
is "$(inside 'ls /var/lib/pacman /var/cache/pacman/pkg')" $'/var/cache/pacman/pkg:\n\n/var/lib/pacman:\nlocal' "no list and no package is left"

built more || done_testing
is "$(inside 'cat /usr/share/extra')" extra "a packages step uses the image's own pacman"

build arch-linux
is "$(json .status)" error "without a mirror there is no Arch"
like "$LOG" 'Mirror.arch-linux=URL' "and the log says what to set"
done_testing
