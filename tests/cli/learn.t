#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold profile learn: the smallest profile under which a command works, from a real run of it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need PYTHON
p=$PINFOLD_BIN/pinfold
learn() { timeout 120 "$p" profile learn --image host --state "$WORK/state" --workspace "$WS" "${BOX_OPTS[@]}" -- "$@"; }
calls() { sed -n 's/^SystemCallFilter=//p; s/^Allow=\([^ ]*\).*/\1/p' "$1" | tr ' ' '\n' | sort -u | tr '\n' ' '; }

cat >"$WS/work.py" <<'EOP'
import os, sqlite3, subprocess, tempfile, threading
with tempfile.TemporaryDirectory() as d:
    db = sqlite3.connect(d + "/db")
    db.execute("create table t (x)")
    db.commit()
    os.link(d + "/db", d + "/second")
    t = threading.Thread(target=lambda: None)
    t.start()
    t.join()
    print(subprocess.check_output(["sh", "-c", "ls | grep -c work"], text=True).strip(), "done")
EOP
learn python3 work.py >"$WORK/work.profile" 2>"$WORK/err" </dev/null
is $? 0 "a program with processes, threads and a database is learned"
is "$(cat "$WORK/err")" "1 done" "what it prints goes to stderr"
try "what is printed is a profile" "$p" profile check "$WORK/work.profile"
like "$(calls "$WORK/work.profile")" '@init .*link ' "with the calls that it made"
unlike "$(calls "$WORK/work.profile")" '(^| )(socket|ptrace|mknod|chroot|@files) ' "and not those that it did not"
PROFILE=$WORK/work.profile
is "$(box python3 work.py 2>&1)" "1 done" "it works under that profile"
like "$(box python3 -c 'import socket; socket.socket()' 2>&1)" 'PermissionError|not supported' "and another program does less there than it would"
PROFILE=default

learn true >"$WORK/true.profile" 2>/dev/null </dev/null
between "$(calls "$WORK/true.profile" | wc -w)" 3 12 "little is needed by true, besides what every sandbox's init needs"
is "$(PROFILE=$WORK/true.profile box ln work.py /workspace/l 2>&1 | grep -c 'not permitted')" 1 "which refuses a link"

# What default refuses and another profile may allow is let through, and named with who needs it.
is "$(box probe/process trace-child)" "refused: ptrace of a child: EPERM" "control: the profile default refuses ptrace"
cat >"$WS/threads" <<'EOP'
#!/bin/sh
probe/kernel call kcmp
EOP
chmod 755 "$WS/threads"
learn ./threads >"$WORK/kcmp.profile" 2>"$WORK/err" </dev/null
like "$(cat "$WORK/kcmp.profile")" 'Allow=kcmp # seen in kernel' "a call of no group stands in a line of its own, with who made it"
isnt "$(PROFILE=$WORK/kcmp.profile box ./threads | grep -c EPERM)" 1 "and works there"
learn probe/kernel call add_key >"$WORK/key.profile" 2>"$WORK/err" </dev/null
like "$(cat "$WORK/err")" 'refused 1 times, to kernel: add_key: keyrings are not namespaced' "what no profile may allow is refused, and told with its reason"
learn probe/network socket vsock 1 0 >"$WORK/vsock.profile" 2>"$WORK/err" </dev/null
like "$(cat "$WORK/err")" 'refused 1 times, to network: socket arg0=0x28' "an argument that none may allow too"
unlike "$(cat "$WORK/vsock.profile")" 'Allow=socket' "neither is in the profile"

learn sh -c 'exit 7' >"$WORK/seven.profile" 2>"$WORK/err" </dev/null
is "$? $(grep -c 'ended with 7' "$WORK/err")" "7 1" "a command that fails gives its exit code, and a warning"
learn no-such-program >"$WORK/none" 2>&1 </dev/null
is $? 127 "one that is not there is told as a shell would"
out=$(learn sh -c 'for d in /proc/[0-9]*; do echo "1 1 0 0 0 0 0 0 x" >$d/fd/1; echo x >$d/mem; done' 2>/dev/null </dev/null)
unlike "$out" ' x$|seen in x' "the command cannot write into the report"
fails "internal profiles are not to be learned from" learn --profile git true
BOX_OPTS=(--profile strict)
learn sh -c 'echo >/workspace/new' >/dev/null 2>"$WORK/err" </dev/null
like "$(cat "$WORK/err")" 'Read-only' "everything but calls is as in the profile that it starts from"
done_testing
