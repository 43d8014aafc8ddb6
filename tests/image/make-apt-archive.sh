#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-apt-archive.sh DIR SUITE [PACKAGE...]: an apt archive of what a minimal root needs, plus the
# packages named, fetched from the host's own source and offered as SUITE. Not signed.
set -eu
dir=$1 suite=$2
shift 2
binary=dists/$suite/main/binary-$(dpkg --print-architecture)
mkdir -p "$dir/pool/partial" "$dir/$binary"
: >"$dir/empty"
apt-get -qq -y --download-only --no-install-recommends -o APT::Sandbox::User=root \
    -o "Dir::State::status=$dir/empty" -o "Dir::Cache::archives=$dir/pool" \
    -o Binary::apt-get::APT::Keep-Downloaded-Packages=true -o APT::Keep-Downloaded-Packages=true \
    install '?essential' apt ca-certificates "$@"
rm -rf "$dir/pool/partial" "$dir/pool/lock" "$dir/empty"
cd "$dir"
# Only the control fields and where the file is: what apt wants to know.
for deb in pool/*.deb; do
    dpkg-deb --field "$deb"
    printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" \
        "$(sha256sum "$deb" | cut -d' ' -f1)"
done >"$binary/Packages"
cd "dists/$suite"
{
    printf 'Origin: test\nLabel: test\nSuite: %s\nCodename: %s\nComponents: main\n' "$suite" "$suite"
    printf 'Architectures: %s\n' "$(dpkg --print-architecture)"
    printf 'Date: %s\nSHA256:\n' "$(date -Ru)"
    find main -type f -exec sh -c 'for f; do
        echo " $(sha256sum "$f" | cut -d" " -f1) $(stat -c %s "$f") $f"; done' sh {} +
} >Release
