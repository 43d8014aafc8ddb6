# SPDX-License-Identifier: Apache-2.0
# Puts the tool of an agent into /workspace/root with the host's npm, which asks the registry that
# this machine's own configuration names (npm config get globalconfig). Packages are unpacked; none
# of their scripts is run. Arguments: NAME PROGRAM PATH PACKAGE..., as the agent's file has them.
set -eu
name=$1 program=$2 path=$3
shift 3
root=/workspace/root
dir=/usr/local/lib/agents/$name

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

command -v npm >/dev/null || die "npm is not on this machine: apt-get install npm"
machine=$(uname -m)
case $machine in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*) die "agents are not to be had for $machine" ;;
esac
fill() { printf '%s\n' "$1" | sed "s/{arch}/$arch/g; s/{machine}/$machine/g"; }
path=$(fill "$path")
for package; do
    shift
    set -- "$@" "$(fill "$package")"
done

umask 022
mkdir -p "$root$dir" "$root/usr/local/bin"
# The place of that configuration follows --prefix, unless it is said.
global=$(npm config get globalconfig)
npm install --globalconfig "$global" --prefix "$root$dir" --cache /workspace/cache \
    --ignore-scripts --no-audit --no-fund --no-save --no-package-lock --no-update-notifier "$@" ||
    die "npm does not give $*; which registry it asks is this machine's npm configuration"
[ -x "$root$dir/node_modules/$path" ] || die "there is no program $path in $*"
# Where things came from is this machine's business.
rm -f "$root$dir/node_modules/.package-lock.json"
if [ -e "$root$dir/node_modules/.bin/node" ]; then # a script that brings its own node
    printf '#!/bin/sh\nPATH=%s/node_modules/.bin:$PATH exec %s/node_modules/%s "$@"\n' \
        "$dir" "$dir" "$path" >"$root/usr/local/bin/$program"
    chmod 755 "$root/usr/local/bin/$program"
else
    ln -s "../lib/agents/$name/node_modules/$path" "$root/usr/local/bin/$program"
fi
