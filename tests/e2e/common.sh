# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Real projects, from the sources of this machine's own distribution, pushed to a git server on
# loopback, cloned, built and tested over HTTP. Source after tap.sh.
#   source_get PACKAGE          its source at $SOURCE; fails where it cannot be had
#   source_need PACKAGE         the same, skips the script then
#   push NAME DIR               a repository of DIR's files at $HTTP/repos/NAME.git, by git push
#   workspace JSON              made and ready: $ID; $READY_MS
#   run COMMAND [JSON-FIELDS]   an exec in $ID: $RC, $OUT (both streams), $BODY
need ROOT USERNS GIT
need_binary pinfold pinfoldd pinfold-server pinfold-launcher pinfold-init pinfold-tool pinfold-git
for tool in curl jq dpkg-source apt-get; do
    command -v $tool >/dev/null || { echo "Bail out! $tool is not installed"; exit 1; }
done
. "$TESTS/lib/git.sh"
CACHE=$TOP/build/e2e
mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/parts" "$CACHE/sources"

# The machine's own package sources, asked for source packages, in directories of our own.
apt_sources() {
    local f
    {
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list 2>/dev/null
        for f in /etc/apt/sources.list.d/*.list; do [ -e "$f" ] && sed -n 's/^deb /deb-src /p' "$f"; done
    } >"$CACHE/apt/list.tmp"
    mv "$CACHE/apt/list.tmp" "$CACHE/apt/sources.list"
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -e "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >"$CACHE/apt/parts/$(basename "$f")"
    done
    apt_source update
}
apt_source() {
    apt-get -qq -o Dir::Etc::SourceList="$CACHE/apt/sources.list" -o Dir::Etc::SourceParts="$CACHE/apt/parts" \
        -o Dir::State::Lists="$CACHE/apt/lists" -o APT::Sandbox::User=root -o Acquire::http::Timeout=60 "$@"
}
source_get() {
    local dir=$CACHE/sources/$1
    if [ ! -e "$dir/done" ]; then
        rm -rf "$dir"; mkdir -p "$dir"
        (
            flock 9 # the lists are shared
            [ -n "$(find "$CACHE/apt/lists" -maxdepth 1 -name '*Sources*' -mmin -1440)" ] || apt_sources
            cd "$dir" && { apt_source source "$1" || { apt_sources; apt_source source "$1"; }; }
        ) >"$CACHE/apt/log" 2>&1 9>"$CACHE/apt/lock"
        [ -n "$(find "$dir" -mindepth 1 -maxdepth 1 -type d)" ] || return 1
        : >"$dir/done"
    fi
    SOURCE=$(find "$dir" -mindepth 1 -maxdepth 1 -type d)
}
source_need() {
    source_get "$1" && return
    echo "1..0 # SKIP needs SOURCES: this machine's archive does not give the source of $1"
    exit 0
}
push() {
    local copy=$WORK/push/$1
    mkdir -p "$WORK/push"
    rm -rf "$copy" "$SRV/$1.git"
    cp -r "$2" "$copy"; rm -rf "$copy/.pc" "$copy/.git"
    git init -q --bare "$SRV/$1.git"
    git -C "$SRV/$1.git" config http.receivepack true
    (cd "$copy" && git init -q && git add -A -f && git commit -qm "$1" && git push -q "$HTTP/repos/$1.git" main) >"$WORK/push.log" 2>&1
    tap_up=1 ok $? "$1: pushed" || tap_show log: "$(cat "$WORK/push.log")"
    COMMIT=$(git -C "$copy" rev-parse HEAD)
}
workspace() {
    local start
    start=$(date +%s%3N)
    api POST '/v1/workspaces?wait=300' -d "$1"
    ID=$(json .id)
    READY_MS=$(($(date +%s%3N) - start))
    [ "$CODE" = 201 ] && [ "$(json .status)" = ready ]
}
run() {
    local more=${2:-}
    [ -n "$more" ] || more='{}'
    api POST "/v1/workspaces/$ID/exec" -d "$(jq -n --arg c "$1" --argjson m "$more" '{command: $c, timeout_secs: 500} + $m')"
    RC=$(json .exit_code) OUT=$(json '.stdout + .stderr')
}
runs() { # SENTENCE COMMAND [JSON-FIELDS]: it must end well
    run "$2" "${3:-}"
    [ "$CODE" = 200 ] && [ "$(json .reason)" = exited ] && [ "$RC" = 0 ]
    tap_up=1 ok $? "$1" || { echo "# status $CODE, exit code $RC, reason $(json .reason)"; tap_show out: "$(tail -n 15 <<<"$OUT")"; return 1; }
}
gone() { # NAME: the workspace is deleted and nothing of it is left
    api DELETE "/v1/workspaces/$ID"
    like "$CODE" '^20[24]$' "$1: deleted"
    api GET "/v1/workspaces/$ID"
    is "$CODE" 404 "$1: it is gone"
    wait_until 20 eval '[ -z "$(ls -A "$STATE/dirs")" ]'
    is "$(ls -A "$STATE/dirs")" "" "$1: no file of it is left"
    is "$(grep -c "$STATE/dirs" /proc/mounts)" 0 "$1: no mount"
    is "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" "" "$1: no cgroup"
}
