#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What pinfold-git makes of a request that is not one, and how it treats the rest of its start.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
repo one
fresh mirror
raw() { # FILE ARG...: as ask, with that stdin
    local in=$1; shift
    in_root rw /pinfold/pinfold-git "$@" <"$in" >"$WORK/answer" 2>"$WORK/stderr"
    CODE=$? ANSWER=$(cat "$WORK/answer")
}
says() { # SENTENCE CODE REGEX
    [[ $CODE != 0 && $(answer code) = "$2" && $(answer text) =~ $3 ]]
    tap_up=1 ok $? "$1" || tap_show answer: "$CODE $ANSWER"
}
raw /dev/null mirror; says "nothing" bad_request "empty, too long or cut"
head -c 100000 /dev/zero >"$WORK/zeros"
raw "$WORK/zeros" mirror; says "too much" bad_request "too long"
request mirror url=file:///srv/one.git >"$WORK/whole"
head -c 200 "$WORK/whole" >"$WORK/cut"
raw "$WORK/cut" mirror; says "half a request" bad_request "cut|missing"
raw "$WORK/whole" clone; says "an argument that disagrees" bad_request "another operation"
raw "$WORK/whole"; is "$CODE|$ANSWER" "2|" "no operation: usage"
raw "$WORK/whole" mirror more; is "$CODE|$ANSWER" "2|" "too many arguments: usage"
raw "$WORK/whole" mirror; is "$CODE" 0 "the request as it was is good"
refused "a URL outside the roots" denied "beneath one of" mirror url=file:///etc/x
refused "other roots, sent along" denied "beneath one of: /opt" mirror url=file:///srv/one.git roots=/opt
refused "credentials in the URL" bad_request "own fields" mirror url=http://a:b@127.0.0.1/x
refused "ssh" bad_request "https" mirror url=ssh://127.0.0.1/x
refused "no limit" limit "limit bytes" mirror url=file:///srv/one.git limit_bytes=0

# Its rights
ask mirror url=file:///srv/one.git
is "$(stat -c %U:%a "$MIRROR/packed-refs" "$MIRROR/HEAD" | sort -u)" "$(id -un 1000 2>/dev/null || echo UNKNOWN):644" "files are the user's and readable"
if has STRACE; then
    in_root rw strace -f -qq -e trace=execve,fork,vfork,process -o /workspace/trace /pinfold/pinfold-git clone <"$WORK/whole" >/dev/null 2>&1
    is "$(grep -c execve "$WS/trace")" 1 "it starts no program"
else
    skip "it starts no program" "needs STRACE: not on this machine"
fi
fresh
ask clone url=file:///srv/one.git
is "$CODE" 0 "a clone"
is "$(grep -c . "$WORK/stderr")" 0 "says nothing on stderr"
done_testing
