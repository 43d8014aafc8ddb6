#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arch-linux's own file and scripts, with a repository on loopback whose base is a handful of the
# host's programs.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY PACSTRAP PYTHON
need_binary pinfold pinfold-init
images_start
try "a repository is made" "$(dirname "$0")/make-pacman-repository" "$WORK/repository" || done_testing
serve "$WORK/repository" || done_testing
sed "s|^Base=.*|&\nKeyring=none\nComponents=core\nMirror=$SERVED|" "$TOP/images/arch-linux.image" >"$IMAGES/unsigned.image"

builds unsigned || done_testing
here() { inside unsigned "$1"; }
is "$(here 'cat /etc/install-ran')" 2-1 "install scripts ran, with /dev and /proc"
is "$(here 'cat /etc/hook-ran')" usr/ "hooks ran, with the names of files"
is "$(here 'id -un; pwd; echo $LANG')" $'user\n/workspace\nC.UTF-8' "commands run in it"
is "$(here 'pacman -Qq 2>/dev/null')" $'base\nfilesystem' "pacman knows what is installed"
is "$(here 'ls /var/lib/pacman /var/cache/pacman/pkg')" $'/var/cache/pacman/pkg:\n\n/var/lib/pacman:\nlocal' "no list and no package is left"
is "$(here 'cat /etc/pacman.d/mirrorlist')" "Server = $SERVED/\$repo/os/\$arch" "its mirror is the one it was made from"
builds unsigned
like "$LOG" 'there already' "an unchanged image is there at once"

# A step's network does not reach the host's loopback, so this one brings a repository along.
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
builds more || done_testing
is "$(inside more 'cat /usr/share/extra; ls /var/cache/pacman/pkg')" extra "a packages step uses the image's own pacman"

breaks arch-linux
like "$LOG" 'Mirror.arch-linux=URL' "without a mirror there is no Arch, and the log says what to set"
breaks arch-linux --mirror "$SERVED"
like "$LOG" 'signature|\.sig' "as it ships, it takes no package that nobody signed"
done_testing
