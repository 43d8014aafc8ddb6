#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files: what is read-only stays so, nothing outside is reached by links, handles or races.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

NO="EROFS|EACCES|EPERM"
usr_before=$(find /usr/bin /usr/lib/x86_64-linux-gnu -maxdepth 1 -newermt now 2>/dev/null | wc -l)
before=$(sha256sum /usr/bin/true /etc/passwd /etc/shadow /etc/hosts)
change_host() {
    attempt "overwrite a program of the machine" "$NO|ETXTBSY" files write /usr/bin/true evil
    attempt "create a file in /usr" "$NO" files create /usr/bin/evil
    attempt "delete a program of the machine" "$NO" files unlink /usr/bin/true
    attempt "make a program of the machine setuid" "$NO" files chmod 4755 /usr/bin/true
    attempt "take a program of the machine" "$NO" files chown 1000 /usr/bin/true
    attempt "give a program of the machine capabilities" "$NO" files setcap /usr/bin/true
    attempt "give a program of the machine a second name" "$NO|EXDEV" files link /usr/bin/true /workspace/t
    attempt "map a program of the machine for writing" "$NO" files map-shared /usr/bin/true
    attempt "write into a program's page cache by a pipe (CVE-2022-0847)" "$NO" files dirty-pipe /usr/bin/true
    attempt "write into a program by copy-on-write (CVE-2016-5195)" "$NO" files dirty-cow /usr/bin/true
    attempt "open the machine's root by a file handle (the shocker)" "EPERM|ENOSYS" files handle /workspace
    attempt "open the machine's root by a handle of /usr" "EPERM|ENOSYS" files handle /usr
    attempt "freeze the machine's file system" "EPERM|EOPNOTSUPP|ENOTTY" files freeze /usr
    attempt "make a file immutable" "EPERM|EOPNOTSUPP|ENOTTY|EACCES" files immutable /workspace
    attempt "redirect an overlay directory (CVE-2023-2640)" "EPERM|EOPNOTSUPP|EACCES" files xattr / trusted.overlay.redirect /etc
}
both change_host
judge; PROFILE=default
is "$(sha256sum /usr/bin/true /etc/passwd /etc/shadow /etc/hosts)" "$before" "the machine's files are unchanged"
is "$(find /usr/bin /usr/lib/x86_64-linux-gnu -maxdepth 1 -newermt now 2>/dev/null | wc -l)" "$usr_before" "and none is new"

# What belongs to the sandbox may be changed: it is a copy.
judge; PROFILE=build
is "$(box sh -c 'echo evil::0:0::/:/bin/sh >>/etc/passwd; tail -n 1 /etc/passwd')" "evil::0:0::/:/bin/sh" "control: root may change the sandbox's own /etc"
is "$(box sh -c 'tail -n 1 /etc/passwd' | grep -c evil)" 0 "and the next sandbox has a fresh one"
is "$(sha256sum /usr/bin/true /etc/passwd /etc/shadow /etc/hosts)" "$before" "the machine's is still unchanged"
unlike "$(box cat /etc/shadow 2>/dev/null)" '\$[0-9y]+\$' "no password hash of the machine is in the sandbox"
fails "root's home of the machine is not in the sandbox" box sh -c 'ls -A /root | grep .'
for f in /root/.ssh /root/.bashrc /home/*/.ssh /var/lib/dpkg/status /etc/ssh/ssh_host_ed25519_key /etc/machine-id /var/log/dpkg.log /run/systemd /boot/grub /etc/fstab /var/spool/cron; do
    is "$(box sh -c "ls -d $f 2>/dev/null")" "" "the machine's $f is not there"
done
judge; PROFILE=default

# A set-user-id program in the workspace or elsewhere gives nothing.
cp /usr/bin/id "$WS/setuid-id"; chown 0:0 "$WS/setuid-id"; chmod 4755 "$WS/setuid-id"
unlike "$(box ./setuid-id)" 'euid=0' "a set-user-id program in the workspace does not raise a user"
chown 1000:1000 "$WS/setuid-id"; chmod 0755 "$WS/setuid-id"
for p in su passwd mount newgrp chsh; do
    [ -u /usr/bin/$p ] || continue
    unlike "$(box sh -c "cp /proc/self/status /dev/null; exec -a x /usr/bin/$p --help >/dev/null 2>&1; true; id -u")" '^0$' "/usr/bin/$p gives no root"
done
is "$(box grep -c '^NoNewPrivs:.1' /proc/self/status)" 1 "programs with raised rights get none"
judge; PROFILE=build
box sh -c 'cp /bin/sh /workspace/rootshell && chown 0:0 /workspace/rootshell && chmod 6755 /workspace/rootshell' >/dev/null 2>&1
if [ -e "$WS/rootshell" ]; then
    owner=$(stat -c %u "$WS/rootshell") mode=$(stat -c %a "$WS/rootshell")
    ! { [ "$owner" = 0 ] && [ $((0$mode & 06000)) != 0 ]; }
    ok $? "root of a sandbox leaves no root-owned set-user-id program in the caller's directory" || echo "# owner $owner mode $mode"
else
    ok 0 "root of a sandbox leaves no root-owned set-user-id program in the caller's directory"
fi
box sh -c 'cp /bin/sh /workspace/capshell && probe/files setcap /workspace/capshell' >/dev/null 2>&1
# With a root id they count in that user's own namespaces only, never on the machine.
is "$(getcap -n "$WS/capshell" 2>/dev/null | grep -v 'rootid=[1-9]')" "" "root of a sandbox leaves no program with capabilities in the caller's directory"
rm -f "$WS/rootshell" "$WS/capshell"
chown 0:0 "$WS"; chmod 755 "$WORK"
like "$(box true 2>&1)" 'others can enter it' "root's directory that is open to others is not given to root of a sandbox"
chmod 700 "$WORK"
is "$(box sh -c 'echo x >made; stat -c %u made') $(stat -c %u "$WS/made")" "0 0" "one that is closed is"
chmod 755 "$WORK"; chown -R 1000:1000 "$WS"
judge; PROFILE=default

# Links out of the workspace lead into the sandbox, not to the machine.
echo "outside $RANDOM" >"$WORK/secret"; chmod 644 "$WORK/secret"
ln -s "$WORK/secret" "$WS/link"
ln -s / "$WS/rootlink"
attempt "read a file of the machine by a link in the workspace" "ENOENT|ENOTDIR" files read link
attempt "read a file of the machine by a link to the root" "ENOENT|ENOTDIR" files read "rootlink$WORK/secret"
attempt "read a file of the machine by its path" "ENOENT|ENOTDIR" files read "$WORK/secret"
attempt "read a file of the machine through /proc/self/root" "ENOENT|ENOTDIR" files read "/proc/self/root$WORK/secret"
attempt "climb out of the workspace" "ENOENT|ENOTDIR" files read "../../../../..$WORK/secret"
control "read that file" files read "$WORK/secret"
judge; PROFILE=strict
attempt "write to a read-only workspace" "EROFS" files create /workspace/new
attempt "write to a file in a read-only workspace" "EROFS" files write /workspace/setuid-id x
attempt "make a read-only workspace writable" "EPERM|ENOSYS" mount remount /workspace
judge
done_testing
