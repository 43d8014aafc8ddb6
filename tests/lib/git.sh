# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Git repositories for tests. Source after tap.sh.
#   repo NAME       $WORK/src/NAME with one commit on main, in $SRV/NAME.git (bare)
#   publish NAME    what was committed there since
#   http_start [OPTION...]   tests/lib/git-http for $SRV: sets HTTP, its URL, and HTTP_LOG
for tool in git python3; do
    command -v $tool >/dev/null || { echo "Bail out! $tool is not installed"; exit 1; }
done
chmod 755 "$WORK"
SRV=$WORK/srv
mkdir -p "$SRV" "$WORK/src"
# Nothing of this machine's configuration, and nothing that waits for a person.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$WORK/gitconfig HOME=$WORK GIT_TERMINAL_PROMPT=0
git_set() { git config --file "$GIT_CONFIG_GLOBAL" "$@"; }
git_set user.name tester
git_set user.email tester@localhost
git_set init.defaultBranch main
git_set safe.directory '*'
git_set protocol.file.allow always
git_set advice.detachedHead false
git_set gc.auto 0

repo() {
    git init -q "$WORK/src/$1"
    (cd "$WORK/src/$1" && echo "hello $1" >README && mkdir dir && echo 'int main(void){return 0;}' >dir/main.c &&
        ln -s README link && printf '#!/bin/sh\n' >run.sh && chmod 755 run.sh && git add -A && git commit -qm first)
    git init -q --bare "$SRV/$1.git"
    publish "$1"
}
publish() { git -C "$WORK/src/$1" push -q --mirror "$SRV/$1.git"; }
in_src() { local n=$1; shift; git -C "$WORK/src/$n" "$@"; }

http_start() {
    HTTP_LOG=$WORK/http.log
    : >"$HTTP_LOG"
    "$TESTS/lib/git-http" "$SRV" "$HTTP_LOG" "$@" >"$WORK/http.port" 2>"$WORK/http.err" &
    local pid=$!
    at_exit "kill $pid 2>/dev/null"
    wait_until 20 test -s "$WORK/http.port" || { echo "Bail out! the git server does not start"; exit 1; }
    HTTP=http://127.0.0.1:$(cat "$WORK/http.port")
}
