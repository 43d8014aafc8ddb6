#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sockets of unusual kinds, and reaching what listens outside.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need PYTHON

NO="EPERM|EACCES|EAFNOSUPPORT|ENOSYS|ESOCKTNOSUPPORT|EPROTONOSUPPORT"
sockets() {
    attempt "make a vsock, which reaches the hypervisor (CVE-2021-26708, CVE-2025-21756)" "EPERM|EAFNOSUPPORT" network vsock
    attempt "make a crypto socket (CVE-2026-31431)" "EPERM|EAFNOSUPPORT" network alg
    attempt "make a packet socket (CVE-2017-7308, CVE-2020-14386)" "EPERM|EAFNOSUPPORT" network socket packet 3 768
    attempt "make a packet socket by its old name" "EPERM|EAFNOSUPPORT" network socket inet 10 768
    attempt "make a raw socket" "EPERM|EAFNOSUPPORT" network socket inet 3 1
    attempt "make a raw IPv6 socket" "EPERM|EAFNOSUPPORT" network socket inet6 3 58
    attempt "make an ipsec key socket" "EPERM|EAFNOSUPPORT" network socket key 3 2
    attempt "make a bluetooth socket" "EPERM|EAFNOSUPPORT" network socket bluetooth 3 1
    attempt "make a can socket" "EPERM|EAFNOSUPPORT" network socket can 3 1
    attempt "make a tipc socket (CVE-2021-43267)" "EPERM|EAFNOSUPPORT" network socket tipc 4 0
    attempt "make an rxrpc socket (CVE-2026-43500)" "EPERM|EAFNOSUPPORT" network socket rxrpc 2 2
    attempt "make an xdp socket" "EPERM|EAFNOSUPPORT" network socket xdp 3 0
    attempt "make an rds socket (CVE-2010-3904)" "EPERM|EAFNOSUPPORT" network socket rds 5 0
    attempt "make an sctp socket" "EPERM|EAFNOSUPPORT" network socket inet 1 132
    attempt "make a dccp socket (CVE-2017-6074)" "EPERM|EAFNOSUPPORT" network socket inet 6 33
    attempt "make an mptcp socket" "EPERM|EAFNOSUPPORT" network socket inet 1 262
    attempt "make an smc socket" "EPERM|EAFNOSUPPORT" network socket smc 1 0
    attempt "make a kcm socket" "EPERM|EAFNOSUPPORT" network socket kcm 5 0
    attempt "make a vsock with bits above the 32nd set" "EPERM|EAFNOSUPPORT" network socket 0x100000028 1 0
    attempt "make a packet socket by its old name, with high bits" "EPERM|EAFNOSUPPORT" network socket inet 0xf0000000a 768
    attempt "open netlink xfrm (CVE-2026-43284)" "EPERM|EAFNOSUPPORT" network netlink 6
    attempt "open netlink netfilter (CVE-2024-1086)" "EPERM|EAFNOSUPPORT" network netlink 12
    attempt "open netlink audit" "EPERM|EAFNOSUPPORT" network netlink 9
    attempt "open netlink uevents" "EPERM|EAFNOSUPPORT" network netlink 15
    attempt "open netlink generic" "EPERM|EAFNOSUPPORT" network netlink 16
    attempt "open netlink crypto" "EPERM|EAFNOSUPPORT" network netlink 21
    attempt "open netlink sock_diag" "EPERM|EAFNOSUPPORT" network netlink 4
    attempt "open netlink iscsi (CVE-2021-27365)" "EPERM|EAFNOSUPPORT" network netlink 8
    attempt "make a socket pair of another family" "EPERM" network pair tipc
    attempt "take an interface down by netlink" EPERM network add-link
    attempt "take an interface down by ioctl" EPERM network ioctl-link
    attempt "replace an iptables table (CVE-2021-22555)" "EPERM|ENOPROTOOPT" network iptables
    attempt "mark its packets" EPERM network mark
}
both sockets
control "make a vsock" network socket vsock 1 0
control "make a packet socket" network socket packet 3 768
control "open netlink netfilter" network netlink 12
control "take an interface down by netlink" network add-link
control "make a vsock with bits above the 32nd set" network socket 0x100000028 1 0
control "make a raw socket" network socket inet 3 1
out=$(box probe/network families)
is "$(grep -vcE ' (EPERM|EACCES|EAFNOSUPPORT)$' <<<"$out")" 0 "no unusual socket family reaches the kernel"
between "$(wc -l <<<"$out")" 80 200 "all of them were tried"
out=$(bare probe/network families)
isnt "$(grep -c worked <<<"$out")" 0 "control, without a sandbox some of them work"

# Listeners outside: on loopback, on an abstract name, on a path in a directory anybody may use.
python3 - "$WORK" <<'EOP' &
import socket, sys, time
keep = []
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); keep.append(s)
open(sys.argv[1] + "/port", "w").write(str(s.getsockname()[1]))
a = socket.socket(socket.AF_UNIX); a.bind("\0pinfold-canary"); a.listen(); keep.append(a)
u = socket.socket(socket.AF_UNIX); u.bind(sys.argv[1] + "/socket"); u.listen(); keep.append(u)
open(sys.argv[1] + "/ready", "w").close()
time.sleep(600)
EOP
listener=$!
at_exit "kill $listener 2>/dev/null"
wait_until 10 test -e "$WORK/ready"
port=$(cat "$WORK/port")
attempt "connect to a port of the machine's loopback" ECONNREFUSED network connect 127.0.0.1 "$port"
attempt "connect to an abstract socket of the machine" ECONNREFUSED network unix @pinfold-canary
attempt "connect to a socket file of the machine" "ENOENT|ENOTDIR" network unix "$WORK/socket"
attempt "connect to the system bus" "ENOENT|ENOTDIR" network unix /run/dbus/system_bus_socket
attempt "connect to systemd's notification socket" "ENOENT|ENOTDIR" network unix /run/systemd/notify
attempt "connect to docker" "ENOENT|ENOTDIR" network unix /var/run/docker.sock
attempt "connect to a metadata service" "ENETUNREACH" network connect 169.254.169.254 80
attempt "connect to the network" "ENETUNREACH" network connect 192.0.2.1 80
attempt "bind an address of the machine" "EADDRNOTAVAIL" network bind "$(hostname -I | awk '{ print $1 }')" 8080
attempt "bind a low port as an ordinary user" "EACCES" network bind 127.0.0.1 80
is "$(box probe/network interfaces | tr '\n' ' ')" "lo " "there is loopback and nothing else"
like "$(bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && echo open")" open "control: the port is open outside"
is "$(nsenter -t $listener -n grep -c pinfold-canary /proc/net/unix)" 1 "control: the abstract name is there outside"
is "$(box sh -c 'probe/network bind 127.0.0.1 8080')" "worked: bind" "control: it may listen on its own loopback"
# A socket in the workspace, made outside, is a file like others: reachable is what was put there.
judge
done_testing
