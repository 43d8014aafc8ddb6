// SPDX-License-Identifier: Apache-2.0
// pinfold runs approvals, allow, deny: what agents ask before they do it.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/own.h>

struct row {
    const char *id, *run_id, *tool, *input;
};
static const struct json_field row_fields[] = {
    JSON_FIELD(struct row, id, JSON_STRING),
    JSON_FIELD(struct row, run_id, JSON_STRING),
    JSON_FIELD(struct row, tool, JSON_STRING),
    JSON_FIELD(struct row, input, JSON_RAW, .max = 65536),
};
static const struct json_table row_table = {"Approval", row_fields, N_ELEMS(row_fields),
                                            sizeof(struct row), -1};

static void show_row(const void *item, struct buf *out)
{
    const struct row *r = item;
    (void)buf_printf(out, "%-25s %-25s %-12s %s\n", r->id ? r->id : "", r->run_id ? r->run_id : "",
                     r->tool ? r->tool : "", r->input ? r->input : "");
}

int cmd_runs_approvals(struct cli *c)
{
    own_free char *heading = xasprintf("%-25s %-25s %-12s %s\n", "ID", "RUN", "TOOL", "INPUT");
    own_free char *part = client_part(c->n_args ? c->args[0] : "");
    own_free char *path =
        xasprintf("/v1/approvals?status=pending%s%s", c->n_args ? "&run=" : "", part);
    const struct show_list l = {path, &row_table, heading, show_row};
    return show_list(c, &l);
}

static int answer(struct cli *c, const char *decision)
{
    struct err e;
    int code = 0;
    own_buf struct buf body, got;
    struct json_out o;
    buf_init(&body, ANSWER_MAX);
    buf_init(&got, ANSWER_MAX);
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    json_str(&o, "decision", decision);
    body_str(&o, c, "message", "message");
    json_end(&o);
    for (unsigned i = 0; i < c->n_args; i++) {
        own_free char *part = client_part(c->args[i]);
        own_free char *path = xasprintf("/v1/approvals/%s/answer", part);
        if (client_call(c->client, "POST", path, &body, &got, &e)) {
            (void)err_wrap(&e, "%s", c->args[i]);
            code = cli_fail(EXIT_FAILED, &e);
        }
    }
    return code;
}

int cmd_runs_allow(struct cli *c)
{
    return answer(c, "allow");
}

int cmd_runs_deny(struct cli *c)
{
    return answer(c, "deny");
}
