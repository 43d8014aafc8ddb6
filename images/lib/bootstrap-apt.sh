# SPDX-License-Identifier: Apache-2.0
# Makes /workspace/root a small Debian or Ubuntu with mmdebstrap. Runs as root of a sandbox over
# the host's /usr that has no right to mount and none to make device nodes. None is needed: the
# tree is the same as with them. Arguments: DISTRIBUTION RELEASE COMPONENTS MIRROR KEYRING, the
# last two may be empty.
set -eu
distribution=$1 release=$2 components=$3 mirror=${4%/} keyring=$5
root=/workspace/root
tmp=$(mktemp -d)
list=$tmp/archive.list
: >"$list"

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

fetch() {
    /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=1 \
        download-file "$1" "$tmp/release" >"$tmp/log" 2>&1
}

# Does the archive $1 have the suite $2, and did the distribution sign it?
offers() {
    if [ "$keyring" = none ]; then
        fetch "$1/dists/$2/InRelease" || fetch "$1/dists/$2/Release"
    else
        fetch "$1/dists/$2/InRelease" || return 1
        gpgv --quiet --homedir "$tmp" --keyring "$keyring" --status-fd 1 "$tmp/release" \
            2>>"$tmp/log" | grep -q '^\[GNUPG:\] VALIDSIG'
    fi
}

# Take the suite $2 of the archive $1 if it is there.
take() {
    offers "$1" "$2" || return 1
    printf 'deb [%s] %s %s %s\n' "$trust" "$1" "$2" "$components" >>"$list"
}

# A named archive must have the release; updates and security come from it, or from a sibling
# directory as on Debian's mirrors, where it has them.
take_mirror() {
    take "$mirror" "$release" || {
        cat "$tmp/log"
        die "the mirror of this image has no $distribution $release signed by the key in $keyring"
    } >&2
    take "$mirror" "$release-updates" || :
    take "$mirror" "$release-security" || take "$mirror-security" "$release-security" || :
}

# What the host installs from, as far as it is this distribution's own archive; other archives
# fail in offers(). A line with a password stays out: it would end up in the image.
take_host() {
    apt-get update --print-uris -o "Dir::State::lists=$tmp" 2>/dev/null |
        sed -n "s#^'\([a-z]*://[^@' ]*\)/dists/\([^/' ]*\)/InRelease' .*#\1 \2#p" |
        sort -u >"$tmp/host"
    while read -r uri suite; do
        case $suite in
        *-backports* | *-proposed* | *-debug) ;;
        *-updates) take "$uri" "$release-updates" || : ;;
        *-security) take "$uri" "$release-security" || : ;;
        *) take "$uri" "$release" || : ;;
        esac
    done <"$tmp/host"
    # Updates without what they update are of no use.
    grep -q " $release " "$list" || : >"$list"
}

[ -n "$keyring" ] || keyring=/usr/share/keyrings/$distribution-archive-keyring.gpg
trust=signed-by=$keyring
if [ "$keyring" = none ]; then
    trust=trusted=yes
elif [ ! -r "$keyring" ]; then
    die "the key of the $distribution archive is not on this machine: put it at $keyring," \
        "or name another file with Keyring= in the image"
fi

if [ -n "$mirror" ]; then
    take_mirror
else
    take_host
fi

set --
if [ -s "$list" ]; then
    echo "archives:" >&2
    cat "$list" >&2
    last=$list
else
    echo "no archive of $distribution $release among the host's: using mmdebstrap's own" >&2
    set -- --keyring="$keyring"
    last=
fi
# The host's proxy is for now; it does not stay in the image.
apt-config dump | grep -E '^Acquire::https?::([^ ]*::)?Proxy' >"$tmp/proxy" || :
if [ -s "$tmp/proxy" ]; then
    # shellcheck disable=SC2016 # mmdebstrap runs these with the root as $1
    set -- "$@" --setup-hook="cp '$tmp/proxy' \"\$1/etc/apt/apt.conf.d/00proxy\"" \
        --customize-hook='rm "$1/etc/apt/apt.conf.d/00proxy"'
fi

# Releases that are born with a merged /usr get it from the hook; else the package usrmerge would
# do it, and stay, with a whole Perl. No manuals and translations, as in Debian's own small images;
# licences stay. No fsync for each file: a build that did not end is thrown away whole.
echo "mmdebstrap (its warnings about mounting are expected in this sandbox)" >&2
mmdebstrap --mode=root --format=directory --variant=apt --include=ca-certificates \
    --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \
    --components="$components" --skip=chroot/mount,check/qemu \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt=force-unsafe-io \
    --aptopt='Acquire::Languages "none"' "$@" "$release" "$root" ${last:+"$last"}

# The account that commands run as, and nothing of this machine.
if ! chroot "$root" getent passwd 1000 >"$tmp/log"; then
    chroot "$root" useradd --create-home --uid 1000 --user-group --shell /bin/bash user
fi
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/resolv.conf"
: >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
# Nothing is started when a package with a service is installed: there is no init to start it.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/workspace"
chown 1000:1000 "$root/workspace"
# With no device nodes, >/dev/null has made a file; the sandbox brings its own /dev.
find "$root/dev" "$root/run" "$root/tmp" -mindepth 1 -delete
rm -rf "$root"/var/log/apt/* "$root"/var/log/*.log "$root"/var/cache/ldconfig/* \
    "$root"/var/cache/debconf/*-old "$root"/etc/*- "$root"/var/lib/dpkg/*-old
