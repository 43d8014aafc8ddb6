#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-pacman-repository.sh DIR: a repository "core" for pacman with a root made of the host's own
# programs: small, but it runs, has an install script, a hook and a package that is not in base.
set -eu
dir=$1/core/os/$(uname -m)
work=$1/work
mkdir -p "$dir" "$work/db"

# put PROGRAM...: the programs and what they link, into $root
put() {
    for program; do
        path=$(readlink -f "$(command -v "$program")")
        install -D "$path" "$root/usr/bin/$program"
        ldd "$path" | sed -n 's#^[^/]*\(/[^ ]*\) (0x.*#\1#p' | while read -r library; do
            [ -e "$root/usr/lib/${library##*/}" ] || install -D "$library" "$root/usr/lib/${library##*/}"
        done
    done
}

# package NAME VERSION DEPEND: pack $root; the last may be empty
package() {
    file=$1-$2-$(uname -m).pkg.tar.gz
    {
        printf 'pkgname = %s\npkgbase = %s\npkgver = %s\npkgdesc = a test\n' "$1" "$1" "$2"
        printf 'url = none\nbuilddate = 1700000000\npackager = test\nsize = 1\narch = any\n'
        [ -z "$3" ] || printf 'depend = %s\n' "$3"
    } >"$root/.PKGINFO"
    (cd "$root" && tar --owner=0 --group=0 --mtime=@1700000000 -czf "$dir/$file" -- .[A-Z]* *)
    mkdir "$work/db/$1-$2"
    {
        printf '%%FILENAME%%\n%s\n\n%%NAME%%\n%s\n\n%%VERSION%%\n%s\n\n' "$file" "$1" "$2"
        printf '%%CSIZE%%\n%s\n\n' "$(stat -c %s "$dir/$file")"
        printf '%%SHA256SUM%%\n%s\n\n%%ARCH%%\nany\n\n' "$(sha256sum "$dir/$file" | cut -d' ' -f1)"
        [ -z "$3" ] || printf '%%DEPENDS%%\n%s\n\n' "$3"
    } >"$work/db/$1-$2/desc"
    rm -rf "$root"
}

root=$work/root
put bash sh sed grep cat ls id rm mkdir basename getent useradd tar gzip sleep env stat pacman
mkdir -p "$root/etc" "$root/usr/lib" "$root/var/lib" "$root/home" "$root/root" "$root/tmp"
ln -s usr/bin "$root/bin"
ln -s usr/bin "$root/sbin"
ln -s usr/lib "$root/lib"
ln -s usr/lib "$root/lib64"
ln -s bin "$root/usr/sbin"
mkdir -p "$root/usr/lib/x86_64-linux-gnu" # where glibc of this host looks for its modules
echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
: >"$root/etc/shadow"
: >"$root/etc/gshadow"
printf 'passwd: files\ngroup: files\nshadow: files\n' >"$root/etc/nsswitch.conf"
printf 'NAME="Arch Linux"\nID=arch\n' >"$root/etc/os-release"
printf '[options]\nArchitecture = auto\nCheckSpace\nDownloadUser = alpm\n' >"$root/etc/pacman.conf"
printf 'SigLevel = Required\n[core]\nInclude = /etc/pacman.d/mirrorlist\n' >>"$root/etc/pacman.conf"
package filesystem 1-1 ''

mkdir -p "$root/usr/share/libalpm/hooks"
cat >"$root/usr/share/libalpm/hooks/10-test.hook" <<'END'
[Trigger]
Operation = Install
Type = Path
Target = usr/*
[Action]
When = PostTransaction
Exec = /usr/bin/bash -c 'read -r first; echo "$first" >/etc/hook-ran'
NeedsTargets
END
cat >"$root/.INSTALL" <<'END'
post_install() {
    test -c /dev/null && test -d /proc/self && echo "$1" >/etc/install-ran
}
END
package base 2-1 filesystem

mkdir -p "$root/usr/share"
echo 'extra' >"$root/usr/share/extra"
package extra 3-1 filesystem

(cd "$work/db" && tar -czf "$dir/core.db.tar.gz" -- *)
cp "$dir/core.db.tar.gz" "$dir/core.db"
rm -rf "$work"
