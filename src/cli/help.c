// SPDX-License-Identifier: Apache-2.0
// Help from the table.
#include "commands_int.h"

#include <pinfold/own.h>
#include <string.h>

static void put_opt(const struct cli_opt *o, struct buf *out)
{
    char left[64];
    char letter[5] = "    ";
    if (o->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
                   o->arg ? o->arg : "");
    (void)buf_printf(out, "  %-26s %s\n", left, o->doc);
}

void help_command(const struct cli_cmd *cmd, struct buf *out)
{
    unsigned at = 0;
    bool any = cli_opt_at(cmd, &at);
    (void)buf_printf(out, "usage: pinfold %s%s%s%s\n\n%s\n", cmd->name, any ? " [OPTIONS]" : "",
                     *cmd->args ? " " : "", cmd->args, cmd->doc);
    at = 0;
    if (any)
        (void)buf_puts(out, "\noptions:\n");
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));)
        put_opt(o, out);
}

void help_all(struct buf *out)
{
    (void)buf_puts(out, "usage: pinfold COMMAND [OPTIONS] [WORDS]\n\n"
                        "pinfold runs commands in sandboxes.\n\ncommands:\n");
    for (unsigned i = 0; i < n_cli_commands; i++)
        (void)buf_printf(out, "  %-16s %s\n", cli_commands[i].name, cli_commands[i].doc);
    (void)buf_puts(out, "\npinfold COMMAND --help says more about one.\n");
}

int cmd_help(struct cli *c)
{
    own_buf struct buf out;
    struct err e;
    buf_init(&out, 1 << 20);
    const char *kind = cli_get(c, "generate");
    const struct cli_cmd *cmd =
        c->n_args ? cli_find(c->args[0], c->n_args > 1 ? c->args[1] : NULL) : NULL;
    if (kind) {
        if (generate(kind, &out, &e))
            return cli_fail(EXIT_FAILED, &e);
    } else if (cmd) {
        help_command(cmd, &out);
    } else if (c->n_args) {
        (void)err_set(&e, ERR_NOT_FOUND, "there is no command %.40s", c->args[0]);
        return cli_fail(EXIT_USAGE, &e);
    } else {
        help_all(&out);
    }
    return cli_print(&out);
}
