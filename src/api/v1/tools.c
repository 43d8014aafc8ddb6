// SPDX-License-Identifier: Apache-2.0
// Addresses that a run brings as tools of its agent.
#include "routes_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/core_run.h>
#include <stdio.h>
#include <string.h>

struct tool_body {
    const char *name, *description, *url, *input_schema;
    uint32_t method;
    struct json_map headers;
};
static const struct json_field fields[] = {
    JSON_FIELD(struct tool_body, name, JSON_STRING, .flags = JSON_REQUIRED, .max = NAME_MAX_LEN),
    JSON_FIELD(struct tool_body, description, JSON_STRING, .max = 4096),
    JSON_FIELD(struct tool_body, url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL,
               .max = WS_URL_BYTES - 1,
               .doc = "gets its arguments as JSON; with GET and DELETE in the query"),
    JSON_FIELD(struct tool_body, method, JSON_ENUM, .names = run_tool_methods, .doc = "POST"),
    JSON_FIELD(struct tool_body, headers, JSON_MAP, .max = 32, .item_max = 4096,
               .doc = "of the request; never shown again, and in no sandbox of the run"),
    JSON_FIELD(struct tool_body, input_schema, JSON_RAW, .max = 65536,
               .doc = "JSON Schema of its arguments"),
};
const struct json_table v1_tool_table = {"RunToolBody", fields, N_ELEMS(fields),
                                         sizeof(struct tool_body), -1};

const struct run_tool *v1_tools(const struct json_objects *in, struct json_pool *pool)
{
    const struct tool_body *all = in->at;
    struct run_tool *list = json_pool_alloc(pool, (in->n + 1) * sizeof(*list));
    for (uint32_t i = 0; i < in->n; i++) {
        const struct json_map *m = &all[i].headers;
        const char **headers = json_pool_alloc(pool, (m->n + 1) * sizeof(*headers));
        for (uint32_t k = 0; k < m->n; k++) {
            const char *value = m->at[k].value ? m->at[k].value : "";
            headers[k] = json_pool_printf(pool, "%s: %s", m->at[k].name, value);
        }
        headers[m->n] = NULL;
        list[i] = (struct run_tool){
            .name = all[i].name,
            .description = all[i].description ? all[i].description : "",
            .url = all[i].url,
            .method = run_tool_methods[all[i].method],
            .schema = all[i].input_schema ? all[i].input_schema : "{\"type\":\"object\"}",
            .headers = headers,
        };
    }
    return list;
}
