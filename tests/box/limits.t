#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits are what was asked for, can be lowered and never raised, and hold for all of a sandbox.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

# MB that a process gets before it is killed, to 10 MB.
fits() { box probe/use memory "$1" >/dev/null 2>&1; }
BOX_OPTS=(--memory 128M)
try "with 128 MB a process may use 90" fits 90
fails "but not 140" fits 140
try "two of them 50 each" box probe/use memory-each 50 2
fails "but not 90 each" box probe/use memory-each 90 2
BOX_OPTS=(--memory 256M)
try "with 256 MB it may use 200" fits 200
BOX_OPTS=(--memory 100T)
out=$(box true 2>&1); like "$?" '^(125|0)$' "a limit beyond all bounds is refused or cut"
PROFILE=strict BOX_OPTS=()
fails "the profile's own limit holds without any option (strict: 512 MB)" fits 600
BOX_OPTS=(--memory 4G)
fails "and is not raised by an option" fits 600
PROFILE=default

BOX_OPTS=(--pids 30)
n=$(box probe/use forks 200 | sed -n 's/^children: //p')
between "$n" 20 29 "with 30 processes a command gets $n children"
BOX_OPTS=(--pids 100000)
n=$(box probe/use forks 2000 | sed -n 's/^children: //p')
between "$n" 300 511 "the profile's limit of 512 is not raised by an option ($n)"
BOX_OPTS=(--cpu 50%)
a=$(box probe/use cpu 2000)
BOX_OPTS=(--cpu 100%)
b=$(box probe/use cpu 1000)
between "$a" 1 75 "half a processor is half a processor ($a%)"
between "$b" 1 115 "and a whole one a whole one ($b%)"
BOX_OPTS=(--cpu 50%)
c=$(box sh -c 'probe/use cpu 2000 & probe/use cpu 2000; wait' | awk '{ s += $1 } END { print s }')
between "$c" 1 80 "two processes share the half ($c%)"

BOX_OPTS=(--disk 16M)
m=$(box probe/use file /home/user/f 100 2>&1 | sed -n 's/^written: \([0-9]*\) MB$/\1/p')
between "$m" 5 16 "with 16 MB of disk $m MB fit"
try "what is deleted can be used again" box sh -c 'for i in 1 2 3 4 5; do probe/use file ~/f 8 && rm ~/f || exit 1; done'
like "$(box sh -c 'probe/use sparse ~/s 100000; probe/use file ~/t 4' 2>&1)" 'worked: (make a sparse file|write)' "a sparse file counts as what it holds"
for bad in -1 x 1X 99999999999999999999; do
    BOX_OPTS=(--memory $bad)
    out=$(box true 2>&1); rc=$?
    like "$rc" '^(2|125)$' "--memory $bad is refused" || tap_show out: "$out"
done
BOX_OPTS=(--memory 1K)
out=$(box true 2>&1); rc=$?
isnt $rc 0 "too little memory to start is told"
done_testing
