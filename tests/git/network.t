#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Servers that ask for credentials, redirect, fail, stall, lie or send too much.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
http_start
FIRST=$HTTP PORT=${HTTP##*:}
LOG=$HTTP_LOG
http_start_second() {
    local log=$WORK/second.log
    : >"$log"
    "$TESTS/lib/git-http" "$SRV" "$log" >"$WORK/second.port" 2>/dev/null &
    at_exit "kill $! 2>/dev/null"
    wait_until 20 test -s "$WORK/second.port" || { echo "Bail out! no second server"; exit 1; }
    SECOND_LOG=$log SECOND=$(cat "$WORK/second.port")
}
http_start_second
repo one
fresh mirror

# Credentials
refused "a private repository without credentials" denied "asks for credentials" mirror url="$FIRST/private/one.git"
refused "with wrong ones" denied "refuses the credentials" mirror url="$FIRST/private/one.git" username=me password=wrong
refused "with a token it does not know" denied "refuses the credentials" mirror url="$FIRST/private/one.git" password=tok
is "$(grep -c 'auth=Basic' "$LOG")" 2 "wrong credentials are tried once each"
works "with the right ones" clone url="$FIRST/private/one.git" username=me password=secret
is "$(grep -rlE 'secret|bWU6c2VjcmV0' "$WS" "$MIRROR" "$WORK/answer" "$WORK/stderr")" "" "they are written nowhere"
is "$(inside 'git remote get-url origin')" "$FIRST/private/one.git" "nor in the remote's URL"
refused "a header that the server does not know" denied "credentials" mirror url="$FIRST/token/one.git" header="X-Token: wrong"
fresh mirror
works "a header that it knows" clone url="$FIRST/token/one.git" header="X-Token: secret"
is "$(grep -rl 'secret' "$WS" "$MIRROR" "$WORK/answer" "$WORK/stderr")" "" "is written nowhere"
: >"$LOG"
fresh mirror
works "a public repository with credentials" mirror url="$FIRST/repos/one.git" username=me password=secret
is "$(grep -c 'auth=Basic' "$LOG")" 0 "which are not sent unasked"

# Redirects
for place in moved moved-absolute; do
    fresh mirror
    works "a redirect on the same server ($place)" clone url="$FIRST/$place/one.git"
    is "$(inside 'git remote get-url origin')" "$FIRST/$place/one.git" "keeps the URL that was asked for"
done
fresh mirror
works "a redirect on the same server, then credentials" mirror url="$FIRST/moved-private/one.git" username=me password=secret
fresh mirror
works "a redirect to another server, no credentials" mirror url="$FIRST/away/$SECOND/repos/one.git"
for place in "away/$SECOND" away-name "private-away/$SECOND" private-away-name; do
    : >"$SECOND_LOG"; : >"$LOG"
    fresh mirror
    refused "$place: with a password on board" denied "redirects" mirror url="$FIRST/$place/private/one.git" username=me password=secret
    refused "$place: with a header on board" denied "redirects|credentials" mirror url="$FIRST/$place/token/one.git" header="X-Token: secret"
    is "$(cat "$SECOND_LOG")" "" "$place: the other server hears nothing"
done
: >"$LOG"
fresh mirror
refused "a private repository elsewhere, without credentials" denied "credentials" mirror url="$FIRST/away/$SECOND/private/one.git"
refused "a redirect without end" bad_request "redirects without end" mirror url="$FIRST/loop/one.git"
refused "a redirect to a local path" bad_request "not http" mirror url="$FIRST/to-file/one.git"
refused "a redirect to ssh" denied "redirects to another" mirror url="$FIRST/to-ssh/one.git"

# Servers that have no repository
refused "404" not_found "HTTP 404" mirror url="$FIRST/nowhere/one.git"
refused "403" denied "HTTP 403" mirror url="$FIRST/status/403/x"
refused "500" busy "HTTP 5xx" mirror url="$FIRST/status/500/x"
refused "503" busy "HTTP 5xx" mirror url="$FIRST/status/503/x"
refused "418" bad_request "HTTP status" mirror url="$FIRST/status/418/x"
refused "a web page" bad_request "no git repository" mirror url="$FIRST/page/x"
refused "no such repository behind git-http-backend" not_found "404" mirror url="$FIRST/repos/none.git"
refused "a host that does not exist" not_found "has no address" mirror url="http://nothing.invalid/x"
for a in 169.254.169.254 "[::ffff:169.254.169.254]" "[fe80::1]" 2852039166; do
    refused "a link-local address, as of a cloud's metadata ($a)" busy "Permission denied" mirror url="http://$a/latest"
done
refused "a port where nobody listens" busy "Connection refused" mirror url="http://127.0.0.1:1/x"
refused "git://, nobody listens" busy "Connection refused" mirror url="git://127.0.0.1:1/x"
refused "https to a server that speaks http" denied "TLS|SSL" mirror url="https://127.0.0.1:$PORT/repos/one.git"

# Servers that say nothing, or nonsense
start=$SECONDS
refused "a server that accepts and says nothing" timeout "within 2 seconds" mirror url="$FIRST/silent/x" limit_seconds=2
is "$CODE" 3 "has an exit code of its own"
refused "a byte now and then" timeout "within 3 seconds" mirror url="$FIRST/drip/x" limit_seconds=3
between $((SECONDS - start)) 4 12 "the deadline is kept"
refused "junk" bad_request "." mirror url="$FIRST/junk/x"
refused "an early end" busy "too early" mirror url="$FIRST/early-end/x"
refused "a pack of four billion objects" limit "objects" mirror url="$FIRST/bad-pack/x"
ask mirror url="$FIRST/symref/x"
isnt "$CODE" 0 "a bad default branch"
is "$(cat "$MIRROR/HEAD")" "ref: refs/heads/main" "does not get into the mirror"
is "$(find "$MIRROR" -type f | grep -vE '/(config|HEAD|packed-refs|pinfold.lock)$')" "" "and all these left no file behind"

# Limits
refused "three million references" limit "references" mirror url="$FIRST/many-refs/3000000/x"
refused "more references than allowed" limit "more than 10 references" mirror url="$FIRST/many-refs/11/x" limit_refs=10
for i in $(seq 1 30); do head -c 20000 /dev/urandom >"$WORK/src/one/big$i"; done
in_src one add -A; in_src one commit -qm big; publish one
fresh mirror
refused "more bytes than allowed" limit "more than 100000 bytes of objects" mirror url="$FIRST/repos/one.git" limit_bytes=100000
refused "more objects than allowed" limit "over its limit" mirror url="$FIRST/repos/one.git" limit_objects=20
refused "local: more bytes than allowed" limit "more than 100000 bytes" mirror url="file:///srv/one.git" limit_bytes=100000
refused "local: more objects than allowed" limit "more than 20 objects" mirror url="file:///srv/one.git" limit_objects=20
is "$(find "$MIRROR/objects/pack" -name '*tmp*' -o -name '*.pack' | wc -l)" 0 "nothing half fetched stays"
works "within the limits it comes" clone url="$FIRST/repos/one.git"
fresh
refused "more files than allowed" limit "more than 10 files" clone url="$FIRST/repos/one.git" limit_files=10
fresh
refused "larger files than allowed" limit "larger than" clone url="$FIRST/repos/one.git" limit_file_bytes=10000
fresh
refused "more bytes of files than allowed" limit "more than 100000 bytes" clone url="$FIRST/repos/one.git" limit_tree_bytes=100000

# A connection that breaks in the middle leaves the mirror as it was.
before=$(cd "$MIRROR" && find . -type f -not -name pinfold.lock -exec sha1sum {} + | sort)
refused "another server at the same mirror, broken" busy "." mirror url="$FIRST/early-end/x"
is "$(cd "$MIRROR" && find . -type f -not -name pinfold.lock -exec sha1sum {} + | sort)" "$before" "the mirror is as it was"
done_testing
