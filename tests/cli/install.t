#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What make install puts where, and that it works from there.
. "$(dirname "$0")/../lib/tap.sh"
need_binary pinfold pinfoldd
command -v systemd-analyze >/dev/null || { echo "Bail out! systemd-analyze is not installed"; exit 1; }

to=$WORK/usr
try "make install succeeds" env -u MAKEFLAGS -u MAKELEVEL make -C "$TOP" B="$(dirname "$PINFOLD_BIN")" PREFIX="$to" DESTDIR= install
is "$("$to/bin/pinfold" profile list | awk '{print $1}' | tr '\n' ' ')" "agent build debug default strict " "the command finds its profiles there"
like "$("$to/bin/pinfold" image list)" 'debian-bookworm' "and its images"
for page in man1/pinfold.1 man5/pinfold.conf.5 man8/pinfoldd.8; do
    grep -q '^\.TH' "$to/share/man/$page"; ok $? "there is a page $page"
done
try "the configuration that nobody wrote is good" "$to/libexec/pinfold/pinfoldd" --check --state "$WORK/state"
unit=$to/lib/systemd/system/pinfold.service
is "$(systemd-analyze verify --man=no "$unit" 2>&1 | grep pinfold)" "" "systemd has nothing against the unit"
for line in ExecStart=$to/libexec/pinfold/pinfoldd "ExecReload=$to/bin/pinfold upgrade" Type=notify Delegate=yes WantedBy=multi-user.target; do
    grep -qxF "$line" "$unit"; ok $? "it says $line"
done
done_testing
