#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Node project builds itself and runs its own tests.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need NODE
http_start
source_need uglifyjs
server_start || done_testing
push uglifyjs "$SOURCE"
workspace "$(jq -n --arg u "$HTTP/repos/uglifyjs.git" '{name: "uglifyjs", repository: {url: $u, ref: "main"}}')"
ok $? "a workspace" || { tap_show body: "$BODY"; done_testing; }
runs "built: it minifies itself" 'mkdir -p build && node bin/uglifyjs --self -c -m -o build/uglify.min.js && wc -c <build/uglify.min.js'
between "${OUT//[^0-9]/}" 100000 2000000 "into one file"
runs "what was built works" 'node -e "const U = {}; new Function(\"exports\", require(\"fs\").readFileSync(\"build/uglify.min.js\", \"utf8\"))(U); console.log(typeof U.minify || Object.keys(U).length)" || node bin/uglifyjs build/uglify.min.js >/dev/null'
# Those of its tests that need no further packages.
runs "its own tests pass" 'for f in comments directives getter-setter let line-endings number-literal operator parentheses sourcemaps tokens with yields; do
    node test/mocha.js $f.js || { echo "failed: $f"; exit 1; }
done'
like "$OUT" 'test\(s\) passed' "and say so"
unlike "$OUT" 'failed' "all of them"
run 'node -e "process.exit(7)"'
is "$RC" 7 "an exit code is the program's own"
gone uglifyjs
done_testing
