#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# https: only with a certificate that is trusted and is the host's.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
command -v openssl >/dev/null || { echo "Bail out! openssl is not installed"; exit 1; }
repo one
ca() { # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$WORK/$1.key" -out "$WORK/$1.crt" 2>/dev/null
}
cert() { # NAME HOST CA DAYS
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$WORK/$1.key" -out "$WORK/$1.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s\n' "$2" >"$WORK/$1.ext"
    openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/$3.crt" -CAkey "$WORK/$3.key" -CAcreateserial -days "$4" \
        -extfile "$WORK/$1.ext" -out "$WORK/$1.crt" 2>/dev/null
    cat "$WORK/$1.crt" "$WORK/$1.key" >"$WORK/$1.pem"
}
serve() { # NAME: sets HTTPS
    : >"$WORK/$1.log"
    "$TESTS/lib/git-http" "$SRV" "$WORK/$1.log" --tls "$WORK/$1.pem" >"$WORK/$1.port" 2>"$WORK/$1.err" &
    at_exit "kill $! 2>/dev/null"
    wait_until 20 test -s "$WORK/$1.port" || { echo "Bail out! the server does not start"; exit 1; }
    HTTPS=https://localhost:$(cat "$WORK/$1.port")
}
ca trusted; ca unknown
cert good localhost trusted 2
cert stranger localhost unknown 2
cert other elsewhere.example trusted 2
cert old localhost trusted -1
export EXTRA_CA=$WORK/trusted.crt
chmod 644 "$EXTRA_CA"

serve good
fresh mirror
works "a certificate of a trusted authority" clone url="$HTTPS/repos/one.git"
is "$(inside 'git status --porcelain')" "" "the clone is in order"
fresh mirror
works "with credentials" mirror url="$HTTPS/private/one.git" username=me password=secret
refused "the same server by its address, which is not in the certificate" denied "certificate|TLS" mirror url="${HTTPS/localhost/127.0.0.1}/repos/one.git"
for name in stranger other old; do
    serve $name
    refused "$name: a certificate that must not be trusted" denied "certificate|TLS" mirror url="$HTTPS/private/one.git" username=me password=secret
    is "$(cat "$WORK/$name.log")" "" "$name: the server gets no request"
done
done_testing
