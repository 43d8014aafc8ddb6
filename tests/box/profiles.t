#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Walls with doors: what people do all day works in each profile. Also the controls of the escape
# tests: that a sandbox refuses everything would make all of those pass.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

cat >"$WS/hello.c" <<'EOP'
#include <pthread.h>
#include <stdio.h>
static void *run(void *a) { puts("thread"); return a; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); puts("hello"); return 0; }
EOP
printf 'hello: hello.c\n\t$(CC) -pthread -o $@ $<\n' >"$WS/Makefile"
tool() { command -v "$1" >/dev/null; }
for PROFILE in default agent debug build; do
    tool make && tool cc && is "$(box sh -c 'make -s hello && ./hello && rm hello')" $'thread\nhello' "$PROFILE: make, a compiler, threads"
    has PYTHON && is "$(box python3 -c 'import subprocess, multiprocessing as m, tempfile, sqlite3
sqlite3.connect(":memory:"); tempfile.TemporaryFile()
print(m.Pool(2).map(abs, [-1, -2]), subprocess.check_output(["echo", "x"]))')" "[1, 2] b'x\\n'" "$PROFILE: python with processes, semaphores, files"
    has NODE && is "$(box node -e 'const w = require("worker_threads"); if (w.isMainThread) new w.Worker("require(\"worker_threads\").parentPort.postMessage(1)", {eval: true}).on("message", m => { console.log("worker", m); }); ')" "worker 1" "$PROFILE: node with workers"
    has NODE && is "$(box node -e 'require("http").createServer((q, r) => r.end("served")).listen(0, "127.0.0.1", function () { require("http").get({port: this.address().port}, r => { r.on("data", d => { console.log(String(d)); process.exit() }) }) })')" served "$PROFILE: a server on its own loopback"
    has GIT && is "$(box sh -c 'cd /tmp && git init -q r && cd r && git config user.email a@b && git config user.name n && echo x >f && git add f && git commit -qm m && git clone -q . ../c && git -C ../c log --format=%s')" m "$PROFILE: git"
    is "$(box sh -c 'seq 1000 | sort -rn | head -n 1 | tr -d "\n"; mkfifo /tmp/p; echo y >/tmp/p & cat /tmp/p')" "1000y" "$PROFILE: pipes, jobs and fifos"
    perl -MSocket -e1 2>/dev/null && is "$(box perl -e 'use Socket; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); print B "z\n"; close B; print <A>; alarm 1; print ((stat "/")[2] ? "ok\n" : "")')" $'z\nok' "$PROFILE: perl"
    is "$(box sh -c 'tar -C /usr/bin -cf - env | tar -C /tmp -xf - && cmp /usr/bin/env /tmp/env && echo 1; touch -d 2001-01-01 /tmp/t; stat -c %y /tmp/t | cut -c1-4')" $'1\n2001' "$PROFILE: tar and file times"
    is "$(box bash -c 'exec 3<>/dev/tcp/127.0.0.1/1' 2>&1 | grep -c 'connect: Connection refused')" 1 "$PROFILE: a closed port is a closed port"
    is "$(box setarch -R true 2>&1 | wc -l; box linux32 uname -m)" "$(case $PROFILE in debug | agent) echo 0 ;; *) echo 1 ;; esac)"$'\ni686' "$PROFILE: personalities that are safe"
done
PROFILE=strict
tool cc && is "$(box sh -c 'cp hello.c /tmp && cd /tmp && cc -pthread -o hello hello.c && ./hello')" $'thread\nhello' "strict: a compiler in /tmp"
has PYTHON && is "$(box python3 -c 'import subprocess, json; print(json.dumps(subprocess.check_output(["echo", "x"]).decode()))')" '"x\n"' "strict: python"
attempt "make an internet socket in the profile strict" "EPERM|EAFNOSUPPORT" network socket inet 1 0
judge
PROFILE=debug
has STRACE && like "$(box strace -f -c sh -c 'true' 2>&1 | tail -n 1)" total "debug: strace"
is "$(box probe/process trace-child)" "worked: ptrace of a child" "debug: a program can trace its child"
PROFILE=build
has PYTHON && tool useradd && is "$(box sh -c 'useradd -m someone 2>&1 && python3 -c "import os, pwd; u = pwd.getpwnam(\"someone\"); os.setgid(u.pw_gid); os.setuid(u.pw_uid); os.execlp(\"id\", \"id\", \"-un\")"')" someone "build: root can add a user and become it"
is "$(box sh -c 'touch /tmp/f && chown daemon:daemon /tmp/f && stat -c %U /tmp/f && chmod 4755 /tmp/f && stat -c %a /tmp/f')" $'daemon\n4755' "build: owners and modes as package managers set them"
is "$(box sh -c 'mkdir -p /tmp/r/usr && cp -a /bin /lib /lib64 /tmp/r/ 2>/dev/null; chroot / true && echo ok')" ok "build: chroot"
done_testing
