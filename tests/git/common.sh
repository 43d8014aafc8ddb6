# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# pinfold-git in a root like its box's: /usr and /etc of this machine read-only, the mirror at
# /run/pinfold/repository.git, the workspace at /workspace, user 1000. Source after tap.sh.
#   fresh [mirror]      an empty workspace (and mirror)
#   ask OP KEY=VALUE... run it; then $ANSWER, $CODE, answer KEY, error
#   EXTRA_CA            when exported, the certificates that are trusted there
#   inside CMD...       a command as the user in that root, mirror read-only, as a sandbox shows it
need ROOT
need_binary pinfold-git
. "$TESTS/lib/git.sh"
for tool in unshare setpriv; do
    command -v $tool >/dev/null || { echo "Bail out! $tool is not installed"; exit 1; }
done
MIRROR=$WORK/mirror WS=$WORK/ws ROOT_DIR=$WORK/root
mkdir -p "$ROOT_DIR"

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
        [ -z "${EXTRA_CA:-}" ] || mount --bind "$EXTRA_CA" etc/ssl/certs/ca-certificates.crt
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

declare -A REQUEST=([protocol]=1 [url]= [ref]= [dir]= [submodules]=0 [offline_ok]=0 [base]= [username]= [password]=
    [header]= [base_url]=https://github.com [roots]="/srv /tmp" [proxy_port]=0 [limit_seconds]=120
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
