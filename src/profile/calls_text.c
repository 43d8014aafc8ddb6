// SPDX-License-Identifier: Apache-2.0
// The keys of [SystemCalls]: SystemCallFilter= (groups and names, ~ takes away) and Allow= (one
// exception each, with its conditions and who needs it).
#include "profile_int.h"

#include <pinfold/own.h>
#include <string.h>

static int check_kind(const char *name, int nr, struct err *e)
{
    const char *why;
    if (profile_call_kind(nr, &why) == CALL_NEVER)
        return err_set(e, ERR_DENIED, "%s is allowed in no profile: %s", name, why);
    return 0;
}

static int put_call(struct profile *p, const char *name, bool take, struct err *e)
{
    int nr;
    if (!profile_call_find(name, &nr))
        return err_set(e, ERR_BAD_REQUEST, "'%.32s' is not a system call", name);
    if (nr < 0)
        return 0; // not on this processor
    if (take) {
        rows_remove(p, nr);
        return 0;
    }
    if (check_kind(name, nr, e))
        return -1;
    struct profile_call row = {.nr = nr};
    return rows_add(p, &row, e);
}

int calls_put_filter(struct profile *p, char *value, struct err *e)
{
    bool take = *value == '~';
    value += take;
    if (!*value)
        p->n_calls = 0; // as in systemd: an empty one forgets what came before
    char *save = NULL;
    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        const struct profile_group *g = *w == '@' ? groups_find(w) : NULL;
        if (*w == '@' && !g)
            return err_set(e, ERR_BAD_REQUEST, "'%.30s' is not a group", w);
        const char *rest = g ? g->calls : w;
        char name[CALL_NAME_MAX];
        if (strlen(w) >= sizeof(name))
            return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a system call", w);
        while (groups_next_word(&rest, name))
            if (put_call(p, name, take, e))
                return -1;
    }
    return 0;
}

// NAME [if CONDITIONS] # who needs it
int calls_put_allow(struct profile *p, char *value, struct err *e)
{
    char *reason = strchr(value, '#');
    if (!reason || !reason[1 + strspn(reason + 1, "# \t")])
        return err_set(e, ERR_BAD_REQUEST, "no comment (# ...) says who needs it");
    *reason++ = '\0';
    reason += strspn(reason, "# \t");
    size_t n = strcspn(value, " \t");
    char *rest = value + n + strspn(value + n, " \t");
    value[n] = '\0';

    struct profile_call row = {0};
    if (!profile_call_find(value, &row.nr))
        return err_set(e, ERR_BAD_REQUEST, "'%.32s' is not a system call", value);
    if (*rest) {
        if (strncmp(rest, "if ", 3))
            return err_set(e, ERR_BAD_REQUEST, "'%.20s' stands where 'if' must", rest);
        if (conds_parse(value, rest + 3, &row, e))
            return -1;
    }
    if (row.nr < 0)
        return 0; // not on this processor
    if (check_kind(value, row.nr, e))
        return -1;
    row.why = rows_reason(p, reason, e);
    return row.why ? rows_add(p, &row, e) : -1;
}

// The plain rows of one group (NULL: of none), ten names or so a line.
static int format_group(const struct profile *p, const struct profile_group *g, struct buf *out)
{
    size_t line = 0;
    for (unsigned i = 0; i < p->n_calls; i++) {
        const struct profile_call *c = &p->calls[i];
        if (c->n_conds || c->why || groups_of_call(c->nr) != g)
            continue;
        const char *name = profile_call_name(c->nr);
        if (!line && buf_printf(out, "# %s\n", g ? g->name : "of no group"))
            return -1;
        bool wrap = !line || line + strlen(name) > 90;
        if (buf_printf(out, "%s%s",
                       wrap ? (line ? "\nSystemCallFilter=" : "SystemCallFilter=") : " ", name))
            return -1;
        line = wrap ? strlen(name) : line + 1 + strlen(name);
    }
    return line ? buf_putc(out, '\n') : 0;
}

static int format_allow(const struct profile *p, const struct profile_call *c, struct buf *out)
{
    const char *name = profile_call_name(c->nr);
    if (buf_printf(out, "Allow=%s%s", name, c->n_conds ? " if " : "") || conds_format(name, c, out))
        return -1;
    return buf_printf(out, " # %s\n", profile_reason(p, c));
}

int calls_format(const struct profile *p, struct buf *out)
{
    for (unsigned i = 0; i < n_profile_groups; i++)
        if (format_group(p, &profile_groups[i], out))
            return -1;
    if (format_group(p, NULL, out))
        return -1;
    return calls_format_allow(p, out);
}

int calls_format_allow(const struct profile *p, struct buf *out)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if ((p->calls[i].n_conds || p->calls[i].why) && format_allow(p, &p->calls[i], out))
            return -1;
    return 0;
}
