// SPDX-License-Identifier: Apache-2.0
// Options and words by a command's row.
#include "cli_int.h"

#include <pinfold/num.h>
#include <string.h>

const struct cli_opt cli_server_opts[] = {
    {"url", 0, "URL", WORDS_NONE, false,
     "the server; else $PINFOLD_URL, else http://127.0.0.1:7070"},
    {"token", 0, "TOKEN", WORDS_NONE, false,
     "the token; else $PINFOLD_TOKEN, else what root can read in the state directory"},
    {0},
};
const struct cli_opt cli_json_opts[] = {
    {"json", 0, NULL, WORDS_NONE, false, "print what the server said, or the findings, as JSON"},
    {0},
};

const struct cli_opt *cli_opt_at(const struct cli_cmd *cmd, unsigned *at)
{
    const struct cli_opt *lists[] = {
        cmd->opts,
        cmd->flags & CLI_JSON ? cli_json_opts : NULL,
        cmd->flags & (CLI_SERVER | CLI_EITHER) ? cli_server_opts : NULL,
    };
    unsigned skip = (*at)++;
    for (unsigned i = 0; i < 3; i++)
        for (const struct cli_opt *o = lists[i]; o && o->name; o++)
            if (!skip--)
                return o;
    return NULL;
}

const struct cli_cmd *cli_find(const char *first, const char *second)
{
    size_t n = strlen(first);
    for (unsigned i = 0; i < n_cli_commands; i++) {
        const char *name = cli_commands[i].name;
        if (strncmp(name, first, n))
            continue;
        if (!name[n] || (name[n] == ' ' && second && !strcmp(name + n + 1, second)))
            return &cli_commands[i];
    }
    return NULL;
}

static const struct cli_opt *find_opt(const struct cli_cmd *cmd, const char *name, size_t len)
{
    unsigned at = 0;
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));)
        if ((len == 1 && o->letter == *name) ||
            (strlen(o->name) == len && !strncmp(o->name, name, len)))
            return o;
    return NULL;
}

static int take(struct cli *c, const struct cli_opt *o, const char *value, struct err *e)
{
    if (!o->repeats && cli_get(c, o->name))
        return err_set(e, ERR_BAD_REQUEST, "--%s is given twice", o->name);
    if (c->n_given == CLI_OPTS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d options", CLI_OPTS_MAX);
    c->given[c->n_given++] = (struct cli_given){o, value};
    return 0;
}

// One option at argv[0], its value perhaps behind it; how many words it took, or -1.
static int parse_opt(struct cli *c, char **argv, struct err *e)
{
    const char *word = argv[0];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t len = is_long ? strcspn(name, "=") : 1;
    const struct cli_opt *o = find_opt(c->cmd, name, len);
    const char *behind = name[len] == '='        ? name + len + 1
                         : !is_long && name[len] ? name + len
                                                 : NULL;
    if (!o)
        return err_set(e, ERR_BAD_REQUEST, "%s has no option %.*s", c->cmd->name,
                       (int)(name - word + (int)len), word);
    if (!o->arg && behind)
        return err_set(e, ERR_BAD_REQUEST, "--%s takes no value", o->name);
    if (!o->arg || behind)
        return take(c, o, behind ? behind : "", e) ? -1 : 1;
    if (!argv[1])
        return err_set(e, ERR_BAD_REQUEST, "--%s needs a %s", o->name, o->arg);
    return take(c, o, argv[1], e) ? -1 : 2;
}

// Words are gathered at the front of argv, which they never overtake.
int cli_parse(struct cli *c, const struct cli_cmd *cmd, int argc, char **argv, struct err *e)
{
    *c = (struct cli){.cmd = cmd, .args = argv};
    int i = 0;
    while (i < argc) {
        bool words_done = cmd->flags & CLI_REST && c->n_args == cmd->max_args;
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (!strcmp(argv[i], "--help")) {
            c->help = true;
            return 0;
        }
        if (argv[i][0] == '-' && argv[i][1]) {
            int n = parse_opt(c, argv + i, e);
            if (n < 0)
                return -1;
            i += n;
        } else if (words_done) {
            break;
        } else {
            argv[c->n_args++] = argv[i++];
        }
    }
    if (cmd->flags & CLI_REST) {
        c->rest = argv + i;
        c->n_rest = (unsigned)(argc - i);
    } else {
        while (i < argc)
            argv[c->n_args++] = argv[i++];
    }
    c->json = cli_get(c, "json");
    if (c->n_args < cmd->min_args || c->n_args > cmd->max_args ||
        (cmd->flags & CLI_REST && !(cmd->flags & CLI_NO_REST) && !c->n_rest))
        return err_set(e, ERR_BAD_REQUEST, "usage: pinfold %s%s%s", cmd->name,
                       *cmd->args ? " " : "", cmd->args);
    return 0;
}

const char *cli_get(const struct cli *c, const char *opt)
{
    const char *value = NULL;
    for (unsigned i = 0; i < c->n_given; i++)
        if (!strcmp(c->given[i].opt->name, opt))
            value = c->given[i].value;
    return value;
}

const char *cli_each(const struct cli *c, const char *opt, unsigned *at)
{
    while (*at < c->n_given) {
        const struct cli_given *g = &c->given[(*at)++];
        if (!strcmp(g->opt->name, opt))
            return g->value;
    }
    return NULL;
}

static int in_option(int r, const char *opt, struct err *e)
{
    return r ? err_wrap(e, "--%s", opt) : 0;
}

int cli_size(const struct cli *c, const char *opt, uint64_t *ret, struct err *e)
{
    const char *v = cli_get(c, opt);
    return v ? in_option(num_parse_size(v, ret, e), opt, e) : 0;
}

int cli_duration(const struct cli *c, const char *opt, uint64_t *ret_ms, struct err *e)
{
    const char *v = cli_get(c, opt);
    return v ? in_option(num_parse_duration_ms(v, ret_ms, e), opt, e) : 0;
}

int cli_number(const struct cli *c, const char *opt, uint64_t max, uint64_t *ret, struct err *e)
{
    const char *v = cli_get(c, opt);
    return v ? in_option(num_parse_u64(v, 0, max, ret, e), opt, e) : 0;
}
