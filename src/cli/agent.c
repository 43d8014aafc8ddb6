// SPDX-License-Identifier: Apache-2.0
// pinfold agent: what the server can run, and where the tools come from.
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/own.h>

struct row {
    const char *name, *program, *packages;
    bool steerable, served_tools;
};
static const struct json_field row_fields[] = {
    JSON_FIELD(struct row, name, JSON_STRING),
    JSON_FIELD(struct row, program, JSON_STRING),
    JSON_FIELD(struct row, packages, JSON_STRING, .max = 1024),
    JSON_FIELD(struct row, steerable, JSON_BOOL),
    JSON_FIELD(struct row, served_tools, JSON_BOOL),
};
static const struct json_table row_table = {"Agent", row_fields, N_ELEMS(row_fields),
                                            sizeof(struct row), -1};

static void show_row(const void *item, struct buf *out)
{
    const struct row *r = item;
    (void)buf_printf(out, "%-14s %-14s %-6s %-6s %s\n", r->name ? r->name : "",
                     r->program ? r->program : "-", r->steerable ? "yes" : "no",
                     r->served_tools ? "yes" : "no", r->packages ? r->packages : "-");
}

int cmd_agent_list(struct cli *c)
{
    own_free char *heading =
        xasprintf("%-14s %-14s %-6s %-6s %s\n", "AGENT", "PROGRAM", "STEER", "TOOLS", "PACKAGES");
    const struct show_list l = {"/v1/agents", &row_table, heading, show_row};
    return show_list(c, &l);
}

int cmd_agent_show(struct cli *c)
{
    struct err e;
    own_buf struct buf answer;
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("/v1/agents/%s", part);
    buf_init(&answer, ANSWER_MAX);
    if (client_call(c->client, "GET", path, NULL, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return show_answer(c, &answer);
}
