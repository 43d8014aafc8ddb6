# SPDX-License-Identifier: Apache-2.0
# Unpacks Arch Linux's base package and what it needs into /workspace/root with pacstrap. Runs as
# root of a sandbox over the host's /usr that has no right to mount. Nothing of what it downloads is
# run here: install scripts and hooks want /proc and /dev, and get them in configure-pacman.sh.
# Arguments: "arch" "" REPOSITORIES MIRROR KEYRING, the last may be empty.
set -eu
repositories=$3 mirror=$4 keyring=$5
root=/workspace/root
work=/workspace/work # the cache is too large for /tmp

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

[ -n "$mirror" ] || die "no archive of Arch Linux is known on this machine: set" \
    "Mirror.arch-linux=URL in pinfold.conf, or Mirror= in the image"
mkdir -p "$root" "$work/cache" "$work/db" "$work/hooks" "$work/bin" "$work/empty"
mkdir -m 700 "$work/gnupg"

servers() {
    for repository in $repositories; do
        # shellcheck disable=SC2016 # pacman fills in $repo and $arch
        printf '\n[%s]\nServer = %s/$repo/os/$arch\n' "$repository" "${mirror%/}"
    done
}
if [ "$keyring" = none ]; then
    level=Never
else
    level='Required DatabaseOptional'
fi
# No CheckSpace: it looks for the root in a table of mounts that this sandbox does not have.
{
    printf '[options]\nArchitecture = auto\nSigLevel = %s\n' "$level"
    printf 'GPGDir = %s/gnupg/\nCacheDir = %s/cache/\nHookDir = %s/hooks/\n' "$work" "$work" "$work"
    servers
} >"$work/pacman.conf"
if [ "$keyring" != none ]; then
    name=$(basename "${keyring:-/usr/share/keyrings/archlinux.gpg}" .gpg)
    [ -r "/usr/share/keyrings/$name.gpg" ] ||
        die "/usr/share/keyrings/$name.gpg is not on this machine: install archlinux-keyring"
    echo "importing the keys of $name"
    if ! { pacman-key --config "$work/pacman.conf" --init &&
        pacman-key --config "$work/pacman.conf" --populate "$name"; } >"$work/keys.log" 2>&1; then
        cat "$work/keys.log" >&2
        die "the keys of $name could not be imported"
    fi
fi

pacman --config "$work/pacman.conf" --root "$work/empty" --dbpath "$work/db" --noconfirm \
    --noprogressbar --logfile "$work/log" -Syw base ||
    die "base could not be fetched from the mirror; if a signature is of unknown trust, this" \
        "machine's archlinux-keyring is too old"

# A hook of the same name in HookDir= stands for the package's own; an empty one does nothing.
find "$work/cache" -name '*.pkg.tar.*' ! -name '*.sig' -exec \
    pacman --config "$work/pacman.conf" --root "$work/empty" --dbpath "$work/db" -Qlpq {} + |
    sed -n 's#.*/usr/share/libalpm/hooks/\([^/]*\.hook\)$#\1#p' | sort -u |
    while read -r hook; do
        ln -sf /dev/null "$work/hooks/$hook"
    done

# pacstrap wants to mount /proc, /sys and /dev for scripts that are not run, and a process
# namespace ("unshare --fork --pid pacman"), which the sandbox has.
for program in mount umount unshare; do
    printf '#!/bin/sh\n' >"$work/bin/$program"
    chmod 755 "$work/bin/$program"
done
# shellcheck disable=SC2016 # the program expands it
echo 'shift 2 && exec "$@"' >>"$work/bin/unshare"
PATH=$work/bin:$PATH pacstrap -C "$work/pacman.conf" -G -M -c "$root" base --noscriptlet \
    --noprogressbar --logfile "$work/log"

mkdir -p "$root/etc/pacman.d" "$root/workspace"
# shellcheck disable=SC2016 # as above
printf 'Server = %s/$repo/os/$arch\n' "${mirror%/}" >"$root/etc/pacman.d/mirrorlist"
if [ -f "$root/etc/pacman.conf" ]; then
    # DownloadUser: pacman's own sandbox wants Landlock and a user of its own, and stops without;
    # CheckSpace: as above, and the sandbox has a limit of its own.
    sed -i -e 's/^DownloadUser/#&/' -e 's/^CheckSpace/#&/' "$root/etc/pacman.conf"
    [ "$level" != Never ] || sed -i 's/^SigLevel.*/SigLevel = Never/' "$root/etc/pacman.conf"
fi
chown 1000:1000 "$root/workspace"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/resolv.conf"
: >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
find "$root/dev" "$root/run" "$root/tmp" -mindepth 1 -delete
# The day of the build would make two equal builds differ.
sed -i "/^%INSTALLDATE%\$/{n;s/.*/$SOURCE_DATE_EPOCH/}" "$root"/var/lib/pacman/local/*/desc
rm -rf "$root/var/lib/pacman/sync" "$root"/var/cache/pacman/pkg/* "$work"
