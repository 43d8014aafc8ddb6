#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Python project is byte-compiled and runs its own tests.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need PYTHON
http_start
source_need pyasn1
server_start || done_testing
push pyasn1 "$SOURCE"
workspace "$(jq -n --arg u "$HTTP/repos/pyasn1.git" '{name: "pyasn1", repository: {url: $u}}')"
ok $? "a workspace" || { tap_show body: "$BODY"; done_testing; }
runs "built" 'python3 -m compileall -q pyasn1 && find pyasn1 -name "*.pyc" | wc -l'
between "${OUT//[^0-9]/}" 20 100 "into byte code"
runs "its own tests pass" 'python3 -m unittest tests.__main__.suite 2>&1'
like "$OUT" 'Ran [0-9]{3,4} tests' "hundreds of them"
like "$OUT" $'\nOK' "all of them"
runs "it can be used" 'python3 -c "
from pyasn1.type import univ
from pyasn1.codec.der import encoder
print(encoder.encode(univ.Integer(12)).hex())"'
is "$OUT" "02010c" "and is right"
gone pyasn1
done_testing
