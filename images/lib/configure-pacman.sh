# SPDX-License-Identifier: Apache-2.0
# The rest of bootstrap-pacman.sh, in the new root and without a network: what pacman would have
# run after unpacking, in its order: each package's post_install, then the hooks. As with pacman,
# one that fails is a warning. Arguments: KEYRING, may be empty.
set -eu
keyring=$1
db=/var/lib/pacman/local

for package in "$db"/*/; do
    [ -f "$package/install" ] || continue
    version=$(sed -n '/^%VERSION%$/{n;p;}' "$package/desc")
    echo "configuring $(basename "$package")"
    # shellcheck disable=SC2016 # bash expands these
    (cd / && bash -c '. "$1"; ! declare -F post_install >/dev/null || post_install "$2"' bash \
        "$package/install" "$version" </dev/null) || echo "warning: its install script failed" >&2
done

# Everything is new, so every hook's condition holds; those that read the list get all files.
for hook in /usr/share/libalpm/hooks/*.hook; do
    grep -q '^When *= *PostTransaction' "$hook" 2>/dev/null || continue
    command=$(sed -n 's/^Exec *= *//p' "$hook")
    echo "running $(basename "$hook")"
    if grep -q '^NeedsTargets' "$hook"; then
        sed -n '/^%FILES%$/,/^$/{/^%/d;/^$/d;p;}' "$db"/*/files
    fi | (cd / && sh -c "$command") || echo "warning: it failed" >&2
done

if [ "$keyring" != none ] && command -v pacman-key >/dev/null; then
    pacman-key --init
    pacman-key --populate
fi
# The account that commands run as.
getent passwd 1000 >/dev/null ||
    useradd --create-home --uid 1000 --user-group --shell /bin/bash user
rm -rf /var/log/pacman.log /var/cache/ldconfig/* /etc/*-
