// SPDX-License-Identifier: Apache-2.0
// External HTTP tools, as the dialect describes them.
#include "codecloud_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

struct tool {
    const char *name, *description;
    struct parameters {
        const char *properties, *required; // as sent
    } parameters;
    struct endpoint {
        const char *url;
        uint32_t method;
        struct json_map headers;
    } endpoint;
};
static const struct json_field parameter_fields[] = {
    JSON_FIELD(struct parameters, properties, JSON_RAW, .flags = JSON_REQUIRED, .max = 65536),
    JSON_FIELD(struct parameters, required, JSON_RAW, .max = 65536),
};
static const struct json_table parameter_table = {"Parameters", parameter_fields, 2,
                                                  sizeof(struct parameters), -1};
static const struct json_field endpoint_fields[] = {
    JSON_FIELD(struct endpoint, url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL,
               .max = 2000),
    JSON_FIELD(struct endpoint, method, JSON_ENUM, .flags = JSON_REQUIRED,
               .names = run_tool_methods),
    JSON_FIELD(struct endpoint, headers, JSON_MAP, .max = 32, .item_max = 4096),
};
static const struct json_table endpoint_table = {"Endpoint", endpoint_fields, 3,
                                                 sizeof(struct endpoint), -1};
static const struct json_field fields[] = {
    JSON_FIELD(struct tool, name, JSON_STRING, .flags = JSON_REQUIRED, .max = NAME_MAX_LEN),
    JSON_FIELD(struct tool, description, JSON_STRING, .flags = JSON_REQUIRED, .max = 4096),
    JSON_FIELD(struct tool, parameters, JSON_OBJECT, .flags = JSON_REQUIRED,
               .sub = &parameter_table),
    JSON_FIELD(struct tool, endpoint, JSON_OBJECT, .flags = JSON_REQUIRED, .sub = &endpoint_table),
};
const struct json_table codecloud_tool_table = {"ToolDefinition", fields, N_ELEMS(fields),
                                                sizeof(struct tool), -1};

static const char *schema_of(const struct parameters *p, struct json_pool *pool)
{
    const char *required = p->required && *p->required == '[' ? p->required : "[]";
    const char *properties = *p->properties == '{' ? p->properties : "{}";
    return json_pool_printf(pool, "{\"type\":\"object\",\"properties\":%s,\"required\":%s}",
                            properties, required);
}

static const char *const *headers_of(const struct json_map *map, struct json_pool *pool)
{
    const char **list = json_pool_alloc(pool, (map->n + 1) * sizeof(*list));
    for (uint32_t i = 0; i < map->n; i++) {
        const char *value = map->at[i].value ? map->at[i].value : "";
        list[i] = json_pool_printf(pool, "%s: %s", map->at[i].name, value);
    }
    list[map->n] = NULL;
    return list;
}

const struct run_tool *codecloud_tools(const struct json_objects *in, struct json_pool *pool)
{
    const struct tool *all = in->at;
    struct run_tool *list = json_pool_alloc(pool, (in->n + 1) * sizeof(*list));
    for (uint32_t i = 0; i < in->n; i++)
        list[i] = (struct run_tool){
            .name = all[i].name,
            .description = all[i].description,
            .url = all[i].endpoint.url,
            .method = run_tool_methods[all[i].endpoint.method],
            .schema = schema_of(&all[i].parameters, pool),
            .headers = headers_of(&all[i].endpoint.headers, pool),
        };
    return list;
}
