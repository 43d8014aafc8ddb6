#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the command line does without a server: help, doctor, profiles, images, manual, completion.
. "$(dirname "$0")/../lib/tap.sh"
need_binary pinfold
p=$PINFOLD_BIN/pinfold

fails "without a command it shows its usage" "$p"
is "$("$p" >/dev/null 2>&1; echo $?)" 2 "with exit code 2"
like "$("$p" --help)" 'commands:.*run .*doctor' "--help lists the commands"
like "$("$p" nonsense 2>&1)" 'no command nonsense' "an unknown command is named"
like "$("$p" profile nonsense 2>&1)" 'no command' "half of one is not enough"
like "$("$p" run --help)" '--profile PROFILE' "a command's --help has its options"
like "$("$p" help ws create)" '--repository' "so has help for it"
is "$("$p" help --json >/dev/null 2>&1; echo $?)" 2 "an option that a command does not have is refused"
is "$("$p" ws get >/dev/null 2>&1; echo $?)" 2 "too few words are refused"
is "$("$p" ws get a b >/dev/null 2>&1; echo $?)" 2 "too many as well"
is "$("$p" serve --state >/dev/null 2>&1; echo $?)" 2 "an option without its value too"

# --- every command has help, and it is in the manual and in the completions
commands=$("$p" --help | sed -n 's/^  \([a-z]*\( [a-z]*\)\?\)  .*/\1/p')
isnt "$commands" "" "there are commands"
man=$("$p" help --generate pinfold.1) bash=$("$p" help --generate pinfold.bash) fish=$("$p" help --generate pinfold.fish)
missing=
while read -r c; do
    "$p" help $c >/dev/null || missing+=" $c(help)"
    grep -q "^\.SS $c " <<<"$man" || missing+=" $c(man)"
    grep -q "'$c')" <<<"$bash" || missing+=" $c(bash)"
    grep -q -- "-a ${c##* }" <<<"$fish" || missing+=" $c(fish)"
done <<<"$commands"
is "$missing" "" "each has help, a place in the manual and completions"
like "$("$p" help --generate pinfold.conf.5)" 'MaxBody=' "the settings have a manual"
unlike "$("$p" help --generate pinfold.conf.5)" 'AdminToken' "without what is no setting"
fails "what cannot be generated is refused" "$p" help --generate nonsense
if groff --version >/dev/null 2>&1; then
    for page in pinfold.1 pinfold.conf.5 pinfoldd.8; do
        is "$("$p" help --generate $page | groff -man -Tutf8 -ww -z 2>&1)" "" "$page is good troff"
    done
fi

completions() { # WORDS...: what bash offers for the last one
    (
        eval "$bash"
        PATH=$PINFOLD_BIN:$PATH
        COMP_WORDS=(pinfold "$@") COMP_CWORD=$#
        _pinfold_complete
        printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
    )
}
like "$(completions '')" 'doctor .*run .*ws ' "completion offers commands"
is "$(completions prof)" "profile " "a started one is finished"
is "$(completions token '')" "create delete list " "second words too"
like "$(completions run --pro)" '^--profile ' "options"
is "$(completions run --net '')" "full none " "values"
like "$(completions run --profile '')" 'default .*strict' "profiles by name"
like "$(completions ws create --image '')" 'debian-bookworm .*host' "images by name"

# --- doctor
"$p" doctor --json --state "$WORK/no/such" >"$WORK/doctor"
is "$(jq -r '[.checks[] | select(.name == "" or .detail == "" or (.found != true and (.cure == "" or .costs == "")))] | length' "$WORK/doctor")" 0 \
    "each finding says what was seen, and what its lack costs and cures"
is "$(jq -r '.ok == ([.checks[] | select(.level == "required" and .found != true)] | length == 0)' "$WORK/doctor")" true "ok means that nothing required is missing"
is "$(jq -r '.checks[] | select(.name == "kernel").found' "$WORK/doctor")" true "it sees this kernel"
fails "looking makes no directory" test -e "$WORK/no"
if has ROOT; then
    "$p" doctor >/dev/null; is $? "$(jq -r 'if .ok then 0 else 1 end' "$WORK/doctor")" "its exit code says the same"
    if id nobody >/dev/null 2>&1; then
        chmod 755 "$WORK"
        out=$(cd / && setpriv --reuid nobody --clear-groups "$p" doctor 2>&1)
        like "$out" 'root +started by user id' "an ordinary user is told that root is needed"
    fi
fi

# --- profiles and images
like "$("$p" profile list)" 'strict ' "profiles are listed"
unlike "$("$p" profile list)" 'bootstrap' "internal ones are not"
try "all that ship are good" "$p" profile check "$TOP"/profiles/*.profile
"$p" profile show strict >"$WORK/strict.profile"
try "what is shown can be read again" "$p" profile check "$WORK/strict.profile"
is "$("$p" profile diff strict "$WORK/strict.profile")" "" "and means the same"
isnt "$("$p" profile diff strict default)" "" "two different ones differ"
printf 'format=1\nNonsense=1\n' >"$WORK/bad.profile"
like "$("$p" profile check "$WORK/bad.profile" 2>&1)" 'bad.*:2: ' "a bad one is refused with file and line"
fails "with an exit code" "$p" profile check "$WORK/bad.profile"
like "$("$p" profile plan strict)" 'private.*proc.*' "a plan is printed"
like "$("$p" image list)" 'debian-bookworm ' "images are listed"
is "$("$p" image list --json | jq -r '.items[] | select(.name == "host").ready')" true "in JSON as a server would"
try "all that ship are good" "$p" image check "$TOP"/images/*.image
like "$("$p" image show debian-bookworm)" 'base .*debian bookworm' "an image's steps are shown"
printf 'Nonsense\n' >"$WORK/bad.image"
like "$("$p" image check "$WORK/bad.image" 2>&1)" ':1: ' "a bad one is refused with file and line"
done_testing
