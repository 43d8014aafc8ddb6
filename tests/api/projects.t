#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Projects, their repositories, defined agents and tasks: made, changed, listed, and what runs do with them.
# route: POST /v1/projects
# route: GET /v1/projects
# route: GET /v1/projects/{id}
# route: PATCH /v1/projects/{id}
# route: DELETE /v1/projects/{id}
# route: POST /v1/sources
# route: GET /v1/sources
# route: GET /v1/sources/{id}
# route: PATCH /v1/sources/{id}
# route: DELETE /v1/sources/{id}
# route: POST /v1/definitions
# route: GET /v1/definitions
# route: GET /v1/definitions/{id}
# route: PATCH /v1/definitions/{id}
# route: DELETE /v1/definitions/{id}
# route: POST /v1/tasks
# route: GET /v1/tasks
# route: GET /v1/tasks/{id}
# route: PATCH /v1/tasks/{id}
# route: DELETE /v1/tasks/{id}
. "$(dirname "$0")/../lib/tap.sh"
need ROOT
server_start || done_testing

api POST /v1/projects -d '{"name": "p", "labels": {"team": "red"}}'
is "$CODE $(jq -c '[.name, .labels]' <<<"$BODY")" '201 ["p",{"team":"red"}]' "a project is made"
PROJECT=$(json .id)
like "$PROJECT" '^prj_' "with an id"
api GET "/v1/projects/$PROJECT"
is "$CODE $(json .name)" "200 p" "it is shown"
api PATCH "/v1/projects/$PROJECT" -d '{"name": "q"}'
is "$CODE $(jq -c '[.name, .labels]' <<<"$BODY")" '200 ["q",{"team":"red"}]' "and changed, where a member is given"
api POST /v1/projects -d '{}'
is "$CODE $(json .errors[0].pointer)" "422 /name" "a project needs a name" || echo "# $BODY"
api POST /v1/projects -d '{"name": "x", "colour": "red"}'
is "$CODE" 422 "and has no other members"
api POST /v1/projects -H "Idempotency-Key: k" -d '{"name": "once"}'
ONCE=$(json .id)
api POST /v1/projects -H "Idempotency-Key: k" -d '{"name": "once"}'
is "$(json .id)" "$ONCE" "under a key it is made once"
api GET "/v1/projects?limit=1"
is "$(json '.items | length') $(json .items[0].id)" "1 $PROJECT" "projects are listed, oldest first"
api GET "/v1/projects?limit=1&cursor=$(json .next_cursor)"
is "$(json .items[0].id) $(json .next_cursor)" "$ONCE null" "page by page"

api POST /v1/sources -d "{\"project_id\": \"$PROJECT\", \"name\": \"back\", \"url\": \"owner/repo\"}"
is "$CODE $(json '"\(.project_id) \(.url)"')" "201 $PROJECT owner/repo" "a repository is added"
SOURCE=$(json .id)
api PATCH "/v1/sources/$SOURCE" -d '{"url": "owner/other"}'
is "$(json '"\(.name) \(.url)"')" "back owner/other" "and changed"
api GET "/v1/sources/$SOURCE"
is "$CODE" 200 "and shown"
api GET "/v1/sources?project=$ONCE"
is "$(json '.items | length')" 0 "another project has none"
api POST /v1/sources -d '{"project_id": "prj_00000000000000000000", "name": "x", "url": "y"}'
is "$CODE" 404 "a project that is not there"

