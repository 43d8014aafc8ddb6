#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every route of /v1 is named by a test: "# route: METHOD PATH" in a script of this folder.
. "$(dirname "$0")/../lib/tap.sh"
need_binary pinfold-server
here=$(dirname "$0")
n=0
while read -r method path; do
    n=$((n + 1))
    grep -qFx "# route: $method $path" "$here"/*.t
    ok $? "$method $path has a test"
done < <("$PINFOLD_BIN/pinfold-server" --routes | sed '/dialect/,$d' | awk -F'|' '/^\| [A-Z]/ && $2 !~ /method/ {
    gsub(/[ `]/, "", $2); gsub(/[ `]/, "", $3); sub(/WebSocket/, "GET", $2); print $2, $3 }')
between "$n" 50 200 "the table was read"
done_testing
