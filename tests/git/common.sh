# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# pinfold-git in a root like its box's: /usr and /etc of this machine read-only, the mirror at
# /run/pinfold/repository.git, the workspace at /workspace, user 1000. Source after tap.sh.
#   repo NAME           make $SRV/NAME.git (bare) and $WORK/src/NAME with one commit on main
#   fresh [mirror]      an empty workspace (and mirror)
#   ask OP KEY=VALUE... run it; then $ANSWER, $CODE, answer KEY, error
#   inside CMD...       a command as the user in that root, mirror read-only, as a sandbox shows it
need ROOT
need_binary pinfold-git
for tool in git python3 unshare setpriv; do
    command -v $tool >/dev/null || { echo "Bail out! $tool is not installed"; exit 1; }
done
chmod 755 "$WORK"
SRV=$WORK/srv MIRROR=$WORK/mirror WS=$WORK/ws ROOT_DIR=$WORK/root
mkdir -p "$SRV" "$WORK/src" "$ROOT_DIR"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$WORK/gitconfig HOME=$WORK
git config --file "$GIT_CONFIG_GLOBAL" user.name tester
git config --file "$GIT_CONFIG_GLOBAL" user.email tester@localhost
git config --file "$GIT_CONFIG_GLOBAL" init.defaultBranch main
git config --file "$GIT_CONFIG_GLOBAL" safe.directory '*'
git config --file "$GIT_CONFIG_GLOBAL" protocol.file.allow always
git config --file "$GIT_CONFIG_GLOBAL" advice.detachedHead false

in_root() { # MIRROR-MODE CMD...
    local mode=$1 net=; shift
    [ "$mode" = rw ] || net=--net # a sandbox's usual network is none
    # shellcheck disable=SC2016,SC2086
    unshare --mount --propagation private $net -- bash -c '
        set -e
        root=$1 mirror=$2 ws=$3 srv=$4 git=$5 mode=$6; shift 6
        mount -t tmpfs -o mode=755,size=64m none "$root"
        cd "$root"
        mkdir -p usr etc dev proc run/pinfold/repository.git workspace srv tmp home/user pinfold
        chown 1000:1000 home/user
        ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64
        for d in usr etc; do mount --bind -o ro /$d $d; done
        mount --rbind /dev dev
        mount -t proc none proc
        mount --bind "$mirror" run/pinfold/repository.git
        [ "$mode" = rw ] || mount -o remount,bind,ro run/pinfold/repository.git
        mount --bind "$ws" workspace
        [ "$mode" = ro ] || { mount --bind "$srv" srv; mount -o remount,bind,ro srv; }
        mount --bind "$git" pinfold
        exec chroot . setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs \
            --bounding-set -all "$@"
    ' in_root "$ROOT_DIR" "$MIRROR" "$WS" "$SRV" "$PINFOLD_BIN" "$mode" "$@"
}
inside() { in_root ro env -i HOME=/home/user PATH=/usr/bin LANG=C.UTF-8 sh -c "cd /workspace && $*"; }

fresh() {
    rm -rf "$WS"; mkdir "$WS"; chown 1000:1000 "$WS"
    if [ "${1:-}" = mirror ] || [ ! -d "$MIRROR" ]; then
        rm -rf "$MIRROR"; mkdir "$MIRROR"; chown 1000:1000 "$MIRROR"
    fi
}

declare -A REQUEST=([protocol]=1 [url]= [ref]= [submodules]=0 [offline_ok]=0 [username]= [password]=
    [header]= [base_url]=https://github.com [roots]="/srv /tmp" [limit_seconds]=120
    [limit_bytes]=1000000000 [limit_objects]=1000000 [limit_refs]=500000 [limit_files]=200000
    [limit_file_bytes]=200000000 [limit_tree_bytes]=2000000000 [limit_depth]=100
    [limit_submodules]=20)
request() { # OP KEY=VALUE...: the text for stdin
    local op=$1 key; shift
    declare -A r
    for key in "${!REQUEST[@]}"; do r[$key]=${REQUEST[$key]}; done
    for pair in "$@"; do r[${pair%%=*}]=${pair#*=}; done
    printf 'op=%s\0' "$op"
    for key in "${!r[@]}"; do printf '%s=%s\0' "$key" "${r[$key]}"; done
}
ask() {
    request "$@" >"$WORK/request"
    PINFOLD_STRICT=${PINFOLD_STRICT-1} in_root rw ${WRAP:-} /pinfold/pinfold-git "$1" <"$WORK/request" \
        >"$WORK/answer" 2>"$WORK/stderr"
    CODE=$?
    ANSWER=$(cat "$WORK/answer")
}
answer() { sed -n "s/^$1=//p" "$WORK/answer"; }
error() { echo "$CODE $(answer code): $(answer text)"; }
works() { # SENTENCE OP KEY=VALUE...
    local what=$1; shift
    ask "$@"
    [ $CODE = 0 ] && grep -q '^result ok' "$WORK/answer"
    tap_up=1 ok $? "$what" || { tap_show answer: "$ANSWER"; tap_show stderr: "$(cat "$WORK/stderr")"; return 1; }
}
refused() { # SENTENCE CODE REGEX OP KEY=VALUE...
    local what=$1 code=$2 regex=$3; shift 3
    ask "$@"
    [[ $CODE != 0 && $(answer code) = "$code" && $(answer text) =~ $regex ]]
    tap_up=1 ok $? "$what" || { tap_show answer: "$ANSWER"; tap_show stderr: "$(cat "$WORK/stderr")"; return 1; }
}

repo() { # NAME: a worktree to commit in at $WORK/src/NAME, pushed by `publish NAME`
    git init -q "$WORK/src/$1"
    (cd "$WORK/src/$1" && echo "hello $1" >README && mkdir dir && echo 'int main(void){return 0;}' >dir/main.c &&
        ln -s README link && printf '#!/bin/sh\n' >run.sh && chmod 755 run.sh && git add -A && git commit -qm first)
    git init -q --bare "$SRV/$1.git"
    publish "$1"
}
publish() { git -C "$WORK/src/$1" push -q --mirror "$SRV/$1.git"; }
in_src() { local n=$1; shift; git -C "$WORK/src/$n" "$@"; }

http_start() { # sets HTTP, its base URL, and HTTP_LOG
    HTTP_LOG=$WORK/http.log
    : >"$HTTP_LOG"
    "$TESTS/lib/git-http" "$SRV" "$HTTP_LOG" >"$WORK/http.port" 2>"$WORK/http.err" &
    local pid=$!
    at_exit "kill $pid 2>/dev/null"
    wait_until 20 test -s "$WORK/http.port" || { echo "Bail out! the git server does not start"; exit 1; }
    HTTP=http://127.0.0.1:$(cat "$WORK/http.port")
}