api POST /v1/definitions -d "{\"project_id\": \"$PROJECT\", \"name\": \"sh\", \"agent\": \"shell\", \"model\": \"m\", \"max_turns\": 7, \"labels\": {\"role\": \"builder\"}}"
is "$CODE $(jq -c '[.agent, .model, .max_turns, .provider, .instructions, .labels.role]' <<<"$BODY")" '201 ["shell","m",7,null,"","builder"]' "an agent is defined"
AGENT=$(json .id)
api PATCH "/v1/definitions/$AGENT" -d '{"model": null, "instructions": "be brief"}'
is "$(jq -c '[.model, .max_turns, .instructions, .labels.role]' <<<"$BODY")" '[null,7,"be brief","builder"]' "null takes a member away, others stay"
api POST /v1/definitions -d '{"name": "x", "agent": "nobody"}'
is "$CODE" 422 "a tool that is none"
api GET "/v1/definitions/$AGENT"
is "$CODE" 200 "it is shown"
api GET "/v1/definitions?project=$PROJECT"
is "$(json '.items | length')" 1 "and listed"

api POST /v1/tasks -d '{"title": "t", "prompt": "do it"}'
is "$CODE $(json '"\(.title) \(.status)"')" "201 t todo" "a task is to do"
TASK=$(json .id)
api POST "/v1/runs?wait=30" -d "{\"agent\": \"$AGENT\", \"prompt\": \"echo done\", \"task\": \"$TASK\"}"
is "$(json '"\(.agent) \(.status) \(.definition_id) \(.project_id) \(.task_id)"')" "shell succeeded $AGENT $PROJECT $TASK" "a run has the defined agent, its project and the task"
is "$(json .result)" done "a shell hears no instructions"
api GET "/v1/tasks/$TASK"
is "$(json .status)" done "the task follows it"
api GET "/v1/runs?task=$TASK"
is "$(json '.items | length')" 1 "its runs are found"
api PATCH "/v1/tasks/$TASK" -d '{"status": "todo"}'
is "$CODE $(json .status)" "200 todo" "it may be set, too"
api POST /v1/tasks -d '{"title": "t"}'
is "$CODE" 422 "a task needs a prompt"
api POST /v1/runs -d '{"command": "true", "task": "tsk_00000000000000000000"}'
is "$CODE" 404 "a run of no task"
api POST /v1/runs -d '{"agent": "agt_00000000000000000000", "prompt": "x"}'
is "$CODE" 404 "or of no agent"
api GET /v1/tasks
is "$(json '.items | length')" 1 "tasks are listed"
api DELETE "/v1/tasks/$TASK"
is "$CODE" 204 "a task is deleted"

api POST /v1/definitions -d '{"name": "chief", "agent": "claude-code", "agents": [{"name": "a", "description": "d", "prompt": "p", "tools": ["Read", "Bash"], "max_turns": 3}]}'
is "$CODE $(jq -c .agents <<<"$BODY")" '201 [{"name":"a","description":"d","prompt":"p","tools":["Read","Bash"],"disallowed_tools":[],"model":null,"max_turns":3}]' "a definition has sub-agents"
CHIEF=$(json .id)
api PATCH "/v1/definitions/$CHIEF" -d '{"name": "boss"}'
is "$(json '.agents | length')" 1 "which stay when they are not given"
api PATCH "/v1/definitions/$CHIEF" -d '{"agents": [{"name": "x/y", "description": "d", "prompt": "p"}]}'
like "$CODE $(json .detail)" "^400 agents/0: 'x/y' is not the name" "and are checked"
server_stop
server_start || done_testing
api GET "/v1/definitions/$CHIEF"
is "$(json '"\(.name) \(.agents[0].tools | join(","))"')" "boss Read,Bash" "the next server knows them"
api PATCH "/v1/definitions/$CHIEF" -d '{"agents": []}'
is "$(jq -c .agents <<<"$BODY")" "[]" "an empty list is none"
api GET "/v1/definitions/$AGENT"
is "$CODE $(json .instructions)" "200 be brief" "all of it outlives a restart"
api DELETE "/v1/sources/$SOURCE"
is "$CODE" 204 "a repository is taken out"
api DELETE "/v1/projects/$PROJECT"
is "$CODE" 204 "a project is deleted"
api DELETE "/v1/definitions/$AGENT"
is "$CODE" 404 "its agents with it"
api GET "/v1/tasks/$TASK"
is "$CODE" 404 "what was deleted stays so"
done_testing
