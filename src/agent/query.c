// SPDX-License-Identifier: Apache-2.0
// The arguments of a call as the query of a URL, for methods that have no body.
#include "agent_int.h"

#include <string.h>

static void encode(struct buf *out, struct json_text t)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t i = 0; i < t.len; i++)
        if (t.p[i] && strchr(plain, t.p[i]))
            (void)buf_putc(out, t.p[i]);
        else
            (void)buf_printf(out, "%%%02X", (unsigned char)t.p[i]);
}

static struct json_text text_of(const struct json_node *n)
{
    static const struct json_text words[] = {
        [JSON_NULL] = {"", 0}, [JSON_TRUE] = {"true", 4}, [JSON_FALSE] = {"false", 5}};
    return n->kind == JSON_STR || n->kind == JSON_NUMBER ? n->text
           : n->kind == JSON_ARR || n->kind == JSON_OBJ  ? n->raw
                                                         : words[n->kind];
}

void agent_call_query(const struct agent_call *call, struct buf *out)
{
    struct json_pool pool;
    json_pool_init(&pool);
    const struct json_node *all =
        json_tree(call->arguments, call->arguments_len, AGENT_INPUT_MAX, &pool);
    char before = '\0';
    for (const struct json_node *n = all ? all->first : NULL; n; n = n->next) {
        if (before)
            (void)buf_putc(out, before);
        encode(out, n->name);
        (void)buf_putc(out, '=');
        encode(out, text_of(n));
        before = '&';
    }
    json_pool_release(&pool);
}
