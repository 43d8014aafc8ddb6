# SPDX-License-Identifier: Apache-2.0
# Installs the packages that are its arguments. With -u, because Arch supports no partial upgrades.
set -eu
pacman --noconfirm --noprogressbar --needed -Syu -- "$@"
rm -rf /var/cache/pacman/pkg/* /var/lib/pacman/sync /var/log/pacman.log /var/cache/ldconfig/*
