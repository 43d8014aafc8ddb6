#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs over one repository and over several, and what they changed in them.
. "$(dirname "$0")/../lib/tap.sh"
need ROOT GIT
make_repo() { # NAME: with some files
    git init -q -b main "$WORK/$1"
    mkdir "$WORK/$1/d"
    echo "of $1" >"$WORK/$1/kept"; echo x >"$WORK/$1/edited"; echo x >"$WORK/$1/d/gone"; ln -s kept "$WORK/$1/link"
    echo '*.o' >"$WORK/$1/.gitignore"
    git -C "$WORK/$1" add . && git -C "$WORK/$1" -c user.name=a -c user.email=a@example.org commit -qm "$1"
}
make_repo one; make_repo two
git -C "$WORK/two" checkout -q -b side && echo side >"$WORK/two/side" && git -C "$WORK/two" add side &&
    git -C "$WORK/two" -c user.name=a -c user.email=a@example.org commit -qm side && git -C "$WORK/two" checkout -q main
chmod 755 "$WORK"
server_start "RepositoryRoots=$WORK" || done_testing
run() { # COMMAND [MORE]: to its end
    api POST "/v1/runs?wait=60" -d "$(jq -n --arg c "$1" --argjson more "${2:-{\}}" '{command: $c, profile: "default"} + $more')"
    RUN=$(json .id) END=$(json '"\(.status) \(.reason)"')
}
changed() { json '[.changed_files[]? | "\(.status) \(.path)"] | sort | join(", ")'; }
in_one='{"repository": {"url": "'$WORK/one'"}}'

run 'echo y >edited; git rm -q d/gone; mkdir -p new; echo n >new/file; echo o >x.o; ln -sfn edited link; rm .gitignore && echo "*.o" >.gitignore' "$in_one"
is "$END $(json '"\(.exit_code) \(.n_changed_files)"')" "succeeded completed 0 4" "a run that changes files"
is "$(changed)" "added new/file, deleted d/gone, modified edited, modified link" "has them in its result, without what is ignored or the same again"
run 'git config user.name a; git config user.email a@b; echo y >edited; git commit -qam changed; echo z >z; git add z' "$in_one"
is "$(changed)" "added z, modified edited" "committed, staged or neither: against the commit it began with"
WAS=$RUN
api POST "/v1/runs/$RUN/continue?wait=60" -d '{"message": "again"}'
is "$(json .turn) $(changed)" "2 added z, modified edited" "and so after a further turn"
run 'true' "$in_one"
is "$(json '"\(.changed_files | length) \(.n_changed_files)"')" "0 0" "one that changes nothing has none"
run 'ls edited' '{"repository": {"url": "'$WORK/one'"}, "mode": "plan"}'
is "$(json '.changed_files | length')" 0 "a plan has none"
run 'true' '{"repositories": []}'
is "$(json .changed_files)" null "without a repository nothing is known"
run 'rm -rf .git' "$in_one"
is "$END $(json .changed_files)" "succeeded completed null" "without its .git neither"
api GET "/v1/runs/$RUN/events?types=run.note"
like "$(json '.items[0].payload.text')" "^what it changed is not known: " "which is said"
run 'mkdir many; for i in $(seq 3000); do echo >"many/$(printf "%060d" $i)"; done' "$in_one"
is "$(json .n_changed_files)" 3000 "all are counted"
between "$(json '.changed_files | length')" 300 2999 "and as many shown as fit"
run 'printf x >"$(printf "a\nb\303\251\377")"; echo x >"quo\"te"' "$in_one"
is "$(changed)" $'added a?b\xc3\xa9\xef\xbf\xbd, added quo"te' "names of any bytes are shown"
# What a run leaves in .git is read by the helper alone.
run 'git config core.fsmonitor "touch /workspace/obeyed"; git config filter.f.clean "touch /workspace/obeyed"; echo "* filter=f" >.gitattributes; echo y >edited; git config core.worktree /etc' "$in_one"
unlike "$(changed)" "obeyed" "nothing that its configuration names is started"
fails "where its working tree is is not its to say" grep -q passwd <<<"$(changed)"

run 'for d in *; do echo "$d $(git -C $d log --format=%s | head -n 1) $(git -C $d status --porcelain | wc -l)"; done; cat two/side; echo new >two/kept; rm first/edited; test -e first/.git/objects/info/alternates || echo whole' \
    '{"repositories": [{"url": "'$WORK/one'", "name": "first"}, {"url": "'$WORK/two'", "ref": "side"}]}'
is "$END" "succeeded completed" "a run over several repositories"
is "$(json .result)" $'first one 0\ntwo side 0\nside\nwhole' "has each in a directory of its name, whole"
is "$(json '[.repositories[] | "\(.name) \(.ref) \(.commit | length)"] | join(", ")')" "first null 40, two side 40" "with its commit"
is "$(changed)" "deleted first/edited, modified two/kept" "and what changed in any of them"
SEVERAL=$RUN
api POST "/v1/runs/$RUN/continue?wait=60" -d '{"message": "x"}'
is "$(json '"\(.status) \(.turn)"') $(changed)" "succeeded 2 deleted first/edited, modified two/kept" "it is gone on with"
for body in '[{"url": "W/one"}, {"url": "W/one"}]' '[{"url": "W/one", "name": "../x"}, {"url": "W/two"}]' '[{"url": "W/one", "name": ".git"}, {"url": "W/two"}]' \
    '[{"url": "W/one"}, {"url": "/etc"}]'; do
    run true "{\"repositories\": ${body//W/$WORK}}"
    like "$CODE" "^4" "refused: $(json '.detail // .title')"
done
run true "{\"repositories\": $(jq -nc --arg w "$WORK/one" '[range(9) | {url: $w, name: "r\(.)"}]')}"
like "$CODE" "^4" "more than eight are refused"

# Submodules, of those that ask for them.
link() { # REPO PATH TARGET
    git -C "$WORK/$1" config -f .gitmodules "submodule.$2.path" "$2"
    git -C "$WORK/$1" config -f .gitmodules "submodule.$2.url" "../$3"
    git -C "$WORK/$1" add .gitmodules
    git -C "$WORK/$1" update-index --add --cacheinfo "160000,$(git -C "$WORK/$3" rev-parse HEAD),$2"
    git -C "$WORK/$1" -c user.name=a -c user.email=a@example.org commit -qm "add $2"
}
for r in top side; do
    git init -q -b main "$WORK/$r"
    link $r deps/one one
done
run 'for d in *; do echo "$d $(ls $d/deps/one | xargs)"; done; git -C top status --porcelain; git -C top/deps/one log --format=%s | head -n 1; git -C top/deps/one fsck 2>&1; git -C top submodule status | cut -c1,43-50; find top/.git -name alternates' \
    "{\"repositories\": [{\"url\": \"$WORK/side\"}, {\"url\": \"$WORK/top\", \"submodules\": true}]}"
is "$END $(jq -c '[.repositories[].submodules]' <<<"$BODY")" "succeeded completed [false,true]" "of several repositories each may have its submodules"
is "$(json .result)" $'side \ntop d edited kept link\none\n deps/one' "or not, whole as they are"

server_stop; server_start "RepositoryRoots=$WORK" || done_testing
api GET "/v1/runs/$WAS"
is "$(changed)" "added z, modified edited" "it is known after a restart"
api GET "/v1/runs/$SEVERAL"
is "$(json '.repositories | length') $(changed)" "2 deleted first/edited, modified two/kept" "of several too"
done_testing
