# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the crash tests share: who runs, how to make them die, and an audit of what they leave.
# Source after tap.sh.
#   pid_of server|launcher     the one that runs now; pid_is_new ROLE OLD waits for another
#   box_pids                   inits of live sandboxes
#   leftovers                  a line for each thing of sandboxes that is still there
#   nothing_left SENTENCE      waits until there is none
need ROOT
need_binary pinfoldd pinfold-server pinfold-launcher pinfold-init pinfold-tool
for tool in curl jq python3; do
    command -v $tool >/dev/null || { echo "Bail out! $tool is not installed"; exit 1; }
done
STATE=$WORK/state
chmod 755 "$WORK"

# Where cgroup hierarchies are mounted; the unified one is mounted here when the host did not.
CGROUPS=$(awk '$(NF-2) ~ /^cgroup2?$/ { print $5 }' /proc/self/mountinfo)
if ! grep -q ' - cgroup2 ' /proc/self/mountinfo; then
    mkdir "$WORK/cgroup2"
    mount -t cgroup2 none "$WORK/cgroup2" && at_exit "umount '$WORK/cgroup2'"
    CGROUPS+=$'\n'$WORK/cgroup2
fi

group_name() { printf 'pinfold.%x-%x' "$(stat -c %d "$STATE")" "$(stat -c %i "$STATE")"; }
pid_of() { sed -n "s/.*: $1 started pid=//p" "$SERVER_LOG" | tail -n 1; }
gone() { ! kill -0 "$1" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = Z ]; }
is_new() { local pid; pid=$(pid_of "$1"); [ -n "$pid" ] && [ "$pid" != "$2" ]; }
healthy() { [ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$URL/v1/health")" = 200 ]; }
# kill_role ROLE: SIGKILL it and wait until another one serves
kill_role() {
    local old; old=$(pid_of "$1")
    kill -KILL "$old"
    wait_until 30 is_new "$1" "$old" && wait_until 30 healthy
}
# Processes in the groups of our sandboxes, and those whose pid 1 they are.
group_pids() { grep -ls "/$(group_name)/" /proc/[0-9]*/cgroup | cut -d/ -f3; }
box_pids() {
    local pid
    for pid in $(group_pids); do
        grep -Pqs '^NSpid:.*\t1$' "/proc/$pid/status" && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = pinfold-init ] && echo "$pid"
    done
}
# Our daemons: they and nobody else may hold something of the state directory.
daemons() {
    ps -eo pid=,ppid= | awk -v d="${SERVER_PID:-0}" '$1 == d || $2 == d { print $1 }'
}
leftovers() {
    local group at f pid name; group=$(group_name)
    for at in $CGROUPS; do
        find "$at" -maxdepth 5 -type d -path "*/$group/*" -printf 'cgroup %p\n' 2>/dev/null
    done
    group_pids | sed 's/^/process /'
    for pid in $(find /proc/[0-9]*/fd -lname "$STATE/*" 2>/dev/null | cut -d/ -f3 | sort -u); do
        daemons | grep -qx "$pid" || echo "process $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) holds the state"
    done
    for pid in $(find /proc/[0-9]*/fd -lname '/run/pinfold/ranges/*' 2>/dev/null | cut -d/ -f3 | sort -u); do
        daemons | grep -qx "$pid" && echo "id range held by $pid"
    done
    grep -F " $STATE/" /proc/self/mountinfo | grep -v -F " $STATE/cgroup2 " | sed 's/^/mount /'
    for f in /sys/block/loop*/loop/backing_file; do
        [ -e "$f" ] && name=$(cat "$f" 2>/dev/null) && [[ $name == "$STATE"/* ]] && echo "loop device $f $name"
    done
    # A veth pair belongs to whoever holds the id range of its number.
    for f in /sys/class/net/pf*; do
        name=${f##*/pf}
        [ -e "$f" ] && flock -n "/run/pinfold/ranges/$name" true && echo "network pf$name"
    done
    for name in boxes trash dirs strata; do
        ls "$STATE/$name" 2>/dev/null | sed "s/^/file $name\//"
    done
}
clean() { [ -z "$(leftovers)" ]; }
nothing_left() { # SENTENCE
    wait_until 20 clean
    tap_up=1 is "$(leftovers)" "" "$1"
}
delete_repositories() { # 0 when there is none any more
    local id
    api GET '/v1/repositories?limit=200'
    for id in $(json '.items[].id'); do api DELETE "/v1/repositories/$id" -m 60; done
    api GET /v1/repositories
    [ "$(json '.items | length')" = 0 ]
}
# Delete every workspace, then the repositories with their kept checkouts; 0 when the server says
# that they are gone.
delete_all() {
    local id rc=0
    api GET '/v1/workspaces?limit=200'
    for id in $(json '.items[].id'); do
        api DELETE "/v1/workspaces/$id" -m 60
        [ "$CODE" = 204 ] || { echo "# delete $id: $CODE $BODY"; rc=1; }
    done
    wait_until 20 delete_repositories || rc=1
    return $rc
}
# Files of output that belong to nothing the server knows.
stray_output() {
    local f id
    for f in "$STATE"/server/output/*; do
        [ -e "$f" ] || continue
        id=${f##*/}; id=${id%.*}
        case $id in
        exec_*) api GET "/v1/execs/$id" ;;
        bld_*) api GET "/v1/builds/$id" ;;
        *) api GET "/v1/workspaces/$id" ;;
        esac
        [ "$CODE" = 200 ] || echo "$f"
    done
}
workspace() { # JSON: sets ID
    api POST "/v1/workspaces?wait=30" -d "$1"
    ID=$(json .id)
}
run() { # ID COMMAND [more members of the body]: collected; then $CODE, $BODY
    api POST "/v1/workspaces/$1/exec" -m 120 -d "$(jq -nc --arg c "$2" "{command: \$c${3:+, $3}}")"
}
background() { # ID COMMAND [more]: sets EXEC
    run "$1" "$2" "background: true${3:+, $3}"
    EXEC=$(json .id)
}
exec_is() { api GET "/v1/execs/$1"; [ "$(json .status)" = "$2" ]; }
has_file() { api HEAD "/v1/workspaces/$1/files/$2" --head; [ "$CODE" = 200 ]; }
# later NAME METHOD PATH [curl arguments]: in the background; its pid in $LATER, then later_end NAME
# waits for it and sets $CODE (000 without an answer), $BODY and $RC, curl's own exit code
later() {
    local name=$1 method=$2 path=$3; shift 3
    : >"$WORK/$name.body"
    (curl -sS -N -m 120 -o "$WORK/$name.body" -w '%{http_code}' -X "$method" -H "Authorization: Bearer $TOKEN" \
        "$@" "$URL$path" >"$WORK/$name.code" 2>"$WORK/$name.err"; echo $? >"$WORK/$name.rc") 2>/dev/null &
    LATER=$!
    LATERS[$name]=$LATER
}
declare -A LATERS=()
later_end() {
    wait "${LATERS[$1]}"
    CODE=$(cat "$WORK/$1.code") RC=$(cat "$WORK/$1.rc") BODY=$(tr -d '\0' <"$WORK/$1.body")
}
# A server that takes connections and says nothing: sets SILENT, its base URL.
silent_server() {
    "$TESTS/lib/git-http" "$WORK" "$WORK/silent.log" >"$WORK/silent.port" 2>/dev/null &
    at_exit "kill $! 2>/dev/null"
    wait_until 20 test -s "$WORK/silent.port" || { echo "Bail out! no silent server"; exit 1; }
    SILENT=http://127.0.0.1:$(cat "$WORK/silent.port")/silent
}
