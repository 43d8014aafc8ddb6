// SPDX-License-Identifier: Apache-2.0
// Options as members of a request's JSON body.
#include "body_int.h"

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/json_tree.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/run.h>
#include <string.h>

#define BODY_FILE_MAX (4u << 20)

void body_str(struct json_out *o, const struct cli *c, const char *opt, const char *member)
{
    if (cli_get(c, opt))
        json_str(o, member, cli_get(c, opt));
}

void body_list(struct json_out *o, const struct cli *c, const char *opt, const char *member)
{
    unsigned at = 0;
    if (!cli_get(c, opt))
        return;
    json_begin_array(o, member);
    for (const char *v; (v = cli_each(c, opt, &at));)
        json_str(o, NULL, v);
    json_end_array(o);
}

static void put(struct json_out *o, const char *name, const struct json_node *n)
{
    switch (n->kind) {
    case JSON_STR:
        json_strn(o, name, n->text.p, n->text.len);
        return;
    case JSON_NUMBER:
        json_raw(o, name, n->text.p, n->text.len);
        return;
    case JSON_ARR:
    case JSON_OBJ:
        json_raw(o, name, n->raw.p, n->raw.len);
        return;
    case JSON_NULL:
        json_null(o, name);
        return;
    default:
        json_bool(o, name, n->kind == JSON_TRUE);
    }
}

int body_file(struct json_out *o, const struct cli *c, const char *opt, struct err *e)
{
    const char *path = cli_get(c, opt);
    own_buf struct buf text;
    own_json_pool struct json_pool pool;
    buf_init(&text, BODY_FILE_MAX);
    json_pool_init(&pool);
    if (!path)
        return 0;
    if (io_read_file(AT_FDCWD, path, &text, e))
        return -1;
    const struct json_node *all = json_tree(text.data, text.len, BODY_FILE_MAX / 8, &pool);
    if (!all || all->kind != JSON_OBJ)
        return err_set(e, ERR_BAD_REQUEST, "%s: holds no JSON object", path);
    for (const struct json_node *n = all->first; n; n = n->next) {
        own_free char *name = xmemdup0(n->name.p, n->name.len);
        put(o, name, n);
    }
    return 0;
}

void body_network(struct json_out *o, const struct cli *c)
{
    body_list(o, c, "secret", "secrets");
    body_str(o, c, "provider", "provider");
    if (!cli_get(c, "net") && !cli_get(c, "allow"))
        return;
    json_begin(o, "network");
    body_str(o, c, "net", "mode");
    body_list(o, c, "allow", "allow");
    json_end(o);
}

int body_env(struct json_out *o, const struct cli *c, struct err *e)
{
    unsigned at = 0;
    if (!cli_get(c, "env"))
        return 0;
    json_begin(o, "env");
    for (const char *v; (v = cli_each(c, "env", &at));) {
        size_t n = strcspn(v, "=");
        own_free char *name = xmemdup0(v, n);
        const char *value = v[n] ? v + n + 1 : getenv(name);
        if (!n)
            return err_set(e, ERR_BAD_REQUEST, "--env '%.40s' has no name", v);
        if (value)
            json_str(o, name, value);
    }
    json_end(o);
    return 0;
}

int body_limits(struct json_out *o, const struct cli *c, struct err *e)
{
    struct limits l = {0};
    uint64_t pids = 0;
    const char *cpu = cli_get(c, "cpu");
    if (cli_size(c, "memory", &l.memory_bytes, e) || cli_size(c, "disk", &l.disk_bytes, e) ||
        cli_number(c, "pids", UINT32_MAX, &pids, e) ||
        (cpu && num_parse_percent(cpu, &l.cpu_percent, e)))
        return -1;
    l.pids = (uint32_t)pids;
    if (limits_check(&l, e))
        return -1;
    bool open = false;
    for (unsigned i = 0; i < n_limit_rows; i++) {
        uint64_t v = limit_get(&l, &limit_rows[i]);
        if (!v)
            continue;
        if (!open)
            json_begin(o, "limits");
        open = true;
        json_u64(o, limit_rows[i].name, v);
    }
    if (open)
        json_end(o);
    return 0;
}
