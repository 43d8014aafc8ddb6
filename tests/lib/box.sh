# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sandboxes for tests. Source after tap.sh. The probes (tests/probe) are in the sandbox's workspace.
#   box CMD...                  run CMD in a fresh sandbox; set PROFILE, NET, BOX_OPTS before it
#   box_start FILE CMD...       the same in the background, output to FILE, its pid in BOX_PID
#   attempt WHAT WHY PROBE...   the probe must be refused for that reason (a regex of errno names);
#                               attempts of one profile are collected, judge makes them all
#   control WHAT PROBE...       the same in namespaces that hold nothing back: it must work there
need ROOT
need_binary pinfold
PROFILE=default NET=none BOX_OPTS=()
WS=$WORK/ws
mkdir -p "$WS/probe"
cp "$PINFOLD_HELPERS"/probe/* "$WS/probe/" || { echo "Bail out! the probes are not built"; exit 1; }
chown -R 1000:1000 "$WS"
chmod 0755 "$WORK" "$WS"

box_line() { # into the array BOX_LINE
    BOX_LINE=("$PINFOLD_BIN/pinfold" run --image host --state "$WORK/state" --profile "$PROFILE"
        --net "$NET" --workspace "$WS" "${BOX_OPTS[@]}" -- "$@")
}
box() {
    box_line "$@"
    timeout -k 5 "${BOX_SECONDS:-60}" "${BOX_LINE[@]}"
}
# In the background, output to FILE; BOX_PID is pinfold's own. Ends with the test.
box_start() { # FILE CMD...
    local file=$1; shift
    box_line "$@"
    : >"$file" # what an earlier one printed must not be taken for its own
    "${BOX_LINE[@]}" >"$file" 2>&1 </dev/null &
    BOX_PID=$!
    at_exit "kill $BOX_PID 2>/dev/null; wait $BOX_PID 2>/dev/null"
}
# Namespaces of all kinds, root in them, every capability over them, no filter, the host's files:
# what a sandbox would be without its walls. The user namespace keeps the machine safe from it.
bare() {
    unshare --user --map-root-user --mount --net --ipc --uts --pid --fork --mount-proc --cgroup \
        --kill-child -- bash -c 'cd "$0" && exec "$@"' "$WS" "$@"
}

AS="" # who tries, for the sentence
box_what=() box_why=() box_how=()
attempt() {
    local how
    printf -v how '%q ' "probe/$3" "${@:4}"
    box_what+=("${AS:+to $AS: }$1") box_why+=("$2") box_how+=("$how")
}
judge() {
    local i=0 line out=() n=${#box_how[@]}
    [ "$n" -gt 0 ] || return 0
    for ((i = 0; i < n; i++)); do printf "echo '@%d'; %s </dev/null 2>&1\n" "$i" "${box_how[i]}"; done >"$WS/attempts"
    i=-1
    while IFS= read -r line; do
        case $line in
            "@$((i + 1))") i=$((i + 1)) ;;
            *) [ "$i" -lt 0 ] || out[i]+=$line$'\n' ;;
        esac
    done < <(box bash attempts 2>&1 </dev/null | tr -d '\0')
    for ((i = 0; i < n; i++)); do
        tap_up=1 like "${out[i]-}" "(^|"$'\n'")refused: .*: (${box_why[i]})"$'\n'"\$" "refused ${box_what[i]}" ||
            echo "# in profile $PROFILE: ${box_how[i]}"
    done
    box_what=() box_why=() box_how=()
}
control() {
    local what=$1; shift
    local out; out=$(bare probe/"$1" "${@:2}" 2>&1 </dev/null | tr -d '\0')
    tap_up=1 like "$out" "^worked" "control, without a sandbox it works: $what" || echo "# $*"
}
# Do COMMAND for the ordinary user of a sandbox and for its root.
both() {
    judge
    PROFILE=default AS="a user"; "$@"; judge
    PROFILE=build AS="root"; "$@"; judge
    PROFILE=default AS=""
}
