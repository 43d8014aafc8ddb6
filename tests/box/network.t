#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network modes none and full. "Outside" is a namespace of this test's own, behind a veth of the
# machine, with an address from a range for documentation: nothing leaves the machine.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need NETNS PYTHON

is "$(box probe/network interfaces | tr '\n' ' ')" "lo " "none: there is loopback only"
is "$(box python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); print("ok")')" ok "none: a program can talk to itself"
is "$(box python3 -c 'import socket
s = socket.socket(socket.AF_INET6); s.bind(("::1", 0)); print("ok")')" ok "none: over IPv6 too"
attempt "reach an address" ENETUNREACH network connect 198.51.100.7 80
judge

# The world: a router with two networks behind it.
tag=t$$
ip netns add $tag
at_exit "ip netns del $tag; ip link del ${tag}o 2>/dev/null"
ip link add ${tag}o type veth peer name out netns $tag
ip addr add 198.51.100.1/24 dev ${tag}o
ip link set ${tag}o up
ip -n $tag addr add 198.51.100.7/24 dev out
ip -n $tag link set out up
ip -n $tag link set lo up
ip -n $tag route add default via 198.51.100.1
cat >"$WORK/server.py" <<'EOP'
import socket, sys, threading
def serve(addr, port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port)); s.listen()
    while True:
        c, peer = s.accept()
        c.sendall(("hello " + peer[0] + "\n").encode()); c.close()
for a in sys.argv[1:]:
    host, port = a.split(":")
    threading.Thread(target=serve, args=(host, int(port))).start()
print("ready", flush=True)
EOP
ip netns exec $tag python3 "$WORK/server.py" 198.51.100.7:80 >"$WORK/outside" 2>&1 & outside=$!
python3 "$WORK/server.py" 0.0.0.0:18080 >"$WORK/here" 2>&1 & here=$!
at_exit "kill $outside $here 2>/dev/null"
wait_until 10 grep -q ready "$WORK/outside"; wait_until 10 grep -q ready "$WORK/here"

get='import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
print(s.recv(100).decode().strip())'
NET=full
is "$(box probe/network interfaces | wc -l)" 2 "full: there is one interface besides loopback"
is "$(box python3 -c "$get" 198.51.100.7 80)" "hello 198.51.100.1" "full: the outside is reached, and sees the machine's address"
address=$(box python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("198.51.100.7", 9)); print(s.getsockname()[0])')
like "$address" '^10\.' "full: the sandbox has an address of the pool"
gateway=$(box python3 -c 'import socket, struct
for l in open("/proc/net/route"):
    f = l.split()
    if f[1] == "00000000": print(socket.inet_ntoa(struct.pack("<L", int(f[2], 16))))')
full() {
    attempt "reach the machine on another of its addresses" "ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH" network connect 198.51.100.1 18080 1500
    attempt "reach the machine's first address" "ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH" network connect "$(hostname -I | awk '{ print $1 }')" 18080 1500
    attempt "reach the machine by its own gateway's address" "ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH" network gateway 18080 1500
    attempt "reach the machine's loopback" ECONNREFUSED network connect 127.0.0.1 18080 1500
    attempt "reach a metadata service" "ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH" network connect 169.254.169.254 80 1500
    attempt "change its interface" EPERM network add-link
    attempt "mark packets" EPERM network mark
    attempt "make a raw socket" "EPERM|EAFNOSUPPORT" network socket inet 3 1
    attempt "make a packet socket" "EPERM|EAFNOSUPPORT" network socket packet 3 768
    attempt "take another address" EADDRNOTAVAIL network bind 10.213.0.200 80
}
full; judge
PROFILE=build AS=root; full; judge; PROFILE=default AS=""
is "$(python3 -c "$get" 198.51.100.1 18080)" "hello 198.51.100.1" "control: the machine's port is open"
is "$(box sh -c 'probe/network connect '"$gateway"' 18080 1500 >/dev/null; cat /proc/net/if_inet6 | grep -v " lo$" | grep -vc "^fe80"')" 0 "full: no IPv6 address from outside"

# Two sandboxes with a network: neither reaches the other.
box_start "$WORK/first" python3 -c 'import socket
s = socket.socket(); s.bind(("0.0.0.0", 7070)); s.listen()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("198.51.100.7", 9))
print("listening", u.getsockname()[0], flush=True)
while True:
    c, _ = s.accept(); c.sendall(b"reached\n"); c.close()'
wait_until 20 grep -q listening "$WORK/first"
first=$(awk '/listening/ { print $2 }' "$WORK/first")
attempt "reach another sandbox" "ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH" network connect "$first" 7070 1500
judge
isnt "$(box python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("198.51.100.7", 9)); print(s.getsockname()[0])')" "$first" "full: each has an address of its own"
ip -n $tag route add "$first/32" via 198.51.100.1 2>/dev/null
out=$(ip netns exec $tag "$WS/probe/network" connect "$first" 7070 1500 2>&1; ip netns exec $tag timeout 3 bash -c "exec 3<>/dev/tcp/$first/7070 && cat <&3" 2>&1)
unlike "$out" reached "the outside does not reach into a sandbox"
is "$(timeout 3 python3 -c "$get" "$first" 7070)" reached "control: the listener answers the machine itself" || true
# Forging a source: without raw sockets only what the kernel calls a free bind is left.
is "$(box python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(0, 15, 1)
s.bind(("'"$first"'", 5353))
try: s.sendto(b"forged", ("198.51.100.7", 53)); print("sent")
except OSError as e: print("refused")')" refused "a datagram with another sandbox's source is not sent"
is "$(box sh -c 'grep -c ^nameserver /etc/resolv.conf')" "$(grep -c ^nameserver /etc/resolv.conf)" "full: there is a resolver configuration" || true
NET=none
fails "none: there is no resolver to ask" box getent hosts example.com
done_testing
