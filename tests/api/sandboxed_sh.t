#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dialect of sandboxed.sh. Bodies in single quotes with "as written" are the document's own.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../image/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
NIL=00000000-0000-0000-0000-000000000000
UUID='[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
SECOND='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'

# ubuntu-noble from an archive on loopback: its name is what matters here.
images_start
try "an archive is made" "$(dirname "$0")/../image/make-apt-archive" "$WORK/archive" noble || done_testing
serve "$WORK/archive" || done_testing
sed 's/^Base=.*/&\nKeyring=none\nComponents=main/' "$TOP/images/ubuntu-noble.image" >"$IMAGES/ubuntu-noble.image"
(umask 077; printf 'your-password\n' >"$WORK/password"; printf 'alice:alice-password\nbob:bob-password\n' >"$WORK/users")
server_start "ImagesDir=$IMAGES" "Mirror.ubuntu-noble=$SERVED" "PasswordFile=$WORK/password" "UsersFile=$WORK/users" || done_testing
ADMIN=$TOKEN

# ask METHOD PATH [BODY]: as the dialect's clients do
ask() {
    local method=$1 path=$2
    if [ $# -gt 2 ]; then
        api "$method" "$path" -H 'Content-Type: application/json' -d "$3"
    else
        api "$method" "$path"
    fi
}
answers() { # STATUS TEXT SENTENCE: a plain-text answer, whole
    is "$CODE $BODY" "$1 $2" "$3"
}
keys() { jq -r 'keys_unsorted | join(" ")' <<<"$BODY"; }
status_is() { ask GET "/api/workspaces/$1" && [ "$(json .status)" = "$2" ]; }

# --- login ---------------------------------------------------------------------------------------
TOKEN=
ask POST /api/auth/login '{"password": "your-password"}' # as written
is "$CODE" 200 "login by password"
like "$(json .token)" '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$' "gives a JSON web token"
like "$(json .expires_at)" "^$SECOND\$" "with the second it expires"
is "$(date -u -d "@$(json .exp)" +%FT%TZ)" "$(json .expires_at)" "and the same in Unix seconds"
SESSION=$(json .token)
ask POST /api/auth/login '{"username": "alice", "password": "alice-password"}' # as written
is "$CODE" 200 "login by name and password"
ALICE=$(json .token)
ask POST /api/auth/login '{"password": "wrong"}'
answers 401 "Invalid password" "a wrong password"
ask POST /api/auth/login '{"username": "alice", "password": "bob-password"}'
answers 401 "Invalid username or password" "another user's password"
ask POST /api/auth/login '{"username": "nobody", "password": "alice-password"}'
answers 401 "Invalid username or password" "a name that does not exist says the same"
ask POST /api/auth/login '{}'
is "$CODE" 422 "no password at all"
ask POST /api/auth/login 'password'
is "$CODE" 400 "a body that is not JSON"

TOKEN=$SESSION
ask GET /api/auth/verify
is "$CODE $(json '"\(.valid) \(.user)"')" "200 true admin" "verify: a good token"
TOKEN=$ALICE
ask GET /api/auth/verify
is "$CODE $(json .user)" "200 alice" "verify says whose it is"
TOKEN=$ADMIN
ask GET /api/auth/verify
is "$CODE $(json .expires_at)" "200 null" "one of pinfold's own tokens is good too"
TOKEN=${SESSION%?}x
ask GET /api/auth/verify
answers 401 "Invalid or expired token" "verify: a changed token"
TOKEN=pft_0000000000000000000000000000000000000000000000000000
ask GET /api/auth/verify
answers 401 "Invalid or expired token" "verify: an unknown token"
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/workspaces"); BODY=$(cat "$WORK/body")
answers 401 "Missing Authorization header" "no token at all"
CODE=$(curl -sS -o "$WORK/body" -w '%{http_code}' "$URL/api/health"); BODY=$(cat "$WORK/body")
is "$CODE $(json '"\(.status) \(.auth_required) \(.dev_mode)"')" "200 ok true false" "health needs no token"
TOKEN=$SESSION

# --- workspaces ----------------------------------------------------------------------------------
ask GET /api/workspaces
is "$CODE $(json 'length') $(json '.[0].id')" "200 1 $NIL" "the list begins with the default host workspace"
is "$(json '.[0] | "\(.workspace_type) \(.status)"')" "host ready" "which is ready"
ask DELETE "/api/workspaces/$NIL"
answers 400 "Cannot delete default host workspace" "it cannot be deleted"
ask POST "/api/workspaces/$NIL/exec" '{"command": "id -u; pwd"}'
is "$CODE $(json .stdout)" $'200 1000\n/workspace' "it runs commands"

EXAMPLE='{ "name": "my-workspace", "workspace_type": "host", "path": "/path/to/workspace", "skills": ["skill-name"], "tools": ["tool-name"], "template": "template-name", "distro": "ubuntu-noble", "env_vars": {"KEY": "VALUE"}, "init_script": "#!/bin/bash\napt install -y nodejs" }'
ask POST /api/workspaces "$EXAMPLE" # as written
answers 503 "Library not initialized" "create as written: a template needs the library"
ask POST /api/workspaces "$(jq -c 'del(.template)' <<<"$EXAMPLE")"
is "$CODE" 200 "create without the template"
like "$(json .id)" "^$UUID\$" "the id is a UUID"
like "$(json .created_at)" "^$SECOND\$" "made at, in whole seconds"
is "$(jq -c '{name, workspace_type, path, status, error_message, skills, tools, distro, env_vars, init_script}' <<<"$BODY")" \
    '{"name":"my-workspace","workspace_type":"host","path":"/path/to/workspace","status":"ready","error_message":null,"skills":["skill-name"],"tools":["tool-name"],"distro":"ubuntu-noble","env_vars":{"KEY":"VALUE"},"init_script":"#!/bin/bash\napt install -y nodejs"}' \
    "what was given is answered"
for key in id name workspace_type path status error_message skills distro created_at; do
    like " $(keys) " " $key " "the workspace has $key"
done
HOST=$(json .id)
OBJECT=$BODY
ask GET "/api/workspaces/$HOST"
is "$BODY" "$OBJECT" "get answers the same"
ask GET "/api/workspaces/${HOST^^}"
is "$CODE" 200 "the id may be in upper case"
ask GET /api/workspaces
is "$(json 'length') $(json '.[1].id')" "2 $HOST" "the list has it"
ask GET "/sandboxed_sh/api/workspaces/$HOST"
is "$BODY" "$OBJECT" "the prefix leads to the same"

ask POST /api/workspaces '{"name": "my-workspace"}'
is "$CODE $(json '"\(.name) \(.workspace_type)"')" "200 my-workspace host" "two may have one name"
TWIN=$(json .id)
isnt "$TWIN" "$HOST" "they are two"
ask POST /api/workspaces '{"name": "My Project (2)", "unknown": [1, {}], "skills": ["a", "a", "b"]}'
is "$CODE $(json '"\(.name) \(.skills)"')" '200 My Project (2) ["a","b"]' "free text is a name, unknown fields are ignored, duplicate skills go"
FREE=$(json .id)

ask POST /api/workspaces '{"workspace_type": "host"}'
is "$CODE" 422 "no name"; like "$BODY" 'missing field .name' "the text names the field"
ask POST /api/workspaces '{"name": ""}'
answers 400 "Name cannot be empty" "an empty name"
ask POST /api/workspaces '{"name": "../etc"}'
answers 400 "Name contains invalid characters" "a name that climbs"
ask POST /api/workspaces '{"name": ".hidden"}'
answers 400 "Name cannot start with a dot" "a name with a leading dot"
ask POST /api/workspaces '{"name": "x", "path": "/a/../../etc"}'
answers 400 "Custom path must be within the working directory" "a path that climbs"
ask POST /api/workspaces '{"name": "x", "workspace_type": "container", "distro": "fedora"}'
answers 400 "Unknown distro 'fedora'. Supported: ubuntu-noble, ubuntu-jammy, debian-bookworm, arch-linux" "a distro that is none"
ask POST /api/workspaces '{"name": "x", "workspace_type": "vm"}'
is "$CODE" 422 "a type that is none"
ask POST /api/workspaces '{"name": "x"'
is "$CODE" 400 "a body that ends early"
ask GET "/api/workspaces/not-a-uuid"
is "$CODE" 400 "an id that is no UUID"
ask GET "/api/workspaces/550e8400-e29b-41d4-a716-446655440000"
answers 404 "Workspace 550e8400-e29b-41d4-a716-446655440000 not found" "an id that is not there"

ask PUT "/api/workspaces/$HOST" '{"skills": ["one"], "distro": "", "env_vars": {"A": "1", "bad name": "2"}}'
is "$CODE $(jq -c '[.name, .skills, .distro, .env_vars, .path]' <<<"$BODY")" \
    '200 ["my-workspace",["one"],null,{"A":"1"},"/path/to/workspace"]' "update changes what it names; an empty string clears"
ask PUT "/api/workspaces/$HOST" '{"name": "Another name", "init_script": "  "}'
is "$CODE $(jq -c '[.name, .skills, .init_script]' <<<"$BODY")" '200 ["Another name",["one"],null]' "a new name, no script"
ask PUT "/api/workspaces/$HOST" '{"name": "a/b"}'
is "$CODE" 400 "a bad new name"
ask PUT "/api/workspaces/550e8400-e29b-41d4-a716-446655440000" '{}'
is "$CODE" 404 "updating what is not there"

# --- exec ----------------------------------------------------------------------------------------
ask POST "/api/workspaces/$HOST/exec" '{"command": "mkdir -p subdirectory && touch subdirectory/file"}'
is "$CODE $BODY" '200 {"exit_code":0,"stdout":"","stderr":"","timed_out":false}' "the answer has the four documented members"
ask POST "/api/workspaces/$HOST/exec" '{ "command": "ls -la", "cwd": "subdirectory", "timeout_secs": 60, "env": {"MY_VAR": "value"} }' # as written
is "$CODE $(json .exit_code)" "200 0" "exec as written"
like "$(json .stdout)" ' file' "runs in that directory"
ask POST "/api/workspaces/$HOST/exec" '{"command": "echo $MY_VAR $A", "env": {"MY_VAR": "value"}}'
is "$(json .stdout)" "value 1" "it has the request's environment and the workspace's"
ask POST "/api/workspaces/$HOST/exec" '{"command": "pwd", "cwd": "/path/to/workspace/subdirectory"}'
is "$(json .stdout)" "/workspace/subdirectory" "a cwd beneath the path that was given is one in the workspace"
ask POST "/api/workspaces/$HOST/exec" '{"command": "echo out; echo err >&2; exit 3"}'
is "$(jq -c . <<<"$BODY")" '{"exit_code":3,"stdout":"out\n","stderr":"err\n","timed_out":false}' "a failing command is 200 with its code"
ask POST "/api/workspaces/$HOST/exec" '{"command": "[[ a == a ]] && kill -9 $$"}'
is "$CODE $(json .exit_code)" "200 -1" "ended by a signal: -1"
ask POST "/api/workspaces/$HOST/exec" '{"command": "echo before; sleep 60", "timeout_secs": 1}'
is "$CODE $(jq -c '[.exit_code, .stdout, .timed_out]' <<<"$BODY")" '200 [-1,"before\n",true]' "a timeout is 200 with what was printed until then"
ask POST "/api/workspaces/$HOST/exec" '{"command": "printf \"a\\377b\""}'
is "$(json .stdout)" $'a\xef\xbf\xbdb' "what is not UTF-8 is replaced"
ask POST "/api/workspaces/$HOST/exec" '{"command": "cat", "stdin": "given"}'
is "$(json .stdout)" "given" "stdin, which older servers took"
ask POST "/api/workspaces/$HOST/exec" '{"command": "head -c 9000000 /dev/zero | tr \"\\\\0\" x"}'
is "$CODE $(json '.stdout | length')" "200 4194304" "a large output is cut"
like "$(curl -sS -D - -o /dev/null -X POST -H "Authorization: Bearer $TOKEN" -d '{"command": "head -c 9000000 /dev/zero"}' "$URL/api/workspaces/$HOST/exec")" \
    '[Xx]-[Pp]infold-[Tt]runcated: stdout' "and a header says so"
curl -sS -m 1 -o /dev/null -H "Authorization: Bearer $TOKEN" -d '{"command": "exec sleep 54321"}' "$URL/api/workspaces/$HOST/exec" 2>/dev/null
wait_until 20 eval '! pgrep -f "^sleep 54321" >/dev/null'
ok $? "when the client leaves its command is ended"
ask POST "/api/workspaces/$HOST/exec" '{"command": " "}'
answers 400 "Command is empty" "an empty command"
ask POST "/api/workspaces/$HOST/exec" '{}'
is "$CODE" 422 "no command"
ask POST "/api/workspaces/$HOST/exec" '{"command": "true", "cwd": "../.."}'
is "$CODE" 400 "a cwd that climbs out"
ask POST "/api/workspaces/$HOST/exec" '{"command": "true", "cwd": "nowhere"}'
is "$CODE" 500 "a cwd that is not there"; like "$BODY" '^Command execution failed: ' "says so"

# --- what needs a container ------------------------------------------------------------------------
ask POST "/api/workspaces/$HOST/build" '{}'
answers 400 "Workspace is not a container type" "a host workspace is not built"
ask POST "/api/workspaces/$HOST/rerun-init"
answers 400 "Rerun init only works for container workspaces" "nor has it an init script to run"
ask POST "/api/workspaces/$HOST/sync"
answers 503 "Library not initialized" "sync needs the library"

ask POST /api/workspaces '{"name": "box", "workspace_type": "container", "distro": "noble", "env_vars": {"WHO": "init"}, "init_script": "#!/bin/bash\necho \"script of $WHO\"; echo made >/etc/made"}'
is "$CODE $(json '"\(.workspace_type) \(.status) \(.distro)"')" "200 container pending ubuntu-noble" "a container is pending until it is built"
BOX=$(json .id)
ask POST "/api/workspaces/$BOX/exec" '{"command": "true"}'
answers 400 "Container workspace is not ready (status: Pending). Build it first." "exec waits for the build"
ask POST "/api/workspaces/$BOX/rerun-init"
answers 400 "Container doesn't exist yet. Build it first." "so does rerun-init"
ask GET "/api/workspaces/$BOX/init-log"
is "$CODE $(jq -c . <<<"$BODY")" '200 {"exists":false,"content":"","total_lines":null,"log_path":"/var/log/sandboxed-init.log"}' "there is no log yet"
ask GET "/api/workspaces/$BOX/debug"
is "$CODE $(jq -c '[.path_exists, .has_bash, ([.directories[].exists] | any)]' <<<"$BODY")" '200 [false,false,false]' "debug: nothing is there yet"
ask POST "/api/workspaces/$BOX/build" '{"distro": "fedora"}'
is "$CODE" 400 "a build of a distro that is none"
ask POST "/api/workspaces/$BOX/build" '{"distro": "ubuntu-noble", "rebuild": true}' # as written
is "$CODE $(json .status)" "200 building" "build as written: runs in the background"
ask POST "/api/workspaces/$BOX/build"
answers 409 "Workspace build already in progress" "one at a time"
wait_until 600 eval "status_is $BOX ready || status_is $BOX error"
is "$(json '"\(.status) \(.error_message)"')" "ready null" "polling sees it ready" ||
    { ask GET "/api/workspaces/$BOX/init-log"; tap_show log: "$(json .content | tail -n 15)"; done_testing; }

ask POST "/api/workspaces/$BOX/exec" '{"command": "id -u; cat /etc/made; echo $WHO"}'
is "$(json .stdout)" $'0\nmade\ninit' "commands run as the container's root, after the init script"
ask GET "/api/workspaces/$BOX/init-log"
is "$CODE $(jq -c '[.exists, .content, .total_lines]' <<<"$BODY")" '200 [true,"script of init\n[the init script exited with code 0]",2]' "init-log has what the script printed"
ask GET "/api/workspaces/$BOX/debug"
is "$(keys)" "id name status path path_exists size_bytes directories has_bash init_script_exists init_script_modified distro last_error" "debug has the documented members"
is "$(jq -c '[.id, .name, .status, .path_exists, .has_bash, .init_script_exists, .distro, .last_error]' <<<"$BODY")" \
    "[\"$BOX\",\"box\",\"ready\",true,true,true,\"ubuntu-noble\",null]" "and tells what there is"
is "$(jq -c '[.directories[].path]' <<<"$BODY")" '["bin","usr","etc","var","var/log","root","tmp"]' "the directories"
is "$(jq -c '[.directories[].exists] | all' <<<"$BODY")" true "all of them are there"
between "$(json '.directories[0].file_count')" 20 5000 "with their number of files"

ask POST "/api/workspaces/$BOX/rerun-init"
is "$CODE $(jq -c '[.success, .exit_code, .stdout, .stderr]' <<<"$BODY")" '200 [true,0,"script of init\n[the init script exited with code 0]\n",""]' "rerun-init runs it again"
is "$(json '.duration_secs | type')" number "and says how long it took"
ask PUT "/api/workspaces/$BOX" '{"init_script": "for i in $(seq 700); do echo line $i; done; exit 7"}'
ask POST "/api/workspaces/$BOX/rerun-init"
is "$CODE $(jq -c '[.success, .exit_code]' <<<"$BODY")" '200 [false,7]' "a failing script"
ask GET "/api/workspaces/$BOX/init-log"
is "$(json '"\(.total_lines) \(.content | split("\n") | "\(length) \(.[0])")"')" "701 500 line 202" "init-log gives the last 500 lines"
ask GET "/api/workspaces/$BOX"
is "$(json .status)" error "the workspace is in error then"
isnt "$(json .error_message)" null "and says why"
ask PUT "/api/workspaces/$BOX" '{"init_script": ""}'
ask POST "/api/workspaces/$BOX/rerun-init"
answers 400 "No init script configured for this workspace" "without a script there is nothing to run"

# --- clients that leave ---
leave() { # SECONDS METHOD PATH [BODY]
    curl -sS -m "$1" -o /dev/null -X "$2" -H "Authorization: Bearer $TOKEN" ${4:+-d "$4"} "$URL$3" 2>/dev/null
}
for seconds in 0.001 0.002 0.004 0.008 0.016; do
    leave $seconds POST /api/auth/login '{"password": "your-password"}'
    leave $seconds GET "/api/workspaces/$BOX/debug"
    leave $seconds GET "/api/workspaces/$BOX/init-log"
    leave $seconds POST /api/workspaces '{"name": "left"}'
    leave $seconds PUT "/api/workspaces/$HOST" '{"skills": []}'
    leave $seconds POST "/api/workspaces/$HOST/exec" '{"command": "true"}'
done
is "$(grep -c 'server started' "$SERVER_LOG")" 1 "clients that leave in the middle do not end the server"
ask GET /api/workspaces
for ws in $(json '.[] | select(.name == "left") | .id'); do ask DELETE "/api/workspaces/$ws"; done

# --- the rest ------------------------------------------------------------------------------------
ask GET /api/stats
is "$CODE $(jq -c '[.memory_total > 0, .memory_used > 0, .disk_total > 0, (.cpu_cores | length) > 0, .total_tasks > 10, .success_rate > 0]' <<<"$BODY")" \
    '200 [true,true,true,true,true,true]' "stats: the machine and its commands"
like " $(keys) " " cpu_percent .*memory_percent .*disk_percent .*network_rx_bytes_per_sec network_tx_bytes_per_sec " "processor, memory, disk, network"
for path in /api/control/nothing /api/library/skill /api/nothing /sandboxed_sh/api/nothing; do
    ask GET "$path"
    is "$CODE" 404 "$path is not there"
done
ask PATCH /api/workspaces '{}'
is "$CODE" 405 "a method that is not known"

TOKEN=$ADMIN
ask POST /v1/tokens '{"name": "reader", "scopes": ["read"]}'
READER=$(json .token)
TOKEN=$READER
ask GET /api/workspaces
is "$CODE" 200 "a token that may read reads"
ask POST "/api/workspaces/$HOST/exec" '{"command": "true"}'
is "$CODE" 403 "and does no more"

TOKEN=$SESSION
for ws in "$HOST" "$TWIN" "$FREE" "$BOX"; do
    ask DELETE "/api/workspaces/$ws"
    answers 200 "Workspace $ws deleted successfully" "delete"
done
ask DELETE "/api/workspaces/$HOST"
answers 404 "Workspace $HOST not found" "a second time"
ask GET /api/workspaces
is "$(json 'map(.id) | join(" ")')" "$NIL" "what is left is the default"
server_stop
server_start "ImagesDir=$IMAGES" "Mirror.ubuntu-noble=$SERVED" "PasswordFile=$WORK/password" || done_testing
TOKEN=$SESSION
ask GET /api/workspaces
is "$CODE $(json 'map(.id) | join(" ")')" "200 $NIL" "after a restart the login still counts and the default is the same"
TOKEN=$ALICE
ask GET /api/workspaces
answers 401 "Invalid user" "a user who was taken out of the file is not let in any more"
done_testing
